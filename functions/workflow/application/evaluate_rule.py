"""Decide by a rule and keep the decision (WFL-01, WFL-02)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from kernel.errors import Problem, ValidationError
from kernel.storing import CommandIdentity, Remembered
from workflow.application.context import Scope, once
from workflow.domain.rules.catalogue import Catalogue
from workflow.domain.rules.evaluation import Decision, evaluate
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.table import Table


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be decided.

    Units: ``valid_on`` is the business date (today if None), ``known_on`` the instant whose
    knowledge counts (now if None). ``causation_id`` names what asked.
    """

    rule: str
    facts: Mapping[str, Any]
    valid_on: date | None = None
    known_on: datetime | None = None
    scopes: Scopes = field(default_factory=Scopes)
    causation_id: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A kept decision and the table it was made with."""

    record: DecisionRecord
    table: Table


class EvaluateRule:
    """Decide by the version in force and write the record in the same step.

    Raises: NotFoundError for an unknown rule or a date without version; ValidationError for facts;
    RuleViolationError for contradictions, missing parameters and facts a row refuses. Nothing is
    kept of a decision that was not made.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, question: Question, command: CommandIdentity | None = None) -> Decided:
        """With a command, a repetition gets the first decision and makes none."""
        return once(
            self._scope.store, command, self._again, lambda: self._decide(question, command)
        )

    def _again(self, first: Remembered) -> Decided:
        record = self._scope.store.decision(str(first.body["decision_id"]))
        version = self._scope.version(record.table, record.version_id)
        return Decided(record, version.table)

    def _decide(self, question: Question, command: CommandIdentity | None) -> Decided:
        decided = decide(self._scope, question)
        unit = self._scope.store.unit()
        unit.add_decision(decided.record)
        if command is not None:
            unit.remember(command, Remembered(200, {"decision_id": decided.record.id}, {}))
        unit.commit()
        return decided


def decide(scope: Scope, question: Question, catalogue: Catalogue | None = None) -> Decided:
    """Decide by the version in force; nothing is written.

    ``catalogue`` saves reading the versions again where many decisions follow each other. Raises:
    as ``EvaluateRule``.
    """
    now = scope.clock.now()
    known_on = question.known_on or now
    if known_on > now:
        problem = Problem("/known_on", "in_the_future", "Nothing of the future is known.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    valid_on = question.valid_on or scope.today
    if catalogue is None:
        catalogue = scope.catalogue(scope.shipped.table_of(question.rule))
    version = catalogue.version(question.rule, question.scopes, valid_on, known_on)
    world = scope.world(catalogue, valid_on, known_on, question.scopes)
    started = scope.stopwatch()
    decision = evaluate(version.table, question.facts, world)
    duration = scope.stopwatch() - started
    record = _record(
        scope, question, version.id, version.sha256, version.table, decision,
        (valid_on, known_on, now), duration,
    )  # fmt: skip
    return Decided(record, version.table)


def _record(
    scope: Scope,
    question: Question,
    version_id: str,
    sha256: str,
    table: Table,
    decision: Decision,
    times: tuple[date, datetime, datetime],
    duration_us: int,
) -> DecisionRecord:
    valid_on, known_on, now = times
    decision_id = scope.ids.new()
    return DecisionRecord(
        id=decision_id,
        rule=question.rule,
        table=scope.shipped.table_of(question.rule),
        version_id=version_id,
        sha256=sha256,
        scopes=question.scopes,
        valid_on=valid_on,
        known_on=known_on,
        decided_at=now,
        actor=scope.actor,
        facts=table.facts.masked(question.facts),
        outcome=decision.outcome,
        result=decision.result,
        rows=decision.rows,
        hits=decision.hits,
        reason_codes=decision.reason_codes,
        parameters=tuple(parameter.trace() for parameter in decision.parameters),
        derived=decision.derived,
        trace_hash=decision.trace_hash,
        duration_us=duration_us,
        correlation_id=scope.correlation_id,
        causation_id=question.causation_id,
        sealed=scope.personal.seal(decision_id, table.facts.personal(question.facts)),
    )
