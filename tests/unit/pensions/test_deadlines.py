"""Payment deadline and opt-out window."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.business_days import Calendar
from pensions.domain.deadlines import (
    OptOutRequest,
    opt_out_from_cash,
    opt_out_from_notice,
    payment_deadline,
)
from pensions.domain.parameters import OKS, Mark, Parameter

TR = Calendar(
    "TR",
    holidays={date(2026, 5, 1): "Emek ve Dayanışma Günü", date(2026, 10, 29): "Cumhuriyet Bayramı"},
    half_days={date(2026, 10, 28): "Cumhuriyet Bayramı (saat 13.00'ten)"},
)
days = st.dates(min_value=date(2026, 1, 1), max_value=date(2027, 12, 31))


def test_a_deadline_jumps_over_holiday_and_weekend_and_says_so() -> None:
    deadline = payment_deadline(date(2026, 4, 30), TR)
    assert deadline.due_on == date(2026, 5, 4)
    assert [why.key for why in deadline.why] == [
        "pensions.why.payment_deadline",
        "kernel.why.skipped_holiday",
        "kernel.why.skipped_weekend",
        "kernel.why.skipped_weekend",
    ]
    assert deadline.why[0].params["business_days"] == 1


@given(days)
def test_a_deadline_is_a_later_business_day(pay_day: date) -> None:
    deadline = payment_deadline(pay_day, TR)
    assert deadline.due_on > pay_day
    assert TR.is_business_day(deadline.due_on)
    assert len(deadline.why) == (deadline.due_on - pay_day).days


def test_the_number_of_days_is_a_parameter() -> None:
    two = OKS.replacing(
        Parameter("oks.payment_deadline_business_days", 2, Mark.UNVERIFIED, "draft")
    )
    assert payment_deadline(date(2026, 4, 30), TR, two).due_on == date(2026, 5, 5)


def test_half_days_can_be_closed_by_parameter() -> None:
    eve = date(2026, 10, 27)
    assert payment_deadline(eve, TR).due_on == date(2026, 10, 28)
    closed = OKS.replacing(
        Parameter("oks.half_day_is_business_day", False, Mark.DESIGN, "another tenant")
    )
    deadline = payment_deadline(eve, TR, closed)
    assert deadline.due_on == date(2026, 10, 30)
    assert deadline.why[1].key == "kernel.why.skipped_half_day"


def test_the_window_runs_from_the_notice_to_the_same_day_two_months_later() -> None:
    window = opt_out_from_cash(date(2026, 5, 1), TR)
    assert (window.notice_on, window.last_day) == (date(2026, 5, 4), date(2026, 7, 4))
    assert [why.key for why in window.why] == [
        "pensions.why.opt_out_notice",
        "kernel.why.skipped_weekend",
        "kernel.why.skipped_weekend",
        "pensions.why.opt_out_window",
    ]


@given(days)
def test_both_ends_of_the_window_are_inside(notice_on: date) -> None:
    window = opt_out_from_notice(notice_on)
    day = timedelta(days=1)
    assert window.request(notice_on - day) is OptOutRequest.TOO_EARLY
    assert window.request(notice_on) is OptOutRequest.IN_WINDOW
    assert window.request(window.last_day) is OptOutRequest.IN_WINDOW
    assert window.request(window.last_day + day) is OptOutRequest.EXIT_RULES


@pytest.mark.parametrize(
    ("notice_on", "last_day"),
    [
        (date(2026, 12, 31), date(2027, 2, 28)),
        (date(2027, 12, 31), date(2028, 2, 29)),
        (date(2026, 6, 30), date(2026, 8, 30)),
    ],
)
def test_the_window_clamps_to_the_end_of_the_month(notice_on: date, last_day: date) -> None:
    assert opt_out_from_notice(notice_on).last_day == last_day
