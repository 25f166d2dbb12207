"""When a schedule is due: ``rate(..)``, ``cron(..)`` and ``at(..)`` of EventBridge Scheduler.

Cron fields are minutes, hours, day of month, month, day of week, year; one of the two days is
``?``. Times are wall times of the schedule's zone: a time that the spring shift skips is skipped,
a time that the autumn shift repeats is run once, the first time.

Source: EventBridge Scheduler user guide, "Schedule types" and "Daylight saving time".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_RATE: Final = re.compile(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)")
_AT: Final = re.compile(r"at\(\s*(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\s*\)")
_CRON: Final = re.compile(r"cron\((.+)\)")
_MONTH_NAMES: Final = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_WEEKDAY_NAMES: Final = "SUN MON TUE WED THU FRI SAT"
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES.split(), 1)}
_WEEKDAYS: Final = {name: number for number, name in enumerate(_WEEKDAY_NAMES.split(), 1)}
_SEARCH_DAYS: Final = 366 * 9
_LAST_YEAR: Final = 2199


class ExpressionError(ValueError):
    """A schedule expression that EventBridge Scheduler would refuse."""


class Expression(Protocol):
    """Tells when a schedule is due. All instants are aware."""

    def next_after(self, instant: datetime) -> datetime | None:
        """First due instant after ``instant``, in UTC; None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often, counted from ``anchor``, the beginning of the schedule."""

    period: timedelta
    anchor: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def next_after(self, instant: datetime) -> datetime | None:
        """See :class:`Expression`."""
        periods = max(0, (instant - self.anchor) // self.period + 1)
        return self.anchor + periods * self.period


@dataclass(frozen=True, slots=True)
class At:
    """Once."""

    instant: datetime

    def next_after(self, instant: datetime) -> datetime | None:
        """See :class:`Expression`."""
        return self.instant if self.instant > instant else None


DayTest = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Cron:
    """At certain minutes of certain days of a zone."""

    times: tuple[time, ...]
    day: DayTest
    zone: ZoneInfo

    def next_after(self, instant: datetime) -> datetime | None:
        """See :class:`Expression`."""
        first = instant.astimezone(self.zone).date()
        for ahead in range(_SEARCH_DAYS):
            day = first + timedelta(days=ahead)
            if day.year > _LAST_YEAR:
                return None
            if not self.day(day):
                continue
            for due in self._instants(day):
                if due > instant:
                    return due
        return None

    def _instants(self, day: date) -> Iterator[datetime]:
        for wall in self.times:
            due = datetime.combine(day, wall, self.zone).astimezone(UTC)
            if due.astimezone(self.zone).replace(tzinfo=None) == datetime.combine(day, wall):
                yield due


def parse_expression(text: str, timezone: str = "UTC") -> Expression:
    """The expression in the zone of its schedule.

    Raises: ExpressionError.
    """
    try:
        zone = ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ExpressionError(f"{timezone!r} is not a time zone") from error
    text = text.strip()
    if rate := _RATE.fullmatch(text):
        number, unit = int(rate.group(1)), rate.group(2)
        if number < 1:
            raise ExpressionError(f"{text}: the number must be positive")
        return Rate(timedelta(**{f"{unit}s": number}))
    if at := _AT.fullmatch(text):
        return At(datetime.fromisoformat(at.group(1)).replace(tzinfo=zone).astimezone(UTC))
    if cron := _CRON.fullmatch(text):
        return _parse_cron(text, cron.group(1).split(), zone)
    raise ExpressionError(f"{text!r} is not rate(..), cron(..) or at(..)")


def _parse_cron(text: str, fields: list[str], zone: ZoneInfo) -> Cron:
    if len(fields) != 6:
        raise ExpressionError(f"{text}: a cron expression has six fields")
    minutes, hours, days, months, weekdays, years = (field.upper() for field in fields)
    if (days == "?") == (weekdays == "?"):
        raise ExpressionError(f"{text}: exactly one of day of month and day of week is '?'")
    try:
        at_minutes = _values(minutes, 0, 59)
        at_hours = _values(hours, 0, 23)
        in_months = _values(months, 1, 12, _MONTHS)
        in_years = _values(years, 1970, _LAST_YEAR)
        on_day = _weekday_test(weekdays) if days == "?" else _month_day_test(days)
    except ValueError as error:
        raise ExpressionError(f"{text}: {error}") from None
    return Cron(
        times=tuple(
            time(hour, minute) for hour in sorted(at_hours) for minute in sorted(at_minutes)
        ),
        day=lambda day: day.month in in_months and day.year in in_years and on_day(day),
        zone=zone,
    )


def _values(field: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """The numbers of one field: lists, ranges, steps, names and ``*``."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step_text = part.partition("/")
        step = int(step_text) if slash else 1
        if step < 1:
            raise ValueError(f"step of {part!r} must be positive")
        first_text, dash, last_text = span.partition("-")
        if span == "*":
            first, last = low, high
        else:
            first = _number(first_text, names)
            last = _number(last_text, names) if dash else high if slash else first
        if not (low <= first <= high and low <= last <= high):
            raise ValueError(f"{part!r} is outside {low}-{high}")
        if first > last:
            raise ValueError(f"{part!r} runs backwards")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    if names and text in names:
        return names[text]
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a value of this field")
    return int(text)


def _last_day(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _month_day_test(field: str) -> DayTest:
    """Days of the month: numbers, ``L`` (last), ``LW`` and ``15W`` (nearest working day)."""
    if field == "L":
        return lambda day: day.day == _last_day(day)
    if field == "LW":
        return lambda day: day.day == _nearest_working_day(day, _last_day(day))
    if field.endswith("W"):
        wanted = _number(field[:-1], None)
        if not 1 <= wanted <= 31:
            raise ValueError(f"{field!r} is outside 1-31")
        return lambda day: wanted <= _last_day(day) and day.day == _nearest_working_day(day, wanted)
    numbers = _values(field, 1, 31)
    return lambda day: day.day in numbers


def _nearest_working_day(day: date, wanted: int) -> int:
    """The working day (Monday to Friday) nearest to a day, within the same month."""
    weekday = day.replace(day=wanted).isoweekday()
    if weekday == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 7:
        return wanted + 1 if wanted < _last_day(day) else wanted - 2
    return wanted


def _weekday_test(field: str) -> DayTest:
    """Days of the week, Sunday is 1: names, ``6L`` (last Friday), ``6#3`` (third Friday)."""
    if field == "L":
        return lambda day: _weekday(day) == 7
    if field.endswith("L"):
        last = _one_weekday(field[:-1])
        return lambda day: _weekday(day) == last and day.day > _last_day(day) - 7
    if "#" in field:
        name, _, which = field.partition("#")
        wanted, nth = _one_weekday(name), _number(which, None)
        if not 1 <= nth <= 5:
            raise ValueError(f"{field!r} is outside #1-#5")
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == nth
    numbers = _values(field, 1, 7, _WEEKDAYS)
    return lambda day: _weekday(day) in numbers


def _one_weekday(text: str) -> int:
    number = _number(text, _WEEKDAYS)
    if not 1 <= number <= 7:
        raise ValueError(f"{text!r} is outside 1-7")
    return number


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1
