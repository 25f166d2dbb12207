"""Approvals as stored rows and back; the only place that knows their attribute names.

What has no fixed shape is one packed document per approval: a chain has at most 20 rounds of 8
stages, so it stays far below the size of an item.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from toolkit.aws.rows import instant_of, moment, stamp_of
from workflow.adapters.rows import Row, pack, unpack
from workflow.domain.approvals.approval import (
    Approval,
    ApprovalStatus,
    Question,
    Remark,
    Task,
    TaskOutcome,
    Vote,
)
from workflow.domain.approvals.chain import (
    Chain,
    Mode,
    OnExpiry,
    RejectPolicy,
    Signature,
    SlaClock,
    Stage,
)
from workflow.domain.approvals.delegation import Delegation, DelegationState
from workflow.domain.approvals.people import Colleague
from workflow.domain.approvals.signing import Trust, TrustKind, TrustState
from workflow.domain.approvals.waiting import Wait


def approval_row(approval: Approval) -> Row:
    """Attributes of an approval; its state is the status."""
    return {
        "origin": approval.origin,
        "request_id": approval.request_id,
        "approval_kind": approval.kind,
        "subject": approval.subject,
        "requested_by": approval.requested_by,
        "requested_at": _exact(approval.requested_at),
        "round": approval.round,
        "content_hash": approval.content_hash,
        "closed_at": moment(approval.closed_at),
        "document": pack(
            {
                "facts": approval.facts,
                "content": approval.content,
                "duties": approval.duties,
                "chain": _chain_said(approval.chain),
                "earlier": [[last, _chain_said(chain)] for last, chain in approval.earlier],
                "tasks": [_task_said(task) for task in approval.tasks],
                "remarks": [[r.by, _exact(r.at), r.text, r.name] for r in approval.remarks],
                "standing": {str(stage): list(names) for stage, names in approval.standing.items()},
            }
        ),
    }


def approval_from(row: Mapping[str, Any]) -> Approval:
    """The approval behind a row."""
    document = unpack(row["document"])
    return Approval(
        id=row["id"],
        origin=row["origin"],
        request_id=row["request_id"],
        kind=row["approval_kind"],
        subject=row["subject"],
        requested_by=row["requested_by"],
        requested_at=datetime.fromisoformat(row["requested_at"]),
        facts=document["facts"],
        content=document["content"],
        content_hash=row["content_hash"],
        chain=_chain(document["chain"]),
        # Rows of the version before have none.
        earlier=tuple((last, _chain(said)) for last, said in document.get("earlier", ())),
        duties=document["duties"],
        status=ApprovalStatus(row["state"]),
        round=row["round"],
        tasks=tuple(_task(said) for said in document["tasks"]),
        remarks=tuple(
            Remark(by, datetime.fromisoformat(at), text, name)
            for by, at, text, name in document["remarks"]
        ),
        standing={int(stage): tuple(names) for stage, names in document["standing"].items()},
        closed_at=instant_of(row["closed_at"]),
        stamp=stamp_of(row),
    )


def _exact(value: datetime | None) -> str | None:
    """To the microsecond: deadlines are compared with themselves."""
    return value.isoformat() if value is not None else None


def _chain_said(chain: Chain) -> dict[str, Any]:
    return {
        "stages": [
            {
                "level": stage.level,
                "candidates": list(stage.candidates),
                "mode": stage.mode.value,
                "needed": stage.needed,
                "sla_hours": stage.sla_hours,
                "reminder_hours": list(stage.reminder_hours),
                "escalate_to": list(stage.escalate_to),
                "escalation_replaces": stage.escalation_replaces,
                "expiry_hours": stage.expiry_hours,
                "on_expiry": stage.on_expiry.value,
                "clock": stage.clock.value,
                "signature": stage.signature.value,
                "reauthenticate": stage.reauthenticate,
                "names": dict(stage.names),
            }
            for stage in chain.stages
        ],
        "policy": dict(chain.policy),
        "on_reject": chain.on_reject.value,
        "collapse_duplicates": chain.collapse_duplicates,
        "apart": list(chain.apart),
        "info_stops_clock": chain.info_stops_clock,
        "revocation_required": chain.revocation_required,
    }


def _chain(said: Mapping[str, Any]) -> Chain:
    return Chain(
        stages=tuple(_stage(each) for each in said["stages"]),
        policy=said["policy"],
        on_reject=RejectPolicy(said["on_reject"]),
        collapse_duplicates=said["collapse_duplicates"],
        apart=tuple(said["apart"]),
        info_stops_clock=said["info_stops_clock"],
        # Chains of before signatures of persons were checked have no such rule.
        revocation_required=said.get("revocation_required", False),
    )


def _stage(said: Mapping[str, Any]) -> Stage:
    return Stage(
        level=said["level"],
        candidates=tuple(said["candidates"]),
        mode=Mode(said["mode"]),
        needed=said["needed"],
        sla_hours=said["sla_hours"],
        reminder_hours=tuple(said["reminder_hours"]),
        escalate_to=tuple(said["escalate_to"]),
        escalation_replaces=said["escalation_replaces"],
        expiry_hours=said["expiry_hours"],
        on_expiry=OnExpiry(said["on_expiry"]),
        clock=SlaClock(said["clock"]),
        signature=Signature(said["signature"]),
        reauthenticate=said["reauthenticate"],
        names=said["names"],
    )


def _task_said(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "stage": task.stage,
        "round": task.round,
        "opened_at": _exact(task.opened_at),
        "due_at": _exact(task.due_at),
        "expires_at": _exact(task.expires_at),
        "reminders": [_exact(each) for each in task.reminders],
        "candidates": list(task.candidates),
        "escalates": task.escalates,
        "for_whom": dict(task.for_whom),
        "reminded": task.reminded,
        "escalated_at": _exact(task.escalated_at),
        "paused_since": _exact(task.paused_since),
        "paused_us": task.paused // timedelta(microseconds=1),
        "votes": [_vote_said(vote) for vote in task.votes],
        "questions": [
            [q.by, _exact(q.at), q.text, q.answer, q.answered_by, _exact(q.answered_at)]
            for q in task.questions
        ],
        "closed_at": _exact(task.closed_at),
        "outcome": task.outcome.value if task.outcome is not None else None,
    }


def _task(said: Mapping[str, Any]) -> Task:
    return Task(
        id=said["id"],
        stage=said["stage"],
        round=said["round"],
        opened_at=datetime.fromisoformat(said["opened_at"]),
        due_at=datetime.fromisoformat(said["due_at"]),
        expires_at=datetime.fromisoformat(said["expires_at"]),
        reminders=tuple(map(datetime.fromisoformat, said["reminders"])),
        candidates=tuple(said["candidates"]),
        escalates=said["escalates"],
        for_whom=said["for_whom"],
        reminded=said["reminded"],
        escalated_at=instant_of(said["escalated_at"]),
        paused_since=instant_of(said["paused_since"]),
        paused=timedelta(microseconds=said["paused_us"]),
        votes=tuple(_vote(each) for each in said["votes"]),
        questions=tuple(
            Question(by, datetime.fromisoformat(at), text, answer, answered, instant_of(when))
            for by, at, text, answer, answered, when in said["questions"]
        ),
        closed_at=instant_of(said["closed_at"]),
        outcome=TaskOutcome(said["outcome"]) if said["outcome"] else None,
    )


def _vote_said(vote: Vote) -> dict[str, Any]:
    return {
        "by": vote.by,
        "at": _exact(vote.at),
        "outcome": vote.outcome,
        "as": vote.as_candidate,
        "content_hash": vote.content_hash,
        "on_behalf_of": vote.on_behalf_of,
        "reason": vote.reason,
        "roles": list(vote.roles),
        "name": vote.name,
        "signature": dict(vote.signature),
    }


def _vote(said: Mapping[str, Any]) -> Vote:
    return Vote(
        by=said["by"],
        at=datetime.fromisoformat(said["at"]),
        outcome=said["outcome"],
        as_candidate=said["as"],
        content_hash=said["content_hash"],
        on_behalf_of=said["on_behalf_of"],
        reason=said["reason"],
        roles=tuple(said["roles"]),
        name=said["name"],
        signature=said["signature"],
    )


# ---------------------------------------------------------------------------- the rest


def wait_from(row: Mapping[str, Any]) -> Wait:
    """The wait behind a row."""
    return Wait(
        task_id=row["id"],
        number=row["number"],
        tokens=row["tokens"],
        closed=row["closed"],
        done=row["done"],
        started_at=instant_of(row.get("started_at")),
    )


def delegation_row(delegation: Delegation) -> Row:
    """Attributes of a substitution; its state is the state."""
    return {
        "person": delegation.person,
        "substitute": delegation.substitute,
        "starts_at": moment(delegation.starts_at),
        "ends_at": moment(delegation.ends_at),
        "kinds": list(delegation.kinds),
        "note": delegation.note,
    }


def delegation_from(row: Mapping[str, Any]) -> Delegation:
    """The substitution behind a row."""
    return Delegation(
        id=row["id"],
        person=row["person"],
        substitute=row["substitute"],
        starts_at=datetime.fromisoformat(row["starts_at"]),
        ends_at=datetime.fromisoformat(row["ends_at"]),
        kinds=tuple(row["kinds"]),
        note=row["note"],
        state=DelegationState(row["state"]),
        stamp=stamp_of(row),
    )


def colleague_from(row: Mapping[str, Any]) -> Colleague:
    """The person behind a row."""
    return Colleague(row["person"], row["name"], tuple(row["roles"]))


def trust_row(trust: Trust) -> Row:
    """Attributes of a record of trust; its state is the state."""
    return {
        "trust": trust.kind.value,
        "label": trust.label,
        "fingerprint": trust.fingerprint,
        "valid_from": trust.valid_from.isoformat(),
        "valid_to": trust.valid_to.isoformat() if trust.valid_to else None,
        "data": trust.data,
        "person": trust.person,
        "note": trust.note,
        "list_ends_at": moment(trust.list_ends_at),
    }


def trust_from(row: Mapping[str, Any]) -> Trust:
    """The record behind a row."""
    return Trust(
        id=row["id"],
        kind=TrustKind(row["trust"]),
        label=row["label"],
        fingerprint=row["fingerprint"],
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        data=bytes(row["data"]),
        person=row["person"],
        note=row["note"],
        list_ends_at=instant_of(row["list_ends_at"]),
        state=TrustState(row["state"]),
        stamp=stamp_of(row),
    )
