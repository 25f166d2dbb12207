"""Money: API form, arithmetic, splitting, roundings."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ParseError, RuleViolationError
from kernel.money import Money, RemainderOn, allocate, round_to_minor, total, truncate_to_major

minors = st.integers(min_value=-(10**17), max_value=10**17)
sides = st.sampled_from(["first", "last"])


@given(minors, st.integers(min_value=1, max_value=400), sides)
def test_allocation_sums_to_the_total_and_only_one_share_differs(
    amount: int, parts: int, side: RemainderOn
) -> None:
    shares = allocate(amount, parts, side)
    assert len(shares) == parts
    assert sum(shares) == amount
    equal = shares[1:] if side == "first" else shares[:-1]
    odd = shares[0] if side == "first" else shares[-1]
    assert len(set(equal)) <= 1
    assert not equal or 0 <= abs(odd) - abs(equal[0]) < parts


def test_allocation_needs_a_part() -> None:
    with pytest.raises(RuleViolationError, match="allocate_parts"):
        allocate(100, 0)


def test_remainder_goes_where_it_is_asked_to_go() -> None:
    assert Money(1000, "TRY").allocate(3) == tuple(Money(m, "TRY") for m in (333, 333, 334))
    assert allocate(1000, 3, "first") == (334, 333, 333)
    assert allocate(-1000, 3) == (-333, -333, -334)


@given(st.integers(min_value=1, max_value=10**15 - 1), st.sampled_from(["TRY", "EUR"]))
def test_api_form_round_trips(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.from_api(money.to_api()) == money
    assert Money.from_api(money.amount_text, currency) == money
    assert Money.from_decimal(money.amount, currency) == money


@given(minors)
def test_signed_form_round_trips_where_it_is_allowed(minor: int) -> None:
    money = Money(minor, "TRY")
    if abs(minor) < 10**15:
        assert Money.from_api(money.to_api(), allow_zero=True, allow_negative=True) == money


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "SHAPE"),
        ("1250.00", "SHAPE"),
        ({"amount": "1.00"}, "SHAPE"),
        ({"amount": "1.00", "currency": "TRY", "rate": "1"}, "SHAPE"),
        ({"amount": "1.00", "currency": "USD"}, "CURRENCY"),
        ({"amount": "1.00", "currency": None}, "CURRENCY"),
        ({"amount": 1, "currency": "TRY"}, "AMOUNT"),
        ({"amount": "1.00\n", "currency": "TRY"}, "AMOUNT"),
        ({"amount": "-1.00", "currency": "TRY"}, "AMOUNT"),
        ({"amount": "+1.00", "currency": "TRY"}, "AMOUNT"),
        ({"amount": "01.00", "currency": "TRY"}, "AMOUNT"),
        ({"amount": "12345678901234.00", "currency": "TRY"}, "AMOUNT"),
        ({"amount": "0.00", "currency": "TRY"}, "ZERO"),
    ],
)
def test_other_api_forms_are_refused(value: object, code: str) -> None:
    with pytest.raises(ParseError) as caught:
        Money.from_api(value)
    assert caught.value.code == code


def test_negative_zero_is_refused_even_where_zero_and_minus_are_allowed() -> None:
    with pytest.raises(ParseError):
        Money.from_api("-0.00", "TRY", allow_zero=True, allow_negative=True)


def test_the_named_currency_must_agree() -> None:
    with pytest.raises(ParseError) as caught:
        Money.from_api({"amount": "1.00", "currency": "EUR"}, "TRY")
    assert caught.value.code == "CURRENCY"


def test_currencies_do_not_mix() -> None:
    lira, euro = Money(1, "TRY"), Money(1, "EUR")
    for act in (
        lambda: lira + euro,
        lambda: lira - euro,
        lambda: lira < euro,
        lambda: lira <= euro,
        lambda: lira > euro,
        lambda: lira >= euro,
    ):
        with pytest.raises(RuleViolationError, match="TRY and EUR"):
            act()
    assert lira != euro


def test_arithmetic_and_order_within_one_currency() -> None:
    one, two = Money(1, "TRY"), Money(2, "TRY")
    assert one + one == two
    assert two - one == one
    assert -one == Money(-1, "TRY")
    assert abs(-two) == two
    assert 2 * one == one * 2 == two
    assert one < two
    assert two > one
    assert one <= one >= one
    assert not Money.zero("TRY")
    assert total([one, one], "TRY") == two
    assert total([], "EUR") == Money(0, "EUR")
    assert str(Money(-5, "TRY")) == "-0.05 TRY"
    with pytest.raises(TypeError):
        one * True


@pytest.mark.parametrize("currency", ["JPY", "BHD", "try", "", "TR", "TRYX"])
def test_only_currencies_with_two_minor_digits(currency: str) -> None:
    with pytest.raises(ParseError):
        Money(1, currency)


def test_minor_units_are_whole() -> None:
    with pytest.raises(TypeError):
        Money(True, "TRY")


def test_a_decimal_with_more_than_two_places_is_no_money() -> None:
    with pytest.raises(ParseError):
        Money.from_decimal(Decimal("1.001"), "TRY")
    with pytest.raises(ParseError):
        Money.from_decimal(Decimal("NaN"), "TRY")
    assert Money.from_decimal(Decimal("1.10000"), "TRY") == Money(110, "TRY")


@pytest.mark.parametrize(
    ("exact", "lira"), [("990.90", 990), ("1000.0002", 1000), ("0.9999", 0), ("-1.99", -1)]
)
def test_truncation_cuts_the_kurus(exact: str, lira: int) -> None:
    assert truncate_to_major(Decimal(exact)) == lira * 100


def test_one_named_rounding() -> None:
    assert round_to_minor(Decimal("1.005")) == 101
    assert round_to_minor(Decimal("1.005"), "ROUND_DOWN") == 100
    assert round_to_minor(Decimal("1.005"), "ROUND_HALF_EVEN") == 100
