"""Cells: the S-FEEL subset of a decision table, from text to sets of values.

``cell = "-" | test {"," test} | "not(" cell ")" | "null"``; a test is a value, a comparison or an
interval; a value is a number, text, enum member, date or ``@parameter``. A cell is read once and
bound to the parameters of a date before anything is compared, so that it is always a set that the
analysis can intersect and subtract. There is no arithmetic and nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import ParseError
from workflow.domain.rules.facts import Fact, FactType, Value, plain

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<param>@[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*(?:\[[A-Za-z][A-Za-z0-9_]*\])?)
    | (?P<op><=|>=|<|>|=)
    | (?P<dots>\.\.)
    | (?P<mark>[\[\](),])
    | (?P<moment>[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+Z)?)
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_+\-]*)
    | (?P<dash>-)
    )""",
    re.VERBOSE,
)
_MAX_CELL: Final = 2000


@dataclass(frozen=True, slots=True)
class ParameterName:
    """A parameter in a cell or an output; ``group`` names the fact whose value chooses the member.

    ``@anomaly.min[subscriber_group]`` has the group ``subscriber_group``; ``@stages[foreign]``,
    where no fact has that name, is one parameter with that whole key.
    """

    key: str
    group: str = ""

    def of(self, group: Value) -> str:
        """The key for one value of the group."""
        return f"{self.key}[{plain(group)}]" if self.group else self.key

    def __str__(self) -> str:
        return f"@{self.key}[{self.group}]" if self.group else f"@{self.key}"


Operand = Value | ParameterName
Bind = Callable[[ParameterName], Value]


# ---------------------------------------------------------------------------- sets


@dataclass(frozen=True, slots=True)
class Span:
    """An interval; an end of None is open to infinity."""

    low: Value
    low_in: bool
    high: Value
    high_in: bool

    def holds(self, value: Value) -> bool:
        """Whether a value lies inside."""
        low, high = self.low, self.high
        if low is not None and (value < low or (not self.low_in and value == low)):
            return False
        return high is None or value < high or (self.high_in and value == high)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can lie inside."""
        if self.low is None or self.high is None:
            return False
        return bool(
            self.low > self.high or (self.low == self.high and not (self.low_in and self.high_in))
        )


WHOLE: Final = Span(None, False, None, False)


@dataclass(frozen=True, slots=True)
class Spans:
    """A set of an ordered type: disjoint intervals from low to high, with or without null."""

    spans: tuple[Span, ...]
    null: bool = False

    def holds(self, value: Value) -> bool:
        """Whether the cell matches."""
        if value is None:
            return self.null
        for span in self.spans:  # noqa: SIM110 (a generator costs more than the comparison)
            if span.holds(value):
                return True
        return False

    def complement(self) -> Spans:
        """Everything else, null included."""
        rest: list[Span] = []
        low: Value = None
        low_in = False
        for span in self.spans:
            if span.low is not None:
                rest.append(Span(low, low_in, span.low, not span.low_in))
            if span.high is None:
                return Spans(tuple(s for s in rest if not s.is_empty), not self.null)
            low, low_in = span.high, not span.high_in
        rest.append(Span(low, low_in, None, False))
        return Spans(tuple(s for s in rest if not s.is_empty), not self.null)


@dataclass(frozen=True, slots=True)
class Choice:
    """A set of an unordered type: these values, or all but these."""

    values: frozenset[Value]
    negated: bool = False
    null: bool = False

    def holds(self, value: Value) -> bool:
        """Whether the cell matches."""
        if value is None:
            return self.null
        return (value in self.values) is not self.negated

    def complement(self) -> Choice:
        """Everything else, null included."""
        return Choice(self.values, not self.negated, not self.null)


Bound = Spans | Choice


def union(spans: list[Span]) -> tuple[Span, ...]:
    """The same set as disjoint intervals in order."""
    found: list[Span] = []
    pending = [span for span in spans if not span.is_empty]
    unbounded = [span for span in pending if span.low is None]
    bounded = [span for span in pending if span.low is not None]
    for span in [*unbounded, *sorted(bounded, key=lambda s: (s.low, not s.low_in))]:
        if not found:
            found.append(span)
            continue
        last = found[-1]
        touches = (
            last.high is None
            or span.low is None
            or span.low < last.high
            or (span.low == last.high and (span.low_in or last.high_in))
        )
        if not touches:
            found.append(span)
        elif last.high is not None and (
            span.high is None or span.high > last.high or (span.high == last.high and span.high_in)
        ):
            found[-1] = Span(last.low, last.low_in, span.high, span.high_in)
    return tuple(found)


# ---------------------------------------------------------------------------- cells


@dataclass(frozen=True, slots=True)
class Test:
    """``low`` and ``high`` with operators; a plain value is the interval of itself."""

    operator: str
    low: Operand
    high: Operand = None
    low_in: bool = True
    high_in: bool = True

    def operands(self) -> Iterator[Operand]:
        """What is compared with."""
        yield self.low
        if self.operator == "..":
            yield self.high


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it was read; ``text`` is the canonical spelling."""

    text: str
    tests: tuple[Test, ...] = ()
    null: bool = False
    any: bool = False
    inner: Cell | None = None

    def parameters(self) -> Iterator[ParameterName]:
        """The parameters it names."""
        if self.inner is not None:
            yield from self.inner.parameters()
        for test in self.tests:
            yield from (o for o in test.operands() if isinstance(o, ParameterName))

    def bind(self, column: Fact, value_of: Bind) -> Bound:
        """The set the cell stands for, with the parameters that ``value_of`` knows.

        Raises: ParseError("TYPE") for a parameter that does not fit the column; whatever
        ``value_of`` raises.
        """
        if self.inner is not None:
            return self.inner.bind(column, value_of).complement()
        if column.is_ordered:
            spans = [WHOLE] if self.any else []
            for test in self.tests:
                spans += _spans(test, column, value_of)
            return Spans(union(spans), self.null or self.any)
        if self.any:
            return Choice(frozenset(), True, True)
        values = [v for test in self.tests for v in _known(test.low, column, value_of)]
        return Choice(frozenset(values), False, self.null)


ANY_CELL: Final = Cell("-", any=True)


def _known(operand: Operand, column: Fact, value_of: Bind) -> list[Value]:
    if not isinstance(operand, ParameterName):
        return [operand]
    value = value_of(operand)
    members = value if isinstance(value, list | tuple) else [value]
    return [read_parameter(column, member) for member in members]


def read_parameter(column: Fact, value: object) -> Value:
    """A parameter's value as one of a column; whole numbers may stand for decimals.

    Raises: ParseError("TYPE").
    """
    place = Fact(column.name, column.type, False, column.values, items=column.items)
    if column.type in (FactType.MONEY, FactType.DECIMAL) and type(value) is int:
        return place.read(str(value))
    return place.read(value)


def _spans(test: Test, column: Fact, value_of: Bind) -> list[Span]:
    if test.operator == "..":
        (low,), (high,) = (_known(end, column, value_of) for end in (test.low, test.high))
        return [Span(low, test.low_in, high, test.high_in)]
    if test.operator == "=":
        return [Span(v, True, v, True) for v in _known(test.low, column, value_of)]
    (value,) = _known(test.low, column, value_of)
    if test.operator in ("<", "<="):
        return [Span(None, False, value, test.operator == "<=")]
    return [Span(value, test.operator == ">=", None, False)]


# ---------------------------------------------------------------------------- reading


@dataclass(slots=True)
class _Reader:
    column: Fact
    groups: frozenset[str]
    tokens: list[tuple[str, str]]
    place: int = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")

    def take(self, *wanted: str) -> tuple[str, str]:
        kind, text = self.peek()
        if wanted and text not in wanted:
            raise ParseError("CELL", f"{' or '.join(wanted)} is expected in the cell.")
        self.place += 1
        return kind, text

    def cell(self) -> Cell:
        kind, text = self.peek()
        if kind == "dash":
            self.take()
            return ANY_CELL
        if kind == "word" and text == "not":
            self.take()
            self.take("(")
            inner = self.cell()
            self.take(")")
            return Cell(f"not({inner.text})", inner=inner)
        tests, texts, null = [], [], False
        while True:
            if self.peek() == ("word", "null"):
                self.take()
                null = True
                texts.append("null")
            else:
                test, said = self.test()
                tests.append(test)
                texts.append(said)
            if self.peek()[1] != ",":
                break
            self.take()
        if null and not self.column.nullable:
            raise ParseError("CELL", f"{self.column.name} is never null.")
        return Cell(",".join(texts), tuple(tests), null)

    def test(self) -> tuple[Test, str]:
        kind, text = self.peek()
        if text in ("[", "(") and kind == "mark":
            self._ordered()
            opening = self.take()[1]
            low, low_text = self.value()
            self.take("..")
            high, high_text = self.value()
            closing = self.take("]", ")")[1]
            if not isinstance(low, ParameterName) and not isinstance(high, ParameterName):
                span = Span(low, opening == "[", high, closing == "]")
                if span.is_empty:
                    raise ParseError("CELL", "The interval is empty.")
            said = f"{opening}{low_text}..{high_text}{closing}"
            return Test("..", low, high, opening == "[", closing == "]"), said
        operator = "="
        if kind == "op":
            operator = self.take()[1]
            if operator != "=":
                self._ordered()
        value, said = self.value()
        return Test(operator, value), said if operator == "=" else operator + said

    def _ordered(self) -> None:
        if not self.column.is_ordered:
            text = f"{self.column.type.value} has no order; only values and not(…) are possible."
            raise ParseError("CELL", text)

    def value(self) -> tuple[Operand, str]:
        kind, text = self.take()
        if kind == "param":
            name = parameter_name(text[1:], self.groups)
            return name, str(name)
        raw: Any = text
        if kind == "text":
            raw = re.sub(r"\\(.)", r"\1", text[1:-1])
        elif kind == "word" and text in ("true", "false"):
            raw = text == "true"
        elif kind == "number" and self.column.type is FactType.INT and "." not in text:
            raw = int(text)
        elif kind == "number" and self.column.type is FactType.NUMBER:
            place = Fact(self.column.name, FactType.DECIMAL)
            return place.read(text), text
        elif kind not in ("word", "number", "moment"):
            raise ParseError("CELL", "A value is expected in the cell.")
        return self.column.read(raw), text


def parameter_name(text: str, groups: frozenset[str]) -> ParameterName:
    """The parameter behind ``key`` or ``key[group]``."""
    key, _, rest = text.partition("[")
    group = rest.removesuffix("]")
    if not group:
        return ParameterName(key)
    return ParameterName(key, group) if group in groups else ParameterName(f"{key}[{group}]")


def read_cell(text: object, column: Fact, groups: frozenset[str] = frozenset()) -> Cell:
    """Read one cell of a column.

    Raises: ParseError("CELL" | "TYPE" | "DOMAIN") that says what is wrong with it.
    """
    if not isinstance(text, str) or len(text) > _MAX_CELL:
        raise ParseError("CELL", "A cell is a text.")
    tokens: list[tuple[str, str]] = []
    place, text = 0, text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ParseError("CELL", f"The cell cannot be read from character {place + 1} on.")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        place = match.end()
    reader = _Reader(column, groups, tokens)
    if not tokens:
        raise ParseError("CELL", "An empty cell says nothing; - matches anything.")
    cell = reader.cell()
    if reader.peek()[0] != "end":
        raise ParseError("CELL", f"The cell ends before {reader.peek()[1]}.")
    return cell
