"""The gate before publication: what must hold before a table may decide about anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from kernel.errors import KopruError, Problem
from workflow.domain.rules.analysis import Analysis, analyse
from workflow.domain.rules.evaluation import Bounds, evaluate
from workflow.domain.rules.parameters import World
from workflow.domain.rules.table import Case, HitPolicy, Table


@dataclass(frozen=True, slots=True)
class CaseFailure:
    """A stored case that does not come out as it should."""

    case: str
    expected: Mapping[str, Any]
    got: Mapping[str, Any] | str | None

    def to_dict(self) -> dict[str, Any]:
        """The failure as JSON."""
        return {"case": self.case, "expected": dict(self.expected), "got": self.got}


@dataclass(frozen=True, slots=True)
class Check:
    """Findings and failing cases of one table; ``refusals`` say why it may not be published."""

    analysis: Analysis
    failing_cases: tuple[CaseFailure, ...]
    refusals: tuple[Problem, ...]

    @property
    def passes(self) -> bool:
        """Whether the table may be published."""
        return not self.refusals

    def to_dict(self) -> dict[str, Any]:
        """The check as JSON."""
        return {
            **self.analysis.to_dict(),
            "failing_cases": [failure.to_dict() for failure in self.failing_cases],
            "publishable": self.passes,
            "refusals": [{"code": p.code, "message": p.message} for p in self.refusals],
        }


def check(table: Table, world: World, cases: tuple[Case, ...] | None = None) -> Check:
    """Analyse a table and run its stored cases.

    Refused are overlaps of UNIQUE, overlaps of ANY whose rows say different things, gaps of a
    complete table, failing cases, and a search that a limit ended. Rows without effect, and
    parameters that some group lacks, are warnings: such facts end in an error, never in a default.
    """
    analysis = analyse(table, world)
    failing = tuple(failures(table, table.cases if cases is None else cases, world))
    return Check(analysis, failing, tuple(_refusals(table, analysis, failing)))


def failures(table: Table, cases: tuple[Case, ...], world: World) -> Iterator[CaseFailure]:
    """The cases that come out otherwise."""
    shared = Bounds(table, world) if table_binds(table, world) else None
    for case in cases:
        mine = world.on(case.valid_on or world.valid_on)
        try:
            decision = evaluate(table, case.facts, mine, shared if case.valid_on is None else None)
        except KopruError as error:
            if not case.is_error:
                yield CaseFailure(case.id, case.expect, error.code)
            continue
        if case.is_error or not agrees(case.expect, decision.result or {}):
            yield CaseFailure(case.id, case.expect, decision.result)


def table_binds(table: Table, world: World) -> bool:
    """Whether all parameters of the cells are there on the date of the world."""
    try:
        Bounds(table, world)
    except KopruError:
        return False
    return True


def agrees(expected: Any, got: Any) -> bool:
    """Whether a result has what a case expects: only named members, decimals by value."""
    if isinstance(expected, Mapping):
        return isinstance(got, Mapping) and all(
            name in got and agrees(value, got[name]) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(got, list) and len(got) == len(expected) and all(map(agrees, expected, got))
        )
    if isinstance(expected, str) and isinstance(got, str) and ("." in expected or "." in got):
        try:
            return expected == got or Decimal(expected) == Decimal(got)
        except InvalidOperation:
            return False
    return type(expected) is type(got) and bool(expected == got)


def _refusals(
    table: Table, analysis: Analysis, failing: tuple[CaseFailure, ...]
) -> Iterator[Problem]:
    if table.hit_policy.refuses_overlaps:
        for overlap in analysis.overlaps:
            if overlap.agrees and table.hit_policy is HitPolicy.ANY:
                continue
            rows = ", ".join(overlap.rows)
            text = f"OVERLAP [{rows}], for example {_shown(overlap.witness)}."
            yield Problem("/rows", "OVERLAP", text)
    if table.complete:
        for gap in analysis.gaps:
            yield Problem("/rows", "GAP", f"GAP: no row holds for {_shown(gap)}.")
    for unbound in analysis.unbound:
        if "[" not in unbound.parameter:
            text = f"PARAMETER({unbound.parameter}): no fitting value on {unbound.valid_on}."
            yield Problem("/rows", "PARAMETER", text)
    for failure in failing:
        yield Problem("/cases", "CASE", f"The stored case {failure.case} does not come out.")
    if not analysis.finished:
        yield Problem("/rows", "UNFINISHED", "The table is too large to be analysed to the end.")


def _shown(witness: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_value(value)}" for name, value in witness.items()) or "anything"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
