"""Contribution: exact product, cut to whole lira once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolationError, ValidationError
from kernel.money import Money
from kernel.rates import Rate
from pensions.domain.contribution_rules import calculate, require_minimum

THREE = Rate.from_api("3.00")
hundredths = st.integers(min_value=0, max_value=10_000)


@given(st.integers(min_value=0, max_value=10**15 - 1), hundredths)
def test_the_amount_is_the_largest_whole_lira_not_above_the_product(
    pek: int, hundredth: int
) -> None:
    rate = Rate.from_api(f"{hundredth // 100}.{hundredth % 100:02d}")
    result = calculate(Money(pek, "TRY"), rate)
    lira, kurus = divmod(result.amount.minor, 100)
    assert kurus == 0
    assert lira == pek * hundredth // 1_000_000
    assert result.due == (lira > 0)


def test_the_reason_holds_what_was_multiplied() -> None:
    result = calculate(Money(177750, "TRY"), THREE)
    assert result.amount == Money(5300, "TRY")
    assert result.why[0].to_dict() == {
        "key": "pensions.why.contribution",
        "params": {
            "earnings": {"amount": "1777.50", "currency": "TRY"},
            "rate": "3.00",
            "amount": {"amount": "53.00", "currency": "TRY"},
        },
    }


def test_no_earnings_give_no_contribution_and_a_reason() -> None:
    result = calculate(None, THREE)
    assert (result.amount, result.due) == (Money.zero("TRY"), False)
    assert result.why[0].key == "pensions.why.no_earnings"
    assert calculate(Money(3333, "TRY"), THREE).why[0].key == "pensions.why.contribution_not_due"


def test_negative_earnings_are_refused() -> None:
    with pytest.raises(ValidationError, match="earnings_negative"):
        calculate(Money(-1, "TRY"), THREE)


def test_a_rate_below_the_minimum_is_refused() -> None:
    require_minimum(THREE, THREE)
    require_minimum(Rate.from_api("10"), THREE)
    with pytest.raises(RuleViolationError, match="rate_below_minimum"):
        require_minimum(Rate.from_api("2.9999"), THREE)
