"""The contract with a bank (*banka sözleşmesi*): for which card, from when to when, which terms.

Every change makes a new revision with a day from which it counts; a plan keeps the revision it was
drawn up with, so that no change ever alters what was posted before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from itertools import combinations
from typing import Final

from card_contracts.domain.deductions import MAX_DEDUCTIONS, Basis, Deduction, Kind
from card_contracts.domain.plan import Plan, Terms, draw_up
from card_contracts.domain.schedule import BusinessDayRule
from card_contracts.domain.terms import (
    LAST_DAY,
    STRATEGIES,
    BlockageKind,
    Maturity,
    MaturityKind,
    Strategy,
    Term,
)
from kernel.business_days import Calendar
from kernel.errors import ConflictError, Problem, RuleViolationError
from kernel.money import Money, RemainderOn
from kernel.ranges import Range, find_conflict, gaps
from kernel.stamp import NEW, Stamp

MAX_INSTALMENTS: Final = 60
"""Most instalments of a sale: its receivables are written in one transaction."""
MAX_MONTHS: Final = 36
MAX_DAYS: Final = 366
EXAMPLE_AMOUNT: Final = 10_000_000
"""Minor units of the sale every contract is tried with before it is stored."""
RESERVED_CODES: Final = frozenset(
    {
        "bank-accounts",
        "bank-lines",
        "calendar-feed",
        "calendars",
        "cards",
        "cash-calendar",
        "cash-calendar.ics",
        "deduction-definitions",
        "drafts",
        "drift",
        "exports",
        "history",
        "matches",
        "new",
        "receivables",
        "sale-events",
        "sales",
        "settings",
        "statements",
        "what-if",
    }
)
"""Words of our own addresses; a contract of this code could not be asked for."""


class CalendarName(StrEnum):
    """Whose holidays count."""

    TR = "TR"
    GR = "GR"


class ContractState(StrEnum):
    """Whether collections may use the contract (*Kilit*)."""

    OPEN = "open"
    LOCKED = "locked"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract.

    Units: ``starts_on`` and ``ends_on`` are inclusive sale dates, no end means until further
    notice; ``effective_from`` is the first sale date of this revision. Shapes: ``code`` has at most
    15 characters and is unique for ever; ``currency`` is empty when sales in any currency are taken
    (then there are no fixed amounts).
    Source: Netsis, Banka Sözleşme Tanımlamaları, all three tabs.
    """

    code: str
    description: str
    card_code: str
    bank_account_code: str
    starts_on: date
    ends_on: date | None
    calendar: CalendarName
    business_day_rule: BusinessDayRule
    remainder_on: RemainderOn
    terms: tuple[Term, ...]
    currency: str = ""
    state: ContractState = ContractState.OPEN
    revision: int = 1
    effective_from: date = date.min
    stamp: Stamp = NEW

    @property
    def is_locked(self) -> bool:
        """Whether it is closed for collections."""
        return self.state is ContractState.LOCKED

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Instalment ranges as they were entered."""
        return tuple(term.range for term in self.terms)

    @property
    def gaps(self) -> tuple[Range, ...]:
        """Instalment counts between the ranges that cannot be sold."""
        return gaps(self.ranges)

    def valid_on(self, day: date) -> bool:
        """Whether sales of this day fall under the contract."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    def term_for(self, instalments: int) -> Term:
        """The one range a sale falls under.

        Raises: RuleViolationError("card_contracts.no_points" | "card_contracts.no_range").
        """
        found = [term for term in self.terms if term.holds(instalments)]
        if len(found) == 1:
            return found[0]
        if instalments == 0:
            code, message = "no_points", f"Contract {self.code} has no range for points (0–0)."
        else:
            known = ", ".join(f"{first}–{last}" for first, last in sorted(self.ranges))
            code = "no_range"
            message = f"Contract {self.code} has no range for {instalments} instalments ({known})."
        raise RuleViolationError(
            f"card_contracts.{code}", message, problems=[Problem("/instalments", code, message)]
        )

    def plan(self, sold_on: date, amount: Money, instalments: int, calendar: Calendar) -> Plan:
        """The plan of a sale under this revision.

        Raises: RuleViolationError("card_contracts.not_valid" | "card_contracts.currency" |
        "card_contracts.no_range" | "card_contracts.before_sale" | …).
        """
        if not self.valid_on(sold_on):
            raise _refusal("/sold_on", "not_valid", f"Contract {self.code} is not valid that day.")
        if self.currency and amount.currency != self.currency:
            raise _refusal(
                "/amount/currency", "currency", f"Contract {self.code} is in {self.currency}."
            )
        term = self.term_for(instalments)
        terms = Terms(term, self.business_day_rule, self.remainder_on, calendar)
        plan = draw_up(terms, sold_on, amount, instalments)
        if any(line.raw < sold_on for line in plan.lines):
            raise _refusal(
                "/sold_on", "before_sale", "The contract's dates lie before the day of the sale."
            )
        return plan

    def for_posting(self) -> Contract:
        """The contract, if collections may use it.

        Raises: ConflictError("card_contracts.locked").
        """
        if self.state is not ContractState.OPEN:
            raise ConflictError("card_contracts.locked", f"Contract {self.code} is locked.")
        return self

    def revised(self, after: Contract, effective_from: date) -> Contract:
        """``after`` as the next revision of this contract.

        Raises: RuleViolationError("card_contracts.effective_before") when it would count for sales
        that an earlier revision already decided.
        """
        if effective_from < self.effective_from:
            raise _refusal(
                "/effective_from",
                "effective_before",
                f"The revision before counts from {self.effective_from.isoformat()}.",
            )
        return replace(
            after,
            code=self.code,
            state=self.state,
            revision=self.revision + 1,
            effective_from=effective_from,
            stamp=self.stamp,
        )


def in_force(revisions: Iterable[Contract], day: date) -> Contract:
    """The revision that decides a sale of this day: the newest of those that count by then.

    Before the first of all, the earliest decides, which says that it is not valid yet.
    Shapes: at least one revision, in any order.
    """
    known = list(revisions)
    counting = [one for one in known if one.effective_from <= day]
    if not counting:
        start = min(one.effective_from for one in known)
        counting = [one for one in known if one.effective_from == start]
    return max(counting, key=lambda one: one.revision)


@dataclass(frozen=True, slots=True)
class Holder:
    """When one contract holds a card and a bank account."""

    starts_on: date
    ends_on: date | None
    is_open: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """One card at one bank account, and the contracts that ever held it, by code.

    Every contract of the pair is written together with it, so that two that are made at the same
    time cannot overlap.
    """

    card_code: str
    bank_account_code: str
    holders: Mapping[str, Holder] = field(default_factory=dict)
    version: int = 0

    def holding(self, contract: Contract) -> Pair:
        """With this contract as it will be."""
        is_open = contract.state is ContractState.OPEN
        holder = Holder(contract.starts_on, contract.ends_on, is_open)
        return replace(self, holders={**self.holders, contract.code: holder})

    def without(self, code: str) -> Pair:
        """Without a contract that moved to another pair."""
        kept = {name: holder for name, holder in self.holders.items() if name != code}
        return replace(self, holders=kept)

    def conflict(self, contract: Contract) -> Problem | None:
        """The unlocked contract that is valid on a day of this one, if there is any."""
        if contract.state is not ContractState.OPEN:
            return None
        for code, holder in sorted(self.holders.items()):
            apart = (holder.ends_on is not None and holder.ends_on < contract.starts_on) or (
                contract.ends_on is not None and contract.ends_on < holder.starts_on
            )
            if code != contract.code and holder.is_open and not apart:
                return Problem(
                    "/starts_on",
                    "contracts_overlap",
                    f"Contract {code} holds this card and account in the same time.",
                )
        return None


def _refusal(pointer: str, code: str, message: str) -> RuleViolationError:
    return RuleViolationError(
        f"card_contracts.{code}", message, problems=[Problem(pointer, code, message)]
    )


# ---------------------------------------------------------------------------- check


def check(contract: Contract, calendar: Calendar) -> list[Problem]:
    """Everything that is wrong with a contract, with pointers into its API form."""
    problems = [
        *_header(contract),
        *_ranges([term.range for term in contract.terms]),
    ]
    sound = []
    for position, term in enumerate(contract.terms):
        found = [problem.under(f"/terms/{position}") for problem in _term(term)]
        problems += found
        sound.append(not found)
    if not problems:
        problems += _examples(contract, calendar)
    return problems


def _header(contract: Contract) -> Iterator[Problem]:
    if contract.code.lower() in RESERVED_CODES:
        yield Problem("/code", "reserved", "This code is a word of the system; choose another.")
    if contract.ends_on is not None and contract.ends_on < contract.starts_on:
        yield Problem("/ends_on", "ends_before_start", "The end is before the start.")
    if not contract.terms:
        yield Problem("/terms", "required", "A contract has at least one instalment range.")


def _ranges(ranges: Sequence[Range]) -> Iterator[Problem]:
    good = []
    for position, pair in enumerate(ranges):
        if find_conflict([pair]) is not None or pair[1] > MAX_INSTALMENTS:
            yield Problem(
                f"/terms/{position}",
                "bad_range",
                f"A range is 0–0 for points, or 1 to {MAX_INSTALMENTS} instalments in order.",
            )
        else:
            good.append((position, pair))
    for (_, left), (position, right) in combinations(good, 2):
        if find_conflict([left, right]) is not None:
            yield Problem(
                f"/terms/{position}",
                "overlap",
                f"The ranges {left[0]}–{left[1]} and {right[0]}–{right[1]} overlap.",
            )


def _term(term: Term) -> Iterator[Problem]:
    if not 0 <= term.skip_months <= MAX_MONTHS:
        yield Problem("/skip_months", "out_of_range", f"0 to {MAX_MONTHS} months.")
    blockage = term.blockage
    if blockage is not None:
        fixed = blockage.kind is BlockageKind.FIXED_DAY
        low, high = (1, LAST_DAY) if fixed else (0, MAX_DAYS)
        if not low <= blockage.value <= high:
            yield Problem("/blockage/value", "out_of_range", f"{low} to {high}.")
    both = blockage is not None and term.skip_months > 0
    if both and term.skip_and_block is None:
        yield Problem(
            "/skip_and_block",
            "strategy_required",
            "Months are skipped and the money is blocked: say which comes first.",
        )
    if not both and term.skip_and_block is not None:
        yield Problem("/skip_and_block", "unexpected", "There are not both: leave it out.")
    yield from (problem.under("/maturity") for problem in _maturity(term.maturity))
    yield from _deductions(term.deductions)


def _maturity(maturity: Maturity) -> Iterator[Problem]:
    kind = maturity.kind
    if kind in {MaturityKind.MONTHLY, MaturityKind.DYNAMIC}:
        if maturity.value is not None:
            yield Problem("/value", "unexpected", "This maturity has no value.")
    elif maturity.value is None:
        yield Problem("/value", "required", "This maturity needs a value.")
    else:
        fixed = kind is MaturityKind.FIXED_DAY
        low, high = (1, LAST_DAY) if fixed else (0, MAX_DAYS)
        if not low <= maturity.value <= high:
            yield Problem("/value", "out_of_range", f"{low} to {high}.")
    allowed = STRATEGIES.get(kind, ())
    if maturity.strategy is None and allowed:
        names = ", ".join(strategy.value for strategy in allowed)
        yield Problem(
            "/strategy", "strategy_required", f"The source does not define it; choose: {names}."
        )
    elif maturity.strategy is not None and maturity.strategy not in allowed:
        yield Problem("/strategy", "unexpected", "This maturity has no such strategy.")
    yield from _dynamic(maturity)


def _dynamic(maturity: Maturity) -> Iterator[Problem]:
    banded, cut = maturity.strategy is Strategy.BANDS, maturity.strategy is Strategy.CUTOFF
    if banded and not maturity.bands:
        yield Problem("/bands", "required", "State the bands.")
    if not banded and maturity.bands:
        yield Problem("/bands", "unexpected", "Only the strategy bands has bands.")
    if cut and maturity.cutoff is None:
        yield Problem("/cutoff", "required", "State the day and the pay day.")
    if not cut and maturity.cutoff is not None:
        yield Problem("/cutoff", "unexpected", "Only the strategy cutoff has a cutoff.")
    if maturity.cutoff is not None:
        for name, day in (("day", maturity.cutoff.day), ("pay_day", maturity.cutoff.pay_day)):
            if not 1 <= day <= LAST_DAY:
                yield Problem(f"/cutoff/{name}", "out_of_range", "A day of the month, 1 to 31.")
    covered = [0] * (LAST_DAY + 1)
    for position, band in enumerate(maturity.bands):
        days = (band.from_day, band.to_day, band.pay_day)
        if not all(1 <= day <= LAST_DAY for day in days) or band.from_day > band.to_day:
            yield Problem(f"/bands/{position}", "bad_band", "Days of the month, 1 to 31, in order.")
            continue
        if not 0 <= band.month_offset <= MAX_MONTHS:
            yield Problem(
                f"/bands/{position}/month_offset", "out_of_range", f"0 to {MAX_MONTHS} months."
            )
        for day in range(band.from_day, band.to_day + 1):
            covered[day] += 1
    if maturity.bands:
        if twice := [day for day in range(1, LAST_DAY + 1) if covered[day] > 1]:
            yield Problem("/bands", "bands_overlap", f"Day {twice[0]} is in two bands.")
        if never := [day for day in range(1, LAST_DAY + 1) if not covered[day]]:
            yield Problem("/bands", "band_missing", f"Day {never[0]} is in no band.")


def _deductions(deductions: Sequence[Deduction]) -> Iterator[Problem]:
    if len(deductions) > MAX_DEDUCTIONS:
        yield Problem("/deductions", "too_many", f"At most {MAX_DEDUCTIONS} deductions.")
    sequences: set[int] = set()
    codes: set[str] = set()
    for position, one in enumerate(deductions):
        place = f"/deductions/{position}"
        if one.sequence in sequences:
            yield Problem(f"{place}/sequence", "duplicate", "This number is taken in this range.")
        if one.code in codes:
            yield Problem(f"{place}/code", "duplicate", "This code is in this range already.")
        sequences.add(one.sequence)
        codes.add(one.code)
        if one.kind is Kind.AMOUNT and one.basis is not Basis.GROSS:
            yield Problem(f"{place}/basis", "unexpected", "A fixed amount has no basis.")
        if one.basis is Basis.ON_DEDUCTION:
            if not one.of:
                yield Problem(f"{place}/of", "required", "Name the deduction it is taken of.")
            elif one.of not in {d.code for d in deductions if d.sequence < one.sequence}:
                yield Problem(
                    f"{place}/of",
                    "not_before",
                    "It must be a deduction of this range with a lower sequence.",
                )
        elif one.of:
            yield Problem(f"{place}/of", "unexpected", "Only on_deduction is taken of another.")


def _examples(contract: Contract, calendar: Calendar) -> Iterator[Problem]:
    """What a sale of 100.000 finds at both ends of every range, on the first day."""
    amount = Money(EXAMPLE_AMOUNT, contract.currency or "TRY")
    for position, term in enumerate(contract.terms):
        terms = Terms(term, contract.business_day_rule, contract.remainder_on, calendar)
        for instalments in sorted({term.first, term.last}):
            try:
                draw_up(terms, contract.starts_on, amount, instalments)
            except RuleViolationError as error:
                place = "/deductions" if "negative_net" in error.code else ""
                name = error.code.rpartition(".")[2]
                yield Problem(f"/terms/{position}{place}", name, error.message)
                break
