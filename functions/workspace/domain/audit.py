"""Recomputes the chain of one entity and says where it is broken, if it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first thing wrong with a chain: which entity, at which sequence, and what."""

    entity: str
    sequence: int
    code: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification found so far; ``complete`` says whether everything was looked at."""

    entities: int
    rows: int
    fault: ChainFault | None
    complete: bool


def first_fault(
    entity: str,
    rows: Sequence[Mapping[str, Any]],
    digest: Callable[[Mapping[str, Any]], str],
    last_known: int,
) -> ChainFault | None:
    """The first broken row of an entity's chain, in order; None when all of it holds.

    Shapes: ``rows`` in order of their sequence; ``last_known`` is the last sequence its history
    speaks of, so that a cut-off tail is noticed too.
    """
    previous = GENESIS
    for number, row in enumerate(rows, 1):
        if row.get("seq") != number:
            return ChainFault(entity, number, "row_missing")
        if row.get("entity") != entity:
            return ChainFault(entity, number, "row_of_other_entity")
        if row.get("prev_hash") != previous:
            return ChainFault(entity, number, "link_broken")
        if row.get("hash") != digest(row):
            return ChainFault(entity, number, "content_changed")
        previous = str(row["hash"])
    if len(rows) < last_known:
        return ChainFault(entity, len(rows) + 1, "row_missing")
    return None
