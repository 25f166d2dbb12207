"""What a process is: its steps, what each expects and produces, and what comes after it.

A definition is data. It is read once from a document, and every part keeps the words in which
people see it. Nothing here decides; ``analysis`` says whether a definition is fit to run and
``engine`` runs it.

Source: AYBS+ processes and rules, "İş Süreçleri": for each step the expected input and the
produced output are defined; the next one starts automatically.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from kernel.errors import Problem, ValidationError
from workflow.domain.processes.words import LANGUAGES, Words, read_words
from workflow.domain.rules.facts import Fact, declare

END: Final = "end"
"""Where the last step leads."""
STARTED: Final = "started"
"""The moment at which a step started, as the base of a timer."""
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COMMAND: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_RULE: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
_MAX_STEPS: Final = 50
_MAX_PARTS: Final = 40

T = TypeVar("T")


class From(StrEnum):
    """Where a value comes from."""

    FACT = "fact"
    VALUE = "value"
    TODAY = "today"
    PARAMETER = "parameter"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Source:
    """A value to be: a fact, a constant, the business date, a dated parameter, a rule's output.

    Shapes: ``name`` is the fact, the parameter or the rule; ``output`` that of the rule.
    """

    kind: From
    name: str = ""
    output: str = ""
    value: Any = None

    def to_json(self) -> Any:
        """As it stands in a document."""
        match self.kind:
            case From.FACT:
                return self.name
            case From.VALUE:
                return {"value": self.value}
            case From.TODAY:
                return {"today": True}
            case From.PARAMETER:
                return {"parameter": self.name}
            case From.RULE:
                return {"rule": self.name, "output": self.output}


class Op(StrEnum):
    """How two values are compared."""

    EQUAL = "=="
    OTHER = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on facts: what makes data consistent, or which way a process goes."""

    fact: str
    op: Op
    than: Source
    text: Words = field(default_factory=dict)

    @property
    def facts(self) -> frozenset[str]:
        """Facts it looks at."""
        other = {self.than.name} if self.than.kind is From.FACT else set()
        return frozenset({self.fact, *other})


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule that is asked; ``require`` are the outputs it must give (none: it only informs)."""

    rule: str
    facts: Mapping[str, Source]
    require: Mapping[str, Any]
    text: Words

    @property
    def needs(self) -> frozenset[str]:
        """Facts of the process that it passes on."""
        return frozenset(s.name for s in self.facts.values() if s.kind is From.FACT)


@dataclass(frozen=True, slots=True)
class Field:
    """A fact with its label, and where it comes from if nobody types it."""

    fact: Fact
    label: Words
    source: Source | None = None

    @property
    def name(self) -> str:
        """Name of the fact."""
        return self.fact.name


@dataclass(frozen=True, slots=True)
class Branch:
    """A way out of a step; without conditions it is the way otherwise."""

    to: str
    when: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    """Whether handing over needs an approval: by ``rule`` on ``facts``, or always by ``stages``.

    Shapes: ``shown`` are facts that the approvers see.
    """

    kind: str
    rule: str
    facts: Mapping[str, Source]
    stages: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def needs(self) -> frozenset[str]:
        """Facts of the process that the rule and the approvers are told."""
        asked = {s.name for s in self.facts.values() if s.kind is From.FACT}
        return frozenset({*asked, *self.shown})


class TimerKind(StrEnum):
    """What a timer does: reminders and escalations cancel nothing, an expiry does."""

    REMINDER = "reminder"
    ESCALATION = "escalation"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class Timer:
    """A moment bound to a date.

    Units: ``days`` are calendar days after the date (negative: before), rolled to the next
    business day if ``business`` says so. ``base`` is a date fact, or ``started``.
    """

    key: str
    kind: TimerKind
    base: str
    days: int
    business: bool
    unit: str
    text: Words


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Shapes: ``inputs`` come with the command, ``needs`` must be known from before, ``outputs``
    become facts of the process. ``compensation`` says what undoes the step, in words; without it
    there is nothing to undo. Units: ``sla_days`` are calendar days from its start, 0 is no limit.
    """

    key: str
    command: str
    title: Words
    unit: str
    inputs: tuple[Field, ...]
    needs: tuple[str, ...]
    checks: tuple[Check, ...]
    guards: tuple[Guard, ...]
    outputs: tuple[Field, ...]
    next: tuple[Branch, ...]
    approval: ApprovalGate | None
    timers: tuple[Timer, ...]
    compensation: Words
    sla_days: int


@dataclass(frozen=True, slots=True)
class Cancellation:
    """When a process may be cancelled, and what is asked for it.

    Shapes: ``effect`` is the output of a guard that names the compensation as a whole.
    """

    inputs: tuple[Field, ...] = ()
    guards: tuple[Guard, ...] = ()
    effect: Source | None = None
    after_end: bool = False


@dataclass(frozen=True)
class Definition:
    """A process. ``units`` are the names of the units that do the work, by key."""

    title: Words
    subject: str
    start: tuple[Field, ...]
    steps: Mapping[str, Step]
    first: str
    units: Mapping[str, Words]
    cancellation: Cancellation

    def step_of(self, command: str) -> Step | None:
        """The step that a command completes."""
        return next((step for step in self.steps.values() if step.command == command), None)

    @property
    def fields(self) -> Mapping[str, Field]:
        """Every fact of the process by name, as it is declared first."""
        found: dict[str, Field] = {}
        for group in (self.start, *(s.outputs for s in self.steps.values())):
            for one in group:
                found.setdefault(one.name, one)
        return found


# ---------------------------------------------------------------------------- reading

_TOP: Final = frozenset({"title", "subject", "start", "steps", "units", "cancellation"})
_STEP: Final = frozenset(
    {"key", "command", "title", "unit", "inputs", "needs", "checks", "guards", "outputs", "next",
     "approval", "timers", "compensation", "sla_days"}
)  # fmt: skip
_CANCEL: Final = frozenset({"inputs", "guards", "effect", "after_end"})


class DocumentReader:
    """Reads one document; every problem is noted with its place."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, pointer: str, code: str, text: str) -> None:
        self.problems.append(Problem(pointer, code, text))

    def members(self, said: Any, known: Iterable[str], pointer: str) -> Mapping[str, Any]:
        if not isinstance(said, Mapping):
            self.wrong(pointer, "SHAPE", "This is an object.")
            return {}
        for name in said:
            if name not in known:
                self.wrong(f"{pointer}/{name}", "unknown_field", "There is no such member.")
        return said

    def each(self, said: Any, pointer: str, read: Callable[[Any, str], T | None]) -> tuple[T, ...]:
        if said is None:
            return ()
        if not isinstance(said, list) or len(said) > _MAX_PARTS:
            self.wrong(pointer, "SHAPE", f"This is a list of at most {_MAX_PARTS} members.")
            return ()
        made = (read(member, f"{pointer}/{number}") for number, member in enumerate(said))
        return tuple(member for member in made if member is not None)

    def named(self, said: Any, pattern: re.Pattern[str], pointer: str) -> str:
        if not isinstance(said, str) or pattern.fullmatch(said) is None:
            self.wrong(pointer, "NAME", "This is no name.")
            return ""
        return said

    def words(self, said: Any, pointer: str) -> Words:
        return read_words(said, pointer, self.problems)

    def number(self, said: Any, low: int, high: int, pointer: str) -> int:
        if type(said) is not int or not low <= said <= high:
            self.wrong(pointer, "NUMBER", f"This is a whole number from {low} to {high}.")
            return 0
        return said

    def flag(self, said: Any, pointer: str) -> bool:
        if type(said) is not bool:
            self.wrong(pointer, "TYPE", "This is true or false.")
        return said is True

    # -------------------------------------------------------------- parts

    def source(self, said: Any, pointer: str) -> Source | None:
        if isinstance(said, str):
            return Source(From.FACT, self.named(said, _KEY, pointer))
        if isinstance(said, Mapping):
            if set(said) == {"value"}:
                return Source(From.VALUE, value=said["value"])
            if said == {"today": True}:
                return Source(From.TODAY)
            if set(said) == {"parameter"} and isinstance(said["parameter"], str):
                return Source(From.PARAMETER, said["parameter"])
            if set(said) == {"rule", "output"}:
                rule = self.named(said["rule"], _RULE, f"{pointer}/rule")
                output = self.named(said["output"], _KEY, f"{pointer}/output")
                return Source(From.RULE, rule, output)
        text = 'This is a fact, {"value"}, {"today"}, {"parameter"} or {"rule", "output"}.'
        self.wrong(pointer, "SOURCE", text)
        return None

    def sources(self, said: Any, pointer: str) -> Mapping[str, Source]:
        if not isinstance(said, Mapping):
            self.wrong(pointer, "SHAPE", "This is an object of values by fact.")
            return {}
        made = {str(name): self.source(one, f"{pointer}/{name}") for name, one in said.items()}
        return {name: one for name, one in made.items() if one is not None}

    def field(self, said: Any, pointer: str) -> Field | None:
        if not isinstance(said, Mapping):
            self.wrong(pointer, "SHAPE", "This is an object.")
            return None
        label = self.words(said.get("label"), f"{pointer}/label")
        source = self.source(said["from"], f"{pointer}/from") if "from" in said else None
        bare = {name: one for name, one in said.items() if name not in ("label", "from")}
        fact = declare(bare, pointer, self.problems)
        return Field(fact, label, source) if fact is not None else None

    def check(self, said: Any, pointer: str, *, spoken: bool = True) -> Check | None:
        known = ("fact", "op", "than", "text") if spoken else ("fact", "op", "than")
        found = self.members(said, known, pointer)
        name = self.named(found.get("fact"), _KEY, f"{pointer}/fact")
        than = self.source(found.get("than"), f"{pointer}/than")
        words = self.words(found.get("text"), f"{pointer}/text") if spoken else {}
        if found.get("op") not in set(Op):
            self.wrong(f"{pointer}/op", "CHOICE", "This is one of == != < <= > >=.")
            return None
        return Check(name, Op(found["op"]), than, words) if than is not None else None

    def guard(self, said: Any, pointer: str) -> Guard | None:
        found = self.members(said, ("rule", "facts", "require", "text"), pointer)
        rule = self.named(found.get("rule"), _RULE, f"{pointer}/rule")
        require = found.get("require", {})
        if not isinstance(require, Mapping):
            self.wrong(f"{pointer}/require", "SHAPE", "This is an object of outputs.")
            return None
        words = self.words(found.get("text"), f"{pointer}/text")
        facts = self.sources(found.get("facts", {}), f"{pointer}/facts")
        return Guard(rule, facts, dict(require), words)

    def branch(self, said: Any, pointer: str) -> Branch | None:
        found = self.members(said, ("to", "when"), pointer)
        when = self.each(
            found.get("when"), f"{pointer}/when", lambda one, at: self.check(one, at, spoken=False)
        )
        return Branch(self.named(found.get("to"), _KEY, f"{pointer}/to"), when)

    def approval(self, said: Any, pointer: str) -> ApprovalGate | None:
        if said is None:
            return None
        found = self.members(said, ("kind", "rule", "facts", "stages", "shown"), pointer)
        kind = self.named(found.get("kind"), _KEY, f"{pointer}/kind")
        rule = found.get("rule")
        stages = self.each(
            found.get("stages"), f"{pointer}/stages", lambda s, at: self.named(s, _COMMAND, at)
        )
        if (rule is None) == (not stages):
            self.wrong(pointer, "SHAPE", "An approval has a rule or stages.")
        return ApprovalGate(
            kind,
            self.named(rule, _RULE, f"{pointer}/rule") if rule is not None else "",
            self.sources(found.get("facts", {}), f"{pointer}/facts"),
            stages,
            self.each(
                found.get("shown"), f"{pointer}/shown", lambda s, at: self.named(s, _KEY, at)
            ),
        )

    def timer(self, said: Any, pointer: str) -> Timer | None:
        known = ("key", "kind", "base", "days", "business", "unit", "text")
        found = self.members(said, known, pointer)
        if found.get("kind") not in set(TimerKind):
            self.wrong(f"{pointer}/kind", "CHOICE", "This is reminder, escalation or expiry.")
            return None
        return Timer(
            self.named(found.get("key"), _KEY, f"{pointer}/key"),
            TimerKind(found["kind"]),
            self.named(found.get("base"), _KEY, f"{pointer}/base"),
            self.number(found.get("days"), -3650, 3650, f"{pointer}/days"),
            self.flag(found.get("business", False), f"{pointer}/business"),
            self.named(found.get("unit"), _KEY, f"{pointer}/unit"),
            self.words(found.get("text"), f"{pointer}/text"),
        )

    def step(self, said: Any, pointer: str) -> Step | None:
        found = self.members(said, _STEP, pointer)
        compensation = found.get("compensation")
        return Step(
            self.named(found.get("key"), _KEY, f"{pointer}/key"),
            self.named(found.get("command"), _COMMAND, f"{pointer}/command"),
            self.words(found.get("title"), f"{pointer}/title"),
            self.named(found.get("unit"), _KEY, f"{pointer}/unit"),
            self.each(found.get("inputs"), f"{pointer}/inputs", self.field),
            self.each(
                found.get("needs"),
                f"{pointer}/needs",
                lambda one, at: self.named(one, _KEY, at) or None,
            ),
            self.each(found.get("checks"), f"{pointer}/checks", self.check),
            self.each(found.get("guards"), f"{pointer}/guards", self.guard),
            self.each(found.get("outputs"), f"{pointer}/outputs", self.field),
            self.each(found.get("next"), f"{pointer}/next", self.branch),
            self.approval(found.get("approval"), f"{pointer}/approval"),
            self.each(found.get("timers"), f"{pointer}/timers", self.timer),
            self.words(compensation, f"{pointer}/compensation") if compensation is not None else {},
            self.number(found.get("sla_days", 0), 0, 3650, f"{pointer}/sla_days"),
        )

    def cancellation(self, said: Any, pointer: str) -> Cancellation:
        if said is None:
            return Cancellation()
        found = self.members(said, _CANCEL, pointer)
        effect = found.get("effect")
        return Cancellation(
            self.each(found.get("inputs"), f"{pointer}/inputs", self.field),
            self.each(found.get("guards"), f"{pointer}/guards", self.guard),
            self.source(effect, f"{pointer}/effect") if effect is not None else None,
            self.flag(found.get("after_end", False), f"{pointer}/after_end"),
        )


def read_definition(document: Any) -> Definition:
    """The definition of a document.

    Raises: ValidationError("definition_invalid") with everything that is wrong with its form.
    """
    reader = DocumentReader()
    found = reader.members(document, _TOP, "")
    title = reader.words(found.get("title"), "/title")
    subject = reader.named(found.get("subject"), _KEY, "/subject")
    start = reader.each(found.get("start"), "/start", reader.field)
    steps = reader.each(found.get("steps"), "/steps", reader.step)
    if not 0 < len(steps) <= _MAX_STEPS:
        reader.wrong("/steps", "SHAPE", f"A process has 1 to {_MAX_STEPS} steps.")
    units = found.get("units")
    if not isinstance(units, Mapping):
        reader.wrong("/units", "SHAPE", "Units are an object of names by key.")
        units = {}
    named = {str(key): reader.words(one, f"/units/{key}") for key, one in units.items()}
    cancellation = reader.cancellation(found.get("cancellation"), "/cancellation")
    _twice(reader, [step.key for step in steps], "/steps", "A step stands twice.")
    _twice(reader, [step.command for step in steps], "/steps", "A command stands twice.")
    if reader.problems:
        raise ValidationError(
            "definition_invalid", "The definition is not valid.", problems=reader.problems
        )
    by_key = {step.key: step for step in steps}
    return Definition(title, subject, start, by_key, steps[0].key, named, cancellation)


def _twice(reader: DocumentReader, names: list[str], pointer: str, text: str) -> None:
    if len(set(names)) != len(names):
        reader.wrong(pointer, "TWICE", text)


__all__ = ["END", "LANGUAGES", "Definition", "read_definition"]
