"""The plan of one sale: what the bank pays on which day, and what it keeps, exact to the kuruş.

Same input, same plan: the engine reads no clock and no store, so that an old plan can be drawn up
again and compared.
Source: domain/card-contracts.md, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from card_contracts.domain.deductions import Deducted, Kind, Timing, deduct, effective_percent
from card_contracts.domain.schedule import BusinessDayRule, due_dates
from card_contracts.domain.terms import Collection, Term
from kernel.business_days import Calendar
from kernel.errors import RuleViolationError
from kernel.money import Money, RemainderOn, allocate
from kernel.why import Why


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything of a contract that decides a plan."""

    term: Term
    rule: BusinessDayRule
    remainder_on: RemainderOn
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One payment of the bank.

    Units: minor units of the plan's currency. ``raw`` is the date by the contract, ``pay`` the
    business day. Shapes: ``deductions`` holds every code of the plan, also with 0, in sequence;
    ``why`` explains the date, ``why_gross`` the amount and ``why_deductions`` each deduction.
    """

    no: int
    raw: date
    pay: date
    gross: int
    deductions: Mapping[str, int]
    why: tuple[Why, ...] = ()
    why_gross: tuple[Why, ...] = ()
    why_deductions: Mapping[str, tuple[Why, ...]] = field(default_factory=dict)

    @property
    def net(self) -> int:
        """What arrives of this payment."""
        return self.gross - sum(self.deductions.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """All payments of one sale, in order of their number.

    Shapes: gross parts sum to ``amount``, the parts of a code to its total, net to their
    difference; ``instalments`` is what was sold, also when the bank pays at once.
    """

    sold_on: date
    amount: Money
    instalments: int
    lines: tuple[PlanLine, ...]
    totals: Mapping[str, int]

    @property
    def total_deductions(self) -> int:
        """What the bank keeps."""
        return sum(self.totals.values())

    @property
    def net(self) -> int:
        """What arrives altogether."""
        return self.amount.minor - self.total_deductions

    @property
    def effective_percent(self) -> Decimal:
        """All deductions as a percentage of the sale, four decimals, HALF_UP."""
        return effective_percent(self.total_deductions, self.amount.minor)

    @property
    def average_days(self) -> int:
        """Mean time to the money, weighted by net amounts, in whole days rounded up.

        Source: ceil of the mean days, as in Workcube.
        """
        weights = sum(line.net for line in self.lines)
        if not weights:
            return 0
        days = sum((line.pay - self.sold_on).days * line.net for line in self.lines)
        return int((Decimal(days) / weights).to_integral_value(ROUND_CEILING))

    @property
    def days_to_money(self) -> int:
        """Calendar days from the sale to the last payment."""
        return max((line.pay - self.sold_on) // timedelta(days=1) for line in self.lines)


def draw_up(terms: Terms, sold_on: date, amount: Money, instalments: int) -> Plan:
    """The plan of a sale.

    Units: ``instalments`` is what the customer pays in; 0 is a payment with points, which the bank
    pays in one sum.
    Raises: RuleViolationError("card_contracts.amount" | "card_contracts.no_range" |
    "card_contracts.negative_net" | "card_contracts.strategy_missing" | …).
    """
    if amount.minor <= 0:
        raise RuleViolationError("card_contracts.amount", "A sale has a positive amount.")
    term = terms.term
    if not term.holds(instalments):
        raise RuleViolationError(
            "card_contracts.no_range", "The instalments do not lie in this range."
        )
    count = 1 if term.collection is Collection.SINGLE else max(1, instalments)
    dates = due_dates(term, sold_on, count, terms.rule, terms.calendar)
    parts = allocate(amount.minor, count, terms.remainder_on)
    taken = deduct(term.deductions, amount)
    shares = [_shares(one, count, terms.remainder_on) for one in taken]
    # Parts differ on one payment only: most payments share their amounts and their reasons.
    reasons = {
        part: (_why_gross(amount, part, count, term, terms.remainder_on),) for part in {*parts}
    }
    splits = tuple(zip(*shares, strict=True)) if shares else ((),) * count
    hows = [_why_taken(one, amount.currency) for one in taken]
    kept = {split: _kept(taken, hows, split, amount.currency, count) for split in {*splits}}
    lines = []
    for number, (due, gross, split) in enumerate(zip(dates, parts, splits, strict=True), 1):
        deductions, whys = kept[split]
        if gross < sum(split):
            raise RuleViolationError(
                "card_contracts.negative_net",
                f"The deductions are larger than payment {number}.",
            )
        lines.append(
            PlanLine(number, due.raw, due.pay, gross, deductions, due.why, reasons[gross], whys)
        )
    totals: dict[str, int] = {}
    for one in taken:
        totals[one.deduction.code] = totals.get(one.deduction.code, 0) + one.amount
    return Plan(sold_on, amount, instalments, tuple(lines), totals)


def _shares(one: Deducted, count: int, remainder_on: RemainderOn) -> tuple[int, ...]:
    """The parts of a deduction: split like the gross, or all on the first payment."""
    if one.deduction.timing is Timing.FIRST_COLLECTION:
        return (one.amount, *(0 for _ in range(count - 1)))
    return allocate(one.amount, count, remainder_on)


def _kept(
    taken: Sequence[Deducted],
    hows: Sequence[Why],
    split: Sequence[int],
    currency: str,
    count: int,
) -> tuple[dict[str, int], dict[str, tuple[Why, ...]]]:
    """What is kept of one payment by code, and why; a code that occurs twice is added up."""
    deductions: dict[str, int] = {}
    whys: dict[str, tuple[Why, ...]] = {}
    for one, how, part in zip(taken, hows, split, strict=True):
        code = one.deduction.code
        deductions[code] = deductions.get(code, 0) + part
        more = _why_part(one, part, currency, count)
        whys[code] = (*whys.get(code, ()), how, *more)
    return deductions, whys


def _why_gross(amount: Money, part: int, count: int, term: Term, remainder_on: RemainderOn) -> Why:
    total, share = amount.to_api(), Money(part, amount.currency).to_api()
    if term.is_points:
        return Why("card_contracts.why.points", {"total": total})
    if term.collection is Collection.SINGLE:
        return Why("card_contracts.why.paid_at_once", {"total": total})
    if count == 1:
        return Why("card_contracts.why.one_payment", {"total": total})
    params = {"total": total, "parts": count, "part": share}
    if remainder_on == "first":
        return Why("card_contracts.why.part_remainder_first", params)
    return Why("card_contracts.why.part_remainder_last", params)


def _why_taken(one: Deducted, currency: str) -> Why:
    """How the whole of a deduction was computed."""
    deduction, total = one.deduction, Money(one.amount, currency).to_api()
    if deduction.kind is Kind.AMOUNT:
        return Why("card_contracts.why.fixed_amount", {"code": deduction.code, "total": total})
    return Why(
        "card_contracts.why.rate_of",
        {
            "code": deduction.code,
            "rate": deduction.rate.to_api(),
            "base": Money(one.base, currency).to_api(),
            "total": total,
        },
    )


def _why_part(one: Deducted, part: int, currency: str, count: int) -> tuple[Why, ...]:
    """How much of a deduction this payment bears; nothing to say of an only payment."""
    if count == 1:
        return ()
    if one.deduction.timing is Timing.FIRST_COLLECTION:
        total = Money(one.amount, currency).to_api()
        return (Why("card_contracts.why.first_collection", {"total": total}),)
    share = Money(part, currency).to_api()
    return (Why("card_contracts.why.split", {"parts": count, "part": share}),)
