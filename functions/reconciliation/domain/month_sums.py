"""Sums of a month by account card, kept as its lines arrive.

The figures of a month with 50,000 lines are asked for within the ten seconds of an API call, so
they are made of one row per card. A row holds sums by direction, kind and paper or electronic:
which kinds are in scope and what is listed are dated parameters and decided when somebody asks.
The row moves in the transaction that moves the line; ``figures.tally`` over the lines themselves
gives the same (a test compares them after any history).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kernel.money import Money
from reconciliation.domain.figures import Part, Tally
from reconciliation.domain.ledger import Direction, LedgerEntry
from reconciliation.domain.parameters import HOME, BabsRules, EntryKind

_LETTER: Final = {Direction.SALES: "s", Direction.PURCHASE: "p"}


@dataclass(frozen=True, slots=True)
class MonthSums:
    """What is known of one card in one month.

    Shapes: ``counters`` are named as ``counter_names`` says; ``first`` is the order of the first
    line that was recorded of a direction, also when it was cancelled since.
    """

    card: str
    counters: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[Direction, str] = field(default_factory=dict)

    def tally(self, direction: Direction, rules: BabsRules) -> Tally | None:
        """The documents in scope; None when there are none."""
        paper, electronic = (self._part(direction, rules, flag) for flag in (False, True))
        if not paper.documents + electronic.documents:
            return None
        return Tally(self.card, paper, electronic, self.first.get(direction, ""))

    def _part(self, direction: Direction, rules: BabsRules, is_electronic: bool) -> Part:
        documents = total = 0
        for kind in rules.kinds:
            number, amount = counter_names(direction, kind, is_electronic=is_electronic)
            documents += self.counters.get(number, 0)
            total += self.counters.get(amount, 0)
        return Part(documents, Money(total, HOME))


def counter_names(direction: Direction, kind: EntryKind, *, is_electronic: bool) -> tuple[str, str]:
    """Names of the number of documents and of their sum in minor units of lira."""
    stem = f"{_LETTER[direction]}_{kind.value}_{'e' if is_electronic else 'p'}"
    return f"{stem}_n", f"{stem}_sum"


def contribution(entry: LedgerEntry | None) -> Counter[str]:
    """What a line adds to the sums of its card and month; nothing when it does not count.

    A line in another currency without its amount in lira is no document of a form.
    """
    if entry is None or not entry.counts or entry.fields.counted.currency != HOME:
        return Counter()
    fields = entry.fields
    names = counter_names(fields.direction, fields.kind, is_electronic=fields.is_electronic)
    return Counter(dict(zip(names, (1, fields.counted.minor), strict=True)))


def tallies(sums: Iterable[MonthSums], direction: Direction, rules: BabsRules) -> dict[str, Tally]:
    """Documents in scope by account card, as ``figures.tally`` over the lines gives them."""
    found = ((one.card, one.tally(direction, rules)) for one in sums)
    return {card: one for card, one in found if one is not None}
