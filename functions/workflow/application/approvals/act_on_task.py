"""What persons do with a task: decide, send back, ask, answer, delegate, reassign, comment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import ConflictError, ForbiddenError, Problem
from kernel.storing import WriteRefusedError
from workflow.application.approvals.context import TRIES, ApprovalScope, advance, store_step
from workflow.domain.approvals import events as ev
from workflow.domain.approvals.approval import Approval, Task, approval_of_task
from workflow.domain.approvals.chain import Person, Signature, Stage
from workflow.domain.approvals.people import Colleague
from workflow.domain.approvals.reducer import TaskClosedError, reduce
from workflow.domain.approvals.statement import decision_statement


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides; ``proved``: the person has just proved who he is."""

    approve: bool
    reason: str = ""
    proved: bool = False


class DecideTask:
    """Record a decision; the table holds it before anything is woken.

    Raises: ConflictError("task_closed") with what was decided before; ForbiddenError for somebody
    who is not asked or has another duty; ValidationError for a missing reason;
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
                task_id,
                by,
                decision.approve,
                decision.reason,
                scope.store.delegations(),
                self._signed(before, task, stage, by, decision),
            )
            step = reduce(before, event, scope.now, scope.hours)
            unit = scope.store.unit()
            store_step(scope, unit, before, step)
            if by.name:
                unit.know(Colleague(by.id, by.name, by.roles))
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            for effect in step.effects:
                if isinstance(effect, ev.Refuse):
                    raise effect.error
            return scope.store.approval(identity)
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")

    def _signed(
        self, approval: Approval, task: Task, stage: Stage, by: Person, decision: Decision
    ) -> Mapping[str, Any]:
        """The hub's own signature over the statement, where the stage asks for evidence."""
        if stage.signature is Signature.NONE:
            return {}
        outcome = "approve" if decision.approve else "reject"
        statement = decision_statement(approval, task, by.id, outcome)
        sealed = self._scope.seal.sign(statement)
        return {"level": "evidence", "statement": statement.decode(), **sealed}


def _recorded(task: Task, by: Person, decision: Decision) -> bool:
    """Whether this very decision stands already: an answer that was lost is given again."""
    wanted = "approve" if decision.approve else "reject"
    return any(vote.by == by.id and vote.outcome == wanted for vote in task.votes)


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
