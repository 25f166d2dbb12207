"""Which movement of a bank account pays which receivables (CRD-05).

Both sides come in the order of days, so only the receivables around one day are in memory. Every
step looks things up (by document, amount and day, sum of a day, nearest amount), and none compares
every movement with every receivable; what is looked at per movement is limited by ``Rules``, not by
how many there are. What is certain is confirmed; what could be something else is suggested, and a
person decides. Source: domain/card-contracts.md §6 (EXACT, AMOUNT_DIFFERENCE, EARLY, LATE, MERGED).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import groupby
from typing import Final

from card_contracts.domain.open_payments import Expected, Group, Window, word_key
from kernel.money import Money
from kernel.why import Why

_WORD: Final = re.compile(r"[^\s,;:()\[\]]{3,64}")
_NEAR: Final = 16
_PAIRS: Final = 40


@dataclass(frozen=True, slots=True)
class Rules:
    """How far a payment may be from its plan.

    Units: calendar days; minor units for ``rounding``, below which a difference needs nobody;
    percent of the gross for ``tolerance``, below which a difference is suggested. ``joined_days``
    is how many pay days one credit may bring together (a long weekend), ``most_members`` how many
    payments.
    """

    late_days: int = 7
    early_days: int = 45
    joined_days: int = 4
    most_members: int = 5_000
    rounding: int = 5
    tolerance: Decimal = Decimal("1.00")

    def allowed(self, gross: int) -> int:
        """Largest difference that is suggested for a gross amount."""
        part = Decimal(abs(gross)) * self.tolerance / 100
        return max(self.rounding, int(part.to_integral_value(ROUND_HALF_UP)))


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the bank account; ``amount`` in minor units, negative goes out."""

    id: str
    day: date
    currency: str
    amount: int
    text: str = field(default="", repr=False)

    @property
    def words(self) -> set[str]:
        """What could be document numbers in its text."""
        return {word_key(word) for word in _WORD.findall(self.text)}


class MatchKind(StrEnum):
    """How movements and receivables belong together."""

    EXACT = "exact"
    DIFFERENCE = "difference"
    MERGED = "merged"
    SPLIT = "split"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Found:
    """Movements that pay receivables, and why; ``sure`` needs no person."""

    kind: MatchKind
    sure: bool
    movements: tuple[Movement, ...]
    expected: tuple[Expected, ...]
    why: tuple[Why, ...]

    @property
    def paid(self) -> int:
        """What moved on the account."""
        return sum(one.amount for one in self.movements)

    @property
    def net(self) -> int:
        """What was to arrive."""
        return sum(one.net for one in self.expected)

    @property
    def difference(self) -> int:
        """What arrived too much, or too little (negative)."""
        return self.paid - self.net


@dataclass(frozen=True, slots=True)
class DayResult:
    """Everything found for the movements of one day; ``again`` look like one that was matched."""

    day: date
    found: tuple[Found, ...]
    left: tuple[Movement, ...]
    again: frozenset[str]


def match(
    movements: Iterable[Movement], expected: Iterable[Expected], rules: Rules | None = None
) -> Iterator[DayResult]:
    """Match two streams, both in the order of days, of one bank account.

    Memory holds the receivables of the days around the one at hand and nothing else.
    """
    chosen = rules or Rules()
    window = Window()
    coming = iter(expected)
    waiting = next(coming, None)
    for day, group in groupby(movements, key=lambda one: one.day):
        window.forget_before(day - timedelta(days=chosen.late_days + chosen.joined_days))
        last = day + timedelta(days=chosen.early_days)
        while waiting is not None and waiting.day <= last:
            window.add(waiting)
            waiting = next(coming, None)
        yield _Day(day, list(group), window, chosen).solve()


def by_hand(movements: Sequence[Movement], expected: Sequence[Expected]) -> Found:
    """What a person put together."""
    return Found(
        MatchKind.MANUAL,
        True,
        tuple(movements),
        tuple(expected),
        (Why("card_contracts.why.match_manual"),),
    )


@dataclass(frozen=True, slots=True)
class _Sum:
    """Receivables of neighbouring days whose sum may be one credit; "" is every contract."""

    total: int
    gross: int
    contract_code: str
    first: date
    last: date
    currency: str


class _Day:
    """The movements of one day, step by step; each step takes what it finds."""

    def __init__(
        self, day: date, movements: Sequence[Movement], window: Window, rules: Rules
    ) -> None:
        self.day = day
        self.window = window
        self.rules = rules
        self.left = {one.id: one for one in movements}
        self.found: list[Found] = []

    def solve(self) -> DayResult:
        """All steps, the surest first."""
        self._documents()
        self._exact()
        self._gross_and_deduction()
        sums = self._sums()
        self._merged(sums)
        self._near()
        self._near_sums(sums)
        self._pairs()
        self._all_but_one()
        seen = {(one.currency, one.amount, one.text) for f in self.found for one in f.movements}
        again = frozenset(
            one.id for one in self.left.values() if (one.currency, one.amount, one.text) in seen
        )
        return DayResult(self.day, tuple(self.found), tuple(self.left.values()), again)

    # ------------------------------------------------------------------ taking

    def _take(
        self,
        kind: MatchKind,
        movements: Sequence[Movement],
        expected: Sequence[Expected],
        *why: Why,
        sure: bool,
    ) -> None:
        for movement in movements:
            del self.left[movement.id]
        for one in expected:
            self.window.take(one)
        timing = self._timing(expected)
        made = Found(kind, sure, tuple(movements), tuple(expected), (*why, *timing))
        if made.difference:
            currency = movements[0].currency
            amount = Money(made.difference, currency).to_api()
            made = Found(
                kind,
                sure,
                made.movements,
                made.expected,
                (*made.why, Why("card_contracts.why.match_rest", {"amount": amount})),
            )
        self.found.append(made)

    def _timing(self, expected: Sequence[Expected]) -> tuple[Why, ...]:
        last = max(one.day for one in expected)
        if last > self.day:
            return (Why("card_contracts.why.match_early", {"days": (last - self.day).days}),)
        if last < self.day:
            return (Why("card_contracts.why.match_late", {"days": (self.day - last).days}),)
        return (Why("card_contracts.why.match_on_day", {"on": self.day.isoformat()}),)

    def _days(self) -> list[date]:
        """Pay days from the nearest to the latest that a payment may have had."""
        return [self.day - timedelta(days=back) for back in range(self.rules.late_days + 1)]

    # ------------------------------------------------------------------ steps

    def _documents(self) -> None:
        """Movements that name a document in their text."""
        named: dict[str, list[Movement]] = {}
        for movement in self.left.values():
            for word in movement.words:
                if word in self.window.documents:
                    named.setdefault(word, []).append(movement)
        for word, movements in named.items():
            for movement in movements:
                if movement.id in self.left:
                    self._named(word, [movement])
            rest = [one for one in movements if one.id in self.left]
            if len(rest) > 1:
                self._named(word, rest)
        for word, movements in named.items():
            rest = [one for one in movements if one.id in self.left]
            if len(rest) == 1:
                self._named_about(word, rest[0])

    def _named(self, word: str, movements: list[Movement]) -> None:
        """Exactly a payment of the document, or all of one day of it."""
        currency, paid = movements[0].currency, sum(one.amount for one in movements)
        open_ones = [one for one in self.window.of_document(word) if one.currency == currency]
        kind = MatchKind.EXACT if len(movements) == 1 else MatchKind.SPLIT
        why = Why("card_contracts.why.match_document", {"document": word})
        for one in sorted(open_ones, key=lambda each: (abs(each.day - self.day), each.day)):
            if one.net == paid:
                self._take(kind, movements, [one], why, sure=True)
                return
        by_day = groupby(sorted(open_ones, key=lambda each: each.day), key=lambda each: each.day)
        for _, group in by_day:
            members = list(group)
            if len(members) > 1 and sum(one.net for one in members) == paid:
                self._take(MatchKind.MERGED, movements, members, why, sure=True)
                return

    def _named_about(self, word: str, movement: Movement) -> None:
        """About a payment of the document: also one that was released early, for less."""
        near = [
            one
            for one in self.window.of_document(word)
            if one.currency == movement.currency
            and (one.net > 0) == (movement.amount > 0)
            and abs(one.net - movement.amount) <= 10 * self.rules.allowed(one.gross)
        ]
        if near:
            one = min(near, key=lambda each: (abs(each.net - movement.amount), each.day))
            small = abs(one.net - movement.amount) <= self.rules.rounding
            why = Why("card_contracts.why.match_document", {"document": word})
            self._take(MatchKind.DIFFERENCE, [movement], [one], why, sure=small)

    def _exact(self) -> None:
        """The same amount, on its day or soon after it; before it only as a suggestion."""
        amounts: dict[tuple[str, int], list[Movement]] = defaultdict(list)
        for movement in self.left.values():
            amounts[movement.currency, movement.amount].append(movement)
        early = [self.day + timedelta(days=n) for n in range(1, self.rules.early_days + 1)]
        for (currency, amount), movements in amounts.items():
            for day in (*self._days(), *early):
                there = self.window.count(currency, amount, day)
                if not there or not movements:
                    continue
                # More receivables than money: which of them was paid nobody can tell.
                certain = there <= len(movements) and day <= self.day
                why = [
                    Why(
                        "card_contracts.why.match_amount",
                        {"amount": Money(amount, currency).to_api()},
                    )
                ]
                if not certain and there > 1:
                    why.append(Why("card_contracts.why.match_one_of", {"count": there}))
                for _ in range(min(there, len(movements))):
                    one = self.window.first(currency, amount, day)
                    self._take(MatchKind.EXACT, [movements.pop(0)], [one], *why, sure=certain)

    def _gross_and_deduction(self) -> None:
        """One payment in two movements: the gross comes, the deductions go."""
        debits: dict[tuple[str, int], list[Movement]] = defaultdict(list)
        for movement in self.left.values():
            debits[movement.currency, movement.amount].append(movement)
        for movement in list(self.left.values()):
            for day in self._days():
                one = self.window.of_gross(movement.currency, movement.amount, day)
                others = debits.get((movement.currency, -one.kept), []) if one is not None else []
                while others and others[-1].id not in self.left:
                    others.pop()
                if one is not None and others and movement.id in self.left:
                    why = Why("card_contracts.why.match_gross")
                    self._take(MatchKind.SPLIT, [movement, others.pop()], [one], why, sure=True)
                    break

    def _sums(self) -> list[_Sum]:
        """Sums of open receivables of neighbouring days, per contract and of all contracts."""
        found = []
        for back in range(self.rules.late_days + 1):
            last = self.day - timedelta(days=back)
            totals: dict[tuple[str, str], list[int]] = {}
            for length in range(self.rules.joined_days):
                first = last - timedelta(days=length)
                groups = self.window.groups.get(first, {})
                if not length and not any(group.members for group in groups.values()):
                    break  # the same sum ends a day earlier
                for (currency, code), group in groups.items():
                    for key in ((currency, code), (currency, "")):
                        total = totals.setdefault(key, [0, 0, 0])
                        total[0] += group.gross - group.kept
                        total[1] += group.gross
                        total[2] += len(group.members)
                found += [
                    _Sum(net, gross, code, first, last, currency)
                    for (currency, code), (net, gross, count) in totals.items()
                    if 0 < count <= self.rules.most_members
                ]
        return found

    def _members(self, one: _Sum) -> list[Expected]:
        """Open receivables of a sum as they are now."""
        day = one.first
        found: list[Expected] = []
        while day <= one.last:
            for (currency, code), group in self.window.groups.get(day, {}).items():
                if currency == one.currency and one.contract_code in ("", code):
                    found += group.members.values()
            day += timedelta(days=1)
        return found

    def _merged(self, sums: list[_Sum]) -> None:
        """One credit for everything that a contract, or the account, had to get."""
        totals: dict[tuple[str, int], list[_Sum]] = defaultdict(list)
        for one in sums:
            totals[one.currency, one.total].append(one)
        for movement in list(self.left.values()):
            sets: dict[frozenset[str], tuple[_Sum, list[Expected]]] = {}
            for one in totals.get((movement.currency, movement.amount), ()):
                members = self._members(one)
                if members and sum(each.net for each in members) == movement.amount:
                    sets.setdefault(frozenset(each.key for each in members), (one, members))
            if sets:
                chosen, members = next(iter(sets.values()))
                why = _sum_why(chosen, len(members))
                kind = MatchKind.MERGED if len(members) > 1 else MatchKind.EXACT
                self._take(kind, [movement], members, why, sure=len(sets) == 1)

    def _near(self) -> None:
        """The nearest amount on a day, within the tolerance."""
        if not self.left:
            return
        for day in self._days():
            nets = sorted(
                (
                    (currency, one.net, one.key)
                    for (currency, _), group in self._groups(day)
                    for one in group.members.values()
                )
            )
            if nets:
                for movement in list(self.left.values()):
                    self._nearest(movement, nets)

    def _groups(self, day: date) -> list[tuple[tuple[str, str], Group]]:
        return list(self.window.groups.get(day, {}).items())

    def _nearest(self, movement: Movement, nets: list[tuple[str, int, str]]) -> None:
        place = bisect_left(nets, (movement.currency, movement.amount, ""))
        candidates = []
        for _, _, key in nets[max(0, place - _NEAR) : place + _NEAR]:
            one = self.window.open.get(key)
            if (
                one is not None
                and one.currency == movement.currency
                and (one.net > 0) == (movement.amount > 0)
                and abs(one.net - movement.amount) <= self.rules.allowed(one.gross)
            ):
                candidates.append(one)
        if not candidates:
            return
        one = min(candidates, key=lambda each: (abs(each.net - movement.amount), each.key))
        small = abs(one.net - movement.amount) <= self.rules.rounding
        why = [
            Why("card_contracts.why.match_near", {"amount": Money(one.net, one.currency).to_api()})
        ]
        if len(candidates) > 1:
            why.append(Why("card_contracts.why.match_one_of", {"count": len(candidates)}))
        sure = small and len(candidates) == 1
        self._take(MatchKind.DIFFERENCE, [movement], [one], *why, sure=sure)

    def _near_sums(self, sums: list[_Sum]) -> None:
        """About the sum of a contract's day: a commission other than planned, on all of it."""
        ordered = sorted(sums, key=lambda one: (one.currency, one.total))
        keys = [(one.currency, one.total) for one in ordered]
        for movement in list(self.left.values()):
            place = bisect_left(keys, (movement.currency, movement.amount))
            best: tuple[int, list[Expected], _Sum] | None = None
            for one in ordered[max(0, place - _NEAR) : place + _NEAR]:
                if one.currency != movement.currency:
                    continue
                distance = abs(one.total - movement.amount)
                if distance > self.rules.allowed(one.gross) or (best and distance >= best[0]):
                    continue
                members = self._members(one)
                if members and sum(each.net for each in members) == one.total:
                    best = (distance, members, one)
            if best is not None:
                kind = MatchKind.MERGED if len(best[1]) > 1 else MatchKind.DIFFERENCE
                why = _sum_why(best[2], len(best[1]))
                self._take(kind, [movement], best[1], why, sure=best[0] <= self.rules.rounding)

    def _pairs(self) -> None:
        """Two movements that are one payment together; looked for among few movements only."""
        ones = list(self.left.values())
        if len(ones) > _PAIRS:
            return
        for number, first in enumerate(ones):
            for second in ones[number + 1 :]:
                if {first.id, second.id} <= self.left.keys() and first.currency == second.currency:
                    self._pair(first, second)

    def _pair(self, first: Movement, second: Movement) -> None:
        total = first.amount + second.amount
        for day in self._days():
            if total and self.window.count(first.currency, total, day):
                one = self.window.first(first.currency, total, day)
                why = Why("card_contracts.why.match_parts", {"count": 2})
                self._take(MatchKind.SPLIT, [first, second], [one], why, sure=False)
                return

    def _all_but_one(self) -> None:
        """A contract's day without one payment that the bank left out."""
        for movement in list(self.left.values()):
            for day in self._days():
                if self._left_out(movement, day):
                    break

    def _left_out(self, movement: Movement, day: date) -> bool:
        for (currency, code), group in self._groups(day):
            missing = group.gross - group.kept - movement.amount
            if (
                currency != movement.currency
                or len(group.members) < 3
                or not self.window.count(currency, missing, day)
            ):
                continue
            out = self.window.first(currency, missing, day)
            if out.contract_code == code:
                members = [one for one in group.members.values() if one is not out]
                why = Why(
                    "card_contracts.why.match_all_but",
                    {"contract": code, "document": out.document_no},
                )
                self._take(MatchKind.MERGED, [movement], members, why, sure=False)
                return True
        return False


def _sum_why(one: _Sum, count: int) -> Why:
    days = {"first": one.first.isoformat(), "last": one.last.isoformat(), "count": count}
    if not one.contract_code:
        return Why("card_contracts.why.match_sum_all", days)
    return Why("card_contracts.why.match_sum", {**days, "contract": one.contract_code})
