"""Scope by age, and the dated parameters behind it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolationError, ValidationError
from kernel.rates import Rate
from pensions.domain.parameters import OKS, Mark, Parameter, ParameterTable
from pensions.domain.scope import Scope, age_scope, completed_years


@pytest.mark.parametrize(
    ("born", "due", "member", "test_date", "age", "scope"),
    [
        (date(1972, 1, 1), date(2018, 12, 26), False, date(2017, 1, 1), 45, Scope.OUT),
        (date(1972, 1, 2), date(2018, 12, 26), False, date(2017, 1, 1), 44, Scope.AUTO),
        (date(1973, 1, 1), date(2018, 12, 27), False, date(2018, 1, 1), 45, Scope.OUT),
        (date(1970, 1, 1), date(2022, 1, 19), False, date(2022, 1, 1), 52, Scope.OUT),
        (date(1970, 1, 1), date(2022, 1, 20), False, date(2022, 1, 1), 52, Scope.ON_REQUEST),
        (date(1970, 1, 1), date(2026, 1, 20), True, date(2026, 1, 1), 56, Scope.AUTO),
    ],
)
def test_scope_at_its_edges(
    born: date, due: date, member: bool, test_date: date, age: int, scope: Scope
) -> None:
    result = age_scope(born, due, active_member=member)
    assert (result.test_date, result.age, result.scope) == (test_date, age, scope)
    assert result.why[0].params["limit"] == 45


def test_each_result_has_its_own_reason() -> None:
    keys = {
        age_scope(born, due, active_member=member).why[0].key
        for born, due, member in [
            (date(1990, 1, 1), date(2026, 1, 1), False),
            (date(1970, 1, 1), date(2026, 1, 1), False),
            (date(1970, 1, 1), date(2020, 1, 1), False),
            (date(1970, 1, 1), date(2020, 1, 1), True),
        ]
    }
    assert len(keys) == 4


def test_nobody_is_included_before_birth() -> None:
    with pytest.raises(ValidationError, match="birth_after_inclusion"):
        age_scope(date(2026, 1, 2), date(2026, 1, 1), active_member=False)


@given(st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.dates(date(2020, 1, 1), date(2099, 1, 1)))
def test_completed_years_grow_by_one_on_the_birthday(born: date, on: date) -> None:
    years = completed_years(born, on)
    birthday = (born.month, born.day)
    assert on.year - born.year - years == (0 if (on.month, on.day) >= birthday else 1)


def test_born_on_29_february() -> None:
    assert completed_years(date(1980, 2, 29), date(2025, 2, 28)) == 44
    assert completed_years(date(1980, 2, 29), date(2025, 3, 1)) == 45


def test_the_value_in_force_is_the_latest_begun() -> None:
    at = OKS.at
    assert at("oks.state_contribution_pct", date(2021, 12, 31)).value == Rate.from_api("25")
    assert at("oks.state_contribution_pct", date(2022, 1, 22)).mark is Mark.UNVERIFIED
    assert OKS.rate("oks.state_contribution_pct", date(2026, 1, 1)) == Rate.from_api("20")
    assert at("oks.pek_ceiling_multiple", date(2025, 12, 31)).value == Decimal("7.5")


def test_a_missing_value_is_an_error_and_not_a_default() -> None:
    with pytest.raises(RuleViolationError, match="parameter_missing"):
        OKS.at("oks.unheard_of", date(2026, 1, 1))
    with pytest.raises(RuleViolationError, match="parameter_missing"):
        OKS.at("oks.state_contribution_cap_year", date(2025, 12, 31))


def test_a_value_of_another_kind_is_an_error() -> None:
    table = ParameterTable([Parameter("x", "text", Mark.DESIGN, "test")])  # type: ignore[arg-type]
    for read in (table.whole, table.flag, table.rate, table.day):
        with pytest.raises(TypeError):
            read("x", date(2026, 1, 1))


def test_replacing_takes_all_values_of_a_key() -> None:
    table = OKS.replacing(
        Parameter("oks.state_contribution_pct", Rate.from_api("1"), Mark.DESIGN, "test")
    )
    assert table.rate("oks.state_contribution_pct", date(2026, 6, 1)) == Rate.from_api("1")
    assert OKS.rate("oks.state_contribution_pct", date(2026, 6, 1)) == Rate.from_api("20")
