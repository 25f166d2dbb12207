"""What the use cases of approvals are built from, and how a step of the reducer is stored."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kernel.clock import local_date
from kernel.errors import ConflictError
from kernel.money import Money
from kernel.storing import WriteRefusedError
from workflow.application.context import ZONE, Scope
from workflow.domain.approvals import events as ev
from workflow.domain.approvals.approval import Approval, Task
from workflow.domain.approvals.chain import USER, WorkingTime, distinct
from workflow.domain.approvals.reducer import Step, reduce
from workflow.domain.approvals.waiting import SOON
from workflow.ports import ApprovalsStore, ApprovalsUnit, Machine, Seal, Signatures

TRIES: Final = 5
APPROVAL_OPENED: Final = "workflow.ApprovalOpened.v1"
APPROVAL_DECIDED: Final = "workflow.ApprovalDecided.v1"
TASK_RAISED: Final = "workflow.AttentionRaised.v1"
TASK_CLEARED: Final = "workflow.AttentionCleared.v1"


@dataclass(frozen=True, slots=True)
class ApprovalScope:
    """The world of one use case, for one tenant and one caller."""

    rules: Scope
    store: ApprovalsStore
    hours: WorkingTime
    machine: Machine
    seal: Seal
    signatures: Callable[[], Signatures]
    """Made at the first signature: what checks them takes long to load."""
    identity_digest: Callable[[str, str], str]
    """Keyed hash of (kind, value) of a certificate's holder."""

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.rules.clock.now()


def subject_of(approval: Approval) -> str:
    """Name of an approval in events and timelines."""
    return f"approval:{approval.id}"


def store_step(
    scope: ApprovalScope, unit: ApprovalsUnit, before: Approval | None, step: Step
) -> None:
    """Write a step with everything that follows from it into one transaction."""
    after, note = step.state, step.note
    if before is None:
        unit.add_approval(after, note.action, note.detail)
    else:
        unit.save_approval(before, after, note.action, note.detail)
    for effect in step.effects:
        _follow(scope, unit, after, effect)


def advance(scope: ApprovalScope, approval_id: str, event: ev.Event) -> Approval:
    """Apply an event to an approval as it is now; whoever is overtaken looks again.

    Raises: what the reducer refuses; ConflictError("too_much_contention").
    """
    for _ in range(TRIES):
        before = scope.store.approval(approval_id)
        step = reduce(before, event, scope.now, scope.hours)
        if not step.changed:
            return before
        unit = scope.store.unit()
        store_step(scope, unit, before, step)
        try:
            unit.commit()
        except WriteRefusedError:
            continue
        refused = next((each for each in step.effects if isinstance(each, ev.Refuse)), None)
        if refused is not None:
            raise refused.error
        return scope.store.approval(approval_id)
    raise ConflictError("too_much_contention", "Others changed the same data; try again.")


def _follow(scope: ApprovalScope, unit: ApprovalsUnit, approval: Approval, one: ev.Effect) -> None:
    match one:
        case ev.OpenTask(task_id):
            task = approval.task_by_id(task_id)
            unit.open_wait(task_id, scope.now + SOON)
            unit.drive(approval.id, task_id)
            unit.publish(
                APPROVAL_OPENED,
                subject_of(approval),
                {
                    "approval_id": approval.id,
                    "request_id": approval.request_id,
                    "origin": approval.origin,
                    "kind": approval.kind,
                    "subject": approval.subject,
                    "stage": approval.stage_of(task).level,
                    "round": task.round,
                    "content_hash": approval.content_hash,
                },
            )
            told = ev.Remind(task_id, ev.Why.OPENED)
            _attention(scope, unit, approval, told, "approval_waiting", "medium")
        case ev.CloseTask(task_id):
            unit.close_wait(task_id, scope.now + SOON)
            unit.drive(approval.id, task_id)
            unit.publish(
                TASK_CLEARED,
                subject_of(approval),
                {"key": f"approval:{task_id}", "subject": subject_of(approval)},
            )
        case ev.Remind(task_id, why):
            task = approval.task_by_id(task_id)
            asked = any(not question.answer for question in task.questions)
            code = "approval_question" if asked else "approval_waiting"
            urgent = why is ev.Why.ESCALATED or task.escalated_at is not None
            severity = "high" if urgent else "medium"
            raised = "approval_escalated" if urgent else code
            _attention(scope, unit, approval, one, raised, severity)
        case ev.Finish():
            unit.publish(
                APPROVAL_DECIDED,
                subject_of(approval),
                {
                    "approval_id": approval.id,
                    "request_id": approval.request_id,
                    "origin": approval.origin,
                    "kind": approval.kind,
                    "subject": approval.subject,
                    "outcome": one.outcome,
                    "stage": one.stage,
                    "reason": without_identities(one.reason),
                    "reason_code": one.reason_code,
                    "round": approval.round,
                    "content_hash": approval.content_hash,
                    "decided_by": one.by,
                    "on_behalf_of": one.on_behalf_of,
                    "decided_at": scope.now.isoformat(),
                },
            )
        case ev.Refuse():
            pass


def _attention(
    scope: ApprovalScope,
    unit: ApprovalsUnit,
    approval: Approval,
    told: ev.Remind,
    code: str,
    severity: str,
) -> None:
    task = approval.task_by_id(told.task_id)
    amount = amount_of(approval.content)
    money = {} if amount is None else {"money_minor": amount.minor, "currency": amount.currency}
    unit.publish(
        TASK_RAISED,
        subject_of(approval),
        {
            "key": f"approval:{task.id}",
            "subject": subject_of(approval),
            "code": code,
            "severity": severity,
            "due_on": local_date(task.due_at, ZONE).isoformat(),
            "candidates": list(task.candidates),
            "kind": approval.kind,
            "mail": {"why": told.why.value, **_readers(scope, approval, task, told)},
            **money,
        },
    )


def _readers(
    scope: ApprovalScope, approval: Approval, task: Task, told: ev.Remind
) -> dict[str, list[str]]:
    """Who gets a mail, and who does not although a role of theirs is asked.

    Who stands in for somebody who is asked by name gets it too; who asked, or has decided in this
    chain, has nothing to decide here.
    """
    wanted = list(told.to or task.candidates)
    if any(name.startswith(USER) for name in wanted):
        wanted += [
            each.substitute
            for each in scope.store.delegations()
            if each.person in wanted and each.counts(scope.now, approval.kind)
        ]
    if told.why in (ev.Why.QUESTION, ev.Why.ANSWER):
        return {"to": wanted, "not_to": []}
    decided = {vote.by for vote in task.votes}
    decided |= {name for names in approval.standing.values() for name in names}
    return {
        "to": list(distinct(wanted)),
        "not_to": sorted({approval.requested_by, *decided}),
    }


def amount_of(content: Mapping[str, Any]) -> Money | None:
    """The money an approval is about, if it is about money."""
    said = content.get("amount")
    return Money.from_api(said) if said else None


_IDENTITY: Final = re.compile(r"\b(?:\d[ -]?){10}\d\b|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")


def without_identities(text: str) -> str:
    """Words of a person without what could be an identity number or an account.

    Events and outbox rows are kept for ever and hold neither.
    """
    return _IDENTITY.sub("•••", text)
