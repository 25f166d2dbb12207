"""A table as a form: declarations, cases and a grid of texts, a page of rows at a time (WFL-01).

The form is a view of the document in which every value is a text; both directions are exact. What
is renamed keeps its cells and its cases. Rows of other pages travel along, packed, so that nothing
is stored before somebody saves it, and paging needs no script.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from webkit.components import Option
from webkit.i18n import Language, mark
from workflow.application.draft_version import Draft
from workflow.domain.rules.facts import Fact
from workflow.domain.rules.functions import REGISTRY
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.scope import COMPANY, read_scope
from workflow.domain.rules.sheet import (
    EXTRAS,
    Line,
    lines_of,
    output_text,
    output_value,
    rows_of,
    spot_of,
)
from workflow.domain.rules.table import Gather, Output, Table
from workflow.pages import declarations
from workflow.pages.document_forms import (
    FLAG,
    Codec,
    Control,
    DrawnList,
    Place,
    Records,
    command,
    controls_of,
    draw,
    draw_places,
    filled,
    literal,
    mapping,
    nearest,
    read_places,
)
from workflow.pages.rule_words import RuleSay

MOST_ROWS: Final = 2000
"""Rows of a table that still travel in a form; longer ones are changed in a workbook."""
PAGE: Final = 50
_UNPACKED: Final = 4_000_000
_NAMED: Final = ("facts", "expect")
"""Members of a case that name facts and results."""
_GATHER: Final[Mapping[Gather, str]] = {
    Gather.LIST: mark("all of them, in order"),
    Gather.UNION: mark("all of them, each once"),
    Gather.SAME: mark("the one they agree on"),
    Gather.SUM: mark("their sum"),
    Gather.MIN: mark("the smallest"),
    Gather.MAX: mark("the largest"),
    Gather.COUNT: mark("how many there are"),
}


# ---------------------------------------------------------------------------- arguments


def _argument_text(value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == {"value"}:
        return json.dumps(value["value"], ensure_ascii=False, default=str)
    if isinstance(value, Mapping) and set(value) == {"parameter"}:
        return f"@@{value['parameter']}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _argument(text: str) -> Any:
    if text.startswith("@@"):
        return {"parameter": text[2:]}
    if text[:1].isalpha() and text not in ("true", "false", "null"):
        return text
    if text.startswith("@"):
        return text
    try:
        return {"value": literal(text)}
    except ValueError:
        return text


ARGUMENTS: Final = mapping(Codec(_argument_text, _argument))


# ---------------------------------------------------------------------------- parts


@dataclass(frozen=True)
class Parts:
    """The lists of a table's form in the reader's language."""

    say: RuleSay

    @property
    def _words(self) -> Language:
        return self.say.words

    @property
    def title(self) -> Sequence[Place]:
        """The table's own name."""
        return declarations.words_of_three(self._words, "title", self._words.text("Title"))

    @property
    def facts(self) -> Records:
        """What the table must be told."""
        words = self._words
        return Records(
            "facts",
            words.text("Facts"),
            [
                *declarations.places(words),
                Place("personal", words.text("Personal"), "check", FLAG),
                Place("decides", words.text("Is a column"), "check", FLAG),
                Place("was", "", "hidden"),
            ],
            words.text("Add a fact"),
            hint=words.text("What the table must be told. A column is a fact that rows look at."),
            tidy=declarations.tidied,
        )

    @property
    def derived(self) -> Records:
        """What is worked out of facts and parameters."""
        words = self._words
        functions = [
            Option(name, f"{name}({', '.join(sorted(one.arguments))})")
            for name, one in sorted(REGISTRY.items())
        ]
        return Records(
            "derived",
            words.text("Derived facts"),
            [
                *declarations.places(words, scale=True),
                Place("function", words.text("Function"), "choice", options=functions),
                Place("args", words.text("Arguments"), "lines", ARGUMENTS),
                Place("decides", words.text("Is a column"), "check", FLAG),
                Place("was", "", "hidden"),
            ],
            words.text("Add a derived fact"),
            hint=words.text(
                "Worked out from facts declared above it. One argument a line: name = fact, "
                "@parameter, @@parameter for its name, or a constant in JSON."
            ),
            tidy=declarations.tidied,
        )

    @property
    def outputs(self) -> Records:
        """What the table decides."""
        words = self._words
        gathers = [Option(one.value, words.text(text)) for one, text in _GATHER.items()]
        return Records(
            "outputs",
            words.text("Results"),
            [
                *declarations.places(words, bounds=False, scale=True, untyped=True),
                Place("collect", words.text("Of several rows"), "choice", options=gathers),
                Place("default", words.text("If no row holds")),
                Place("was", "", "hidden"),
            ],
            words.text("Add a result"),
            tidy=declarations.tidied,
        )

    def cases(self, facts: Sequence[str], outputs: Sequence[str]) -> Records:
        """Cases that every version must pass."""
        words, say = self._words, self.say
        return Records(
            "cases",
            words.text("Stored cases"),
            [
                Place("id", words.text("Short name")),
                *(Place(f"facts-{name}", say.place(f"? {name}")) for name in facts),
                *(Place(f"expect-{name}", say.place(f"→ {name}")) for name in outputs),
                Place("refused", words.text("Must be refused"), "check", FLAG),
                Place("valid_on", words.text("On the day"), "date"),
            ],
            words.text("Add a case"),
            hint=words.text(
                "Facts and what must come out of them. An empty fact is one that is not told; an "
                "empty result is not looked at."
            ),
        )


# ---------------------------------------------------------------------------- the form


@dataclass
class Written:
    """A form as it was typed, the document behind it, and everything wrong with both.

    Shapes: ``view`` are the declarations and cases as the form shows them; ``page`` counts from 0;
    ``found`` are the problems where they stand in the document, ``problems`` at their controls.
    """

    parts: Parts
    view: dict[str, Any]
    document: dict[str, Any]
    lines: list[Line]
    fields: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    found: Sequence[Problem] = ()
    table: Table | None = None
    page: int = 0

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns."""
        return [name for name in self.document.get("columns", ()) if isinstance(name, str)]

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the results."""
        return declarations.names(self.view.get("outputs"))

    # -------------------------------------------------------------- drawing

    @property
    def is_long(self) -> bool:
        """Whether only a workbook can change its rows."""
        return len(self.lines) > MOST_ROWS

    @property
    def pages(self) -> int:
        """How many pages the rows fill."""
        return max(1, -(-len(self.lines) // PAGE))

    @property
    def first(self) -> int:
        """Number of the first row of this page."""
        return min(self.page, self.pages - 1) * PAGE

    @property
    def shown(self) -> Sequence[tuple[int, Line]]:
        """The rows of this page with their numbers."""
        rows = self.lines[self.first : self.first + PAGE]
        return list(enumerate(rows, start=self.first))

    @property
    def kept(self) -> str:
        """All rows, packed, for the next post."""
        return packed(self.lines)

    @property
    def lists(self) -> Sequence[DrawnList]:
        """Declarations and cases."""
        parts, view = self.parts, self.view
        known = parts.cases(
            declarations.names(view.get("facts")), declarations.names(view.get("outputs"))
        )
        listed = (parts.facts, parts.derived, parts.outputs, known)
        return [draw(one, view.get(one.name), one.name) for one in listed]

    @property
    def title_controls(self) -> Sequence[Control]:
        """The table's own name in every language."""
        return draw_places(self.parts.title, self.view, "")

    def controls(self) -> list[str]:
        """Ids of all controls that this page has, in their order."""
        rows = [f"rows-{number}-id" for number, _ in self.shown]
        cells = [f"rows-{n}-cells-{k}" for n, _ in self.shown for k in range(len(self.columns))]
        said = [f"rows-{n}-outputs-{name}" for n, _ in self.shown for name in self.outputs]
        more = [f"rows-{n}-{name}" for n, _ in self.shown for name in EXTRAS]
        title = [place.name for place in self.parts.title]
        listed = [control for one in self.lists for control in controls_of(one)]
        head = ["new_key", "valid_from", "valid_to", "scope", "note", "hit_policy", "complete"]
        return [*head, *rows, *cells, *said, *more, *title, *listed]

    # -------------------------------------------------------------- taking

    def draft(self, key: str) -> Draft:
        """What is to be kept. Raises: ValidationError with every problem, by control."""
        problems = list(self.problems)
        said: dict[str, Any] = {}
        for name, needed in (("valid_from", True), ("valid_to", False)):
            text = self.fields.get(name, "").strip()
            try:
                said[name] = parse_date_api(text) if text or needed else None
            except ParseError as error:
                problems.append(error.at(f"/{name}"))
        try:
            scope = read_scope(self.fields.get("scope", "").strip() or COMPANY)
        except ParseError as error:
            problems.append(error.at("/scope"))
            scope = COMPANY
        if problems:
            raise ValidationError("table_invalid", "The table is not valid.", problems=problems)
        note = self.fields.get("note", "").strip()[:300]
        return Draft(key, self.document, said["valid_from"], said["valid_to"], scope, note)

    def obey(self, said: str, chosen: Sequence[str]) -> None:
        """Add, remove or move a part of the form, or go to another page."""
        if said == "add-row":
            self.lines.append(self._empty())
            self.page = self.pages - 1
        elif said == "remove-rows":
            gone = {int(number) for number in chosen if number.isdecimal()}
            self.lines = [line for n, line in enumerate(self.lines) if n not in gone]
        elif said.startswith("page:") and said[5:].isdecimal():
            self.page = min(int(said[5:]), self.pages - 1)
        elif command(self.view, said):
            self.fit(self.columns, _renamed(self.view))

    def fit(self, columns: Sequence[str], renamed: Mapping[str, str]) -> None:
        """Make the document of the view, and put the rows under the names of now."""
        self.document = _document(self.view, self.fields, columns, renamed)
        named, outputs = self.columns, declarations.names(self.document["outputs"])
        backwards = {new: old for old, new in renamed.items()}
        self.lines = [_carried(line, (columns, named), outputs, backwards) for line in self.lines]
        for name in ("facts", "derived", "outputs"):
            self.view[name] = [{**one, "was": one.get("name", "")} for one in self.view[name]]

    def _empty(self) -> Line:
        taken = {line.id for line in self.lines}
        number = len(self.lines) + 1
        while f"row{number}" in taken:
            number += 1
        cells = ("-",) * len(self.columns)
        return Line(f"row{number}", cells, dict.fromkeys(self.outputs, ""), {})

    def read(self, *, jump: bool = True) -> Written:
        """The same with the problems of rows and declarations; ``jump`` shows the first of them."""
        head = head_of(self.document)
        outputs = head.outputs if head is not None else {}
        self.document["rows"] = rows_of(self.lines, outputs)
        self.table, self.problems, self.found = None, [], ()
        try:
            self.table = read_table(self.document)
        except ValidationError as error:
            self.found = error.problems
            spots = (spot_of(problem, self.columns) for problem in error.problems)
            first = next((spot.line for spot in spots if spot.line is not None), None)
            if first is not None and jump and not self.is_long:
                self.page = first // PAGE
            known = self.controls()
            self.problems = [self._placed(problem, known) for problem in error.problems]
        return self

    def _placed(self, problem: Problem, known: Sequence[str]) -> Problem:
        """A problem at its control; one of a row on another page names the row instead."""
        spot = spot_of(problem, self.columns)
        if spot.line is not None and spot.line not in {number for number, _ in self.shown}:
            return Problem("", problem.code, f"{self.spoken(problem)}: {problem.message}")
        parts = problem.pointer.strip("/").split("/")
        if parts[0] == "columns":
            return replace(problem, pointer="/facts-0-name")
        if parts[0] == "default" and len(parts) > 1 and parts[1] in self.outputs:
            place = f"/outputs-{self.outputs.index(parts[1])}-default"
            return replace(problem, pointer=place)
        return nearest(problem, known, "facts-0-name")

    def spoken(self, problem: Problem) -> str:
        """Row and column of a problem in words; empty for one of the table itself."""
        spot = spot_of(problem, self.columns)
        if spot.line is None or spot.line >= len(self.lines):
            return ""
        place = f" · {self.parts.say.place(spot.field)}" if spot.field else ""
        return f"{self.lines[spot.line].id}{place}"


# ---------------------------------------------------------------------------- both directions


def of_table(table: Table, fields: Mapping[str, str], say: RuleSay) -> Written:
    """The form of a table that is well formed."""
    document = dict(table.to_dict())
    columns = {column.name for column in table.columns}
    view = {
        "title": document["title"],
        "facts": [_declared(one, columns) for one in document["facts"]],
        "derived": [_declared(one, columns) for one in document["derived"]],
        "outputs": [
            {**one, "was": one["name"], **_otherwise(table, one["name"])}
            for one in document["outputs"]
        ],
        "cases": [_case_view(one, table) for one in document["cases"]],
    }
    return Written(Parts(say), view, document, lines_of(table), fields, table=table)


def _declared(said: Mapping[str, Any], columns: set[str]) -> dict[str, Any]:
    return {**said, "was": said["name"], "decides": said["name"] in columns}


def _plainly(place: Fact) -> Output:
    """A place of one value, whatever the rows make of it."""
    return Output(place, Gather.SAME)


def _otherwise(table: Table, name: str) -> dict[str, str]:
    default = table.to_dict()["default"] or {}
    if name not in default:
        return {}
    return {"default": output_text(default[name], _plainly(table.outputs[name].place))}


def _case_view(case: Mapping[str, Any], table: Table) -> dict[str, Any]:
    facts = {
        name: output_text(value, _plainly(table.facts.facts[name]))
        for name, value in case["facts"].items()
        if name in table.facts.facts
    }
    expect = {
        name: output_text(value, _plainly(table.outputs[name].place))
        for name, value in case["expect"].items()
        if name in table.outputs
    }
    refused = case["expect"].get("error") is True
    more = {"valid_on": case["valid_on"]} if "valid_on" in case else {}
    return {"id": case["id"], "facts": facts, "expect": expect, "refused": refused, **more}


def of_form(form: Mapping[str, str], base: Table, say: RuleSay) -> Written:
    """A posted form; a part that it does not bring is the one of ``base``."""
    known = of_table(base, dict(form), say)
    view = _view(known, form)
    old_columns = [column.name for column in base.columns]
    if "facts-count" in form:
        old_columns = [name for name in form.get("columns", "").split(",") if name]
    old_outputs = [one["was"] for one in view["outputs"] if one.get("was")]
    lines, page = (known.lines, 0) if "rows" not in form else _lines(form, old_columns, old_outputs)
    written = Written(known.parts, view, {}, lines, dict(form), page=page)
    written.fit(old_columns, _renamed(view))
    return written


def _view(known: Written, form: Mapping[str, str]) -> dict[str, Any]:
    """Declarations and cases as they were posted, under their present names."""
    parts, view = known.parts, dict(known.view)
    if "title-tr" in form:
        view["title"] = read_places(parts.title, form, "").get("title", {})
    for one in (parts.facts, parts.derived, parts.outputs):
        if f"{one.name}-count" in form:
            view[one.name] = one.read(form, one.name)
    named = [[o["was"] for o in view[name] if o.get("was")] for name in ("facts", "outputs")]
    if "cases-count" in form:
        view["cases"] = parts.cases(*named).read(form, "cases")
    renamed = _renamed(view)
    view["cases"] = [
        {name: _under(said, renamed) if name in _NAMED else said for name, said in case.items()}
        for case in view["cases"]
    ]
    return view


def _under(texts: Mapping[str, str], renamed: Mapping[str, str]) -> dict[str, str]:
    return {renamed.get(name, name): text for name, text in texts.items()}


def _renamed(view: Mapping[str, Any]) -> dict[str, str]:
    """New names by old ones, of everything that is declared."""
    declared = [one for name in ("facts", "derived", "outputs") for one in view[name]]
    return {one["was"]: str(one["name"]) for one in declared if one.get("was") and one.get("name")}


def _document(
    view: Mapping[str, Any],
    form: Mapping[str, str],
    old_columns: Sequence[str],
    renamed: Mapping[str, str],
) -> dict[str, Any]:
    """The document behind a view, its rows apart."""
    view = filled(view)
    declared = [*view["facts"], *view["derived"]]
    chosen = [str(one["name"]) for one in declared if one.get("decides") and one.get("name")]
    kept = [new for old in old_columns if (new := renamed.get(old)) in chosen]
    document: dict[str, Any] = {
        "title": dict(view["title"]),
        "facts": [_bare(one) for one in view["facts"]],
        "derived": [_bare(one) for one in view["derived"]],
        "columns": [*kept, *(name for name in chosen if name not in kept)],
        "outputs": [_bare(one, "default") for one in view["outputs"]],
        "hit_policy": form.get("hit_policy") or "UNIQUE",
        "complete": form.get("complete") == "1",
    }
    head = head_of(document)
    outputs = head.outputs if head is not None else {}
    facts = head.facts.facts if head is not None else {}
    default = {
        one["name"]: _value(one["default"], outputs[one["name"]].place)
        for one in view["outputs"]
        if one.get("default") and one.get("name") in outputs
    }
    document["default"] = default or None
    document["cases"] = [_case(one, facts, outputs) for one in view["cases"]]
    return document


def _bare(said: Mapping[str, Any], *more: str) -> dict[str, Any]:
    return {name: one for name, one in said.items() if name not in ("was", "decides", *more)}


def _value(text: str, place: Fact) -> Any:
    return output_value(text, _plainly(place))


def _case(
    said: Mapping[str, Any], facts: Mapping[str, Fact], outputs: Mapping[str, Output]
) -> dict[str, Any]:
    known = said.get("facts", {})
    wanted = said.get("expect", {})
    expect: dict[str, Any] = {
        name: _value(text, outputs[name].place) for name, text in wanted.items() if name in outputs
    }
    if said.get("refused"):
        expect = {"error": True}
    case: dict[str, Any] = {
        "facts": {name: _value(text, facts[name]) for name, text in known.items() if name in facts},
        "expect": expect,
    }
    return case | {name: said[name] for name in ("id", "valid_on") if name in said}


def head_of(document: Mapping[str, Any]) -> Table | None:
    """The table without its rows and cases; None while the declarations themselves are wrong."""
    left_out = ("rows", "cases", "default")
    bare = {name: value for name, value in document.items() if name not in left_out}
    try:
        return read_table({**bare, "rows": []})
    except ValidationError:
        return None


# ---------------------------------------------------------------------------- rows


def _lines(
    form: Mapping[str, str], columns: Sequence[str], outputs: Sequence[str]
) -> tuple[list[Line], int]:
    """Rows of the grid, those of other pages unpacked; one in which nothing is said is dropped."""
    kept = unpacked(form.get("kept", ""))
    count, first = (_number(form.get(name, "")) for name in ("rows", "first"))
    posted = []
    for number in range(first, first + min(count, MOST_ROWS)):
        at = f"rows-{number}"
        line = Line(
            form.get(f"{at}-id", ""),
            tuple(form.get(f"{at}-cells-{place}", "") for place in range(len(columns))),
            {name: form.get(f"{at}-outputs-{name}", "") for name in outputs},
            {name: form.get(f"{at}-{name}", "") for name in EXTRAS},
            number,
        )
        if any([line.id.strip(), *map(str.strip, line.cells), *line.outputs.values()]):
            posted.append(line)
    return [*kept[:first], *posted, *kept[first + count :]], first // PAGE


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _carried(
    line: Line,
    columns: tuple[Sequence[str], Sequence[str]],
    outputs: Sequence[str],
    backwards: Mapping[str, str],
) -> Line:
    """A row under the columns and results as they are called now."""
    cells = dict(zip(columns[0], line.cells, strict=False))
    return replace(
        line,
        cells=tuple(cells.get(backwards.get(name, name), "-") for name in columns[1]),
        outputs={name: line.outputs.get(backwards.get(name, name), "") for name in outputs},
    )


def packed(lines: Sequence[Line]) -> str:
    """Rows as one short text."""
    said = [[line.id, list(line.cells), dict(line.outputs), _said(line)] for line in lines]
    content = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(zlib.compress(content, 9)).decode().rstrip("=")


def _said(line: Line) -> dict[str, str]:
    return {name: text for name, text in line.extras.items() if text}


def unpacked(text: str) -> list[Line]:
    """The rows behind a text of ``packed``.

    Raises: ValidationError("table_invalid") for anything else: rows never go missing silently.
    """
    if not text:
        return []
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        said = json.loads(zlib.decompressobj().decompress(content, _UNPACKED))
        return [
            Line(str(row), tuple(map(str, cells)), dict(outputs), dict(extras), number)
            for number, (row, cells, outputs, extras) in enumerate(said)
        ]
    except (binascii.Error, zlib.error, ValueError, TypeError) as error:
        raise ValidationError("table_invalid", "The rows did not arrive whole.") from error
