"""A decision: facts in, one result out, with the fate of every row.

The result says for every row whether it matched and, if not, which cell failed first with which
value. The same facts, table and parameters give the same result and the same hash, whatever the
order in which the rows are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, partial
from typing import Any, Final, NamedTuple

from kernel.errors import ParseError, RuleViolationError
from workflow.domain.rules.cells import Bound, ParameterName
from workflow.domain.rules.facts import Fact, FactType, Value, plain
from workflow.domain.rules.functions import derive
from workflow.domain.rules.parameters import Parameter, World
from workflow.domain.rules.table import (
    FromFact,
    Gather,
    HitPolicy,
    Output,
    PlannedCell,
    Row,
    Source,
    Table,
    digest,
    member_of,
)

VALID_ON: Final = "valid_on"
"""The column that the validity of a row counts as."""


class ContradictionError(RuleViolationError):
    """Two rows match where one may; the decision stops and names them."""

    def __init__(self, rows: Sequence[str]) -> None:
        super().__init__(
            "CONTRADICTION", f"CONTRADICTION({', '.join(rows)}): these rows decide differently."
        )
        self.rows = tuple(rows)


class RowRefusedError(RuleViolationError):
    """A row matched that says: these facts must not be decided on."""


class Outcome(StrEnum):
    """How a result came about."""

    DECIDED = "DECIDED"
    DEFAULT = "DEFAULT"
    NO_RULE = "NO_RULE"


class RowTrace(NamedTuple):
    """What became of one row. ``column``, ``cell`` and ``value`` are those of the first failure; a
    personal value is masked.
    """

    row: str
    matched: bool
    column: str = ""
    cell: str = ""
    value: Any = None

    def to_dict(self) -> dict[str, Any]:
        """The trace as JSON."""
        if self.matched:
            return {"row": self.row, "matched": True}
        failed = {"column": self.column, "cell": self.cell, "value": self.value}
        return {"row": self.row, "matched": False, "failed": failed}


@dataclass(frozen=True)
class Decision:
    """A result and its reasons.

    Shapes: ``result`` is JSON, one member per output, or None when no row and no default applies;
    ``hits`` are the rows whose outputs made the result; ``derived`` are the derived facts used.
    """

    outcome: Outcome
    result: Mapping[str, Any] | None
    rows: tuple[RowTrace, ...]
    hits: tuple[str, ...]
    reason_codes: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    derived: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def trace_hash(self) -> str:
        """Hash of everything that was decided and why."""
        return digest(
            {
                "outcome": self.outcome.value,
                "result": self.result,
                "rows": [row.to_dict() for row in self.rows],
                "parameters": [parameter.trace() for parameter in self.parameters],
                "derived": self.derived,
            }
        )


@dataclass
class _Facts:
    """Facts and derived facts of one decision; a derived fact is made when it is first asked."""

    table: Table
    world: World
    values: dict[str, Value]
    derived: dict[str, Value] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Value:
        if name in self.values:
            return self.values[name]
        if name not in self.derived:
            derived = self.table.derived[name]
            arguments = {key: self.of(source) for key, source in derived.arguments.items()}
            self.derived[name] = derive(derived.function, derived.place, arguments, self.world)
        return self.derived[name]

    def of(self, source: Source) -> Value:
        """The value behind a source."""
        if isinstance(source, FromFact):
            return self[source.name]
        if isinstance(source, ParameterName):
            return argument(self.world.parameter(self.key(source)))
        return source.value

    def key(self, name: ParameterName) -> str:
        """The key of a parameter, with the value of its group."""
        return name.of(self[name.group]) if name.group else name.key

    def bound(self, name: ParameterName) -> Value:
        """The value of a parameter in a cell."""
        return self.world.parameter(self.key(name))


def argument(value: Any) -> Value:
    """A parameter's value as an argument of a function: decimals stand as text in JSON."""
    return tuple(map(argument, value)) if isinstance(value, list) else value


def _value_of(world: World, name: ParameterName) -> Value:
    return world.parameter(name.key)


class Bounds:
    """The cells of a table that name parameters, bound to one world, for many decisions.

    Cells whose parameter depends on a fact are bound per decision.
    """

    def __init__(self, table: Table, world: World) -> None:
        self._made: dict[int, tuple[Bound, tuple[Parameter, ...]]] = {}
        for number in table.plan.dated:
            planned = table.plan.cells[number]
            own = world.on(world.valid_on)
            bound = planned.cell.bind(planned.column, partial(_value_of, own))
            self._made[number] = (bound, tuple(own.used.values()))

    def bound(self, number: int, planned: PlannedCell, facts: _Facts) -> Bound:
        """The set of one cell; the parameters it took count as used by the decision."""
        made = self._made.get(number)
        if made is None:
            return planned.cell.bind(planned.column, facts.bound)
        for parameter in made[1]:
            facts.world.used[parameter.key, parameter.id] = parameter
        return made[0]


def evaluate(
    table: Table, given: Mapping[str, Any], world: World, bounds: Bounds | None = None
) -> Decision:
    """Decide.

    Shapes: ``given`` are JSON facts, exactly those the table declares. ``bounds`` may be shared by
    decisions of the same table, date and scope.
    Raises: ValidationError("facts_invalid"); ContradictionError; RowRefusedError;
    MissingParameterError; DerivationError. None of them ever leads to the default row.
    """
    facts = _Facts(table, world, table.facts.read(given))
    bounds = bounds or Bounds(table, world)
    traces, matched = _traces(table, facts, bounds)
    hits = _chosen(table, matched)
    for row in hits:
        if row.error:
            raise RowRefusedError(row.error, f"{row.error}({row.id}): no decision on these facts.")
    outcome, result = _result(table, hits, facts)
    used = sorted(facts.world.used.values(), key=lambda p: (p.key, p.valid_from, p.id))
    return Decision(
        outcome,
        result,
        tuple(traces),
        tuple(row.id for row in hits),
        tuple(dict.fromkeys(row.reason_code for row in hits if row.reason_code)),
        tuple(used),
        {name: table.place(name).shown(value) for name, value in sorted(facts.derived.items())},
    )


# What ``RowTrace(*values)`` does, without a call of Python for each of thousands of rows.
_failed: Final[Callable[[tuple[Any, ...]], RowTrace]] = partial(tuple.__new__, RowTrace)


def _traces(table: Table, facts: _Facts, bounds: Bounds) -> tuple[list[RowTrace], list[Row]]:
    """The fate of every row, and the rows that match.

    A condition is looked at when the first row needs it, and not again for the rows that share it.
    """
    valid_on, cells = facts.world.valid_on, table.plan.cells
    # Per condition: None before it was looked at, True, or what its failure says.
    known: list[Any] = [None] * len(cells)
    shown: dict[str, Any] = {}
    traces: list[RowTrace] = []
    matched: list[Row] = []
    add = traces.append
    for row, name, is_dated, numbers in table.plan.rows:
        if is_dated and not row.is_valid_on(valid_on):
            span = f"[{plain(row.valid_from) or ''}..{plain(row.valid_to) or ''})"
            add(RowTrace(name, False, VALID_ON, span, plain(valid_on)))
            continue
        for number in numbers:
            said = known[number]
            if said is None:
                planned = cells[number]
                value = facts[planned.column.name]
                bound = planned.bound or bounds.bound(number, planned, facts)
                said = known[number] = bound.holds(value) or (
                    False, planned.column.name, planned.cell.text,
                    _shown(planned.column, value, shown),
                )  # fmt: skip
            if said is not True:
                add(_failed((name, *said)))
                break
        else:
            add(RowTrace(name, True))
            matched.append(row)
    return traces, matched


def _shown(column: Fact, value: Value, shown: dict[str, Any]) -> Any:
    """A value as reasons show it; written once per column."""
    if column.name not in shown:
        shown[column.name] = column.shown(value)
    return shown[column.name]


def by_priority(row: Row) -> tuple[bool, int, int]:
    """Sort key: stated priorities first, then table order."""
    return (row.priority is None, row.priority or 0, row.order)


def _chosen(table: Table, matched: list[Row]) -> list[Row]:
    policy = table.hit_policy
    if policy is HitPolicy.FIRST:
        return matched[:1]
    if policy is HitPolicy.PRIORITY:
        return sorted(matched, key=by_priority)
    if policy is HitPolicy.UNIQUE and len(matched) > 1:
        raise ContradictionError([row.id for row in matched])
    return matched


def _result(
    table: Table, hits: list[Row], facts: _Facts
) -> tuple[Outcome, Mapping[str, Any] | None]:
    if not hits:
        if table.default is None and not table.hit_policy.collects:
            return Outcome.NO_RULE, None
        defaults = {name: _default(output, name, facts) for name, output in table.outputs.items()}
        outcome = Outcome.DEFAULT if table.default is not None else Outcome.NO_RULE
        return outcome, defaults
    values = {name: _gathered(table, output, hits, facts) for name, output in table.outputs.items()}
    return Outcome.DECIDED, values


def _default(output: Output, name: str, facts: _Facts) -> Any:
    source = (facts.table.default or {}).get(name)
    if source is not None:
        return _wire(output.place, facts.of(source))
    return [] if output.gather in (Gather.LIST, Gather.UNION) else None


def _gathered(table: Table, output: Output, hits: list[Row], facts: _Facts) -> Any:
    name = output.place.name
    speaking = [row for row in hits if name in row.outputs]
    if not speaking:
        return _default(output, name, facts)
    if output.gather is Gather.COUNT:
        return len(speaking)
    values = [facts.of(row.outputs[name]) for row in speaking]
    if not table.hit_policy.collects:
        if table.hit_policy is HitPolicy.ANY and any(value != values[0] for value in values):
            raise ContradictionError([row.id for row in speaking])
        return _wire(output.place, values[0])
    if output.gather is Gather.SAME:
        if any(value != values[0] for value in values):
            raise ContradictionError([row.id for row in speaking])
        return _wire(output.place, values[0])
    if output.gather in (Gather.LIST, Gather.UNION):
        return _list(output, values)
    numbers = [_typed(output.place, value) for value in values]
    if output.gather is Gather.SUM:
        return _wire(output.place, sum(numbers[1:], numbers[0]))
    return _wire(output.place, min(numbers) if output.gather is Gather.MIN else max(numbers))


def _list(output: Output, values: list[Value]) -> list[Any]:
    member = member_of(output)
    if output.gather is Gather.LIST:
        return [_wire(member, value) for value in values]
    flat = [part for v in values for part in (v if isinstance(v, list | tuple) else (v,))]
    once = list(dict.fromkeys(flat))
    if member.values:
        once.sort(key=member.values.index)
    return [_wire(member, value) for value in once]


def _typed(place: Fact, value: Value) -> Value:
    """A value in the type of an output: parameters stand in JSON, facts as the rules see them."""
    if value is None or place.type in (FactType.ANY, FactType.LIST):
        return value
    return place.read(plain(value)) if isinstance(value, str) else value


def _wire(place: Fact, value: Value) -> Any:
    try:
        typed = _typed(place, value)
    except ParseError as error:
        raise RuleViolationError("OUTPUT_TYPE", error.message) from error
    if typed is None and not place.nullable and place.type is not FactType.ANY:
        raise RuleViolationError("OUTPUT_TYPE", f"The output {place.name} may not be null.")
    if place.type is FactType.LIST and isinstance(typed, list | tuple):
        return place.wire(tuple(typed))
    return place.wire(typed)
