"""Whether a step can be done: what is missing, what does not fit, what a rule forbids.

All of it is found at once, with the words a person needs; nothing is changed here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Protocol, Self

from kernel.errors import KopruError, ParseError, Problem
from workflow.domain.processes.definition import Check, Field, From, Guard, Op, Source
from workflow.domain.processes.words import Words, same
from workflow.domain.rules.facts import Fact, Value


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule said. ``words`` is its own reason, if the row that decided has one."""

    result: Mapping[str, Any]
    decision_id: str
    words: Words = field(default_factory=dict)


class Judge(Protocol):
    """Asks rules and parameters, as of a business date."""

    @property
    def today(self) -> date: ...
    def on(self, day: date) -> Self:
        """The same as of another date."""
        ...

    def decide(self, rule: str, facts: Mapping[str, Any]) -> Verdict:
        """Decide by a rule. Raises: KopruError for facts a rule does not decide on."""
        ...

    def parameter(self, key: str) -> Any:
        """Value in force. Raises: MissingParameterError."""
        ...


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that stands in the way of a step.

    Shapes: ``code`` is ``missing``, ``unknown``, ``type``, ``inconsistent`` or ``forbidden``;
    ``pointer`` leads into the request; ``about`` is the fact or the rule; ``text`` says it in
    words; ``given`` tells that it is for the caller to give.
    """

    pointer: str
    code: str
    about: str
    text: Words
    given: bool = False

    def to_problem(self) -> Problem:
        """As the answer of the API says it."""
        return Problem(self.pointer, self.code, self.text["en"])


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of looking at a step.

    Shapes: ``inputs`` are what was given, as JSON; ``outputs`` what the step produces, meaningful
    only without obstacles.
    """

    obstacles: tuple[Obstacle, ...]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    decisions: tuple[str, ...] = ()
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_COMPARE: Final[Mapping[Op, Callable[[Any, Any], bool]]] = {
    Op.EQUAL: operator.eq,
    Op.OTHER: operator.ne,
    Op.LESS: operator.lt,
    Op.AT_MOST: operator.le,
    Op.MORE: operator.gt,
    Op.AT_LEAST: operator.ge,
}
_ORDERED: Final = frozenset({Op.LESS, Op.AT_MOST, Op.MORE, Op.AT_LEAST})


@dataclass
class Examination:
    """Looks at the parts of a step one after another and gathers what stands in the way."""

    places: Mapping[str, Fact]
    data: Mapping[str, Any]
    judge: Judge
    labels: Mapping[str, Words]
    values: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    obstacles: list[Obstacle] = field(default_factory=list)
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values.update(self.data)

    def _label(self, name: str) -> Words:
        return self.labels.get(name) or same(name)

    def take(self, fields: Iterable[Field], given: Mapping[str, Any]) -> None:
        """Read what was given; what is not asked for is refused."""
        expected = {one.name: one for one in fields}
        for name in given:
            if name not in expected:
                text = {
                    "tr": "Bu adım böyle bir veri beklemiyor.",
                    "el": "Αυτό το βήμα δεν περιμένει τέτοιο στοιχείο.",
                    "en": "This step expects no such value.",
                }
                pointer = f"/data/{str(name)[:60].replace('~', '~0').replace('/', '~1')}"
                self.obstacles.append(Obstacle(pointer, "unknown", str(name)[:60], text))
        for name, one in expected.items():
            self._take(one, name, given)

    def _take(self, one: Field, name: str, given: Mapping[str, Any]) -> None:
        label = one.label
        if given.get(name) is None:
            if one.fact.nullable:
                self.inputs[name] = self.values[name] = None
            else:
                text = {
                    "tr": f"{label['tr']} eksik.",
                    "el": f"Λείπει: {label['el']}.",
                    "en": f"{label['en']} is missing.",
                }
                self.obstacles.append(Obstacle(f"/data/{name}", "missing", name, text, given=True))
            return
        try:
            wire = one.fact.wire(one.fact.read(given[name]))
        except ParseError:
            text = {
                "tr": f"{label['tr']} için geçerli bir değer girin.",
                "el": f"Δώστε έγκυρη τιμή: {label['el']}.",
                "en": f"Give a valid value: {label['en']}.",
            }
            self.obstacles.append(Obstacle(f"/data/{name}", "type", name, text, given=True))
            return
        self.inputs[name] = self.values[name] = wire

    def need(self, names: Iterable[str]) -> None:
        """Facts that earlier steps must have produced."""
        for name in names:
            if name not in self.values:
                label = self._label(name)
                text = {
                    "tr": f"Süreçte henüz bilinmiyor: {label['tr']}.",
                    "el": f"Δεν είναι ακόμη γνωστό στη διαδικασία: {label['el']}.",
                    "en": f"The process does not know it yet: {label['en']}.",
                }
                self.obstacles.append(Obstacle("", "missing", name, text))

    def check(self, checks: Iterable[Check]) -> None:
        """Conditions on facts that are all there; the others are noted as missing already."""
        for one in checks:
            if one.facts <= self.values.keys() and not self.holds(one):
                pointer = f"/data/{one.fact}" if one.fact in self.inputs else ""
                self.obstacles.append(Obstacle(pointer, "inconsistent", one.fact, one.text))

    def holds(self, check: Check) -> bool:
        """Whether a condition holds; with something unknown on one side no order holds."""
        place = self.places[check.fact]
        left = _read(place, self.values[check.fact])
        right = _read(place, self.value(check.than))
        if check.op in _ORDERED and (left is None or right is None):
            return False
        return _COMPARE[check.op](left, right)

    def ask(self, guards: Iterable[Guard]) -> None:
        """Rules whose facts are all there."""
        for one in guards:
            if one.needs <= self.values.keys():
                self._ask(one)

    def _ask(self, guard: Guard) -> None:
        try:
            facts = {name: self.value(source) for name, source in guard.facts.items()}
            verdict = self.judge.decide(guard.rule, facts)
        except KopruError as error:
            text = same(f"{guard.rule}: {error.message}")
            self.obstacles.append(Obstacle("", "forbidden", guard.rule, text))
            return
        self.results[guard.rule] = verdict.result
        self.decisions.append(verdict.decision_id)
        if any(verdict.result.get(name) != value for name, value in guard.require.items()):
            words = verdict.words or {}
            text = {
                language: f"{said} {words.get(language, '')}".strip()
                for language, said in guard.text.items()
            }
            self.obstacles.append(Obstacle("", "forbidden", guard.rule, text))

    def value(self, source: Source) -> Any:
        """The value behind a source, as JSON."""
        match source.kind:
            case From.FACT:
                return self.values[source.name]
            case From.VALUE:
                return source.value
            case From.TODAY:
                return self.judge.today.isoformat()
            case From.PARAMETER:
                return self.judge.parameter(source.name)
            case From.RULE:
                return self.results[source.name].get(source.output)

    def produced(self, outputs: Iterable[Field]) -> dict[str, Any]:
        """What the step produces, as JSON. Raises: KopruError for a value of another type."""
        made: dict[str, Any] = {}
        for one in outputs:
            source = one.source or Source(From.FACT, one.name)
            made[one.name] = one.fact.wire(_read(one.fact, self.value(source)))
        return made

    def finding(self, outputs: Iterable[Field]) -> Finding:
        """All that was found."""
        made: Mapping[str, Any] = {}
        if not self.obstacles:
            try:
                made = self.produced(outputs)
            except KopruError as error:
                self.obstacles.append(Obstacle("", "type", error.code, same(error.message)))
        return Finding(
            tuple(self.obstacles), self.inputs, made, tuple(self.decisions), self.results
        )


def _read(place: Fact, value: Any) -> Value:
    return None if value is None else place.read(value)
