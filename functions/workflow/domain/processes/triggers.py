"""Time-driven starts: a rule that is asked about every subject, and what its answer proposes.

Source: AYBS+ processes and rules, "AYBS+ uygulama kuralları"; rules R1, R3 to R5, R7, R8, R16,
R34, R35. An answer proposes or opens work; nothing here touches money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from kernel.ids import derived_id
from kernel.stamp import NEW, Stamp
from workflow.domain.processes.definition import From, Guard, Source
from workflow.domain.processes.subjects import Subject
from workflow.domain.processes.words import Words


class Mode(StrEnum):
    """What an answer leads to."""

    PROPOSE = "propose"
    OPEN = "open"
    SELECT = "select"


@dataclass(frozen=True, slots=True)
class Consequence:
    """One thing an answer can lead to.

    Shapes: it applies when ``output`` of the rule is, or contains, ``equals``. ``period`` says what
    "once" means: an output, a fact, or the month of the day; ``otherwise`` stands in where that is
    unknown. ``data`` is what the process starts with; ``amount`` is the fact that a selection sums
    up.
    """

    output: str
    equals: Any
    action: str
    title: Words
    unit: str
    mode: Mode
    period: Source
    process: str
    data: Mapping[str, Source]
    amount: str = ""
    otherwise: Source | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule with the kind of subjects it looks at, and its consequences in their order.

    Shapes: ``guards`` are rules that are asked first; where one does not give what it must, the
    rule itself is not asked on that day.
    """

    key: str
    rule: str
    subject: str
    facts: Mapping[str, Source]
    consequences: tuple[Consequence, ...]
    guards: tuple[Guard, ...] = ()

    @property
    def needs(self) -> frozenset[str]:
        """Facts of the subject without which the rules are not asked."""
        own = frozenset(s.name for s in self.facts.values() if s.kind is From.FACT)
        return own.union(*(guard.needs for guard in self.guards))


@dataclass(frozen=True, slots=True)
class View:
    """One subject on one day, with the answer of a rule about it."""

    subject: Subject
    facts: Mapping[str, Any]
    day: date
    result: Mapping[str, Any]

    def value(self, source: Source) -> Any:
        """The value behind a source; an unknown fact is None."""
        match source.kind:
            case From.FACT if source.name == "reference":
                return self.subject.reference
            case From.FACT:
                return self.facts.get(source.name)
            case From.VALUE:
                return source.value
            case From.TODAY:
                return self.day.isoformat()
            case _:
                return self.result.get(source.output)

    def period(self, consequence: Consequence) -> str:
        """For what a consequence happens once; "" while that is not known."""
        for source in (consequence.period, consequence.otherwise):
            if source is None:
                continue
            if source.kind is From.TODAY:
                return self.day.isoformat()[:7]
            value = self.value(source)
            if value is not None:
                return str(value)
        return ""


def due(trigger: Trigger, result: Mapping[str, Any]) -> list[Consequence]:
    """The consequences of an answer, in the order of the trigger."""
    found = []
    for consequence in trigger.consequences:
        said = result.get(consequence.output)
        if said == consequence.equals or (isinstance(said, list) and consequence.equals in said):
            found.append(consequence)
    return found


class ProposalState(StrEnum):
    """Where a proposal stands; ``opened`` is one whose work the system opened by itself."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Work that a rule proposes, once per rule, subject and period.

    Shapes: ``subject`` is ``<kind>:<reference>``; ``data`` is what the process starts with when
    somebody accepts; ``decision_id`` is the decision it comes from.
    """

    id: str
    trigger: str
    rule: str
    action: str
    subject: str
    period: str
    title: Words
    unit: str
    process: str
    data: Mapping[str, Any]
    decision_id: str
    made_at: datetime
    state: ProposalState = ProposalState.OPEN
    process_id: str = ""
    reason: str = ""
    decided_by: str = ""
    stamp: Stamp = NEW


def proposal_id(tenant_id: str, rule: str, action: str, subject: str, period: str) -> str:
    """The id that one rule, subject and period always give, so that it is there only once."""
    return derived_id("\0".join((tenant_id, "proposal", rule, action, subject, period)))


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of all triggers over all subjects of a company, in slices.

    Shapes: ``kind_no`` and ``after`` say where it goes on; ``selected`` counts subjects and minor
    units per selection (``<trigger>.<period>``). Units: ``day`` is the business date whose facts
    count.
    """

    id: str
    day: date
    started_at: datetime
    kind_no: int = 0
    after: Mapping[str, Any] | None = None
    seen: int = 0
    proposed: int = 0
    incomplete: int = 0
    refused: int = 0
    selected: Mapping[str, tuple[int, int]] | None = None
    done: bool = False
    version: int = 1
