"""Derived facts: what must hold for every amount, day and list."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import KopruError
from tests.support.rule_tables import world_of
from workflow.domain.rules.facts import Fact, FactType
from workflow.domain.rules.functions import REGISTRY, DerivationError, derive, rounded
from workflow.domain.rules.functions import late_fee as fee_of

RATE = "late_fee.monthly_rate"
DAYS = st.dates(date(2018, 9, 5), date(2027, 12, 31))
AMOUNTS = st.integers(0, 10**9).map(lambda minor: Decimal(minor).scaleb(-2))
WORLD = world_of()


def fee(principal: Decimal, due: date, paid: date, method: str) -> Fraction:
    found: Fraction = fee_of(WORLD, principal, due, paid, method, RATE)
    return found


@given(AMOUNTS, st.integers(1, 60))
def test_a_plan_adds_up_and_only_its_first_part_may_be_larger(total: Decimal, parts: int) -> None:
    plan = REGISTRY["instalment_plan"].call(total, parts)
    assert sum(plan) == total
    assert len(plan) == parts
    assert len(set(plan[1:])) <= 1
    assert plan[0] - plan[-1] < Decimal("0.01") * parts


@given(AMOUNTS, DAYS, DAYS, DAYS)
def test_daily_fees_of_two_periods_add_up(amount: Decimal, a: date, b: date, c: date) -> None:
    first, second, third = sorted((a, b, c))
    parts = fee(amount, first, second, "DAILY_30") + fee(amount, second, third, "DAILY_30")
    assert fee(amount, first, third, "DAILY_30") == parts


@given(AMOUNTS, DAYS, DAYS, st.sampled_from(["DAILY_30", "MONTHS_PLUS_DAYS"]))
def test_a_fee_is_never_negative_and_nothing_before_the_due_day(
    amount: Decimal, due: date, paid: date, method: str
) -> None:
    found = fee(amount, due, paid, method)
    assert found >= 0
    assert paid > due or found == 0


@given(AMOUNTS, st.integers(1, 20))
def test_whole_months_are_the_rate_times_the_months(amount: Decimal, months: int) -> None:
    # 4.50 percent from 21.05.2024 to 12.11.2025.
    months = months % 16 + 1
    due = date(2024, 6, 15)
    year, month = divmod(due.year * 12 + due.month - 1 + months, 12)
    paid = date(year, month + 1, 15)
    assert fee(amount, due, paid, "MONTHS_PLUS_DAYS") == Fraction(amount) * months * 45 / 1000


@given(st.fractions(-(10**6), 10**6), st.integers(0, 6))
def test_rounding_is_half_up_and_never_off_by_more_than_half(value: Fraction, scale: int) -> None:
    found = rounded(value, scale)
    assert abs(Fraction(found) - value) <= Fraction(1, 2 * 10**scale)
    assert rounded(-value, scale) == -found


def test_half_goes_away_from_zero() -> None:
    assert [rounded(Fraction(n, 1000), 2) for n in (5, 15, -5, 4)] == [
        Decimal("0.01"),
        Decimal("0.02"),
        Decimal("-0.01"),
        Decimal("0.00"),
    ]


def test_a_fee_before_the_first_rate_is_an_error() -> None:
    with pytest.raises(KopruError, match="PARAMETER_MISSING"):
        fee(Decimal(100), date(2018, 9, 1), date(2018, 10, 1), "MONTHS_PLUS_DAYS")


def test_what_cannot_be_computed_names_the_fact() -> None:
    place = Fact("share", FactType.DECIMAL, scale=2)
    arguments = {"quantity": Decimal(1), "part": 1, "whole": 0}
    with pytest.raises(DerivationError, match=r"DERIVATION\(share\)"):
        derive("in_proportion", place, arguments, WORLD)
    with pytest.raises(DerivationError, match=r"NULL_FACT\(share\)"):
        derive("in_proportion", place, {**arguments, "part": None}, WORLD)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 30))
def test_business_days_are_later_and_open(day: date, days: int) -> None:
    found = REGISTRY["add_business_days"].call(WORLD, day, days)
    assert found >= day + timedelta(days=days)
    assert WORLD.calendar.is_business_day(found)


def test_every_function_of_the_whitelist_says_what_it_does() -> None:
    assert all(function.call.__doc__ for function in REGISTRY.values())
    assert len(REGISTRY) > 30
