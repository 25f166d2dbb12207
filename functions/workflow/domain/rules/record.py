"""What remains of a decision: enough to explain it to anybody and to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kernel.why import Why
from workflow.domain.rules.evaluation import Decision, Outcome, RowTrace, evaluate
from workflow.domain.rules.parameters import World
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.table import Table


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision as it is kept.

    Units: ``duration_us`` are microseconds. Shapes: ``rule`` is the key that was asked, ``table``
    the one that holds its rows; ``facts`` are JSON with personal ones masked, which are whole in
    ``sealed`` for nobody but a replay; ``parameters`` and ``derived`` are what was used.
    """

    id: str
    rule: str
    table: str
    version_id: str
    sha256: str
    scopes: Scopes
    valid_on: date
    known_on: datetime
    decided_at: datetime
    actor: str
    facts: Mapping[str, Any]
    outcome: Outcome
    result: Mapping[str, Any] | None
    rows: tuple[RowTrace, ...]
    hits: tuple[str, ...]
    reason_codes: tuple[str, ...]
    parameters: tuple[Mapping[str, Any], ...]
    derived: Mapping[str, Any]
    trace_hash: str
    duration_us: int
    correlation_id: str = ""
    causation_id: str = ""
    sealed: bytes = b""

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON, as the archive keeps it for ever: personal facts stay masked."""
        return {
            "id": self.id,
            "rule": self.rule,
            "table": self.table,
            "version_id": self.version_id,
            "sha256": self.sha256,
            "scopes": self.scopes.to_dict(),
            "valid_on": self.valid_on.isoformat(),
            "known_on": self.known_on.isoformat(),
            "decided_at": self.decided_at.isoformat(),
            "actor": self.actor,
            "facts": dict(self.facts),
            "outcome": self.outcome.value,
            "result": self.result,
            "rows": [row.to_dict() for row in self.rows],
            "hits": list(self.hits),
            "reason_codes": list(self.reason_codes),
            "parameters": [dict(parameter) for parameter in self.parameters],
            "derived": dict(self.derived),
            "trace_hash": self.trace_hash,
            "duration_us": self.duration_us,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """A decision made again: whether it came out the same."""

    decision: Decision
    recorded_hash: str

    @property
    def same(self) -> bool:
        """Whether result and trace are those of the record."""
        return self.decision.trace_hash == self.recorded_hash


def replay(
    record: DecisionRecord, table: Table, world: World, facts: Mapping[str, Any] | None = None
) -> Replay:
    """Decide again; ``table`` and ``world`` are those of the record, ``facts`` the recorded ones
    with the personal ones opened.
    """
    given = record.facts if facts is None else facts
    return Replay(evaluate(table, given, world), record.trace_hash)


def why(table: Table, rule: str, decision: Decision, valid_on: date) -> tuple[Why, ...]:
    """The reasons of a decision, one sentence each.

    Shapes: first what was decided by which rows; then per hit the row's own reason; per other row
    the cell that failed; at the end the parameters that were used.
    """
    return explain(
        table,
        rule=rule,
        valid_on=valid_on,
        outcome=decision.outcome,
        rows=decision.rows,
        hits=decision.hits,
        parameters=tuple(parameter.trace() for parameter in decision.parameters),
    )


def explain(
    table: Table,
    *,
    rule: str,
    valid_on: date,
    outcome: Outcome,
    rows: tuple[RowTrace, ...],
    hits: tuple[str, ...],
    parameters: tuple[Mapping[str, Any], ...],
) -> tuple[Why, ...]:
    """The same from the parts of a record."""
    reasons = {row.id: row for row in table.rows}
    head = {"rule": rule, "valid_on": valid_on.isoformat(), "rows": ", ".join(hits)}
    said = [Why(f"workflow.why.{outcome.value.lower()}", head)]
    for name in hits:
        row = reasons[name]
        if row.reason:
            words = {f"reason_{language}": text for language, text in row.reason.items()}
            more = {"row": name, "legal_ref": row.legal_ref, **words}
            said.append(Why("workflow.why.reason", more))
    for trace in rows:
        if not trace.matched:
            params = {
                "row": trace.row,
                "column": trace.column,
                "cell": trace.cell,
                "value": trace.value,
            }
            said.append(Why("workflow.why.failed", params))
    for parameter in parameters:
        shown = {
            "key": parameter["key"],
            "value": parameter["value"],
            "valid_from": parameter["valid_from"],
            "legal_ref": parameter["legal_ref"],
        }
        said.append(Why("workflow.why.parameter", shown))
    return tuple(said)
