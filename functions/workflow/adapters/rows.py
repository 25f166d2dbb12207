"""Versions, parameters and decisions as stored rows and back; the only place that knows their
attribute names.

What has no fixed shape (documents, facts, traces) is kept as packed JSON: rows hold no fractions,
and a table of some hundred rows must fit into one item.
"""

import json
import zlib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from kernel.errors import ValidationError
from toolkit.aws.rows import day, day_of, instant_of, moment, stamp_of
from workflow.domain.rules.evaluation import Outcome, RowTrace
from workflow.domain.rules.parameters import Parameter
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.versions import Version, VersionStatus

Row = dict[str, Any]
AnyVersion = TypeVar("AnyVersion", bound=Version)
_MAX_PACKED: Final = 300_000
_DECIMAL: Final = "$decimal"


def pack(value: Any) -> bytes:
    """JSON as compressed bytes; decimals keep their digits.

    Raises: ValidationError("table_too_large") for what does not fit into an item.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_decimal)
    packed = zlib.compress(text.encode())
    if len(packed) > _MAX_PACKED:
        raise ValidationError("table_too_large", "The table or its trace is too large to be kept.")
    return packed


def unpack(packed: bytes) -> Any:
    """What was packed."""
    return json.loads(zlib.decompress(packed), object_hook=_from_decimal)


def _decimal(value: object) -> Any:
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    message = f"{type(value).__name__} is no JSON"
    raise TypeError(message)


def _from_decimal(members: dict[str, Any]) -> Any:
    return Decimal(members[_DECIMAL]) if set(members) == {_DECIMAL} else members


# ---------------------------------------------------------------------------- version


def version_row(version: Version) -> Row:
    """Attributes of a version; its state is the status."""
    return {
        "key": version.key,
        "scope": version.scope,
        "document": pack(version.document),
        "sha256": version.sha256,
        "valid_from": day(version.valid_from),
        "valid_to": day(version.valid_to),
        "author": version.author,
        "note": version.note,
        **version_state_row(version),
    }


def version_state_row(version: Version) -> Row:
    """The attributes that change with the state; the content never does."""
    return {
        "recorded_at": moment(version.recorded_at),
        "publisher": version.publisher,
        "retired_at": moment(version.retired_at),
    }


def version_from(row: Mapping[str, Any], kind: type[AnyVersion]) -> AnyVersion:
    """The version behind a row."""
    return kind(
        id=row["id"],
        key=row["key"],
        scope=row["scope"],
        document=unpack(row["document"]),
        sha256=row["sha256"],
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=day_of(row["valid_to"]),
        recorded_at=datetime.fromisoformat(row["recorded_at"]),
        author=row["author"],
        status=VersionStatus(row["state"]),
        publisher=row["publisher"],
        retired_at=instant_of(row["retired_at"]),
        note=row["note"],
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- parameter


def parameter_row(parameter: Parameter) -> Row:
    """Attributes of a parameter."""
    return {
        "key": parameter.key,
        "value": pack(parameter.value),
        "scope": parameter.scope,
        "valid_from": day(parameter.valid_from),
        "valid_to": day(parameter.valid_to),
        "recorded_at": moment(parameter.recorded_at),
        "legal_ref": parameter.legal_ref,
        "verified_by": parameter.verified_by,
        "verified_at": day(parameter.verified_at),
        "author": parameter.author,
    }


def parameter_from(row: Mapping[str, Any]) -> Parameter:
    """The parameter behind a row."""
    return Parameter(
        id=row["id"],
        key=row["key"],
        value=unpack(row["value"]),
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=day_of(row["valid_to"]),
        recorded_at=datetime.fromisoformat(row["recorded_at"]),
        scope=row["scope"],
        legal_ref=row["legal_ref"],
        verified_by=row.get("verified_by", ""),
        verified_at=day_of(row.get("verified_at")),
        author=row["author"],
        stamp=stamp_of(row),
    )


# ---------------------------------------------------------------------------- decision


def decision_row(record: DecisionRecord) -> Row:
    """Attributes of a decision."""
    return {
        "id": record.id,
        "rule": record.rule,
        "table": record.table,
        "version_id": record.version_id,
        "sha256": record.sha256,
        "scopes": record.scopes.to_dict(),
        "valid_on": day(record.valid_on),
        # To the microsecond: a decision made again must know exactly what this one knew.
        "known_on": record.known_on.isoformat(),
        "decided_at": moment(record.decided_at),
        "actor": record.actor,
        "outcome": record.outcome.value,
        "content": pack(
            {
                "facts": record.facts,
                "result": record.result,
                "rows": [row.to_dict() for row in record.rows],
                "hits": record.hits,
                "parameters": record.parameters,
                "derived": record.derived,
            }
        ),
        "reason_codes": list(record.reason_codes),
        "trace_hash": record.trace_hash,
        "duration_us": record.duration_us,
        "correlation_id": record.correlation_id,
        "causation_id": record.causation_id,
        **({"sealed": record.sealed} if record.sealed else {}),
    }


def decision_from(row: Mapping[str, Any]) -> DecisionRecord:
    """The decision behind a row."""
    content = unpack(row["content"])
    return DecisionRecord(
        id=row["id"],
        rule=row["rule"],
        table=row["table"],
        version_id=row["version_id"],
        sha256=row["sha256"],
        scopes=Scopes(**row["scopes"]),
        valid_on=date.fromisoformat(row["valid_on"]),
        known_on=datetime.fromisoformat(row["known_on"]),
        decided_at=datetime.fromisoformat(row["decided_at"]),
        actor=row["actor"],
        facts=content["facts"],
        outcome=Outcome(row["outcome"]),
        result=content["result"],
        rows=tuple(map(_trace, content["rows"])),
        hits=tuple(content["hits"]),
        reason_codes=tuple(row["reason_codes"]),
        parameters=tuple(content["parameters"]),
        derived=content["derived"],
        trace_hash=row["trace_hash"],
        duration_us=row["duration_us"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        sealed=bytes(row.get("sealed", b"")),
    )


def _trace(said: Mapping[str, Any]) -> RowTrace:
    failed = said.get("failed", {})
    return RowTrace(
        said["row"],
        said["matched"],
        failed.get("column", ""),
        failed.get("cell", ""),
        failed.get("value"),
    )
