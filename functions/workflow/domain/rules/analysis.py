"""What is wrong with a table before anybody is decided on: overlaps, gaps, rows without effect.

Every column is cut where some cell begins or ends; between two cuts all values are alike, so a few
representatives stand for all. A row is then one bit set per column, an overlap is a common piece in
every column, and a gap is a combination of pieces that no row has. Each finding has a witness:
facts that show it. Derived columns count as independent of each other, so what is found complete
and disjoint is so for every fact; a finding may name facts that cannot occur together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, Final

from kernel.errors import ParseError
from workflow.domain.rules.cells import Bound, Choice, ParameterName, Span, Spans
from workflow.domain.rules.evaluation import VALID_ON
from workflow.domain.rules.facts import Fact, FactType, Value
from workflow.domain.rules.parameters import MissingParameterError, World
from workflow.domain.rules.table import HitPolicy, Row, Table

MAX_WITNESSES: Final = 100
MAX_DATES: Final = 60
# Pieces looked at in one analysis; some seconds. What needs more is said not to be finished.
_BUDGET: Final = 3_000_000
_SOMEWHERE: Final[Mapping[FactType, Value]] = {
    FactType.INT: 0,
    FactType.DATE: date(2026, 1, 1),
}
_UNITS: Final[Mapping[FactType, Any]] = {
    FactType.INT: 1,
    FactType.DATE: timedelta(days=1),
    FactType.DATETIME: timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rows that match the same facts. ``agrees`` when both say the same."""

    rows: tuple[str, str]
    witness: Mapping[str, Any]
    agrees: bool

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {"rows": list(self.rows), "witness": dict(self.witness), "agrees": self.agrees}


@dataclass(frozen=True, slots=True)
class Unbound:
    """A cell whose parameter has no value (for one member of its group) or one of another type."""

    row: str
    parameter: str
    valid_on: date

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {
            "row": self.row,
            "parameter": self.parameter,
            "valid_on": self.valid_on.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Analysis:
    """All findings of a table, at most ``MAX_WITNESSES`` of a kind.

    Shapes: ``overlaps`` in row order under every hit policy; ``gaps`` are witnesses;
    ``unreachable`` are rows of a FIRST table that are never the first hit; ``dead`` ones match
    nothing at all;
    ``finished`` is False when a limit ended the search before it was done.
    """

    overlaps: tuple[Overlap, ...] = ()
    gaps: tuple[Mapping[str, Any], ...] = ()
    unreachable: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    unbound: tuple[Unbound, ...] = ()
    finished: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The findings as JSON."""
        return {
            "overlaps": [overlap.to_dict() for overlap in self.overlaps],
            "gaps": [dict(gap) for gap in self.gaps],
            "unreachable": list(self.unreachable),
            "dead": list(self.dead),
            "unbound": [unbound.to_dict() for unbound in self.unbound],
            "finished": self.finished,
        }


def analyse(table: Table, world: World) -> Analysis:
    """Analyse a table from ``world.valid_on`` on, at every date on which something changes."""
    dates, finished = _dates(table, world)
    budget = _Budget()
    findings = [_Slice(table, world.on(day), budget).findings() for day in dates]
    if len(findings) == 1 and finished:
        return findings[0]
    overlaps: dict[tuple[str, str], Overlap] = {}
    gaps: dict[str, Mapping[str, Any]] = {}
    for day, found in zip(dates, findings, strict=True):
        for overlap in found.overlaps:
            dated = {**overlap.witness, VALID_ON: day.isoformat()}
            known = overlaps.get(overlap.rows)
            if known is None or (known.agrees and not overlap.agrees):
                overlaps[overlap.rows] = Overlap(overlap.rows, dated, overlap.agrees)
        for gap in found.gaps:
            gaps.setdefault(repr(sorted(gap.items())), {**gap, VALID_ON: day.isoformat()})
    order = {row.id: row.order for row in table.rows}
    return Analysis(
        tuple(sorted(overlaps.values(), key=lambda o: (order[o.rows[0]], order[o.rows[1]]))),
        tuple(gaps.values())[:MAX_WITNESSES],
        _everywhere(table, dates, [found.unreachable for found in findings]),
        _everywhere(table, dates, [found.dead for found in findings], never=True),
        tuple(dict.fromkeys(unbound for found in findings for unbound in found.unbound)),
        finished and all(found.finished for found in findings),
    )


def _dates(table: Table, world: World) -> tuple[list[date], bool]:
    names = {name.key for name in table.parameters()}
    keys = {key for name in names for key in world.parameters.keys_of(name)}
    changes = {day for key in keys for day in world.parameters.changes(key)}
    changes |= {day for row in table.rows for day in (row.valid_from, row.valid_to) if day}
    later = sorted(day for day in changes if day > world.valid_on)
    return [world.valid_on, *later[: MAX_DATES - 1]], len(later) < MAX_DATES


def _everywhere(
    table: Table, dates: Sequence[date], found: Sequence[Sequence[str]], *, never: bool = False
) -> tuple[str, ...]:
    """Rows that are found at every date on which they count; ``never`` adds those that never do."""
    rows = []
    for row in table.rows:
        there = [
            row.id in names for day, names in zip(dates, found, strict=True) if row.is_valid_on(day)
        ]
        if all(there) if there else never:
            rows.append(row.id)
    return tuple(rows)


# ---------------------------------------------------------------------------- columns


@dataclass
class _Axis:
    """One column cut into pieces; ``reps[i]`` stands for piece ``i``, None where it is empty."""

    column: Fact
    cuts: list[Value] = field(default_factory=list)
    reps: list[Value] = field(default_factory=list)
    live: int = 0

    @classmethod
    def of(cls, column: Fact, bounds: Sequence[Bound]) -> _Axis:
        axis = cls(column)
        if column.is_ordered:
            axis._cut(bounds)
        else:
            axis._name(bounds)
        if column.nullable:
            axis._add(None)
        return axis

    def _add(self, rep: Value, *, live: bool = True) -> None:
        if live:
            self.live |= 1 << len(self.reps)
        self.reps.append(rep)

    def _name(self, bounds: Sequence[Bound]) -> None:
        if self.column.type is FactType.BOOL:
            values: list[Value] = [False, True]
        elif self.column.type is FactType.ENUM:
            values = list(self.column.values)
        else:
            named = {v for b in bounds if isinstance(b, Choice) for v in b.values}
            other = "other"
            while other in named:
                other += "_"
            values = [*sorted(named), other]
        for value in values:
            self._add(value)

    def _cut(self, bounds: Sequence[Bound]) -> None:
        column = self.column
        cuts = {end for end in (column.low, column.high) if end is not None}
        for bound in bounds:
            if isinstance(bound, Spans):
                cuts.update(e for s in bound.spans for e in (s.low, s.high) if e is not None)
        self.cuts = sorted(cuts)
        for place in range(len(self.cuts) + 1):
            between = self._between(place)
            self._add(between, live=between is not None and self._inside(between))
            if place < len(self.cuts):
                self._add(self.cuts[place], live=self._inside(self.cuts[place]))

    def _inside(self, value: Value) -> bool:
        low, high = self.column.low, self.column.high
        return (low is None or value >= low) and (high is None or value <= high)

    def _between(self, place: int) -> Value:
        """A value between two neighbouring cuts, or None where there is none."""
        kind, step = self.column.type, self.column.step
        unit = step or _UNITS.get(kind, Decimal(1))
        try:
            if not self.cuts:
                somewhere = (
                    datetime(2026, 1, 1, tzinfo=UTC) if kind is FactType.DATETIME else Decimal(0)
                )
                return _SOMEWHERE.get(kind, somewhere)
            if place == 0:
                return self.cuts[0] - unit
            low = self.cuts[place - 1]
            if place == len(self.cuts):
                return low + unit
            high = self.cuts[place]
            if step is not None:
                return low + step if low + step < high else None
            return low + (high - low) / 2
        except OverflowError:
            return None

    def mask(self, bound: Bound) -> int:
        """The pieces a set holds, as bits."""
        found = 0
        if isinstance(bound, Spans):
            for span in bound.spans:
                low, high = self._ends(span)
                found |= (1 << high + 1) - (1 << low) if high >= low else 0
            if bound.null and self.column.nullable:
                found |= 1 << len(self.reps) - 1
        else:
            for number, rep in enumerate(self.reps):
                found |= (1 << number) if bound.holds(rep) else 0
        return found & self.live

    def _ends(self, span: Span) -> tuple[int, int]:
        low, high = 0, 2 * len(self.cuts)
        if span.low is not None:
            low = 2 * bisect_left(self.cuts, span.low) + (1 if span.low_in else 2)
        if span.high is not None:
            high = 2 * bisect_left(self.cuts, span.high) + (1 if span.high_in else 0)
        return low, high

    def first(self, mask: int) -> Any:
        """Representative of the first piece of a set, as JSON."""
        return self.column.wire(self.reps[(mask & -mask).bit_length() - 1])


def _bits(mask: int) -> Iterator[int]:
    text = bin(mask)[:1:-1]
    place = text.find("1")
    while place >= 0:
        yield place
        place = text.find("1", place + 1)


# ---------------------------------------------------------------------------- one date


@dataclass(slots=True)
class _Entry:
    """A row, or the part of it for one value of its groups; ``row`` None is a hole."""

    row: Row | None
    bounds: list[Bound]
    masks: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Budget:
    """What one analysis may still look at, over all its dates."""

    left: int = _BUDGET

    def takes(self, pieces: int) -> bool:
        """Whether there is enough left for so many pieces; they count as looked at."""
        self.left -= pieces
        return self.left >= 0


class _Slice:
    """A table at one date, as bits."""

    def __init__(self, table: Table, world: World, budget: _Budget) -> None:
        self.table = table
        self.budget = budget
        self.world = world
        groups = [n.group for r in table.rows for c in r.cells for n in c.parameters() if n.group]
        names = {column.name for column in table.columns}
        extra = [table.place(name) for name in dict.fromkeys(groups) if name not in names]
        self.columns = [*table.columns, *extra]
        self.unbound: list[Unbound] = []
        self.finished = True
        rows = [row for row in table.rows if row.is_valid_on(world.valid_on)]
        entries = [entry for row in rows for entry in self._entries(row)]
        self.axes = [
            _Axis.of(column, [entry.bounds[n] for entry in entries])
            for n, column in enumerate(self.columns)
        ]
        for entry in entries:
            pairs = zip(self.axes, entry.bounds, strict=True)
            entry.masks = [axis.mask(bound) for axis, bound in pairs]
        self.dead = [row.id for row in rows if not self._lives(row, entries)]
        self.entries = [entry for entry in entries if all(entry.masks)]
        self._index()

    @staticmethod
    def _lives(row: Row, entries: Sequence[_Entry]) -> bool:
        return any(entry.row is row and all(entry.masks) for entry in entries)

    def _entries(self, row: Row) -> Iterator[_Entry]:
        groups = list(dict.fromkeys(n.group for c in row.cells for n in c.parameters() if n.group))
        places = [self.table.place(name) for name in groups]
        choices = [(*place.values, *((None,) if place.nullable else ())) for place in places]
        for values in product(*choices):
            chosen = dict(zip(groups, values, strict=True))
            bounds, whole = self._bound(row, chosen)
            yield _Entry(row if whole else None, bounds)

    def _bound(self, row: Row, chosen: Mapping[str, Value]) -> tuple[list[Bound], bool]:
        """The sets of a row for one value of its groups, and whether all parameters are there."""

        def value_of(name: ParameterName) -> Value:
            return self.world.parameter(name.of(chosen[name.group]) if name.group else name.key)

        whole, bounds = True, list[Bound]()
        cells = [*row.cells, *[None] * (len(self.columns) - len(row.cells))]
        for column, cell in zip(self.columns, cells, strict=True):
            everything: Bound = (
                Spans((Span(None, False, None, False),), True)
                if column.is_ordered
                else Choice(frozenset(), True, True)
            )
            try:
                bound = everything if cell is None else cell.bind(column, value_of)
            except (MissingParameterError, ParseError) as error:
                key = error.key if isinstance(error, MissingParameterError) else cell.text  # type: ignore[union-attr]
                self.unbound.append(Unbound(row.id, key, self.world.valid_on))
                whole, bound = False, everything
            if column.name in chosen:
                bound = _narrowed(bound, chosen[column.name])
            bounds.append(bound)
        return bounds, whole

    def _index(self) -> None:
        """Which entries hold each piece: entries without condition apart, so that wide tables stay
        cheap.
        """
        count = len(self.axes)
        self.everywhere = [0] * count
        self.at: list[dict[int, int]] = [{} for _ in range(count)]
        for number, entry in enumerate(self.entries):
            bit = 1 << number
            for place, (axis, mask) in enumerate(zip(self.axes, entry.masks, strict=True)):
                if mask == axis.live:
                    self.everywhere[place] |= bit
                    continue
                if not self.budget.takes(mask.bit_count()):
                    self.finished = False
                    return
                held = self.at[place]
                for piece in _bits(mask):
                    held[piece] = held.get(piece, 0) | bit
        # Entries without any condition from a column on: whoever still has one is covered there.
        self.free_from = [0] * count + [(1 << len(self.entries)) - 1]
        for place in reversed(range(count)):
            self.free_from[place] = self.everywhere[place] & self.free_from[place + 1]

    # -------------------------------------------------------------- findings

    def findings(self) -> Analysis:
        """Everything found at this date; nothing but that when the table is too large."""
        if not self.finished:
            return Analysis(unbound=tuple(self.unbound), finished=False)
        overlaps = tuple(self._overlaps())
        alive = (1 << len(self.entries)) - 1
        live = [axis.live for axis in self.axes]
        gaps = tuple(self._uncovered(live, alive, MAX_WITNESSES)) if all(live) else ()
        unreachable: tuple[str, ...] = ()
        if self.table.hit_policy is HitPolicy.FIRST:
            unreachable = tuple(self._unreachable())
        return Analysis(
            overlaps, gaps, unreachable, tuple(self.dead), tuple(self.unbound), self.finished
        )

    def _overlaps(self) -> Iterator[Overlap]:
        known: list[dict[int, int]] = [{} for _ in self.axes]
        found: set[tuple[str, str]] = set()
        for number, entry in enumerate(self.entries):
            if entry.row is None:
                continue
            others = (1 << len(self.entries)) - (1 << number + 1)
            for place, mask in enumerate(entry.masks):
                if not others:
                    break
                others &= self._holding(place, mask, known[place])
            for other in _bits(others):
                second = self.entries[other]
                if second.row is None or second.row is entry.row:
                    continue
                pair = (entry.row.id, second.row.id)
                if pair in found:
                    continue
                if len(found) == MAX_WITNESSES:
                    return
                found.add(pair)
                common = [a & b for a, b in zip(entry.masks, second.masks, strict=True)]
                same = bool(entry.row.outputs) and entry.row.outputs == second.row.outputs
                yield Overlap(pair, self._witness(common), same)

    def _holding(self, place: int, mask: int, known: dict[int, int]) -> int:
        """Entries that share a piece of ``mask`` in a column."""
        if mask == self.axes[place].live:
            return (1 << len(self.entries)) - 1
        if mask not in known:
            held = self.at[place]
            rows = self.everywhere[place]
            for piece in _bits(mask):
                rows |= held.get(piece, 0)
            known[mask] = rows
        return known[mask]

    def _unreachable(self) -> Iterator[str]:
        reached: set[str] = set()
        for number, entry in enumerate(self.entries):
            earlier = (1 << number) - 1
            if entry.row is not None and any(self._uncovered(entry.masks, earlier, 1)):
                reached.add(entry.row.id)
        for row in self.table.rows:
            if row.is_valid_on(self.world.valid_on) and row.id not in reached:
                yield row.id

    def _uncovered(self, masks: Sequence[int], alive: int, most: int) -> list[Mapping[str, Any]]:
        """Witnesses inside ``masks`` that none of the entries ``alive`` holds."""
        found: list[Mapping[str, Any]] = []
        seen: set[tuple[int, int]] = set()
        path: list[int] = []

        def search(place: int, rows: int) -> None:
            if len(found) == most or rows & self.free_from[place]:
                return
            if not rows:
                found.append(self._witness([*path, *masks[place:]]))
                return
            if (place, rows) in seen:
                return
            seen.add((place, rows))
            if not self.budget.takes(masks[place].bit_count()):
                self.finished = False
                return
            pieces: dict[int, int] = {}
            held, always = self.at[place], self.everywhere[place]
            for piece in _bits(masks[place]):
                pieces.setdefault(rows & (always | held.get(piece, 0)), piece)
            for rest, piece in pieces.items():
                path.append(1 << piece)
                search(place + 1, rest)
                path.pop()

        search(0, alive)
        return found

    def _witness(self, masks: Sequence[int]) -> dict[str, Any]:
        return {
            axis.column.name: axis.first(mask) for axis, mask in zip(self.axes, masks, strict=True)
        }


def _narrowed(bound: Bound, value: Value) -> Bound:
    """The part of a set for one value of the column."""
    if not bound.holds(value):
        return Choice(frozenset())
    return Choice(frozenset(), False, True) if value is None else Choice(frozenset({value}))
