"""What approvals, tasks, substitutions and their report look like outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kernel.parsing import format_instant
from workflow.domain.approvals.approval import Approval, Task, Vote
from workflow.domain.approvals.delegation import Delegation
from workflow.domain.approvals.duties import OpenTask
from workflow.domain.approvals.report import AGES, Report


def _when(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant is not None else None


def task_out(one: OpenTask | None, approval: Approval, task: Task, now: datetime) -> dict[str, Any]:
    """A task; ``mine`` says as what the reader may decide it."""
    stage = approval.stage_of(task)
    mine = None
    if one is not None and one.task.id == task.id and one.standing is not None:
        mine = {
            "as": one.standing.candidate,
            "on_behalf_of": one.standing.on_behalf_of or None,
            "may_decide": one.may_decide,
            "refusal": one.refusal or None,
        }
    return {
        "id": task.id,
        "version": approval.stamp.version,
        "approval_id": approval.id,
        "kind": approval.kind,
        "subject": approval.subject,
        "level": stage.level,
        "stage": task.stage + 1,
        "round": task.round,
        "status": "open" if task.open else str(task.outcome.value if task.outcome else "closed"),
        "candidates": list(task.candidates),
        "mode": stage.mode.value,
        "needed": stage.wanted,
        "signature": stage.signature.value,
        "opened_at": format_instant(task.opened_at),
        "due_at": format_instant(task.due_at),
        "expires_at": format_instant(task.expires_at),
        "closed_at": _when(task.closed_at),
        "escalated_at": _when(task.escalated_at),
        "clock_stopped": task.paused_since is not None,
        "elapsed_seconds": int(task.elapsed(now).total_seconds()),
        "breached": task.breached(now),
        "amount": approval.content.get("amount"),
        "content": dict(approval.content),
        "content_hash": approval.content_hash,
        "requested_by": approval.requested_by,
        "mine": mine,
        "decisions": [_vote_out(vote) for vote in task.votes],
        "questions": [
            {
                "by": question.by,
                "at": format_instant(question.at),
                "question": question.text,
                "answer": question.answer or None,
                "answered_by": question.answered_by or None,
                "answered_at": _when(question.answered_at),
            }
            for question in task.questions
        ],
        "created_at": format_instant(task.opened_at),
        "updated_at": approval.stamp.updated_at,
    }


def _vote_out(vote: Vote) -> dict[str, Any]:
    return {
        "by": vote.by,
        "name": vote.name or None,
        "on_behalf_of": vote.on_behalf_of or None,
        "at": format_instant(vote.at),
        "outcome": vote.outcome,
        "reason": vote.reason or None,
        "as": vote.as_candidate,
        "content_hash": vote.content_hash,
        "signature": dict(vote.signature) or None,
    }


def approval_out(
    approval: Approval, now: datetime, one: OpenTask | None = None, why: Sequence[Any] = ()
) -> dict[str, Any]:
    """An approval with its stages, everything that was decided, and why it is needed."""
    current = approval.task
    return {
        "id": approval.id,
        "version": approval.stamp.version,
        "kind": approval.kind,
        "subject": approval.subject,
        "origin": approval.origin,
        "request_id": approval.request_id,
        "status": approval.status.value,
        "round": approval.round,
        "requested_by": approval.requested_by,
        "content": dict(approval.content),
        "content_hash": approval.content_hash,
        "policy": dict(approval.chain.policy),
        "stages": [
            {
                "stage": number + 1,
                "level": stage.level,
                "candidates": list(stage.candidates),
                "mode": stage.mode.value,
                "needed": stage.wanted,
                "sla_hours": stage.sla_hours,
                "signature": stage.signature.value,
                "status": _stage_status(approval, number),
                "approved_by": list(approval.standing.get(number, ())),
            }
            for number, stage in enumerate(approval.chain.stages)
        ],
        "task": task_out(one, approval, current, now) if current is not None else None,
        "tasks": [task_out(None, approval, task, now) for task in approval.tasks],
        "comments": [
            {
                "by": remark.by,
                "name": remark.name or None,
                "at": format_instant(remark.at),
                "text": remark.text,
            }
            for remark in approval.remarks
        ],
        "why": list(why),
        "closed_at": _when(approval.closed_at),
        "created_at": approval.stamp.created_at,
        "updated_at": approval.stamp.updated_at,
    }


def _stage_status(approval: Approval, number: int) -> str:
    if number in approval.standing:
        return "approved"
    current = approval.task
    return "pending" if current is not None and current.stage == number else "waiting"


def delegation_out(delegation: Delegation) -> dict[str, Any]:
    """A substitution."""
    return {
        "id": delegation.id,
        "version": delegation.stamp.version,
        "person": delegation.person,
        "substitute": delegation.substitute,
        "starts_at": format_instant(delegation.starts_at),
        "ends_at": format_instant(delegation.ends_at),
        "kinds": list(delegation.kinds),
        "note": delegation.note,
        "state": delegation.state.value,
        "created_at": delegation.stamp.created_at,
        "updated_at": delegation.stamp.updated_at,
    }


def report_out(found: Report) -> dict[str, Any]:
    """The report of pending approvals and durations. Units: durations are whole seconds."""
    return {
        "pending": [
            {
                "level": each.level,
                "candidate": each.candidate,
                "count": each.count,
                "breached": each.breached,
                "by_age": {name: each.by_age.get(name, 0) for name in AGES},
            }
            for each in found.pending
        ],
        "stages": [
            {
                "kind": each.kind,
                "level": each.level,
                "count": each.count,
                "average_seconds": int(each.average.total_seconds()),
                "p90_seconds": int(each.p90.total_seconds()),
                "breached": each.breached,
            }
            for each in found.stages
        ],
        "outcomes": dict(found.outcomes),
        "rounds": {str(rounds): count for rounds, count in found.rounds.items()},
        "rejections": [
            {"level": level, "reason": reason, "count": count}
            for level, reason, count in found.rejections
        ],
        "delegated": found.delegated,
        "decisions": found.decisions,
    }
