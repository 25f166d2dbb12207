"""What persons do with a task: decide, send back, ask, answer, delegate, reassign, comment."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.errors import ConflictError, ForbiddenError, Problem, ValidationError
from kernel.files import UploadedFile
from kernel.parsing import format_instant
from kernel.storing import WriteRefusedError
from workflow.application.approvals.context import TRIES, ApprovalScope, advance, store_step
from workflow.domain.approvals import events as ev
from workflow.domain.approvals.approval import Approval, Task, approval_of_task
from workflow.domain.approvals.chain import Person, Signature, Stage
from workflow.domain.approvals.duties import may_decide
from workflow.domain.approvals.people import Colleague
from workflow.domain.approvals.reducer import Step, TaskClosedError, reduce
from workflow.domain.approvals.signing import (
    CheckedSignature,
    Identity,
    check_signer,
    check_time,
    signature_problem,
    trusted_on,
)
from workflow.domain.approvals.statement import decision_statement


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides; ``proved``: the person has just proved who he is.

    Shapes: ``signature`` is a detached CMS signature over the statement of the decision, empty
    where none was handed in.
    """

    approve: bool
    reason: str = ""
    proved: bool = False
    signature: bytes = field(default=b"", repr=False)

    @property
    def outcome(self) -> str:
        """The word of the statement."""
        return "approve" if self.approve else "reject"


class DecideTask:
    """Record a decision; the table holds it before anything is woken.

    Raises: ConflictError("task_closed") with what was decided before; ForbiddenError for somebody
    who is not asked or has another duty; ValidationError for a missing reason, and with a code of
    ``signing.PROBLEMS`` for a signature that is missing or does not hold;
    ForbiddenError("proof_required") where the stage asks for it.
    """

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, task_id: str, by: Person, decision: Decision) -> Approval:
        scope = self._scope
        identity = approval_of_task(task_id)
        for _ in range(TRIES):
            before = scope.store.approval(identity)
            task = before.task_by_id(task_id)
            if _recorded(task, by, decision):
                return before
            if not task.open:
                raise closed_before(task)
            stage = before.stage_of(task)
            if stage.reauthenticate and not decision.proved:
                raise ForbiddenError("proof_required", "Enter your password again to do this.")
            event = ev.Decide(
                task_id, by, decision.approve, decision.reason, scope.store.delegations()
            )
            step = reduce(before, event, scope.now, scope.hours)
            unit = scope.store.unit()
            if _refusal(step) is None:
                signed, kept = self._signed(before, task, stage, by, decision)
                if signed:
                    event = replace(event, signature=signed)
                    step = reduce(before, event, scope.now, scope.hours)
                if kept:
                    unit.keep_signature(task.id, len(task.votes), kept)
            store_step(scope, unit, before, step)
            if by.name:
                unit.know(Colleague(by.id, by.name, by.roles))
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            refused = _refusal(step)
            if refused is not None:
                raise refused.error
            return scope.store.approval(identity)
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")

    def _signed(
        self, approval: Approval, task: Task, stage: Stage, by: Person, decision: Decision
    ) -> tuple[Mapping[str, Any], bytes]:
        """What is known of the signature: the person's, where one was handed in or is needed, or
        the hub's own, where the stage asks for evidence; and a person's signature in DER.
        """
        statement = decision_statement(approval, task, by.id, decision.outcome)
        if decision.signature:
            checked = checked_signature(self._scope, approval, task, by.id, statement, decision)
            said = {"level": "qualified", "statement": statement.decode(), **spoken(checked)}
            return {**said, "checked_at": format_instant(self._scope.now)}, checked.signature.der
        if stage.signature is Signature.QUALIFIED and decision.approve:
            raise signature_problem("signature_required")
        if stage.signature is Signature.NONE:
            return {}, b""
        sealed = self._scope.seal.sign(statement)
        return {"level": "evidence", "statement": statement.decode(), **sealed}, b""


class StateDecision:
    """What a person signs to decide like this now; it holds until somebody else decides.

    Raises: ConflictError("task_closed"); ForbiddenError for somebody who may not decide;
    ValidationError for another outcome.
    """

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, approval: Approval, task_id: str, by: Person, outcome: str) -> UploadedFile:
        scope = self._scope
        if outcome not in ("approve", "reject"):
            problem = Problem("/outcome", "choice", "approve or reject.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        task = approval.task_by_id(task_id)
        if not task.open:
            raise closed_before(task)
        may_decide(approval, task, by, scope.store.delegations(), scope.now)
        content = decision_statement(approval, task, by.id, outcome)
        return UploadedFile(content, "application/json", f"decision-{task.id}-{outcome}.json")


class ReadSignature:
    """What a signature says, before it decides anything. Raises: see ``DecideTask``."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def __call__(self, task_id: str, by: Person, signature: bytes) -> Mapping[str, Any]:
        scope = self._scope
        approval = scope.store.approval(approval_of_task(task_id))
        statement = StateDecision(scope)(approval, task_id, by, "approve")
        decision = Decision(approve=True, signature=signature)
        task = approval.task_by_id(task_id)
        return spoken(checked_signature(scope, approval, task, by.id, statement.content, decision))


def _refusal(step: Step) -> ev.Refuse | None:
    return next((each for each in step.effects if isinstance(each, ev.Refuse)), None)


@dataclass(frozen=True, slots=True)
class OwnSignature:
    """A signature that holds, and by what in the certificate it is the approver's."""

    signature: CheckedSignature
    identity: Identity


def checked_signature(
    scope: ApprovalScope,
    approval: Approval,
    task: Task,
    person: str,
    statement: bytes,
    decision: Decision,
) -> OwnSignature:
    """A person's signature, once it holds. Raises: see ``DecideTask``."""
    now, records = scope.now, scope.store.trust()
    today = scope.rules.today
    checked = scope.signatures().verify(
        decision.signature, statement, trusted_on(records, today), now
    )
    check_time(checked, task.opened_at, now)
    identity = check_signer(checked, person, records, today, scope.identity_digest)
    if approval.chain.revocation_required and not checked.revoked_checked:
        raise signature_problem("revocation_unchecked")
    return OwnSignature(checked, identity)


def spoken(own: OwnSignature) -> Mapping[str, Any]:
    """What is kept of a signature beside itself, and shown; the holder only as a mask."""
    checked = own.signature
    return {
        "profile": checked.profile,
        "algorithm": checked.algorithm,
        "certificate": checked.certificate,
        "serial": checked.serial,
        "issuer": checked.issuer,
        "anchor": checked.anchor,
        "signer": own.identity.masked,
        "signed_at": format_instant(checked.signed_at) if checked.signed_at else None,
        "revocation": "good" if checked.revoked_checked else "not_checked",
        "lists_as_of": format_instant(checked.lists_as_of) if checked.lists_as_of else None,
        "sha256": hashlib.sha256(checked.der).hexdigest(),
    }


def _recorded(task: Task, by: Person, decision: Decision) -> bool:
    """Whether this very decision stands already: an answer that was lost is given again."""
    return any(vote.by == by.id and vote.outcome == decision.outcome for vote in task.votes)


def closed_before(task: Task) -> ConflictError:
    """Too late: what was decided, by whom."""
    said = task.outcome.value if task.outcome is not None else ""
    problems = [Problem("/outcome", said, f"Recorded: {said}.")]
    for vote in task.votes:
        problems.append(Problem("/decided_by", vote.outcome, vote.by))
    return ConflictError("task_closed", "This was decided already.", problems=problems)


class ActOnTask:
    """Everything else that may be done with a task. Raises: what the reducer refuses."""

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def send_back(self, task_id: str, by: Person, stage: int, reason: str) -> Approval:
        """To an earlier stage (from 0), or to the requester (-1)."""
        substitutes = self._scope.store.delegations()
        return self._do(task_id, ev.ReturnTo(task_id, by, stage, reason, substitutes))

    def ask(self, task_id: str, by: Person, question: str) -> Approval:
        """Ask the requester something; the clock may stand still until the answer."""
        substitutes = self._scope.store.delegations()
        return self._do(task_id, ev.RequestInfo(task_id, by, question, substitutes))

    def answer(self, task_id: str, by: Person, answer: str) -> Approval:
        """Answer the open question."""
        return self._do(task_id, ev.AnswerInfo(task_id, by, answer))

    def delegate(self, task_id: str, by: Person, to: str) -> Approval:
        """Give one task to somebody else."""
        substitutes = self._scope.store.delegations()
        return self._do(task_id, ev.Delegate(task_id, by, to, substitutes))

    def reassign(self, task_id: str, by: Person, candidates: tuple[str, ...]) -> Approval:
        """Name other candidates."""
        return self._do(task_id, ev.Reassign(task_id, by, candidates))

    def comment(self, approval_id: str, by: Person, text: str) -> Approval:
        """Say something; it decides nothing."""
        return advance(self._scope, approval_id, ev.Comment(by, text))

    def _do(self, task_id: str, event: ev.Event) -> Approval:
        try:
            return advance(self._scope, approval_of_task(task_id), event)
        except TaskClosedError as error:
            raise closed_before(error.task) from error
