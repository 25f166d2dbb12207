"""Processes and their events as stored rows and back; the only place that knows their names."""

from collections.abc import Mapping
from datetime import datetime

from toolkit.aws.rows import instant_of, moment, stamp_of
from workflow.adapters.rows import Row, pack, unpack
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import Event, EventKind, Status


def head_row(head: Head) -> Row:
    """Attributes of a process; its state is the status."""
    return {
        "definition_key": head.definition_key,
        "definition_id": head.definition_id,
        "subject": head.subject,
        "step": head.step,
        "step_since": moment(head.step_since),
        "round": head.round,
        "started_at": moment(head.started_at),
        "events": head.events,
        "late_at": moment(head.late_at),
        "due_at": moment(head.due_at),
        "cause": head.cause,
    }


def head_from(row: Row) -> Head:
    """The process behind a row."""
    return Head(
        id=row["id"],
        definition_key=row["definition_key"],
        definition_id=row["definition_id"],
        subject=row["subject"],
        status=Status(row["state"]),
        step=row["step"],
        step_since=instant_of(row["step_since"]),
        round=row["round"],
        started_at=datetime.fromisoformat(row["started_at"]),
        events=row["events"],
        late_at=instant_of(row["late_at"]),
        due_at=instant_of(row["due_at"]),
        cause=row["cause"],
        stamp=stamp_of(row),
    )


def event_row(event: Event) -> Row:
    """Attributes of an event; what has no fixed shape is packed."""
    return {
        "id": event.id,
        "seq": event.seq,
        "kind": event.kind.value,
        "step": event.step,
        "at": moment(event.at),
        "actor": event.actor,
        "on_behalf_of": event.on_behalf_of,
        "inputs_hash": event.inputs_hash,
        "causation_id": event.causation_id,
        "corrects": event.corrects,
        "reason": event.reason,
        "decisions": list(event.decisions),
        "round": event.round,
        "content": pack({"inputs": event.inputs, "outputs": event.outputs, "detail": event.detail}),
    }


def event_from(row: Mapping[str, object]) -> Event:
    """The event behind a row."""
    found: Row = dict(row)
    content = unpack(found["content"])
    return Event(
        id=found["id"],
        seq=found["seq"],
        kind=EventKind(found["kind"]),
        step=found["step"],
        at=datetime.fromisoformat(found["at"]),
        actor=found["actor"],
        on_behalf_of=found["on_behalf_of"],
        inputs=content["inputs"],
        inputs_hash=found["inputs_hash"],
        outputs=content["outputs"],
        causation_id=found["causation_id"],
        corrects=found["corrects"],
        reason=found["reason"],
        decisions=tuple(found["decisions"]),
        round=found["round"],
        detail=content["detail"],
    )
