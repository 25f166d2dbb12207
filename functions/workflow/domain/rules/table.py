"""A decision table: its declarations, rows, default and stored cases.

A table that exists is well formed: ``reading`` makes it of a document, which is complete in itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from workflow.domain.rules.cells import (
    Bound,
    Cell,
    ParameterName,
)
from workflow.domain.rules.facts import Fact, FactSchema, FactType, Value, plain


class HitPolicy(StrEnum):
    """What becomes of the rows that match."""

    UNIQUE = "UNIQUE"
    ANY = "ANY"
    PRIORITY = "PRIORITY"
    FIRST = "FIRST"
    RULE_ORDER = "RULE_ORDER"
    COLLECT = "COLLECT"
    COLLECT_SUM = "COLLECT_SUM"
    COLLECT_MIN = "COLLECT_MIN"
    COLLECT_MAX = "COLLECT_MAX"
    COLLECT_COUNT = "COLLECT_COUNT"

    @property
    def collects(self) -> bool:
        """Whether several rows are the normal case."""
        return self is HitPolicy.RULE_ORDER or self.value.startswith("COLLECT")

    @property
    def refuses_overlaps(self) -> bool:
        """Whether two rows for the same facts are an error."""
        return self in (HitPolicy.UNIQUE, HitPolicy.ANY)


class Gather(StrEnum):
    """How one output of a collecting table is made of its rows.

    ``union`` drops duplicates and sorts by the order of the declared values; ``same`` takes the
    value on which all rows agree.
    """

    LIST = "list"
    UNION = "union"
    SAME = "same"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class FromFact:
    """A value taken from a fact or derived fact."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it stands."""

    value: Any


Source = FromFact | ParameterName | Literal


@dataclass(frozen=True, slots=True)
class Derived:
    """A derived fact: which function, with which arguments."""

    place: Fact
    function: str
    arguments: Mapping[str, Source]

    def to_dict(self) -> dict[str, Any]:
        """The declaration as JSON."""
        return {
            **self.place.to_dict(),
            "function": self.function,
            "args": {name: _said(source) for name, source in self.arguments.items()},
        }


@dataclass(frozen=True, slots=True)
class Output:
    """One output column."""

    place: Fact
    gather: Gather

    def to_dict(self) -> dict[str, Any]:
        """The declaration as JSON."""
        return {**self.place.to_dict(), "collect": self.gather.value}


@dataclass(frozen=True, slots=True)
class Row:
    """One rule. With ``error`` a hit stops the decision and names that code.

    Units: ``valid_from`` inclusive, ``valid_to`` exclusive. A smaller ``priority`` wins; rows
    without one follow in table order.
    """

    id: str
    order: int
    cells: tuple[Cell, ...]
    outputs: Mapping[str, Source]
    priority: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    legal_ref: str = ""
    reason_code: str = ""
    reason: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    def is_valid_on(self, day: date) -> bool:
        """Whether the row counts on a date."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON."""
        said: dict[str, Any] = {
            "id": self.id,
            "order": self.order,
            "cells": [cell.text for cell in self.cells],
            "outputs": {name: _said_output(source) for name, source in self.outputs.items()},
        }
        optional = {
            "priority": self.priority,
            "valid_from": plain(self.valid_from),
            "valid_to": plain(self.valid_to),
            "legal_ref": self.legal_ref,
            "reason_code": self.reason_code,
            "reason": dict(self.reason),
            "error": self.error,
        }
        return said | {
            name: value for name, value in optional.items() if value not in (None, "", {})
        }


@dataclass(frozen=True, slots=True)
class Case:
    """A stored case: these facts must lead to these outputs, or to an error."""

    id: str
    facts: Mapping[str, Any]
    expect: Mapping[str, Any]
    valid_on: date | None = None

    @property
    def is_error(self) -> bool:
        """Whether only an error is right."""
        return self.expect.get("error") is True

    def to_dict(self) -> dict[str, Any]:
        """The case as JSON."""
        said = {"id": self.id, "facts": dict(self.facts), "expect": dict(self.expect)}
        return said | ({"valid_on": self.valid_on.isoformat()} if self.valid_on else {})


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One distinct condition of a column; ``bound`` is None where it names a parameter."""

    column: Fact
    cell: Cell
    bound: Bound | None

    @property
    def is_dated(self) -> bool:
        """Whether it needs a parameter that depends on the date only, not on a fact."""
        return self.bound is None and not any(name.group for name in self.cell.parameters())


class PlannedRow(NamedTuple):
    """A row as it is decided. Shapes: ``conditions`` are numbers in ``Plan.cells``, those that
    match anything left out.
    """

    row: Row
    id: str
    is_dated: bool
    conditions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A table as it is decided: a condition that many rows share is looked at once.

    Shapes: ``rows`` are in order; ``dated`` are the numbers of the cells with dated parameters.
    """

    cells: tuple[PlannedCell, ...]
    rows: tuple[PlannedRow, ...]
    dated: tuple[int, ...]


@dataclass(frozen=True)
class Table:
    """A well-formed decision table."""

    facts: FactSchema
    derived: Mapping[str, Derived]
    columns: tuple[Fact, ...]
    outputs: Mapping[str, Output]
    hit_policy: HitPolicy
    complete: bool
    rows: tuple[Row, ...]
    default: Mapping[str, Source] | None = None
    cases: tuple[Case, ...] = ()
    title: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The whole table as JSON, in one spelling."""
        return {
            "title": dict(self.title),
            "facts": [fact.to_dict() for fact in self.facts.facts.values()],
            "derived": [derived.to_dict() for derived in self.derived.values()],
            "columns": [column.name for column in self.columns],
            "outputs": [output.to_dict() for output in self.outputs.values()],
            "hit_policy": self.hit_policy.value,
            "complete": self.complete,
            "rows": [row.to_dict() for row in self.rows],
            "default": (
                None
                if self.default is None
                else {name: _said_output(source) for name, source in self.default.items()}
            ),
            "cases": [case.to_dict() for case in self.cases],
        }

    @cached_property
    def sha256(self) -> str:
        """Hash of what decides: everything but title and cases, in the order of the rows."""
        said = self.to_dict()
        return digest({name: said[name] for name in said if name not in ("title", "cases")})

    @cached_property
    def plan(self) -> Plan:
        """How it is decided; made once, whatever the date."""
        numbers: dict[tuple[int, str], int] = {}
        cells: list[PlannedCell] = []
        rows = []
        for row in self.rows:
            mine = []
            for place, (column, cell) in enumerate(zip(self.columns, row.cells, strict=True)):
                if cell.any:
                    continue
                number = numbers.setdefault((place, cell.text), len(cells))
                if number == len(cells):
                    named = any(cell.parameters())
                    bound = None if named else cell.bind(column, _no_parameter)
                    cells.append(PlannedCell(column, cell, bound))
                mine.append(number)
            is_dated = row.valid_from is not None or row.valid_to is not None
            rows.append(PlannedRow(row, row.id, is_dated, tuple(mine)))
        dated = (number for number, planned in enumerate(cells) if planned.is_dated)
        return Plan(tuple(cells), tuple(rows), tuple(dated))

    def parameters(self) -> Iterator[ParameterName]:
        """Every parameter the table names."""
        for derived in self.derived.values():
            for source in derived.arguments.values():
                if isinstance(source, ParameterName):
                    yield source
                elif isinstance(source, Literal) and isinstance(source.value, ParameterKey):
                    yield ParameterName(source.value)
        for row in self.rows:
            for cell in row.cells:
                yield from cell.parameters()
            yield from (s for s in row.outputs.values() if isinstance(s, ParameterName))
        yield from (s for s in (self.default or {}).values() if isinstance(s, ParameterName))

    def place(self, name: str) -> Fact:
        """The declaration of a fact or derived fact."""
        return self.facts.facts[name] if name in self.facts.facts else self.derived[name].place


class ParameterKey(str):
    """A parameter handed to a function by its name, because the function chooses the date."""

    __slots__ = ()


def _no_parameter(name: ParameterName) -> Value:
    raise KeyError(str(name))


def digest(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _said(source: Source) -> Any:
    if isinstance(source, FromFact):
        return source.name
    if isinstance(source, ParameterName):
        return str(source)
    if isinstance(source.value, ParameterKey):
        return {"parameter": str(source.value)}
    return {"value": plain(source.value)}


def _said_output(source: Source) -> Any:
    if isinstance(source, FromFact):
        return {"fact": source.name}
    if isinstance(source, ParameterName):
        return {"param": str(source).removeprefix("@")}
    return plain(source.value)


# ---------------------------------------------------------------------------- reading


def member_of(output: Output) -> Fact:
    """What one member of a collected output is."""
    place = output.place
    return place.items[0] if place.type is FactType.LIST and len(place.items) == 1 else place
