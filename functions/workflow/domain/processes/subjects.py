"""What the time-driven rules look at: meters, contracts, applications, with dated facts.

A fact keeps every value with the day from which it counts, so a question about a past day gets the
answer of that day. Facts come from the company's own systems; the kinds and their facts are data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.stamp import NEW, Stamp
from workflow.domain.processes.definition import Field
from workflow.domain.processes.words import Words

KEPT: Final = 40
"""Values that a fact keeps; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A value of a fact, as JSON, from a day on."""

    since: date
    value: Any


@dataclass(frozen=True, slots=True)
class SubjectKind:
    """A kind of subject and the facts it can have."""

    key: str
    title: Words
    facts: Mapping[str, Field]

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Facts as JSON; a subset is welcome, anything else is not.

        Raises: ValidationError("facts_invalid") with one problem per fact.
        """
        problems: list[Problem] = []
        found: dict[str, Any] = {}
        for name, value in given.items():
            known = self.facts.get(name)
            pointer = f"/facts/{str(name)[:60]}"
            if known is None:
                problems.append(Problem(pointer, "UNKNOWN_FACT", "This kind has no such fact."))
                continue
            try:
                found[name] = known.fact.wire(known.fact.read(value))
            except ParseError as error:
                problems.append(error.at(pointer))
        if problems:
            raise ValidationError("facts_invalid", "Some facts are wrong.", problems=problems)
        return found


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject. Shapes: ``reference`` is its number in the company's system, no person's name;
    the values of a fact stand newest first.
    """

    id: str
    kind: str
    reference: str
    label: str = ""
    facts: Mapping[str, tuple[Dated, ...]] = field(default_factory=dict)
    stamp: Stamp = NEW

    @property
    def name(self) -> str:
        """How processes and proposals name it: ``<kind>:<reference>``."""
        return f"{self.kind}:{self.reference}"

    def on(self, day: date) -> dict[str, Any]:
        """Facts as they stood on a day."""
        found: dict[str, Any] = {}
        for name, values in self.facts.items():
            for dated in values:
                if dated.since <= day:
                    found[name] = dated.value
                    break
        return found

    def told(self, values: Mapping[str, Any], since: date, label: str | None = None) -> Subject:
        """With facts that count from a day on; the same day said again replaces what was said."""
        grown = dict(self.facts)
        for name, value in values.items():
            grown[name] = _with(grown.get(name, ()), Dated(since, value))
        return replace(self, facts=grown, label=self.label if label is None else label)


def _with(known: Iterable[Dated], new: Dated) -> tuple[Dated, ...]:
    others = [dated for dated in known if dated.since != new.since]
    ordered = sorted([*others, new], key=lambda dated: dated.since, reverse=True)
    # A value that the one before it says already adds nothing.
    kept = [
        dated
        for number, dated in enumerate(ordered)
        if number == len(ordered) - 1 or ordered[number + 1].value != dated.value
    ]
    return tuple(kept[:KEPT])
