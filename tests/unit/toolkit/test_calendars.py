"""The calendars: computed days of the domain document, names in three languages, overrides."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date, timedelta

import pytest

from kernel.business_days import Override, OverrideKind
from kernel.errors import RuleViolationError, ValidationError
from toolkit.calendars import NAMES, calendar


def days(name: str, year: int) -> set[str]:
    table = calendar(name).holidays
    return {day.isoformat()[5:] for day in table if day.year == year}


def half_days(year: int) -> set[str]:
    return {day.isoformat()[5:] for day in calendar("TR").half_days if day.year == year}


@pytest.mark.parametrize(
    ("name", "year", "expected"),
    [
        (
            "TR",
            2026,
            "01-01 03-20 03-21 03-22 04-23 05-01 05-19 05-27 05-28 05-29 05-30 07-15 08-30 10-29",
        ),
        (
            "TR",
            2027,
            "01-01 03-09 03-10 03-11 04-23 05-01 05-16 05-17 05-18 05-19 07-15 08-30 10-29",
        ),
        ("GR", 2026, "01-01 01-06 02-23 03-25 04-10 04-13 05-01 06-01 08-15 10-28 12-25 12-26"),
        ("XECB", 2026, "01-01 04-03 04-06 05-01 12-25 12-26"),
    ],
)
def test_holidays_are_those_of_the_domain_document(name: str, year: int, expected: str) -> None:
    assert days(name, year) == set(expected.split())


def test_half_days_of_turkiye_are_known_and_stay_business_days_by_default() -> None:
    assert half_days(2026) == {"03-19", "05-26", "10-28"}
    assert half_days(2027) == {"03-08", "05-15", "10-28"}
    turkiye = calendar("TR")
    assert turkiye.is_business_day(date(2026, 10, 28))
    assert turkiye.is_half_day(date(2026, 10, 28))
    assert not turkiye.closing_half_days().is_business_day(date(2026, 10, 28))


@pytest.mark.parametrize(
    ("paid_on", "deadline"),
    [
        (date(2026, 4, 30), date(2026, 5, 4)),
        (date(2026, 5, 26), date(2026, 6, 1)),
        (date(2026, 10, 28), date(2026, 10, 30)),
    ],
)
def test_worked_deadlines_of_the_pension_document(paid_on: date, deadline: date) -> None:
    assert calendar("TR").next_business_day(paid_on) == deadline


def test_a_skipped_day_has_its_name_in_three_languages() -> None:
    (skipped,) = calendar("TR").explain(date(2026, 10, 29), date(2026, 10, 29))
    assert skipped.name == "Cumhuriyet Bayramı"
    assert skipped.name_in("el") == "Ημέρα της Δημοκρατίας"
    assert skipped.name_in("en") == "Republic Day"
    (friday,) = calendar("XECB").explain(date(2026, 4, 3), date(2026, 4, 3))
    assert friday.name_in("tr") == "Kutsal Cuma"


def test_two_holidays_on_one_day_and_half_days_are_both_named() -> None:
    (both,) = calendar("TR").explain(date(2027, 5, 19), date(2027, 5, 19))
    assert (
        both.name_in("el") == "Ημέρα μνήμης του Ατατούρκ, Νεολαίας και Αθλητισμού; Κουρμπάν Μπαϊράμ"
    )
    closing = calendar("TR").closing_half_days()
    (eve,) = closing.explain(date(2026, 5, 26), date(2026, 5, 26))
    assert eve.name_in("en") == "Kurban Bayramı (Eid al-Adha) (from 13:00)"
    (estimate,) = closing.explain(date(2040, 12, 17), date(2040, 12, 17))
    assert estimate.name_in("tr") == calendar("TR").holidays[date(2040, 12, 17)]


@pytest.mark.parametrize("name", NAMES)
def test_every_holiday_of_coming_years_is_translated(name: str) -> None:
    """Turkish and Greek names of a calendar must not fall back to the library's English."""
    found = calendar(name)
    for language, letters in (("el", "αβγδεζηθικλμνξοπρστυφχψω"), ("tr", None)):
        for day, text in found.translations[language].items():
            if not 2020 <= day.year <= 2050:
                continue
            if letters is None:
                assert not re.search(r"\b(Day|Monday|Friday|Holiday)\b", text), (day, text)
            else:
                assert any(letter in letters for letter in text.lower()), (day, text)


def test_the_turkish_words_equal_those_of_the_library() -> None:
    turkiye = calendar("TR")
    for day, name in turkiye.holidays.items():
        if day.year < 2050:
            translated = turkiye.translations["tr"][day]
            assert set(translated.split("; ")) == set(name.split("; "))


def test_a_decree_changes_days_and_leaves_the_shared_calendar_alone() -> None:
    def override(kind: OverrideKind) -> Override:
        return Override(kind, "İdari izin", "RG 1.1.2026/1", "operator")

    changed = calendar(
        "TR",
        {
            date(2026, 3, 23): override(OverrideKind.HOLIDAY),
            date(2026, 3, 20): override(OverrideKind.WORKING_DAY),
        },
    )
    assert changed.following(date(2026, 3, 20)) == date(2026, 3, 20)
    assert changed.following(date(2026, 3, 21)) == date(2026, 3, 24)
    assert calendar("TR").following(date(2026, 3, 20)) == date(2026, 3, 23)


def test_unknown_calendars_and_uncovered_years_fail_loudly() -> None:
    with pytest.raises(ValidationError, match=r"calendar\.unknown"):
        calendar("DE")
    with pytest.raises(RuleViolationError, match=r"calendar\.not_covered"):
        calendar("TR").is_business_day(date(1999, 12, 31))
    with pytest.raises(RuleViolationError, match=r"calendar\.not_covered"):
        calendar("TR").is_business_day(date(2077, 1, 4))


@pytest.mark.parametrize("name", NAMES)
def test_following_never_lands_on_a_closed_day(name: str) -> None:
    found = calendar(name)
    day = date(2024, 1, 1)
    while day < date(2030, 1, 1):
        result = found.following(day)
        assert result >= day
        assert found.is_business_day(result)
        assert not found.explain(result, result)
        day += timedelta(days=1)


def test_the_library_is_imported_only_when_a_date_is_asked_for() -> None:
    script = (
        "import sys; from toolkit.calendars import calendar; c = calendar('TR');"
        "assert 'holidays' not in sys.modules; import datetime;"
        "c.is_business_day(datetime.date(2026, 1, 1)); assert 'holidays' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": "layers/common"},
    )
    assert done.returncode == 0, done.stderr
