"""Try a draft before it counts: against the published table, on cases or on past decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import KopruError
from workflow.domain.rules.evaluation import evaluate
from workflow.domain.rules.parameters import World
from workflow.domain.rules.table import Table

MAX_DIFFERENCES: Final = 20


@dataclass(frozen=True, slots=True)
class Situation:
    """Facts to decide on, and the date and knowledge to decide with."""

    id: str
    facts: Mapping[str, Any]
    world: World


@dataclass(frozen=True, slots=True)
class Difference:
    """One situation the draft decides otherwise; an error stands as ``{"error": code}``."""

    id: str
    facts: Mapping[str, Any]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON."""
        return {
            "id": self.id,
            "facts": dict(self.facts),
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a draft does against what is published.

    Shapes: ``hits`` counts by row of the draft, rows never hit included with 0; ``differences`` are
    the first ones in the order of the situations.
    """

    same: int
    changed: int
    hits: Mapping[str, int]
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON."""
        return {
            "total": self.same + self.changed,
            "same": self.same,
            "changed": self.changed,
            "hits": dict(self.hits),
            "never_hit": [row for row, number in self.hits.items() if not number],
            "differences": [difference.to_dict() for difference in self.differences],
        }


def compare(draft: Table, published: Table | None, situations: Iterable[Situation]) -> Comparison:
    """Decide every situation with both; without a published table everything is a change."""
    same = changed = 0
    hits: Counter[str] = Counter({row.id: 0 for row in draft.rows})
    differences: list[Difference] = []
    for situation in situations:
        before, _ = _decided(published, situation) if published is not None else (None, ())
        after, rows = _decided(draft, situation)
        hits.update(rows)
        if before == after:
            same += 1
            continue
        changed += 1
        if len(differences) < MAX_DIFFERENCES:
            shown = draft.facts.masked(situation.facts)
            if published is not None:
                shown = published.facts.masked(shown)
            differences.append(Difference(situation.id, shown, before, after))
    return Comparison(same, changed, dict(hits), tuple(differences))


def _decided(
    table: Table, situation: Situation
) -> tuple[Mapping[str, Any] | None, tuple[str, ...]]:
    world = situation.world
    try:
        decision = evaluate(table, situation.facts, world.on(world.valid_on))
    except KopruError as error:
        return {"error": error.code}, ()
    return decision.result, decision.hits
