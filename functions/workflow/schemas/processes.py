"""Processes: definitions, commands, events, and what may come next."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from kernel.errors import NotFoundError, ParseError
from kernel.parsing import format_instant
from toolkit.http.fields import EdgeModel, parsed
from workflow.domain.processes.definition import Field as ProcessField
from workflow.domain.processes.definition import Step
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import Event as ProcessEvent
from workflow.domain.processes.judging import Obstacle
from workflow.domain.processes.versions import DefinitionVersion
from workflow.schemas.fields import ApiDate, Name, Text, plain_numbers
from workflow.schemas.rules import version_out

_SUBJECT: Final = re.compile(r"[a-z][a-z0-9_]{0,39}:[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_PROCESS_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
ProcessKey = Annotated[str, Field(pattern=f"^{_PROCESS_KEY.pattern}$")]
CommandName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
MAX_DATA: Final = 60


def read_process_key(text: str) -> str:
    """The key of a process in an address. Raises: NotFoundError("process_unknown")."""
    if _PROCESS_KEY.fullmatch(text) is None:
        raise NotFoundError("process_unknown", "There is no such process.")
    return text


def read_subject(value: object) -> str:
    """``<kind>:<reference>``. Raises: ParseError("SHAPE")."""
    if isinstance(value, str) and _SUBJECT.fullmatch(value):
        return value
    raise ParseError("SHAPE", "A subject reads kind:reference, such as meter:M-1001.")


Subject = Annotated[str, parsed(read_subject)]


class ProcessIn(EdgeModel):
    """Body of starting a process."""

    definition: ProcessKey
    subject: Subject
    data: dict[str, Any] = Field(default_factory=dict, max_length=MAX_DATA)
    on_behalf_of: Name | None = None


class CommandIn(EdgeModel):
    """Body of completing a step."""

    command: CommandName
    data: dict[str, Any] = Field(default_factory=dict, max_length=MAX_DATA)
    on_behalf_of: Name | None = None


class CorrectionIn(EdgeModel):
    """Body of correcting an event."""

    event_id: Name
    data: dict[str, Any] = Field(min_length=1, max_length=MAX_DATA)
    reason: Text
    on_behalf_of: Name | None = None


class CancelIn(EdgeModel):
    """Body of cancelling a process."""

    reason: Text
    data: dict[str, Any] = Field(default_factory=dict, max_length=MAX_DATA)
    on_behalf_of: Name | None = None


class DefinitionIn(EdgeModel):
    """Body of drafting a process. The members of the definition are read by the domain itself."""

    key: ProcessKey
    valid_from: ApiDate
    note: Text = ""
    definition: dict[str, Any]


def field_out(field: ProcessField) -> dict[str, Any]:
    """A fact that somebody gives or sees."""
    return {**field.fact.to_dict(), "label": dict(field.label)}


def head_out(head: Head, now: datetime) -> dict[str, Any]:
    """A process in a list. Units: ages are whole seconds."""
    since = head.step_since
    return {
        "id": head.id,
        "version": head.stamp.version,
        "definition": head.definition_key,
        "definition_version": head.definition_id,
        "subject": head.subject,
        "status": head.status.value,
        "step": head.step or None,
        "step_since": format_instant(since) if since and head.is_open else None,
        "step_age_seconds": int((now - since).total_seconds()) if since and head.is_open else None,
        "round": head.round,
        "late": head.is_late(now),
        "late_at": format_instant(head.late_at) if head.late_at else None,
        "started_at": format_instant(head.started_at),
        "age_seconds": int((now - head.started_at).total_seconds()),
        "cause": head.cause or None,
        "created_at": head.stamp.created_at,
        "updated_at": head.stamp.updated_at,
    }


def event_out(event: ProcessEvent) -> dict[str, Any]:
    """One line of the history of a process."""
    return {
        "id": event.id,
        "seq": event.seq,
        "event": event.kind.value,
        "step": event.step or None,
        "at": format_instant(event.at),
        "actor": event.actor,
        "on_behalf_of": event.on_behalf_of or None,
        "inputs_hash": event.inputs_hash or None,
        "outputs": plain_numbers(dict(event.outputs)),
        "causation_id": event.causation_id or None,
        "corrects": event.corrects or None,
        "reason": event.reason or None,
        "decisions": list(event.decisions),
        "round": event.round,
        "detail": plain_numbers(dict(event.detail)),
    }


def obstacle_out(obstacle: Obstacle) -> dict[str, Any]:
    """One thing that stands in the way of the next step, in three languages."""
    return {"code": obstacle.code, "about": obstacle.about, "text": dict(obstacle.text)}


def next_out(step: Step, missing: Sequence[Obstacle]) -> dict[str, Any]:
    """What the present step waits for."""
    return {
        "step": step.key,
        "command": step.command,
        "title": dict(step.title),
        "unit": step.unit,
        "inputs": [field_out(field) for field in step.inputs],
        "missing": [obstacle_out(obstacle) for obstacle in missing],
    }


def definition_out(version: DefinitionVersion, *, whole: bool) -> dict[str, Any]:
    """A version of a process; ``whole`` adds the definition itself."""
    return {
        **version_out(version, whole=False),
        "title": dict(version.document["title"]),
        "subject": version.document["subject"],
        **({"definition": dict(version.document)} if whole else {}),
    }
