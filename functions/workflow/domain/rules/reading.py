"""Reads a decision table strictly from a JSON document: everything wrong with it is said at once.

A table that comes out is well formed. Whether it is also complete and free of contradictions is the
business of the analysis.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from workflow.domain.rules.cells import ANY_CELL, Cell, parameter_name, read_cell
from workflow.domain.rules.facts import Fact, FactSchema, FactType, declare
from workflow.domain.rules.functions import REGISTRY
from workflow.domain.rules.table import (
    Case,
    Derived,
    FromFact,
    Gather,
    HitPolicy,
    Literal,
    Output,
    ParameterKey,
    Row,
    Source,
    Table,
    member_of,
)

MAX_ROWS: Final = 5000
MAX_COLUMNS: Final = 32
MAX_CASES: Final = 500
_LANGUAGES: Final = ("tr", "el", "en")
_ROW_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+\-]{0,39}")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
_PARAMETER: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*(?:\[[A-Za-z][A-Za-z0-9_]*\])?")


_GATHERED: Final[Mapping[HitPolicy, Gather]] = {
    HitPolicy.COLLECT_SUM: Gather.SUM,
    HitPolicy.COLLECT_MIN: Gather.MIN,
    HitPolicy.COLLECT_MAX: Gather.MAX,
    HitPolicy.COLLECT_COUNT: Gather.COUNT,
}


_MEMBERS: Final = frozenset(
    {
        "title", "facts", "derived", "columns", "outputs", "hit_policy", "complete", "rows",
        "default", "cases",
    }
)  # fmt: skip
_ROW_MEMBERS: Final = frozenset(
    {
        "id", "order", "cells", "outputs", "priority", "valid_from", "valid_to", "legal_ref",
        "reason_code", "reason", "error",
    }
)  # fmt: skip


def read_table(document: Mapping[str, Any]) -> Table:
    """The table behind a document.

    Shapes: see ``domain/workflow.md`` §4.1–4.4 and the packs; ``facts`` is a list of declarations
    or an object ``{name: "money"}``; ``cells`` a list in the order of ``columns`` or an object by
    column; columns that a row does not name match anything. Without ``columns`` every fact that is
    no list is one. Without ``complete`` a table of single hits is complete unless it has a default.
    Raises: ValidationError("table_invalid") with every problem and its pointer.
    """
    reader = _TableReader(document)
    table = reader.read()
    if reader.problems or table is None:
        raise ValidationError("table_invalid", "The table is not valid.", problems=reader.problems)
    return table


class _TableReader:
    """Reads one document; collects problems instead of stopping at the first."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.places: dict[str, Fact] = {}
        self.groups: frozenset[str] = frozenset()

    def wrong(self, pointer: str, code: str, message: str) -> None:
        self.problems.append(Problem(pointer, code, message))

    def read(self) -> Table | None:
        said = self.document
        for name in said:
            if name not in _MEMBERS:
                self.wrong(f"/{name}", "unknown_field", "There is no such member.")
        facts = self._facts()
        derived = self._derived()
        self.groups = self._enums()
        columns = self._columns(facts)
        policy = self._policy()
        rows_said = self._list("rows", MAX_ROWS, required=True)
        outputs = self._outputs(policy, rows_said)
        rows = [self._row(n, row, columns, outputs) for n, row in enumerate(rows_said)]
        made = sorted((row for row in rows if row is not None), key=lambda row: row.order)
        self._no_doubles("/rows", [row.id for row in made], "id")
        self._no_doubles("/rows", [str(row.order) for row in made], "order")
        default = self._default(outputs)
        complete = said.get("complete", default is None and not policy.collects)
        if type(complete) is not bool:
            self.wrong("/complete", "TYPE", "complete is true or false.")
        cases = self._cases()
        title = self._words("/title", said.get("title"))
        if self.problems:
            return None
        return Table(
            FactSchema.of(facts), {d.place.name: d for d in derived}, tuple(columns), outputs,
            policy, bool(complete), tuple(made), default, tuple(cases), title,
        )  # fmt: skip

    # -------------------------------------------------------------- parts

    def _enums(self) -> frozenset[str]:
        """Facts whose value may choose the member of a parameter: the trace names the member."""
        return frozenset(
            name for name, p in self.places.items() if p.type is FactType.ENUM and not p.personal
        )

    def _list(self, name: str, most: int, *, required: bool = False) -> list[Any]:
        value = self.document.get(name)
        if value is None and not required:
            return []
        if not isinstance(value, list):
            self.wrong(f"/{name}", "required" if value is None else "TYPE", "A list is expected.")
            return []
        if len(value) > most:
            self.wrong(f"/{name}", "LIMIT", f"There are more than {most}.")
            return []
        return value

    def _no_doubles(self, pointer: str, names: Sequence[str], what: str) -> None:
        for name, number in Counter(names).items():
            if number > 1:
                self.wrong(pointer, "DOUBLE", f"The {what} {name} stands twice.")

    def _facts(self) -> list[Fact]:
        said = self.document.get("facts")
        if isinstance(said, Mapping):
            said = [{"name": name, "type": kind} for name, kind in said.items()]
        if not isinstance(said, list) or not said:
            self.wrong("/facts", "required", "The facts are a list.")
            return []
        found = [declare(each, f"/facts/{n}", self.problems) for n, each in enumerate(said)]
        facts = [fact for fact in found if fact is not None]
        self._no_doubles("/facts", [fact.name for fact in facts], "name")
        self.places = {fact.name: fact for fact in facts}
        return facts

    def _derived(self) -> list[Derived]:
        made: list[Derived] = []
        for number, said in enumerate(self._list("derived", 64)):
            pointer = f"/derived/{number}"
            if not isinstance(said, Mapping):
                self.wrong(pointer, "SHAPE", "A derived fact is an object.")
                continue
            rest = {k: v for k, v in said.items() if k not in ("function", "args")}
            place = declare(rest, pointer, self.problems)
            function = REGISTRY.get(str(said.get("function")))
            if function is None:
                known = ", ".join(sorted(REGISTRY))
                self.wrong(f"{pointer}/function", "CHOICE", f"One of: {known}.")
                continue
            given = said.get("args", {})
            if not isinstance(given, Mapping):
                self.wrong(f"{pointer}/args", "SHAPE", "The arguments are an object.")
                continue
            for name in sorted(function.arguments - set(given)):
                self.wrong(f"{pointer}/args/{name}", "required", "The argument is missing.")
            if not function.open_ended:
                for name in sorted(set(given) - function.arguments - function.optional):
                    self.wrong(f"{pointer}/args/{name}", "unknown_field", "No such argument.")
            arguments = {
                name: self._argument(f"{pointer}/args/{name}", value)
                for name, value in given.items()
            }
            if place is None:
                continue
            if place.name in self.places:
                self.wrong(f"{pointer}/name", "DOUBLE", f"The name {place.name} stands twice.")
                continue
            used = [s.name for s in arguments.values() if isinstance(s, FromFact)]
            if any(self.places[name].personal for name in used):
                place = replace(place, personal=True)
            self.places[place.name] = place
            made.append(Derived(place, function.name, arguments))
        return made

    def _argument(self, pointer: str, said: Any) -> Source:
        if isinstance(said, Mapping) and set(said) == {"value"}:
            value = said["value"]
            return Literal(tuple(value) if isinstance(value, list) else value)
        if isinstance(said, Mapping) and set(said) == {"parameter"}:
            return Literal(ParameterKey(self._parameter(f"{pointer}/parameter", said["parameter"])))
        if isinstance(said, str) and said.startswith("@"):
            return parameter_name(self._parameter(pointer, said[1:]), self._enums())
        if isinstance(said, str) and said in self.places:
            return FromFact(said)
        self.wrong(pointer, "FACT", "A fact declared before, @parameter or {value} is expected.")
        return Literal(None)

    def _told(self, pointer: str, name: str) -> FromFact:
        """A fact as an output: results are shown and kept in the clear."""
        if self.places[name].personal:
            self.wrong(pointer, "PERSONAL", "A personal fact may decide, but is never put out.")
        return FromFact(name)

    def _parameter(self, pointer: str, said: object) -> str:
        if not isinstance(said, str) or _PARAMETER.fullmatch(said) is None:
            self.wrong(pointer, "PARAMETER", "This is not the name of a parameter.")
            return "invalid"
        return said

    def _columns(self, facts: Sequence[Fact]) -> list[Fact]:
        said = self.document.get("columns")
        if said is None:
            plain_types = (FactType.LIST, FactType.ANY)
            said = [f.name for f in facts if f.type not in plain_types and not f.personal]
        columns = []
        for number, name in enumerate(said if isinstance(said, list) else [None]):
            place = self.places.get(name) if isinstance(name, str) else None
            if place is None or place.type in (FactType.LIST, FactType.ANY):
                self.wrong(f"/columns/{number}", "FACT", "A column is a fact that is no list.")
                continue
            columns.append(place)
        if len(columns) > MAX_COLUMNS:
            self.wrong("/columns", "LIMIT", f"There are more than {MAX_COLUMNS}.")
        self._no_doubles("/columns", [column.name for column in columns], "column")
        return columns

    def _policy(self) -> HitPolicy:
        said = self.document.get("hit_policy", HitPolicy.UNIQUE.value)
        text = said.strip().upper().replace(" ", "_") if isinstance(said, str) else ""
        if text not in {policy.value for policy in HitPolicy}:
            known = ", ".join(policy.value for policy in HitPolicy)
            self.wrong("/hit_policy", "CHOICE", f"One of: {known}.")
            return HitPolicy.UNIQUE
        return HitPolicy(text)

    def _outputs(self, policy: HitPolicy, rows: Sequence[Any]) -> dict[str, Output]:
        said = self._list("outputs", MAX_COLUMNS)
        if not said:  # not declared: whatever the rows say
            named = [
                r["outputs"]
                for r in rows
                if isinstance(r, Mapping) and isinstance(r.get("outputs"), Mapping)
            ]
            default = self.document.get("default")
            named += [default] if isinstance(default, Mapping) else []
            names = dict.fromkeys(name for outputs in named for name in outputs)
            said = [{"name": name, "type": "any"} for name in names]
        made: dict[str, Output] = {}
        for number, each in enumerate(said):
            pointer = f"/outputs/{number}"
            gather = _GATHERED.get(policy, Gather.LIST if policy.collects else Gather.SAME)
            if isinstance(each, Mapping) and "collect" in each:
                each = dict(each)
                wish = each.pop("collect")
                if wish not in {item.value for item in Gather}:
                    self.wrong(f"{pointer}/collect", "CHOICE", "There is no such way to collect.")
                else:
                    gather = Gather(wish)
            place = declare(each, pointer, self.problems)
            if place is not None:
                if place.name in made:
                    self.wrong(pointer, "DOUBLE", f"The name {place.name} stands twice.")
                made[place.name] = Output(place, gather)
        return made

    def _row(
        self, number: int, said: Any, columns: Sequence[Fact], outputs: Mapping[str, Output]
    ) -> Row | None:
        pointer = f"/rows/{number}"
        if not isinstance(said, Mapping):
            self.wrong(pointer, "SHAPE", "A row is an object.")
            return None
        for name in said:
            if name not in _ROW_MEMBERS:
                self.wrong(f"{pointer}/{name}", "unknown_field", "There is no such member.")
        identity = said.get("id")
        if not isinstance(identity, str) or _ROW_ID.fullmatch(identity) is None:
            self.wrong(f"{pointer}/id", "ID", "A row has an id of letters, digits and . _ + -")
            identity = str(number)
        numbers = {name: said.get(name) for name in ("order", "priority")}
        for name, value in numbers.items():
            if value is not None and type(value) is not int:
                self.wrong(f"{pointer}/{name}", "TYPE", "A whole number is expected.")
        texts = {name: said.get(name, "") for name in ("legal_ref", "reason_code", "error")}
        for name, value in texts.items():
            if not isinstance(value, str) or len(value) > 300:
                self.wrong(f"{pointer}/{name}", "TYPE", "A text is expected.")
            elif name != "legal_ref" and value and _CODE.fullmatch(value) is None:
                self.wrong(f"{pointer}/{name}", "CODE", "A code has capitals, digits and _.")
        valid_from = self._date(f"{pointer}/valid_from", said.get("valid_from"))
        valid_to = self._date(f"{pointer}/valid_to", said.get("valid_to"))
        if valid_from and valid_to and valid_to <= valid_from:
            self.wrong(f"{pointer}/valid_to", "RANGE", "The row ends before it begins.")
        return Row(
            identity,
            numbers["order"] if type(numbers["order"]) is int else number,
            self._cells(pointer, said.get("cells"), columns),
            self._values(f"{pointer}/outputs", said.get("outputs", {}), outputs),
            numbers["priority"],
            valid_from,
            valid_to,
            texts["legal_ref"],
            texts["reason_code"],
            self._words(f"{pointer}/reason", said.get("reason")),
            texts["error"],
        )

    def _cells(self, pointer: str, said: Any, columns: Sequence[Fact]) -> tuple[Cell, ...]:
        names = [column.name for column in columns]
        if isinstance(said, Mapping):
            for name in said:
                if name not in names:
                    self.wrong(f"{pointer}/cells/{name}", "FACT", "There is no such column.")
            said = [said.get(name, "-") for name in names]
        if not isinstance(said, list) or len(said) != len(columns):
            self.wrong(f"{pointer}/cells", "SHAPE", f"There are {len(columns)} columns.")
            return ()
        cells = []
        for number, (column, text) in enumerate(zip(columns, said, strict=True)):
            try:
                cells.append(read_cell(text, column, self.groups))
            except ParseError as error:
                self.problems.append(error.at(f"{pointer}/cells/{number}"))
                cells.append(ANY_CELL)
        return tuple(cells)

    def _values(self, pointer: str, said: Any, outputs: Mapping[str, Output]) -> dict[str, Source]:
        if not isinstance(said, Mapping):
            self.wrong(pointer, "SHAPE", "The outputs are an object.")
            return {}
        made: dict[str, Source] = {}
        for name, value in said.items():
            here = f"{pointer}/{name}"
            if name not in outputs:
                self.wrong(here, "unknown_field", "There is no such output.")
                continue
            made[name] = self._value(here, value, outputs[name])
        return made

    def _value(self, pointer: str, said: Any, output: Output) -> Source:
        if isinstance(said, Mapping) and set(said) == {"fact"}:
            if said["fact"] in self.places:
                return self._told(pointer, said["fact"])
            self.wrong(pointer, "FACT", "There is no such fact.")
        elif isinstance(said, Mapping) and set(said) == {"param"}:
            return parameter_name(self._parameter(pointer, said["param"]), self.groups)
        elif output.gather is Gather.UNION and isinstance(said, list):
            try:
                return Literal(tuple(member_of(output).read(member) for member in said))
            except ParseError as error:
                self.problems.append(error.at(pointer))
        else:
            try:
                return Literal(_row_place(output).read(said))
            except ParseError as error:
                self.problems.append(error.at(pointer))
        return Literal(None)

    def _default(self, outputs: Mapping[str, Output]) -> dict[str, Source] | None:
        said = self.document.get("default")
        if said is None:
            return None
        if not isinstance(said, Mapping):
            self.wrong("/default", "SHAPE", "The default is an object of outputs.")
            return None
        made: dict[str, Source] = {}
        for name, value in said.items():
            if name not in outputs:
                self.wrong(f"/default/{name}", "unknown_field", "There is no such output.")
                continue
            place = outputs[name].place
            if isinstance(value, Mapping):
                made[name] = self._value(f"/default/{name}", value, Output(place, Gather.SAME))
                continue
            try:
                made[name] = Literal(place.read(value))
            except ParseError as error:
                self.problems.append(error.at(f"/default/{name}"))
        return made

    def _cases(self) -> list[Case]:
        cases = []
        for number, said in enumerate(self._list("cases", MAX_CASES)):
            pointer = f"/cases/{number}"
            shaped = isinstance(said, Mapping) and isinstance(said.get("id"), str)
            if (
                not shaped
                or not isinstance(said.get("facts"), Mapping)
                or not isinstance(said.get("expect"), Mapping)
                or set(said) - {"id", "facts", "expect", "valid_on"}
            ):
                self.wrong(pointer, "SHAPE", "A case has an id, facts, what to expect, valid_on.")
                continue
            valid_on = self._date(f"{pointer}/valid_on", said.get("valid_on"))
            cases.append(Case(said["id"], said["facts"], said["expect"], valid_on))
        self._no_doubles("/cases", [case.id for case in cases], "id")
        return cases

    def _words(self, pointer: str, said: Any) -> dict[str, str]:
        if said is None:
            return {}
        fits = isinstance(said, Mapping) and all(
            language in _LANGUAGES and isinstance(text, str) and len(text) <= 500
            for language, text in said.items()
        )
        if not fits:
            self.wrong(pointer, "SHAPE", "Words are an object by language: tr, el, en.")
            return {}
        return dict(said)

    def _date(self, pointer: str, said: object) -> date | None:
        if said is None:
            return None
        try:
            return parse_date_api(said)
        except ParseError as error:
            self.problems.append(error.at(pointer))
            return None


def _row_place(output: Output) -> Fact:
    """What one row says for an output: a member where the rows are gathered into a list."""
    if output.gather is Gather.COUNT:
        return Fact(output.place.name, FactType.ANY)
    return member_of(output) if output.gather in (Gather.LIST, Gather.UNION) else output.place
