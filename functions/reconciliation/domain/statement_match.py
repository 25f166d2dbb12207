"""Two statements of one account, matched line by line: ours and the counterparty's (REC-06).

Both sides write the same trade from their own place: what we debit they credit, so a pair has
opposite signs and its difference is the sum of both. Lines are matched in rounds, the surest first;
each round groups the lines that are left by one key, so the whole costs a sort and not a product:
20,000 lines against 20,000 are seconds.

Within a group lines are paired in order of date; a group is never searched for a best assignment.
Source: domain/reconciliation.md §6 (document number, date, amount → difference list).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from kernel.errors import RuleViolationError
from kernel.money import Money, total
from kernel.text import fold
from kernel.why import Why

DAYS_APART: Final = 10
"""Days between two dates of what may still be one document without a common number."""

MIN_TAIL: Final = 4
"""Digits at the end of a document's number that must agree when prefixes differ."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a statement as its writer sees it.

    Units: ``amount`` is signed in the writer's books, debit positive and credit negative.
    Shapes: ``id`` names the line within its statement.
    """

    id: str
    document_no: str
    on: date
    amount: Money


class Category(StrEnum):
    """What is to be said about a pair, or about a line that has none."""

    AGREED = "agreed"
    AMOUNT_DIFFERS = "amount_differs"
    DATE_DIFFERS = "date_differs"
    PERIOD_SHIFT = "period_shift"
    NUMBER_DIFFERS = "number_differs"
    SIGN_DIFFERS = "sign_differs"
    DUPLICATE = "duplicate"
    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"


@dataclass(frozen=True, slots=True)
class Match:
    """A pair, or a line without a partner.

    Units: ``difference`` is what the line leaves between the two balances, ours plus theirs; zero
    when both say the same.
    """

    ours: StatementLine | None
    theirs: StatementLine | None
    category: Category
    difference: Money
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All lines of both statements, each exactly once, in order of date.

    Units: ``difference`` is our balance plus theirs; the differences of the lines sum to it.
    """

    matches: tuple[Match, ...]
    our_balance: Money
    their_balance: Money

    @property
    def difference(self) -> Money:
        """What is left between the two balances; zero when both agree."""
        return self.our_balance + self.their_balance

    def count(self, category: Category) -> int:
        """How many lines or pairs are of a category."""
        return sum(match.category is category for match in self.matches)


@lru_cache(maxsize=1 << 16)
def number_key(document_no: str) -> str:
    """Form in which numbers of documents are compared: no case, blanks, signs or leading zeros.

    >>> number_key("abc-2026 000123") == number_key("ABC2026000123")
    True
    """
    kept = "".join(char for char in fold(document_no) if char.isalnum())
    return kept.lstrip("0")


def number_tail(document_no: str) -> str:
    """Digits at the end of a number, without leading zeros; "" when there are too few to count.

    People type ``123`` for ``ABC2026000000123``; less than four digits would pair anything.
    """
    digits = len(document_no) - len(document_no.rstrip("0123456789"))
    tail = document_no[len(document_no) - digits :].lstrip("0") if digits else ""
    return tail if len(tail) >= MIN_TAIL else ""


def compare(
    ours: Sequence[StatementLine], theirs: Sequence[StatementLine], currency: str
) -> Comparison:
    """Match two statements of one account in one currency.

    Raises: RuleViolationError("reconciliation.currency") for a line in another currency.
    """
    if any(line.amount.currency != currency for line in (*ours, *theirs)):
        raise RuleViolationError("reconciliation.currency", "Both statements are in one currency.")
    left, right = _Side(ours), _Side(theirs)
    matches: list[Match] = []
    for take in _ROUNDS:
        matches += take(left, right)
    numbers = (
        {number_key(line.document_no) for line in ours},
        {number_key(line.document_no) for line in theirs},
    )
    matches += [_alone(line, Category.ONLY_OURS, numbers[1]) for line in left.rest()]
    matches += [_alone(line, Category.ONLY_THEIRS, numbers[0]) for line in right.rest()]
    matches.sort(key=_place)
    return Comparison(
        tuple(matches),
        total((line.amount for line in ours), currency),
        total((line.amount for line in theirs), currency),
    )


class _Side:
    """Lines of one statement that have no partner yet, in order of date."""

    def __init__(self, lines: Iterable[StatementLine]) -> None:
        ordered = sorted(lines, key=lambda line: (line.on, line.id))
        self._left = dict(enumerate(ordered))

    def rest(self) -> list[StatementLine]:
        """What is left."""
        return list(self._left.values())

    def grouped(
        self, key_of: Callable[[StatementLine], Hashable | None]
    ) -> dict[Hashable, list[int]]:
        """Positions of what is left by key; lines without a key are left out."""
        groups: dict[Hashable, list[int]] = {}
        for position, line in self._left.items():
            key = key_of(line)
            if key is not None:
                groups.setdefault(key, []).append(position)
        return groups

    def line(self, position: int) -> StatementLine:
        """The line at a position."""
        return self._left[position]

    def take(self, position: int) -> StatementLine:
        """The line, which has a partner now."""
        return self._left.pop(position)


Round = Callable[[_Side, _Side], list[Match]]
Key = Callable[[StatementLine], Hashable | None]


def _round(
    our_key: Key, their_key: Key, read: Callable[[StatementLine, StatementLine], Match | None]
) -> Round:
    """Pair lines of equal keys in order of date; ``read`` may refuse a pair."""

    def take(left: _Side, right: _Side) -> list[Match]:
        found: list[Match] = []
        others = right.grouped(their_key)
        for key, positions in left.grouped(our_key).items():
            for mine, yours in zip(positions, others.get(key, ()), strict=False):
                match = read(left.line(mine), right.line(yours))
                if match is not None:
                    left.take(mine)
                    right.take(yours)
                    found.append(match)
        return found

    return take


def _near(left: _Side, right: _Side) -> list[Match]:
    """Equal amounts without a common number: the earliest free date within ten days."""
    found: list[Match] = []
    others = right.grouped(lambda line: -line.amount.minor)
    for key, positions in left.grouped(lambda line: line.amount.minor).items():
        free = others.get(key, [])
        dates = [right.line(position).on for position in free]
        start = 0
        for mine in positions:
            ours = left.line(mine)
            # Both lists are in order of date: what is too old for this line is for all after it.
            start = bisect_left(dates, ours.on - timedelta(days=DAYS_APART), start)
            if start == len(free):
                break
            if dates[start] > ours.on + timedelta(days=DAYS_APART):
                continue
            theirs = right.take(free[start])
            start += 1
            left.take(mine)
            found.append(_numbers_differ(ours, theirs))
    return found


def _number(line: StatementLine) -> str | None:
    return number_key(line.document_no) or None


def _number_and(sign: int) -> Key:
    def key(line: StatementLine) -> Hashable | None:
        number = _number(line)
        return None if number is None else (number, sign * line.amount.minor)

    return key


def _tail_and(sign: int) -> Key:
    def key(line: StatementLine) -> Hashable | None:
        tail = number_tail(line.document_no)
        return (tail, sign * line.amount.minor) if tail else None

    return key


def _agreed(ours: StatementLine, theirs: StatementLine) -> Match:
    zero = ours.amount + theirs.amount
    dates = {"ours": ours.on.isoformat(), "theirs": theirs.on.isoformat()}
    if ours.on == theirs.on:
        return Match(ours, theirs, Category.AGREED, zero, (_why("agreed"),))
    if (ours.on.year, ours.on.month) != (theirs.on.year, theirs.on.month):
        why = Why("reconciliation.why.line_period_shift", dates)
        return Match(ours, theirs, Category.PERIOD_SHIFT, zero, (why,))
    why = Why("reconciliation.why.line_date_differs", dates)
    return Match(ours, theirs, Category.DATE_DIFFERS, zero, (why,))


def _numbers_differ(ours: StatementLine, theirs: StatementLine) -> Match:
    numbers = {"ours": ours.document_no, "theirs": theirs.document_no}
    why = Why("reconciliation.why.line_number_differs", numbers)
    seen = _agreed(ours, theirs)
    more = () if seen.category is Category.AGREED else seen.why
    shifted = seen.category is Category.PERIOD_SHIFT
    category = Category.PERIOD_SHIFT if shifted else Category.NUMBER_DIFFERS
    return Match(ours, theirs, category, seen.difference, (why, *more))


def _signs_differ(ours: StatementLine, theirs: StatementLine) -> Match:
    amounts = {"ours": ours.amount.to_api(), "theirs": theirs.amount.to_api()}
    why = Why("reconciliation.why.line_sign_differs", amounts)
    return Match(ours, theirs, Category.SIGN_DIFFERS, ours.amount + theirs.amount, (why,))


def _amounts_differ(ours: StatementLine, theirs: StatementLine) -> Match:
    difference = ours.amount + theirs.amount
    params = {
        "ours": ours.amount.to_api(),
        "theirs": theirs.amount.to_api(),
        "difference": difference.to_api(),
    }
    why = Why("reconciliation.why.line_amount_differs", params)
    return Match(ours, theirs, Category.AMOUNT_DIFFERS, difference, (why,))


def _same_day(line: StatementLine, sign: int) -> Hashable | None:
    number = _number(line)
    return None if number is None else (number, sign * line.amount.minor, line.on)


_ROUNDS: Final[tuple[Round, ...]] = (
    _round(lambda line: _same_day(line, 1), lambda line: _same_day(line, -1), _agreed),
    _round(_number_and(1), _number_and(-1), _agreed),
    _round(_tail_and(1), _tail_and(-1), _numbers_differ),
    _round(_number_and(1), _number_and(1), _signs_differ),
    _round(_number, _number, _amounts_differ),
    _near,
)
"""The surest first. What shares number, amount and day is paired before anything else may take it;
a common number outweighs an equal amount.
"""


def _alone(line: StatementLine, category: Category, other_numbers: set[str]) -> Match:
    """A line without partner; one whose number the other side has too stands here twice."""
    ours, theirs = (line, None) if category is Category.ONLY_OURS else (None, line)
    number = number_key(line.document_no)
    if number and number in other_numbers:
        why = Why("reconciliation.why.line_duplicate", {"number": line.document_no})
        return Match(ours, theirs, Category.DUPLICATE, line.amount, (why,))
    return Match(ours, theirs, category, line.amount, (_why(category.value),))


def _why(name: str) -> Why:
    return {
        "agreed": Why("reconciliation.why.line_agreed"),
        "only_ours": Why("reconciliation.why.line_only_ours"),
        "only_theirs": Why("reconciliation.why.line_only_theirs"),
    }[name]


def _place(match: Match) -> tuple[date, str, bool]:
    line = match.ours or match.theirs
    assert line is not None  # noqa: S101  (a match has at least one line)
    return line.on, line.id, match.ours is None
