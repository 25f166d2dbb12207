"""The HTTP edge of workflow: request models, and what entities look like outside."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from kernel.approval import canonical
from kernel.errors import NotFoundError, ParseError, ValidationError
from kernel.money import Money
from kernel.parsing import format_instant, parse_date_api, parse_instant
from kernel.storing import HistoryLine
from kernel.text import clean_free_text
from kernel.why import Why
from toolkit.http.fields import EdgeModel, parsed
from workflow.domain.processes.definition import Field as ProcessField
from workflow.domain.processes.definition import Step
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import Event as ProcessEvent
from workflow.domain.processes.judging import Obstacle
from workflow.domain.processes.subjects import Subject as TimedSubject
from workflow.domain.processes.subjects import SubjectKind
from workflow.domain.processes.triggers import Proposal, Run
from workflow.domain.processes.versions import DefinitionVersion
from workflow.domain.rules.catalogue import Rule
from workflow.domain.rules.parameters import Parameter
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.scope import COMPANY, Scopes, read_scope
from workflow.domain.rules.versions import Version


def _short(value: object) -> str:
    return clean_free_text(value, 300)


def _scalar(value: object) -> Any:
    members = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not 0 < len(value) <= 200:
        raise ParseError("TYPE", "a list has 1 to 200 members")
    for member in members:
        if type(member) not in (str, int, bool) or (isinstance(member, str) and len(member) > 200):
            raise ParseError("TYPE", "a value is text, a whole number, true or false, or a list")
    return value


ApiDate = Annotated[date, parsed(parse_date_api)]
ApiInstant = Annotated[datetime, parsed(parse_instant)]
ScopeName = Annotated[str, parsed(read_scope)]
Text = Annotated[str, parsed(_short)]
Scalar = Annotated[Any, parsed(_scalar)]
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
ParameterKey = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\[[A-Za-z][A-Za-z0-9_]*\])?$", max_length=120),
]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]


def read_key(text: str) -> str:
    """The key of a table in an address. Raises: ValidationError("key_invalid")."""
    if len(text) > 80 or _KEY.fullmatch(text) is None:
        raise ValidationError("key_invalid", "A key has small letters, digits, _ and dots.")
    return text


class ScopesIn(EdgeModel):
    """Whom a decision is about, for the choice of versions."""

    subscriber: Name | None = None
    group: Name | None = None
    region: Name | None = None

    def scopes(self) -> Scopes:
        """The place of the subject."""
        return Scopes(self.subscriber or "", self.group or "", self.region or "")


class EvaluateIn(EdgeModel):
    """Body of deciding by a rule."""

    facts: dict[str, Any]
    valid_on: ApiDate | None = None
    known_on: ApiInstant | None = None
    scope: ScopesIn | None = None
    causation_id: Name | None = None


class VersionIn(EdgeModel):
    """Body of drafting a version. The members of the table are read by the rules themselves."""

    key: str | None = None
    valid_from: ApiDate
    valid_to: ApiDate | None = None
    scope: ScopeName = COMPANY
    note: Text = ""
    facts: Any
    rows: list[Any]
    hit_policy: str = "UNIQUE"
    title: Any = None
    derived: Any = None
    columns: Any = None
    outputs: Any = None
    complete: Any = None
    default: Any = None
    cases: Any = None

    def document(self) -> dict[str, Any]:
        """The table as a document: what was said of it, and nothing else."""
        named = ("facts", "rows", "hit_policy", "title", "derived", "columns", "outputs",
                 "complete", "default", "cases")  # fmt: skip
        return {name: value for name in named if (value := getattr(self, name)) is not None}


class SimulateIn(EdgeModel):
    """Body of a simulation: facts to decide on."""

    cases: list[dict[str, Any]] = Field(min_length=1, max_length=1000)


class BackTestIn(EdgeModel):
    """Body of a back-test: days of past decisions, both included."""

    from_: ApiDate = Field(alias="from")
    to: ApiDate


class ParameterIn(EdgeModel):
    """Body of recording a value."""

    key: ParameterKey
    value: Scalar
    valid_from: ApiDate
    valid_to: ApiDate | None = None
    scope: ScopeName = COMPANY
    legal_ref: Text = ""
    verified_by: Text = ""
    verified_at: ApiDate | None = None


# ---------------------------------------------------------------------------- answers


def plain_numbers(value: Any) -> Any:
    """JSON numbers for the few facts that are numbers and no amounts (hours)."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: plain_numbers(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain_numbers(member) for member in value]
    return value


def rule_out(rule: Rule) -> dict[str, Any]:
    """A rule of a source document."""
    return {
        "key": rule.key,
        "no": rule.no,
        "table": rule.table,
        "title": dict(rule.title),
        "quote": rule.quote,
        "source": rule.source,
    }


def version_out(version: Version, *, whole: bool) -> dict[str, Any]:
    """A version; ``whole`` adds the table itself."""
    said = {
        "id": version.id,
        "version": version.stamp.version,
        "key": version.key,
        "scope": version.scope,
        "status": version.status.value,
        "valid_from": version.valid_from.isoformat(),
        "valid_to": version.valid_to.isoformat() if version.valid_to else None,
        "author": version.author,
        "publisher": version.publisher or None,
        "recorded_at": format_instant(version.recorded_at),
        "retired_at": format_instant(version.retired_at) if version.retired_at else None,
        "sha256": version.sha256,
        "note": version.note,
        "created_at": version.stamp.created_at or format_instant(version.recorded_at),
        "updated_at": version.stamp.updated_at or format_instant(version.recorded_at),
    }
    return said | (plain_numbers(dict(version.document)) if whole else {})


def parameter_out(parameter: Parameter) -> dict[str, Any]:
    """A value of a parameter."""
    return {
        "id": parameter.id,
        "version": parameter.stamp.version,
        "key": parameter.key,
        "scope": parameter.scope,
        "value": parameter.value,
        "valid_from": parameter.valid_from.isoformat(),
        "valid_to": parameter.valid_to.isoformat() if parameter.valid_to else None,
        "legal_ref": parameter.legal_ref,
        "verified_by": parameter.verified_by or None,
        "verified_at": parameter.verified_at.isoformat() if parameter.verified_at else None,
        "mark": parameter.mark or None,
        "author": parameter.author,
        "recorded_at": format_instant(parameter.recorded_at),
        "created_at": parameter.stamp.created_at or format_instant(parameter.recorded_at),
        "updated_at": parameter.stamp.updated_at or format_instant(parameter.recorded_at),
    }


def decision_out(record: DecisionRecord, why: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A decision with its reasons."""
    said = {
        "id": record.id,
        "decision_id": record.id,
        "version": 1,
        "rule": record.rule,
        "table": record.table,
        "table_version": record.version_id,
        "sha256": record.sha256,
        "scope": record.scopes.to_dict(),
        "valid_on": record.valid_on.isoformat(),
        "known_on": format_instant(record.known_on),
        "facts": record.facts,
        "outcome": record.outcome.value,
        "result": record.result,
        "rows": [row.to_dict() for row in record.rows],
        "hits": list(record.hits),
        "reason_codes": list(record.reason_codes),
        "parameters": list(record.parameters),
        "derived": record.derived,
        "trace_hash": record.trace_hash,
        "duration_us": record.duration_us,
        "correlation_id": record.correlation_id,
        "causation_id": record.causation_id or None,
        "actor": record.actor,
        "created_at": format_instant(record.decided_at),
        "updated_at": format_instant(record.decided_at),
        "why": list(why),
    }
    shown: dict[str, Any] = plain_numbers(said)
    return shown


def why_out(why: Why, texts: Mapping[str, str]) -> dict[str, Any]:
    """A reason as key and values, and as a sentence in each language."""
    return {**why.to_dict(), "text": dict(texts)}


def history_out(line: HistoryLine) -> dict[str, Any]:
    """One line of history."""
    return {
        "at": line.at,
        "actor": line.actor,
        "action": line.action,
        "from_state": line.from_state,
        "to_state": line.to_state,
        "detail": dict(line.detail),
    }


# ---------------------------------------------------------------------------- processes


_SUBJECT: Final = re.compile(r"[a-z][a-z0-9_]{0,39}:[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_PROCESS_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
ProcessKey = Annotated[str, Field(pattern=f"^{_PROCESS_KEY.pattern}$")]
CommandName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
_MAX_DATA: Final = 60


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
    data: dict[str, Any] = Field(default_factory=dict, max_length=_MAX_DATA)
    on_behalf_of: Name | None = None


class CommandIn(EdgeModel):
    """Body of completing a step."""

    command: CommandName
    data: dict[str, Any] = Field(default_factory=dict, max_length=_MAX_DATA)
    on_behalf_of: Name | None = None


class CorrectionIn(EdgeModel):
    """Body of correcting an event."""

    event_id: Name
    data: dict[str, Any] = Field(min_length=1, max_length=_MAX_DATA)
    reason: Text
    on_behalf_of: Name | None = None


class CancelIn(EdgeModel):
    """Body of cancelling a process."""

    reason: Text
    data: dict[str, Any] = Field(default_factory=dict, max_length=_MAX_DATA)
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


# ---------------------------------------------------------------------------- subjects, proposals


_REFERENCE: Final = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$"


class SubjectIn(EdgeModel):
    """What is told of one subject. ``valid_from`` is the day from which the facts count."""

    reference: Annotated[str, Field(pattern=_REFERENCE)]
    label: Text = ""
    facts: dict[str, Any] = Field(max_length=_MAX_DATA)
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

    data: dict[str, Any] = Field(default_factory=dict, max_length=_MAX_DATA)


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


# ---------------------------------------------------------------------------- approvals

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
SubjectName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}:[0-9A-Za-z_.\-]{1,80}$")]
Level = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
PersonName = Annotated[str, Field(pattern=r"^user:[0-9A-Za-z-]{1,40}$")]
Candidate = Annotated[str, Field(pattern=r"^(user:[0-9A-Za-z-]{1,40}|role:[a-z_]{1,40})$")]


def long_text(value: object) -> str:
    """Words of a person. Raises: ParseError."""
    return clean_free_text(value, 2000)


def _content(value: object) -> Any:
    if not isinstance(value, dict) or not value:
        raise ParseError("TYPE", "the content is an object with at least one member")
    if len(canonical(value)) > 20_000:
        raise ParseError("LENGTH", "the content has at most 20 000 characters")
    if value.get("amount") is not None:
        Money.from_api(value["amount"])
    _plain(value)
    return value


def _plain(value: object) -> None:
    """No fractions as numbers, no invisible characters, no depth without end."""
    if isinstance(value, dict):
        for name, member in value.items():
            clean_free_text(name, 80)
            _plain(member)
    elif isinstance(value, list):
        for member in value:
            _plain(member)
    elif isinstance(value, str):
        clean_free_text(value, 2000)
    elif isinstance(value, float | Decimal):
        raise ParseError("TYPE", "amounts are texts")


LongText = Annotated[str, parsed(long_text)]
ShortText = Annotated[str, parsed(long_text), Field(max_length=300)]
Content = Annotated[Any, parsed(_content)]


class ApprovalIn(EdgeModel):
    """Body of asking for an approval; ``request_id`` names the matter for asking again."""

    kind: Kind
    subject: SubjectName
    facts: dict[str, Any]
    content: Content
    rule: Annotated[str, Field(max_length=80)] | None = None
    stages: Annotated[list[Level], Field(min_length=1, max_length=8)] | None = None
    request_id: Name | None = None
    duties: dict[str, PersonName] = Field(default_factory=dict)


class ReasonIn(EdgeModel):
    """A reason, where one is not always needed."""

    reason: LongText = ""


_Encoded = Annotated[str, Field(min_length=1, max_length=240_000)]


class DecisionIn(EdgeModel):
    """Body of deciding: a rejection needs a reason.

    ``signature`` is a detached CMS signature over the statement, as base64 or PEM.
    """

    outcome: Literal["approve", "reject"]
    reason: LongText = ""
    signature: Annotated[str, Field(max_length=90_000)] = ""


class AnchorIn(EdgeModel):
    """Body of trusting an authority: its certificate as PEM or base64."""

    certificate: _Encoded
    valid_from: ApiDate | None = None
    valid_to: ApiDate | None = None
    note: ShortText = ""


class RevocationsIn(EdgeModel):
    """Body of a revocation list, as PEM or base64."""

    list: _Encoded


class SignerIn(EdgeModel):
    """Body of saying whose certificate carries an identity."""

    person: ShortText
    identity_kind: Literal["serial_number", "email"]
    identity: ShortText
    valid_from: ApiDate | None = None
    valid_to: ApiDate | None = None
    note: ShortText = ""


class ReturnIn(EdgeModel):
    """Body of sending back: the stage from 1, or 0 for the requester."""

    stage: Annotated[int, Field(ge=0, le=8)]
    reason: LongText


class QuestionIn(EdgeModel):
    """Body of asking the requester."""

    question: LongText


class TaskAnswerIn(EdgeModel):
    """Body of answering."""

    answer: LongText


class CommentIn(EdgeModel):
    """Body of a comment."""

    text: LongText


class DelegateIn(EdgeModel):
    """Body of giving one task to somebody else."""

    to: PersonName


class ReassignIn(EdgeModel):
    """Body of naming other candidates."""

    candidates: Annotated[list[Candidate], Field(min_length=1, max_length=20)]


class DelegationIn(EdgeModel):
    """Body of naming a substitute, from an instant to before another."""

    substitute: PersonName
    starts_at: ApiInstant
    ends_at: ApiInstant
    kinds: list[Kind] = Field(default_factory=list, max_length=20)
    note: Text = ""
