"""Subjects, what is known of them, and what is proposed about them."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import Field

from kernel.parsing import format_instant
from toolkit.http.fields import EdgeModel
from workflow.domain.processes.subjects import Subject as TimedSubject
from workflow.domain.processes.subjects import SubjectKind
from workflow.domain.processes.triggers import Proposal, Run
from workflow.schemas.fields import ApiDate, Name, Text, plain_numbers
from workflow.schemas.processes import MAX_DATA, ProcessKey, field_out

_REFERENCE: Final = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$"


class SubjectIn(EdgeModel):
    """What is told of one subject. ``valid_from`` is the day from which the facts count."""

    reference: Annotated[str, Field(pattern=_REFERENCE)]
    label: Text = ""
    facts: dict[str, Any] = Field(max_length=MAX_DATA)
    valid_from: ApiDate | None = None


class SubjectsIn(EdgeModel):
    """Body of telling up to a hundred subjects of one kind."""

    kind: ProcessKey
    subjects: list[SubjectIn] = Field(min_length=1, max_length=100)


class SubjectImportIn(EdgeModel):
    """Body of an import from an upload."""

    kind: ProcessKey
    upload_id: Name
    dry_run: bool = False


class AcceptIn(EdgeModel):
    """Body of accepting a proposal; ``data`` is what its process needs beside what is known."""

    data: dict[str, Any] = Field(default_factory=dict, max_length=MAX_DATA)


class DismissIn(EdgeModel):
    """Body of dismissing a proposal."""

    reason: Text


def kind_out(kind: SubjectKind) -> dict[str, Any]:
    """A kind of subjects with its facts."""
    facts = [field_out(field) for field in kind.facts.values()]
    return {"key": kind.key, "title": dict(kind.title), "facts": facts}


def subject_out(subject: TimedSubject, today: date) -> dict[str, Any]:
    """A subject with its facts of today and since when each counts."""
    known = subject.on(today)
    return {
        "id": subject.id,
        "version": subject.stamp.version,
        "kind": subject.kind,
        "reference": subject.reference,
        "label": subject.label or None,
        "facts": plain_numbers(known),
        "history": {
            name: [{"valid_from": d.since.isoformat(), "value": d.value} for d in values]
            for name, values in subject.facts.items()
        },
        "created_at": subject.stamp.created_at,
        "updated_at": subject.stamp.updated_at,
    }


def proposal_out(proposal: Proposal, now: datetime) -> dict[str, Any]:
    """Work that a rule proposes. Units: the age is whole seconds."""
    return {
        "id": proposal.id,
        "version": proposal.stamp.version,
        "state": proposal.state.value,
        "rule": proposal.rule,
        "action": proposal.action,
        "title": dict(proposal.title),
        "subject": proposal.subject,
        "period": proposal.period,
        "unit": proposal.unit,
        "process": proposal.process,
        "data": plain_numbers(dict(proposal.data)),
        "decision_id": proposal.decision_id or None,
        "process_id": proposal.process_id or None,
        "reason": proposal.reason or None,
        "decided_by": proposal.decided_by or None,
        "made_at": format_instant(proposal.made_at),
        "age_seconds": int((now - proposal.made_at).total_seconds()),
        "created_at": proposal.stamp.created_at,
        "updated_at": proposal.stamp.updated_at,
    }


def run_out(run: Run) -> dict[str, Any]:
    """A pass of the time-driven rules over all subjects."""
    return {
        "id": run.id,
        "day": run.day.isoformat(),
        "status": "done" if run.done else "running",
        "seen": run.seen,
        "proposed": run.proposed,
        "incomplete": run.incomplete,
        "refused": run.refused,
        "started_at": format_instant(run.started_at),
    }
