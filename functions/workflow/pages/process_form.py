"""A process as a form: steps with what they expect, check, ask, produce, and what comes next.

Conditions, sources and rules stand as short texts that people can write; both directions are
exact. What cannot be read stays the text that was typed, for the reader of definitions to refuse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from webkit.components import Option
from webkit.i18n import Language, mark
from workflow.application.process_definitions import DefinitionDraft
from workflow.domain.processes.definition import Definition, Op, TimerKind, read_definition
from workflow.pages import declarations
from workflow.pages import document_forms as forms

_TODAY: Final = "today()"
_RULE: Final = re.compile(r"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)\s*:\s*([a-z][a-z0-9_]*)")
_CONDITION: Final = re.compile(r"(\S+)\s*(==|!=|<=|>=|<|>)\s*(\S.*)")
_TIMER: Final[Mapping[TimerKind, str]] = {
    TimerKind.REMINDER: mark("reminds"),
    TimerKind.ESCALATION: mark("escalates"),
    TimerKind.EXPIRY: mark("ends the process"),
}


# ---------------------------------------------------------------------------- short texts


def _source_text(value: Any) -> str:
    if isinstance(value, Mapping):
        if set(value) == {"value"}:
            return json.dumps(value["value"], ensure_ascii=False, default=str)
        if value == {"today": True}:
            return _TODAY
        if set(value) == {"parameter"}:
            return f"@{value['parameter']}"
        if set(value) == {"rule", "output"}:
            return f"{value['rule']}: {value['output']}"
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _source(text: str) -> Any:
    if text == _TODAY:
        return {"today": True}
    if text.startswith("@"):
        return {"parameter": text[1:]}
    if found := _RULE.fullmatch(text):
        return {"rule": found[1], "output": found[2]}
    return _constant(text, {"value"})


def _constant(text: str, under: set[str]) -> Any:
    """A constant in JSON; a bare word is a fact, where one may stand."""
    if under and text[:1].isalpha() and text not in ("true", "false", "null"):
        return text
    try:
        value = forms.literal(text)
    except ValueError:
        return text
    return {"value": value} if under else value


def _conditions_text(value: Any) -> str:
    if not isinstance(value, list):
        return value if isinstance(value, str) else ""
    lines = [
        f"{one.get('fact', '')} {one.get('op', '')} {_source_text(one.get('than'))}"
        for one in value
        if isinstance(one, Mapping)
    ]
    return "\n".join(lines)


def _conditions(text: str) -> Any:
    found = []
    for line in filter(str.strip, text.splitlines()):
        parts = _CONDITION.fullmatch(line.strip())
        if parts is None:
            return text
        found.append({"fact": parts[1], "op": parts[2], "than": _source(parts[3].strip())})
    return found


SOURCE: Final = forms.Codec(_source_text, _source)
SOURCES: Final = forms.mapping(SOURCE)
REQUIRED: Final = forms.mapping(
    forms.Codec(
        lambda value: json.dumps(value, ensure_ascii=False, default=str),
        lambda text: _constant(text, set()),
    )
)
CONDITIONS: Final = forms.Codec(_conditions_text, _conditions)


# ---------------------------------------------------------------------------- parts


@dataclass(frozen=True)
class Parts:
    """The lists and controls of a process's form in the reader's language."""

    words: Language

    def _label(self, name: str, label: str, *, required: bool = False) -> list[forms.Place]:
        return declarations.words_of_three(self.words, name, label, required=required)

    @property
    def head(self) -> Sequence[forms.Place]:
        """What a process is called, and what it is about."""
        words = self.words
        hint = words.text("What it is about, in one word: application, contract, purchase.")
        return [
            *self._label("title", words.text("Title"), required=True),
            forms.Place("subject", words.text("Subject"), hint=hint, required=True),
        ]

    @property
    def units(self) -> forms.Records:
        """The units that do the work."""
        words = self.words
        places = [
            forms.Place("key", words.text("Short name")),
            *self._label("name", words.text("Unit")),
        ]
        return forms.Records("units", words.text("Units"), places, words.text("Add a unit"))

    def _fields(self, name: str, title: str, add: str, *, made: bool = False) -> forms.Records:
        words = self.words
        places = [
            *declarations.places(words),
            *self._label("label", words.text("Label")),
            *([forms.Place("from", words.text("Taken from"), codec=SOURCE)] if made else []),
        ]
        return forms.Records(name, title, places, add, tidy=declarations.tidied)

    @property
    def start(self) -> forms.Records:
        """What must be known to start."""
        words = self.words
        return self._fields("start", words.text("Needed to start"), words.text("Add a fact"))

    @property
    def steps(self) -> forms.Records:
        """The steps, in the order in which they are drawn."""
        words = self.words
        checks = forms.Records(
            "checks",
            words.text("Conditions"),
            [
                forms.Place("fact", words.text("Fact")),
                forms.Place("op", words.text("Is"), "choice", options=_operators()),
                forms.Place("than", words.text("Compared with"), codec=SOURCE),
                *self._label("text", words.text("If not")),
            ],
            words.text("Add a condition"),
        )
        ways = forms.Records(
            "next",
            words.text("What comes next"),
            [
                forms.Place("to", words.text("Step, or end")),
                forms.Place(
                    "when", words.text("Only if, one condition a line"), "lines", CONDITIONS
                ),
            ],
            words.text("Add a way"),
            hint=words.text("The first way whose conditions hold; the last one has none."),
        )
        timers = forms.Records(
            "timers",
            words.text("Dates"),
            [
                forms.Place("key", words.text("Short name")),
                forms.Place(
                    "kind",
                    words.text("What it does"),
                    "choice",
                    options=[Option(k.value, words.text(t)) for k, t in _TIMER.items()],
                ),
                forms.Place("base", words.text("Counted from")),
                forms.Place("days", words.text("Days"), "number", forms.WHOLE),
                forms.Place("business", words.text("Next business day"), "check", forms.FLAG),
                forms.Place("unit", words.text("Unit")),
                *self._label("text", words.text("Says")),
            ],
            words.text("Add a date"),
            hint=words.text("A date fact, or started for the beginning of the step."),
        )
        return forms.Records(
            "steps",
            words.text("Steps"),
            [
                forms.Place("key", words.text("Short name"), required=True),
                forms.Place(
                    "command",
                    words.text("Command"),
                    hint=words.text("In capitals: COLLECT."),
                    required=True,
                ),
                *self._label("title", words.text("Title"), required=True),
                forms.Place("unit", words.text("Responsible unit"), required=True),
                forms.Place("sla_days", words.text("Days until it is late"), "number", forms.WHOLE),
                forms.Place("needs", words.text("Facts from before"), codec=forms.NAMES),
                *self._label("compensation", words.text("What undoes it")),
                forms.Place("approval-kind", words.text("Approval: kind")),
                forms.Place("approval-rule", words.text("Approval: by this rule")),
                forms.Place("approval-facts", words.text("Approval: facts"), "lines", SOURCES),
                forms.Place(
                    "approval-stages", words.text("Approval: these stages"), codec=forms.NAMES
                ),
                forms.Place(
                    "approval-shown", words.text("Approval: shown facts"), codec=forms.NAMES
                ),
            ],
            words.text("Add a step"),
            lists=(
                self._fields("inputs", words.text("Inputs"), words.text("Add an input")),
                checks,
                self._guards(),
                self._fields(
                    "outputs", words.text("Produces"), words.text("Add a product"), made=True
                ),
                ways,
                timers,
            ),
            titled=f"title-{words.code}",
        )

    def _guards(self) -> forms.Records:
        words = self.words
        return forms.Records(
            "guards",
            words.text("Rules that are asked"),
            [
                forms.Place("rule", words.text("Rule")),
                forms.Place("facts", words.text("Its facts, one a line"), "lines", SOURCES),
                forms.Place("require", words.text("Must answer, one a line"), "lines", REQUIRED),
                *self._label("text", words.text("If not")),
            ],
            words.text("Add a rule"),
            hint=words.text('name = fact, @parameter, today(), or a constant such as "ALLOW".'),
        )

    @property
    def cancellation(self) -> Sequence[forms.Place]:
        """When a process may be cancelled."""
        words = self.words
        return [
            forms.Place("cancellation-effect", words.text("Effect, from a rule"), codec=SOURCE),
            forms.Place(
                "cancellation-after_end", words.text("Also after its end"), "check", forms.FLAG
            ),
        ]

    @property
    def cancelling(self) -> Sequence[forms.Records]:
        """What is asked for a cancellation."""
        words = self.words
        inputs = self._fields(
            "inputs", words.text("Asked for a cancellation"), words.text("Add an input")
        )
        return (inputs, self._guards())


def _operators() -> list[Option]:
    return [Option(op.value, op.value) for op in Op]


# ---------------------------------------------------------------------------- the form


@dataclass
class WrittenProcess:
    """A form as it was typed, the document behind it, and everything wrong with both.

    Shapes: ``view`` is the document with its units as a list.
    """

    parts: Parts
    view: dict[str, Any]
    fields: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    definition: Definition | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The document behind the view."""
        said = forms.filled(self.view)
        units = {str(one.get("key", "")): one.get("name") for one in said.get("units", ())}
        return {**said, "units": units, "steps": said.get("steps", [])}

    # -------------------------------------------------------------- drawing

    @property
    def head(self) -> Sequence[forms.Control]:
        """Title and subject."""
        return forms.draw_places(self.parts.head, self.view, "")

    @property
    def lists(self) -> Sequence[forms.DrawnList]:
        """Units, what starts it, steps."""
        parts = self.parts
        listed = (parts.units, parts.start, parts.steps)
        return [forms.draw(one, self.view.get(one.name), one.name) for one in listed]

    @property
    def cancellation(self) -> tuple[Sequence[forms.Control], Sequence[forms.DrawnList]]:
        """Controls and lists of the cancellation."""
        said = self.view.get("cancellation") or {}
        lists = [
            forms.draw(one, said.get(one.name), f"cancellation-{one.name}")
            for one in self.parts.cancelling
        ]
        return forms.draw_places(self.parts.cancellation, self.view, ""), lists

    def controls(self) -> list[str]:
        """Ids of all controls, in their order."""
        places, lists = self.cancellation
        single = ["new_key", "valid_from", "note", *(c.id for c in (*self.head, *places))]
        listed = [control for one in (*self.lists, *lists) for control in forms.controls_of(one)]
        return [*single, *listed]

    # -------------------------------------------------------------- taking

    def obey(self, said: str) -> None:
        """Add, remove or move a part."""
        if said.startswith("add:cancellation"):
            self.view.setdefault("cancellation", {})
        forms.command(self.view, said)

    def read(self) -> WrittenProcess:
        """The same with the definition, or with everything wrong at its control."""
        self.definition, self.problems = None, []
        try:
            self.definition = read_definition(self.document)
        except ValidationError as error:
            self.placed(error.problems)
        return self

    def placed(self, problems: Sequence[Problem]) -> None:
        """Note problems of the document at the controls that can mend them."""
        self.problems += [self.place(problem) for problem in problems]

    def place(self, problem: Problem) -> Problem:
        """A problem at its control."""
        return forms.nearest(self._unit(problem), self.controls(), "title-tr")

    def _unit(self, problem: Problem) -> Problem:
        """Units stand by key in the document and by number in the form."""
        parts = problem.pointer.split("/")
        if parts[1:2] != ["units"] or len(parts) < 3:
            return problem
        keys = [one.get("key", "") for one in self.view.get("units", ())]
        number = keys.index(parts[2]) if parts[2] in keys else 0
        pointer = "/".join(["/units", str(number), "name", *parts[3:]])
        return replace(problem, pointer=pointer)

    def draft(self, key: str) -> DefinitionDraft:
        """What is to be kept. Raises: ValidationError with every problem, by control."""
        problems = list(self.problems)
        try:
            valid_from = parse_date_api(self.fields.get("valid_from", "").strip())
        except ParseError as error:
            problems.append(error.at("/valid_from"))
        if problems:
            text = "The definition is not valid."
            raise ValidationError("definition_invalid", text, problems=problems)
        note = self.fields.get("note", "").strip()[:300]
        return DefinitionDraft(key, self.document, valid_from, note)


def of_definition(
    document: Mapping[str, Any], fields: Mapping[str, str], words: Language
) -> WrittenProcess:
    """The form of a definition."""
    units = [{"key": key, "name": name} for key, name in document.get("units", {}).items()]
    return WrittenProcess(Parts(words), {**document, "units": units}, fields).read()


def of_process_form(form: Mapping[str, str], words: Language) -> WrittenProcess:
    """A posted form."""
    parts = Parts(words)
    view: dict[str, Any] = forms.read_places([*parts.head, *parts.cancellation], form, "")
    for one in (parts.units, parts.start, parts.steps):
        view[one.name] = one.read(form, one.name)
    for one in parts.cancelling:
        if found := one.read(form, f"cancellation-{one.name}"):
            view.setdefault("cancellation", {})[one.name] = found
    return WrittenProcess(parts, view, dict(form))
