"""Amounts, rates, dates, instants, months: what is read, and what is never guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ParseError
from kernel.money import Money
from kernel.parsing import (
    format_instant,
    parse_amount_api,
    parse_amount_tr,
    parse_date_api,
    parse_date_tr,
    parse_instant,
    parse_local_time,
    parse_period,
    parse_rate_api,
    parse_rate_tr,
    text_of,
)
from kernel.periods import DayWindow, Period, add_months
from kernel.rates import Rate


def code_of(read: Callable[..., object], *values: object) -> str:
    with pytest.raises(ParseError) as caught:
        read(*values)
    return caught.value.code


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_every_turkish_spelling_of_an_amount_is_the_same_amount(minor: int) -> None:
    lira, kurus = divmod(minor, 100)
    grouped = f"{lira:,}".replace(",", ".")
    for text in (f"{grouped},{kurus:02d}", f"{lira},{kurus:02d}", f"{lira}.{kurus:02d}"):
        assert parse_amount_tr(f" {text} ") == Money(minor, "TRY")
    assert parse_amount_tr(f"{lira}") == Money(lira * 100, "TRY")


@given(st.text(alphabet="0123456789.,-+ ₺eE١", max_size=12))
def test_whatever_is_read_as_an_amount_was_written_as_one(text: str) -> None:
    try:
        amount = parse_amount_tr(text)
    except ParseError:
        return
    digits = "".join(char for char in text if char in "0123456789")
    assert str(amount.minor).rjust(3, "0") in (digits.rjust(3, "0"), f"{digits}00".rjust(3, "0"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.042", "AMBIGUOUS"),
        ("1,042", "AMBIGUOUS"),
        ("12345678901234,00", "TOO_LARGE"),
        ("1.234.5678", "AMOUNT"),
        ("1234.567", "AMOUNT"),
        ("1234.567,00", "AMOUNT"),
        ("1.234.567.00", "AMOUNT"),
        ("0.123,00", "AMOUNT"),
        ("00,50", "AMOUNT"),
        ("1.042,0", "AMOUNT"),
        ("1042,000", "AMOUNT"),
        ("١٢,00", "AMOUNT"),
        ("120,00 TL", "AMOUNT"),
        ("\u00a0120,00", "AMOUNT"),
        ("120,00\n", "AMOUNT"),
        ("+5", "AMOUNT"),
        (",50", "AMOUNT"),
        ("", "AMOUNT"),
        (120, "TYPE"),
    ],
)
def test_other_amounts_are_refused(text: object, code: str) -> None:
    assert code_of(parse_amount_tr, text) == code


def test_an_ambiguous_amount_comes_with_a_question() -> None:
    with pytest.raises(ParseError) as caught:
        parse_amount_tr("1.042")
    assert caught.value.suggestion == "1.042,00"


def test_api_amount_is_money() -> None:
    assert parse_amount_api({"amount": "12.50", "currency": "EUR"}) == Money(1250, "EUR")


@given(st.decimals(min_value=0, max_value=100, places=4))
def test_rates_round_trip(percent: Decimal) -> None:
    text = f"{percent:f}"
    assert parse_rate_api(text).to_api() == text
    assert parse_rate_tr(text.replace(".", ",")) == parse_rate_api(text)


@pytest.mark.parametrize("text", ["100.0001", "1.00000", "-1", "", "1.", "03", "3 ", "٣", "+3"])
def test_other_rates_are_refused(text: str) -> None:
    assert code_of(parse_rate_api, text) == "RATE"
    assert code_of(parse_rate_tr, text.replace(".", ",")) == "RATE"


def test_a_point_on_a_page_is_answered_with_the_comma() -> None:
    with pytest.raises(ParseError) as caught:
        parse_rate_tr("3.00")
    assert caught.value.suggestion == "3,00"
    assert code_of(parse_rate_tr, 3) == "TYPE"
    assert code_of(parse_rate_api, 3) == "TYPE"


def test_a_rate_applies_exactly_and_rounds_once() -> None:
    rate = Rate.from_api("3.00")
    assert rate.of(Money(3333334, "TRY")) == Decimal("1000.0002")
    assert rate.apply(Money(3333334, "TRY")) == Money(100000, "TRY")
    assert rate.apply(Money(150, "TRY"), "ROUND_DOWN") == Money(4, "TRY")
    assert str(rate) == "3.00 %"
    assert Rate(Decimal(3)) < Rate(Decimal("3.01"))
    with pytest.raises(TypeError):
        Rate(Decimal("NaN"))


days = st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31))


@given(days)
def test_dates_round_trip(day: date) -> None:
    assert parse_date_api(day.isoformat()) == day
    assert parse_date_tr(f"{day.day:02d}.{day.month:02d}.{day.year:04d}") == day
    assert parse_date_tr(f"{day.day:02d}/{day.month:02d}/{day.year:04d}") == day


@pytest.mark.parametrize(
    "text",
    ["1899-12-31", "2101-01-01", "2025-13-01", "2025-00-10", " 2025-01-01", "２０２５-01-01"],
)
def test_other_api_dates_are_refused(text: str) -> None:
    assert code_of(parse_date_api, text) == "DATE"


@pytest.mark.parametrize("text", ["1.1.2018", "31.04.2025", "01-01-2025", "01.01.1899", ""])
def test_other_local_dates_are_refused(text: str) -> None:
    assert code_of(parse_date_tr, text) == "DATE"


@given(st.integers(min_value=-2_208_988_800_000_000, max_value=4_133_980_799_000_000))
def test_instants_round_trip(micros: int) -> None:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    assert parse_instant(format_instant(instant)) == instant


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-01-31T22:30:00+03:00", "2025-01-31T19:30:00Z"),
        ("2025-01-31T22:30:00-00:30", "2025-01-31T23:00:00Z"),
        ("2025-01-31T22:30:00.120Z", "2025-01-31T22:30:00.12Z"),
        ("2025-01-31T22:30:00.123456789Z", "2025-01-31T22:30:00.123456Z"),
    ],
)
def test_instants_become_utc(text: str, utc: str) -> None:
    assert format_instant(parse_instant(text)) == utc


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-31T22:30Z",
        "2025-01-31T24:00:00Z",
        "2025-01-31T23:59:60Z",
        "2025-01-31T22:30:00+24:00",
        "2025-01-31T22:30:00+03:60",
        "2025-01-31T22:30:00+0300",
        "2025-01-31t22:30:00z",
        "2025-01-31T22:30:00,5Z",
        "2025-01-31T22:30:00.Z",
        "2025-01-31",
    ],
)
def test_other_instants_are_refused(text: str) -> None:
    assert code_of(parse_instant, text) == "INSTANT"


@pytest.mark.parametrize(
    "text", ["1900-01-01T00:00:00+03:00", "2100-12-31T23:00:00-03:00", "2025-02-30T00:00:00Z"]
)
def test_an_instant_needs_a_day_we_keep(text: str) -> None:
    assert code_of(parse_instant, text) == "DATE"


def test_a_wall_time_means_one_instant() -> None:
    instant = parse_local_time("2025-07-01T09:00", "Europe/Istanbul")
    assert format_instant(instant) == "2025-07-01T06:00:00Z"
    assert parse_local_time("2025-10-26T04:00:00", "Europe/Athens") == datetime(
        2025, 10, 26, 2, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("local", "zone", "code"),
    [
        ("2025-03-30T03:00", "Europe/Athens", "NONEXISTENT_TIME"),
        ("2025-03-30T03:59", "Europe/Athens", "NONEXISTENT_TIME"),
        ("2025-10-26T03:00", "Europe/Athens", "AMBIGUOUS_TIME"),
        ("2025-10-26T03:30", "Mars/Base", "ZONE"),
        ("2025-10-26T03:30", "../etc/passwd", "ZONE"),
        ("2025-10-26T03:30", "", "ZONE"),
        ("2025-10-26 03:30", "Europe/Athens", "LOCAL_TIME"),
        ("2025-10-26T25:30", "Europe/Athens", "LOCAL_TIME"),
        ("2025-10-36T23:30", "Europe/Athens", "DATE"),
    ],
)
def test_other_wall_times_are_refused(local: str, zone: str, code: str) -> None:
    assert code_of(parse_local_time, local, zone) == code


def test_only_text_is_text() -> None:
    assert code_of(text_of, None) == "TYPE"


@given(
    st.integers(min_value=1900, max_value=2099),
    st.integers(min_value=1, max_value=12),
    st.integers(min_value=-600, max_value=600),
)
def test_months_shift_and_come_back(year: int, month: int, by: int) -> None:
    period = Period(year, month)
    assert parse_period(str(period)) == period
    assert period.shift(by).shift(-by) == period
    assert period.next().prev() == period
    assert (period < period.shift(by)) == (by > 0)
    assert period.first_day in period
    assert period.last_day in period
    assert Period.of(period.last_day) == period
    assert period.next().first_day not in period


@pytest.mark.parametrize("text", ["1899-12", "2100-01", "2018-1", "2018/01", "2018-01-01", ""])
def test_other_months_are_refused(text: str) -> None:
    assert code_of(parse_period, text) == "PERIOD"
    assert code_of(parse_period, 201801) == "TYPE"


def test_there_is_no_thirteenth_month() -> None:
    assert code_of(Period, 2018, 13) == "PERIOD"


def test_month_steps_start_from_the_anchor() -> None:
    anchor = date(2026, 1, 31)
    assert [add_months(anchor, k) for k in range(4)] == [
        anchor,
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]
    assert add_months(date(2026, 3, 31), -1) == date(2026, 2, 28)


@given(st.integers(min_value=1, max_value=31), st.integers(min_value=1, max_value=31), days)
def test_an_opening_contains_its_day_and_nothing_closed(start: int, end: int, day: date) -> None:
    window = DayWindow(start, end)
    opening = window.opening(day)
    assert (opening is not None) == window.is_open(day)
    if opening is not None:
        assert opening[0] <= day <= opening[1]
        assert window.is_open(opening[0])
        assert window.is_open(opening[1])


def test_a_day_the_month_lacks_is_its_last_day() -> None:
    assert DayWindow(30, 31).opening(date(2026, 2, 28)) == (date(2026, 2, 28),) * 2
    assert DayWindow(28, 3).opening(date(2026, 3, 2)) == (date(2026, 2, 28), date(2026, 3, 3))
    assert DayWindow(28, 3).opening(date(2026, 3, 29)) == (date(2026, 3, 28), date(2026, 4, 3))
    assert not DayWindow(28, 3).is_open(date(2026, 3, 4))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([1, 5], "SHAPE"),
        ({"starts_day": 1}, "SHAPE"),
        ({"starts_day": 1, "ends_day": 5, "x": 1}, "SHAPE"),
        ({"starts_day": 1, "ends_day": 32}, "DAY"),
        ({"starts_day": 1.0, "ends_day": 5}, "DAY"),
        ({"starts_day": "1", "ends_day": 5}, "DAY"),
    ],
)
def test_other_windows_are_refused(value: object, code: str) -> None:
    assert code_of(DayWindow.parse, value) == code
