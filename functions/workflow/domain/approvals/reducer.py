"""The chain logic: (approval, event, now) to (approval, effects), without any world around it.

APPROVED leads to the next stage or to the end; REJECTED to the stage before, where the flow starts
again in a new round (R17; the first stage leads to the requester); nobody deciding leads to other
candidates, then to the end. Approvals of earlier rounds stay in the tasks and count no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from kernel.approval import content_hash
from kernel.errors import ConflictError, ForbiddenError, Problem, ValidationError
from workflow.domain.approvals import events as ev
from workflow.domain.approvals.approval import (
    MAX_ROUNDS,
    Approval,
    ApprovalStatus,
    Question,
    Remark,
    Task,
    TaskOutcome,
    Vote,
    task_id,
)
from workflow.domain.approvals.chain import (
    USER,
    OnExpiry,
    RejectPolicy,
    Signature,
    WorkingTime,
    distinct,
)
from workflow.domain.approvals.duties import DutyError, may_decide, standing_of

SYSTEM: Final = "system:approvals"
TOO_MANY_ROUNDS: Final = "too_many_rounds"
REJECTED: Final = "rejected_by_approver"
NOBODY_DECIDED: Final = "nobody_decided"


@dataclass(frozen=True, slots=True)
class Step:
    """What an event made of an approval: the new state, what follows, what history says."""

    state: Approval
    effects: tuple[ev.Effect, ...]
    note: ev.Note

    @property
    def changed(self) -> bool:
        """Whether there is anything to store."""
        return bool(self.note.action)


def submitted(approval: Approval, now: datetime, hours: WorkingTime) -> Step:
    """The first step of a new approval: its first task, or the end when nobody need be asked."""
    if not approval.chain.stages:
        done = replace(approval, status=ApprovalStatus.NOT_REQUIRED, closed_at=now)
        return Step(done, (ev.Finish("not_required"),), ev.Note("approval.not_required"))
    state, effects = _open(approval, 0, now, hours)
    return Step(state, effects, ev.Note("approval.submitted", {"stages": _levels(approval)}))


def reduce(approval: Approval, event: ev.Event, now: datetime, hours: WorkingTime) -> Step:
    """One event.

    Raises: ConflictError for an event that came too late; ForbiddenError for somebody who is not
    asked; ValidationError for words that are missing. A refusal for separation of duties is stored
    first (as a note and an escalation) and told by the effect ``Refuse``.
    """
    handle: Callable[[Approval, Any, datetime, WorkingTime], Step] = _HANDLERS[type(event)]
    return handle(approval, event, now, hours)


# ---------------------------------------------------------------------------- decisions


def _decide(approval: Approval, event: ev.Decide, now: datetime, hours: WorkingTime) -> Step:
    task = _current(approval, event.task_id)
    if not event.approve:
        _worded(event.reason, "/reason")
    try:
        standing = may_decide(approval, task, event.by, event.delegations, now)
    except DutyError as error:
        return _violated(approval, task, error, now)
    vote = Vote(
        by=event.by.id,
        at=now,
        outcome="approve" if event.approve else "reject",
        as_candidate=standing.candidate,
        content_hash=approval.content_hash,
        on_behalf_of=standing.on_behalf_of,
        reason=event.reason,
        roles=event.by.roles,
        name=event.by.name,
        signature=event.signature,
    )
    voted = replace(task, votes=(*task.votes, vote))
    stage = approval.stage_of(task)
    detail = {"task": task.id, "level": stage.level, "round": task.round}
    if standing.on_behalf_of:
        detail["on_behalf_of"] = standing.on_behalf_of
    if not event.approve:
        step = _back(_with(approval, voted), voted, TaskOutcome.REJECTED, vote, now, hours)
        return replace(step, note=ev.Note("approval.rejected", detail))
    given = [each for each in voted.votes if each.outcome == "approve"]
    if len(given) < stage.wanted:
        detail["missing"] = stage.wanted - len(given)
        return Step(_with(approval, voted), (), ev.Note("approval.agreed", detail))
    closed = replace(voted, closed_at=now, outcome=TaskOutcome.APPROVED)
    counted = {**approval.standing, task.stage: tuple(each.by for each in given)}
    state = replace(_with(approval, closed), standing=counted)
    state, effects = _forward(state, closed, vote, now, hours)
    return Step(state, effects, ev.Note("approval.approved", detail))


def _forward(
    approval: Approval, done: Task, vote: Vote | None, now: datetime, hours: WorkingTime
) -> tuple[Approval, tuple[ev.Effect, ...]]:
    """The stage after, or the end of the chain."""
    closing: tuple[ev.Effect, ...] = (ev.CloseTask(done.id),)
    following = done.stage + 1
    if following < len(approval.chain.stages):
        state, effects = _open(approval, following, now, hours)
        return state, closing + effects
    state = replace(approval, status=ApprovalStatus.APPROVED, closed_at=now)
    level = approval.stage_of(done).level
    finish = ev.Finish(
        "approved",
        level,
        vote.reason if vote else "",
        "" if vote else NOBODY_DECIDED,
        vote.by if vote else SYSTEM,
        vote.on_behalf_of if vote else "",
    )
    return state, (*closing, finish)


def _back(
    approval: Approval,
    task: Task,
    outcome: TaskOutcome,
    vote: Vote,
    now: datetime,
    hours: WorkingTime,
    to: int | None = None,
) -> Step:
    """Close a task and start again: one stage before, where told, or at the requester."""
    closed = replace(task, closed_at=now, outcome=outcome)
    state = _with(approval, closed)
    level = approval.stage_of(task).level
    closing: tuple[ev.Effect, ...] = (ev.CloseTask(task.id),)
    policy = approval.chain.on_reject
    # (outcome, stage, reason) without the place is what the asker hears.
    said = (level, vote.reason, REJECTED, vote.by, vote.on_behalf_of)
    if to is None and policy is RejectPolicy.TERMINATE:
        ended = replace(state, status=ApprovalStatus.REJECTED, closed_at=now, standing={})
        return Step(ended, (*closing, ev.Finish("rejected", *said)), ev.Note(""))
    if approval.round >= MAX_ROUNDS:
        ended = replace(state, status=ApprovalStatus.REJECTED, closed_at=now, standing={})
        over = (level, vote.reason, TOO_MANY_ROUNDS, vote.by, vote.on_behalf_of)
        return Step(ended, (*closing, ev.Finish("rejected", *over)), ev.Note(""))
    place = task.stage - 1 if to is None else to
    if to is None and policy is RejectPolicy.REQUESTER:
        place = -1
    kept = {stage: names for stage, names in approval.standing.items() if stage < place}
    state = replace(state, round=approval.round + 1, standing=kept)
    if place < 0:
        returned = replace(state, status=ApprovalStatus.RETURNED)
        return Step(returned, (*closing, ev.Finish("returned", *said)), ev.Note(""))
    state, effects = _open(state, place, now, hours, collapse=False)
    return Step(state, closing + effects, ev.Note(""))


def _return(approval: Approval, event: ev.ReturnTo, now: datetime, hours: WorkingTime) -> Step:
    task = _current(approval, event.task_id)
    _worded(event.reason, "/reason")
    if not -1 <= event.stage < task.stage:
        problem = Problem("/stage", "not_earlier", "Work goes back to an earlier stage only.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    try:
        standing = may_decide(approval, task, event.by, event.delegations, now)
    except DutyError as error:
        return _violated(approval, task, error, now)
    vote = Vote(
        event.by.id, now, "reject", standing.candidate, approval.content_hash,
        standing.on_behalf_of, event.reason, event.by.roles, event.by.name,
    )  # fmt: skip
    voted = replace(task, votes=(*task.votes, vote))
    step = _back(
        _with(approval, voted), voted, TaskOutcome.RETURNED, vote, now, hours, to=event.stage
    )
    detail = {"task": task.id, "to": event.stage, "round": task.round}
    return replace(step, note=ev.Note("approval.sent_back", detail))


def _violated(approval: Approval, task: Task, error: DutyError, now: datetime) -> Step:
    """Note the violation and ask those of the escalation, so that the work does not get stuck."""
    stage = approval.stage_of(task)
    state, effects = approval, (ev.Refuse(error),)
    if stage.escalate_to and task.escalated_at is None:
        raised = replace(
            task, escalated_at=now, candidates=distinct((*task.candidates, *stage.escalate_to))
        )
        state = _with(approval, raised)
        return Step(
            state,
            (ev.Remind(task.id, ev.Why.ESCALATED, stage.escalate_to), *effects),
            ev.Note("approval.duty_violation", {"task": task.id, "code": error.code}),
        )
    return Step(
        state, effects, ev.Note("approval.duty_violation", {"task": task.id, "code": error.code})
    )


# ---------------------------------------------------------------------------- candidates


def _delegate(approval: Approval, event: ev.Delegate, now: datetime, _: WorkingTime) -> Step:
    task = _current(approval, event.task_id)
    standing = standing_of(approval, task, event.by, event.delegations, now)
    if standing is None:
        raise ForbiddenError("not_a_candidate", "You are not asked to decide this.")
    if not event.to.startswith(USER) or event.to == event.by.id:
        problem = Problem("/to", "self", "Name another person.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    if event.to == approval.requested_by:
        raise DutyError("duty_requester", "Who asks for an approval does not give it.")
    own = {event.by.id}
    kept = tuple(name for name in task.candidates if name not in own)
    absent = standing.on_behalf_of or event.by.id
    changed = replace(
        task,
        candidates=distinct((*kept, event.to)),
        for_whom={**task.for_whom, event.to: absent},
    )
    note = ev.Note("approval.delegated", {"task": task.id, "to": event.to, "for": absent})
    told = ev.Remind(task.id, ev.Why.GIVEN, (event.to,))
    return Step(_with(approval, changed), (told,), note)


def _reassign(approval: Approval, event: ev.Reassign, _: datetime, __: WorkingTime) -> Step:
    task = _current(approval, event.task_id)
    if not event.candidates:
        problem = Problem("/candidates", "required", "Somebody must be asked.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    changed = replace(task, candidates=distinct(event.candidates), for_whom={})
    detail = {"task": task.id, "to": list(changed.candidates)}
    note = ev.Note("approval.reassigned", detail)
    told = ev.Remind(task.id, ev.Why.GIVEN)
    return Step(_with(approval, changed), (told,), note)


# ---------------------------------------------------------------------------- words


def _ask(approval: Approval, event: ev.RequestInfo, now: datetime, _: WorkingTime) -> Step:
    task = _current(approval, event.task_id)
    _worded(event.question, "/question")
    if standing_of(approval, task, event.by, event.delegations, now) is None:
        raise ForbiddenError("not_a_candidate", "You are not asked to decide this.")
    if any(not question.answer for question in task.questions):
        raise ConflictError("question_open", "A question is waiting for its answer already.")
    stops = approval.chain.info_stops_clock
    changed = replace(
        task,
        questions=(*task.questions, Question(event.by.id, now, event.question)),
        paused_since=now if stops else None,
    )
    note = ev.Note("approval.info_requested", {"task": task.id, "clock_stopped": stops})
    told = ev.Remind(task.id, ev.Why.QUESTION, (approval.requested_by,))
    return Step(_with(approval, changed), (told,), note)


def _answer(approval: Approval, event: ev.AnswerInfo, now: datetime, _: WorkingTime) -> Step:
    task = _current(approval, event.task_id)
    _worded(event.answer, "/answer")
    if not task.questions or task.questions[-1].answer:
        raise ConflictError("no_question", "Nothing is asked.")
    last = replace(
        task.questions[-1], answer=event.answer, answered_by=event.by.id, answered_at=now
    )
    changed = replace(task, questions=(*task.questions[:-1], last))
    if task.paused_since is not None:
        still = now - task.paused_since
        changed = replace(
            changed,
            paused_since=None,
            paused=task.paused + still,
            due_at=task.due_at + still,
            expires_at=task.expires_at + still,
            reminders=tuple(each + still for each in task.reminders),
        )
    note = ev.Note("approval.info_given", {"task": task.id})
    told = ev.Remind(task.id, ev.Why.ANSWER, (task.questions[-1].by,))
    return Step(_with(approval, changed), (told,), note)


def _comment(approval: Approval, event: ev.Comment, now: datetime, _: WorkingTime) -> Step:
    _worded(event.text, "/text")
    remark = Remark(event.by.id, now, event.text, event.by.name)
    state = replace(approval, remarks=(*approval.remarks, remark))
    return Step(state, (), ev.Note("approval.commented", {"number": len(state.remarks)}))


# ---------------------------------------------------------------------------- the requester


def _withdraw(approval: Approval, event: ev.Withdraw, now: datetime, _: WorkingTime) -> Step:
    if approval.status.final:
        raise _over()
    if event.by.id != approval.requested_by and not event.by.id.startswith("system:"):
        raise ForbiddenError("not_the_requester", "Only who asked takes it back.")
    state, effects = _stop(approval, TaskOutcome.WITHDRAWN, now)
    state = replace(state, status=ApprovalStatus.WITHDRAWN, closed_at=now, standing={})
    finish = ev.Finish("withdrawn", "", event.reason, "", event.by.id)
    return Step(state, (*effects, finish), ev.Note("approval.withdrawn", {}))


def _ask_again(approval: Approval, event: ev.AskAgain, now: datetime, hours: WorkingTime) -> Step:
    if approval.status.final:
        raise _over()
    asked = content_hash(event.content)
    pending = approval.status is ApprovalStatus.PENDING
    if pending and asked == approval.content_hash:
        return Step(approval, (), ev.Note(""))
    state, effects = _stop(approval, TaskOutcome.SUPERSEDED, now)
    # A returned approval has its new round already; changed content voids what was given (A8).
    new_round = approval.round + 1 if pending else approval.round
    changed = event.chain != approval.chain
    state = replace(
        state,
        status=ApprovalStatus.PENDING,
        round=new_round,
        earlier=(*approval.earlier, (new_round - 1, approval.chain))
        if changed
        else approval.earlier,
        content=event.content,
        content_hash=asked,
        facts=event.facts,
        chain=event.chain,
        duties=event.duties,
        standing={},
    )
    detail = {"round": state.round, "changed": asked != approval.content_hash}
    note = ev.Note("approval.asked_again", detail)
    if state.round > MAX_ROUNDS:
        ended = replace(state, status=ApprovalStatus.REJECTED, closed_at=now)
        over = ev.Finish("rejected", "", "", TOO_MANY_ROUNDS, SYSTEM)
        return Step(ended, (*effects, over), note)
    if not event.chain.stages:
        done = replace(state, status=ApprovalStatus.NOT_REQUIRED, closed_at=now)
        return Step(done, (*effects, ev.Finish("not_required")), note)
    state, opening = _open(state, 0, now, hours)
    return Step(state, effects + opening, note)


# ---------------------------------------------------------------------------- time


def _tick(approval: Approval, _: ev.Tick, now: datetime, hours: WorkingTime) -> Step:
    task = approval.task
    nothing = Step(approval, (), ev.Note(""))
    if task is None or task.paused_since is not None:
        return nothing
    stage = approval.stage_of(task)
    detail = {"task": task.id, "level": stage.level, "round": task.round}
    if task.escalated_at is None and now > task.due_at and stage.escalate_to:
        names = stage.escalate_to if stage.escalation_replaces else ()
        wanted = names or distinct((*task.candidates, *stage.escalate_to))
        # Whoever is asked now has the second interval, however late the first one was noticed.
        changed = replace(
            task,
            escalated_at=now,
            candidates=wanted,
            reminded=_passed(task, now),
            expires_at=max(task.expires_at, hours.after(now, stage.expiry_hours, stage.clock)),
        )
        note = ev.Note("approval.escalated", {**detail, "to": list(wanted)})
        told = ev.Remind(task.id, ev.Why.ESCALATED)
        return Step(_with(approval, changed), (told,), note)
    if now >= task.expires_at:
        return _expire(approval, task, detail, now, hours)
    passed = _passed(task, now)
    if passed > task.reminded:
        changed = replace(task, reminded=passed)
        note = ev.Note("approval.reminded", {**detail, "number": passed})
        return Step(_with(approval, changed), (ev.Remind(task.id, ev.Why.REMINDER),), note)
    return nothing


def _expire(
    approval: Approval, task: Task, detail: Mapping[str, Any], now: datetime, hours: WorkingTime
) -> Step:
    stage = approval.stage_of(task)
    # Silence signs nothing.
    if stage.on_expiry is OnExpiry.APPROVED and stage.signature is not Signature.QUALIFIED:
        closed = replace(task, closed_at=now, outcome=TaskOutcome.APPROVED)
        state, effects = _forward(_with(approval, closed), closed, None, now, hours)
        return Step(state, effects, ev.Note("approval.approved_by_time", detail))
    state, effects = _stop(approval, TaskOutcome.EXPIRED, now)
    state = replace(state, status=ApprovalStatus.EXPIRED, closed_at=now, standing={})
    finish = ev.Finish("expired", stage.level, "", NOBODY_DECIDED, SYSTEM)
    return Step(state, (*effects, finish), ev.Note("approval.expired", detail))


def _passed(task: Task, now: datetime) -> int:
    return sum(now >= each for each in task.reminders)


# ---------------------------------------------------------------------------- parts


def _open(
    approval: Approval, stage: int, now: datetime, hours: WorkingTime, *, collapse: bool = True
) -> tuple[Approval, tuple[ev.Effect, ...]]:
    """Open the task of a stage; stages that the same persons hold may fall together."""
    described = approval.chain.stages[stage]
    due_at = hours.after(now, described.sla_hours, described.clock)
    task = Task(
        id=task_id(approval.id, stage, approval.round),
        stage=stage,
        round=approval.round,
        opened_at=now,
        due_at=due_at,
        expires_at=hours.after(due_at, described.expiry_hours, described.clock),
        reminders=tuple(
            hours.after(now, each, described.clock) for each in sorted(described.reminder_hours)
        ),
        candidates=described.candidates,
        escalates=bool(described.escalate_to),
    )
    vote = _repeated(approval, stage) if collapse else None
    if vote is None:
        return replace(approval, tasks=(*approval.tasks, task)), (ev.OpenTask(task.id),)
    closed = replace(
        task, votes=(replace(vote, at=now),), closed_at=now, outcome=TaskOutcome.COLLAPSED
    )
    state = replace(
        approval,
        tasks=(*approval.tasks, closed),
        standing={**approval.standing, stage: (vote.by,)},
    )
    if stage + 1 < len(approval.chain.stages):
        return _open(state, stage + 1, now, hours)
    done = replace(state, status=ApprovalStatus.APPROVED, closed_at=now)
    return done, (ev.Finish("approved", described.level, "", "", vote.by, vote.on_behalf_of),)


def _repeated(approval: Approval, stage: int) -> Vote | None:
    """A counted approval of this round whose giver is a candidate here too."""
    described = approval.chain.stages[stage]
    if not approval.chain.collapse_duplicates or described.wanted != 1:
        return None
    if described.signature is Signature.QUALIFIED:
        return None  # a signature is given for one stage
    counted = {name for names in approval.standing.values() for name in names}
    for task in reversed(approval.tasks):
        for vote in task.votes:
            given = vote.outcome == "approve" and vote.by in counted
            if given and any(
                candidate == vote.by or candidate.partition(":")[2] in vote.roles
                for candidate in described.candidates
            ):
                return vote
    return None


def _stop(
    approval: Approval, outcome: TaskOutcome, now: datetime
) -> tuple[Approval, tuple[ev.Effect, ...]]:
    task = approval.task
    if task is None:
        return approval, ()
    closed = replace(task, closed_at=now, outcome=outcome)
    return _with(approval, closed), (ev.CloseTask(task.id),)


def _with(approval: Approval, task: Task) -> Approval:
    tasks = tuple(task if known.id == task.id else known for known in approval.tasks)
    return replace(approval, tasks=tasks)


def _current(approval: Approval, wanted: str) -> Task:
    """The open task of that name. Raises: ConflictError("task_closed"); NotFoundError."""
    task = approval.task_by_id(wanted)
    if not task.open:
        raise TaskClosedError(task)
    return task


class TaskClosedError(ConflictError):
    """Somebody or something ended the task before; ``task`` is the record of it."""

    def __init__(self, task: Task) -> None:
        super().__init__("task_closed", "This was decided already.")
        self.task = task


def _over() -> ConflictError:
    return ConflictError("approval_closed", "This approval has ended already.")


def _worded(text: str, pointer: str) -> None:
    if not text.strip():
        problem = Problem(pointer, "required", "A reason in words is needed.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])


def _levels(approval: Approval) -> list[str]:
    return [stage.level for stage in approval.chain.stages]


_HANDLERS: Final[Mapping[type, Callable[..., Step]]] = {
    ev.Decide: _decide,
    ev.ReturnTo: _return,
    ev.RequestInfo: _ask,
    ev.AnswerInfo: _answer,
    ev.Delegate: _delegate,
    ev.Reassign: _reassign,
    ev.Withdraw: _withdraw,
    ev.Comment: _comment,
    ev.AskAgain: _ask_again,
    ev.Tick: _tick,
}
