"""Dates of a plan: the raw dates of the contract, and the days on which the bank really pays.

Months step from the original anchor and never from a clamped result; a shift to a business day
never moves the next instalment.
Source: domain/card-contracts.md, sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from card_contracts.domain.terms import (
    Band,
    Blockage,
    BlockageKind,
    Collection,
    Maturity,
    MaturityKind,
    OnDay,
    SkipAndBlock,
    Strategy,
    Term,
)
from kernel.business_days import Calendar
from kernel.errors import RuleViolationError
from kernel.periods import Period, add_months
from kernel.why import Why


class BusinessDayRule(StrEnum):
    """What happens when a due date is no business day."""

    NONE = "none"
    FOLLOWING = "following"


@dataclass(frozen=True, slots=True)
class DueDate:
    """One payment of the bank: by the contract, and on a business day, with the reasons."""

    raw: date
    pay: date
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Where the months are counted from: a month, a day of it, and months already to be added.

    Shapes: ``day`` may exceed the month (a fixed 31st); the steps clamp it, each for itself.
    ``first`` is the raw date of the first payment.
    """

    month: Period
    day: int
    skip: int
    why: tuple[Why, ...]
    first: date = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", self.monthly(0))

    def monthly(self, number: int) -> date:
        """The raw date of payment ``number`` (from 0)."""
        return self.month.shift(self.skip + number).day(self.day)


def due_dates(
    term: Term, sold_on: date, payments: int, rule: BusinessDayRule, calendar: Calendar
) -> tuple[DueDate, ...]:
    """Days on which the bank pays a sale, ``payments`` of them, or one when it pays at once.

    Raises: RuleViolationError("card_contracts.strategy_missing" | "card_contracts.band_missing" |
    "calendar.not_covered").
    """
    anchor = _anchor(term, sold_on)
    count = 1 if term.collection is Collection.SINGLE else payments
    return tuple(
        _paid(*_raw(term.maturity, anchor, number, calendar), rule, calendar)
        for number in range(count)
    )


def _anchor(term: Term, sold_on: date) -> _Anchor:
    """Where the series begins.

    Source: no blockage → the sale; added days → the first raw date; fixed day → that day.
    """
    blockage, skip = term.blockage, term.skip_months
    if blockage is None:
        return _Anchor(Period.of(sold_on), sold_on.day, skip, _skipped(sold_on, skip))
    if not skip:
        return _blocked(blockage, sold_on, 0, ())
    if term.skip_and_block is SkipAndBlock.SKIP_THEN_BLOCK:
        start = add_months(sold_on, skip)
        return _blocked(blockage, start, 0, _skipped(sold_on, skip))
    if term.skip_and_block is SkipAndBlock.BLOCK_THEN_SKIP:
        return _blocked(blockage, sold_on, skip, ())
    raise RuleViolationError(
        "card_contracts.strategy_missing",
        "Months are skipped and the money is blocked; the contract must say which comes first.",
    )


def _blocked(blockage: Blockage, start: date, skip: int, before: tuple[Why, ...]) -> _Anchor:
    if blockage.kind is BlockageKind.ADDED_DAYS:
        freed = start + timedelta(days=blockage.value)
        why = Why(
            "card_contracts.why.blocked_days",
            {"from": start.isoformat(), "days": blockage.value, "to": freed.isoformat()},
        )
        return _Anchor(Period.of(freed), freed.day, skip, (*before, why, *_skip_after(freed, skip)))
    month = Period.of(start)
    fixed = month.day(blockage.value)
    if fixed < start or (fixed == start and blockage.on_day is OnDay.NEXT_MONTH):
        month = month.next()
    freed = month.day(blockage.value)
    why = Why(
        "card_contracts.why.blocked_until_day",
        {"from": start.isoformat(), "day": blockage.value, "to": freed.isoformat()},
    )
    return _Anchor(month, blockage.value, skip, (*before, why, *_skip_after(freed, skip)))


def _skipped(start: date, months: int) -> tuple[Why, ...]:
    if not months:
        return (Why("card_contracts.why.from_sale", {"sold_on": start.isoformat()}),)
    to = add_months(start, months)
    why = Why(
        "card_contracts.why.skipped_months",
        {"from": start.isoformat(), "months": months, "to": to.isoformat()},
    )
    return (why,)


def _skip_after(freed: date, months: int) -> tuple[Why, ...]:
    return _skipped(freed, months) if months else ()


def _raw(
    maturity: Maturity, anchor: _Anchor, number: int, calendar: Calendar
) -> tuple[date, tuple[Why, ...]]:
    """The due date of payment ``number`` (from 0) by the contract, before any shift."""
    first, kind = anchor.first, maturity.kind
    if kind is MaturityKind.DYNAMIC:
        return _banded(maturity.mapping, anchor, number)
    if number == 0:
        return first, anchor.why
    if kind is MaturityKind.MONTHLY:
        due = anchor.monthly(number)
        return due, (*anchor.why, _months_on(first, number, due))
    value = maturity.value
    if value is None:
        raise RuleViolationError("card_contracts.value_missing", "The maturity has no value.")
    if kind is MaturityKind.FIXED_DAY:
        due = Period.of(first).shift(number).day(value)
        why = Why(
            "card_contracts.why.fixed_day",
            {"first": first.isoformat(), "day": value, "months": number, "to": due.isoformat()},
        )
        return due, (*anchor.why, why)
    if kind is MaturityKind.ADDED_DAYS:
        return _days_on(anchor, first, value, number)
    if maturity.strategy is Strategy.CALENDAR_DAY:
        return _days_on(anchor, first, value + 1, number)
    if maturity.strategy is Strategy.BUSINESS_DAY:
        due, whys = _days_on(anchor, first, value, number)
        shift = calendar.shift_next(due)
        why = Why(
            "card_contracts.why.plus_business_day",
            {"from": due.isoformat(), "to": shift.result.isoformat(), "calendar": calendar.name},
        )
        return shift.result, (*whys, why, *(day.why() for day in shift.skipped))
    raise RuleViolationError(
        "card_contracts.strategy_missing", "The contract must say how the added day is counted."
    )


def _months_on(first: date, number: int, due: date) -> Why:
    return Why(
        "card_contracts.why.months_on",
        {"first": first.isoformat(), "months": number, "to": due.isoformat()},
    )


def _days_on(anchor: _Anchor, first: date, days: int, number: int) -> tuple[date, tuple[Why, ...]]:
    due = first + timedelta(days=days * number)
    why = Why(
        "card_contracts.why.days_on",
        {"first": first.isoformat(), "days": days * number, "to": due.isoformat()},
    )
    return due, (*anchor.why, why)


def _banded(bands: tuple[Band, ...], anchor: _Anchor, number: int) -> tuple[date, tuple[Why, ...]]:
    raw = anchor.monthly(number)
    whys = anchor.why
    if number:
        whys = (*whys, _months_on(anchor.first, number, raw))
    for band in bands:
        if band.from_day <= raw.day <= band.to_day:
            due = Period.of(raw).shift(band.month_offset).day(band.pay_day)
            why = Why(
                "card_contracts.why.band",
                {
                    "from": raw.isoformat(),
                    "from_day": band.from_day,
                    "to_day": band.to_day,
                    "to": due.isoformat(),
                },
            )
            return due, (*whys, why)
    raise RuleViolationError(
        "card_contracts.band_missing", "No band of the contract holds this day of the month."
    )


def _paid(raw: date, whys: tuple[Why, ...], rule: BusinessDayRule, calendar: Calendar) -> DueDate:
    if rule is BusinessDayRule.NONE:
        return DueDate(raw, raw, whys)
    shift = calendar.shift_following(raw)
    if shift.result == raw:
        return DueDate(raw, raw, whys)
    why = Why(
        "card_contracts.why.shifted",
        {"from": raw.isoformat(), "to": shift.result.isoformat(), "calendar": calendar.name},
    )
    return DueDate(raw, shift.result, (*whys, why, *(day.why() for day in shift.skipped)))
