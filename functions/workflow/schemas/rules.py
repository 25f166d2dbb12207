"""Rules, their versions and tests, parameters, and recorded decisions."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from kernel.errors import ValidationError
from kernel.parsing import format_instant
from kernel.storing import HistoryLine
from toolkit.http.fields import EdgeModel, parsed
from workflow.domain.rules.catalogue import Rule
from workflow.domain.rules.parameters import Parameter
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.scope import COMPANY, Scopes, read_scope
from workflow.domain.rules.versions import Version
from workflow.schemas.fields import ApiDate, ApiInstant, Name, Scalar, Text, plain_numbers

ScopeName = Annotated[str, parsed(read_scope)]
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
ParameterKey = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\[[A-Za-z][A-Za-z0-9_]*\])?$", max_length=120),
]


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
