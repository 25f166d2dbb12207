"""Instalment ranges of one contract: pairs of whole numbers that must not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

from kernel.errors import ParseError

Range = tuple[int, int]
"""First and last instalment count, both included; (0, 0) means payment with points."""

MAX_INSTALMENTS = 99


@dataclass(frozen=True, slots=True)
class RangeConflict:
    """The first thing wrong in input order: one bad range, or two that overlap."""

    reason: Literal["BAD_RANGE", "OVERLAP"]
    ranges: tuple[Range, ...]


def find_conflict(ranges: Sequence[Range]) -> RangeConflict | None:
    """What is wrong with the ranges, shapes before overlaps; None when they are disjoint.

    Units: both ends inclusive. Gaps are allowed.
    """
    for pair in ranges:
        if not _is_range(pair):
            return RangeConflict("BAD_RANGE", (pair,))
    for left, right in combinations(ranges, 2):
        if left[0] <= right[1] and right[0] <= left[1]:
            return RangeConflict("OVERLAP", (left, right))
    return None


def gaps(ranges: Sequence[Range]) -> tuple[Range, ...]:
    """Instalment counts between the first and the last range that no range covers."""
    ordered = sorted(pair for pair in ranges if pair != (0, 0))
    return tuple(
        (left[1] + 1, right[0] - 1) for left, right in pairwise(ordered) if right[0] - left[1] > 1
    )


def parse_instalment_ranges(value: object) -> tuple[Range, ...]:
    """Read a list of pairs of integers.

    Raises: ParseError("SHAPE" | "BAD_RANGE" | "OVERLAP").
    """
    if not isinstance(value, list | tuple):
        raise ParseError("SHAPE", "the ranges are a list of pairs")
    ranges: list[Range] = []
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ParseError("SHAPE", "a range is a pair of whole numbers")
        first, last = pair
        if type(first) is not int or type(last) is not int:
            raise ParseError("SHAPE", "a range is a pair of whole numbers")
        ranges.append((first, last))
    conflict = find_conflict(ranges)
    if conflict is not None:
        raise ParseError(conflict.reason, _MESSAGES[conflict.reason])
    return tuple(ranges)


_MESSAGES = {
    "BAD_RANGE": "a range is 0–0 or goes from 1 or more to at most 99",
    "OVERLAP": "two ranges contain the same instalment count",
}


def _is_range(pair: Range) -> bool:
    return pair == (0, 0) or 1 <= pair[0] <= pair[1] <= MAX_INSTALMENTS
