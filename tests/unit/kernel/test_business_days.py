"""Business days: shifts, reasons, overrides, and data that does not cover a date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.business_days import Calendar, Override, OverrideKind, SkipReason, add_months
from kernel.errors import RuleViolationError
from kernel.why import Why

MAY_DAY = date(2026, 5, 1)
EVE = date(2026, 5, 26)
BAYRAM = {date(2026, 5, 27) + timedelta(days=i): "Kurban Bayramı" for i in range(4)}
TR = Calendar(
    name="TR",
    holidays={MAY_DAY: "Emek Bayramı", **BAYRAM},
    half_days={EVE: "Arife"},
    translations={"en": {MAY_DAY: "Labour Day"}},
    first=date(2026, 1, 1),
    last=date(2026, 12, 31),
)


def override(kind: OverrideKind) -> Override:
    return Override(kind, "Kararname", "RG 1", "operator")


days = st.dates(min_value=date(2026, 1, 1), max_value=date(2026, 11, 30))


@given(days, st.integers(min_value=1, max_value=5))
def test_the_next_business_day_is_later_and_open_and_skips_only_closed_days(
    day: date, n: int
) -> None:
    shift = TR.shift_next(day, n)
    assert shift.result > day
    assert TR.is_business_day(shift.result)
    between = [day + timedelta(days=i) for i in range(1, (shift.result - day).days)]
    closed = [skipped.day for skipped in shift.skipped]
    assert closed == [d for d in between if not TR.is_business_day(d)]
    assert len(between) - len(closed) == n - 1
    assert TR.next_business_day(day, n) == shift.result


@given(days)
def test_following_stays_on_an_open_day(day: date) -> None:
    moved = TR.following(day)
    assert (moved == day) == TR.is_business_day(day)
    assert TR.preceding(moved) == moved
    assert TR.preceding(day) <= day


def test_every_skipped_day_is_explained() -> None:
    reasons = [(skipped.day.day, skipped.reason) for skipped in TR.shift_next(EVE).skipped]
    assert reasons == [
        (27, SkipReason.HOLIDAY),
        (28, SkipReason.HOLIDAY),
        (29, SkipReason.HOLIDAY),
        (30, SkipReason.HOLIDAY),
        (31, SkipReason.WEEKEND),
    ]
    assert TR.explain(date(2026, 5, 25), date(2026, 6, 1)) == TR.shift_next(EVE).skipped


def test_the_explanation_names_the_day_in_every_language() -> None:
    whys = TR.shift_next(date(2026, 4, 30)).whys("pensions.why.payment_deadline", business_days=1)
    assert whys[0] == Why(
        "pensions.why.payment_deadline",
        {"from": "2026-04-30", "to": "2026-05-04", "calendar": "TR", "business_days": 1},
    )
    assert whys[1].to_dict() == {
        "key": "kernel.why.skipped_holiday",
        "params": {
            "day": "2026-05-01",
            "name_tr": "Emek Bayramı",
            "name_el": "Emek Bayramı",
            "name_en": "Labour Day",
        },
    }
    assert whys[2] == Why("kernel.why.skipped_weekend", {"day": "2026-05-02"})


def test_half_days_are_open_unless_asked_otherwise() -> None:
    assert TR.is_business_day(EVE)
    assert TR.is_half_day(EVE)
    closed = TR.closing_half_days().closed(EVE)
    assert closed is not None
    assert (closed.reason, closed.name) == (SkipReason.HALF_DAY, "Arife")


def test_a_decree_wins_over_the_library() -> None:
    monday = date(2026, 5, 25)
    changed = TR.with_overrides(
        {
            monday: override(OverrideKind.HOLIDAY),
            MAY_DAY: override(OverrideKind.WORKING_DAY),
            date(2026, 5, 27): override(OverrideKind.HALF_DAY),
        }
    )
    closed = changed.closed(monday)
    assert closed is not None
    assert closed.name_in("el") == "Kararname"
    assert changed.is_business_day(MAY_DAY)
    assert not changed.is_half_day(MAY_DAY)
    assert changed.is_business_day(date(2026, 5, 27))
    half = changed.closing_half_days().closed(date(2026, 5, 27))
    assert half is not None
    assert half.reason is SkipReason.HALF_DAY
    assert not TR.is_business_day(MAY_DAY)


def test_a_weekend_can_be_made_a_working_day() -> None:
    saturday = date(2026, 5, 2)
    changed = TR.with_overrides({saturday: override(OverrideKind.WORKING_DAY)})
    assert changed.following(saturday) == saturday


def test_a_date_outside_the_data_is_no_working_day() -> None:
    with pytest.raises(RuleViolationError, match="not_covered"):
        TR.is_business_day(date(2027, 1, 4))
    with pytest.raises(RuleViolationError, match="not_covered"):
        TR.next_business_day(date(2026, 12, 31))


def test_a_broken_table_ends_in_an_error_and_not_in_a_loop() -> None:
    endless = Calendar("X", {}, weekend=frozenset(range(7)))
    with pytest.raises(RuleViolationError, match="no_business_day"):
        endless.following(MAY_DAY)
    with pytest.raises(RuleViolationError, match="no_business_day"):
        endless.preceding(MAY_DAY)


def test_the_next_day_is_at_least_one_later() -> None:
    with pytest.raises(ValueError, match="later"):
        TR.shift_next(MAY_DAY, 0)


def test_month_arithmetic_is_at_hand() -> None:
    assert add_months(date(2026, 12, 30), 2) == date(2027, 2, 28)
