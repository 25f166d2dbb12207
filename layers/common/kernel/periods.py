"""Months, and windows of days that repeat every month."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from kernel.errors import ParseError

_PERIOD: Final = re.compile(r"((?:19|20)[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One calendar month."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.year <= 9999 and 1 <= self.month <= 12):
            raise ParseError("PERIOD", "there is no such month")

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read ``YYYY-MM``, 1900 to 2099.

        Raises: ParseError("TYPE" | "PERIOD").
        """
        if not isinstance(value, str):
            raise ParseError("TYPE", "the month is text such as 2026-03")
        match = _PERIOD.fullmatch(value)
        if match is None:
            raise ParseError("PERIOD", "the month is written YYYY-MM")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The month ``day`` lies in."""
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    def __contains__(self, day: date) -> bool:
        return (day.year, day.month) == (self.year, self.month)

    def shift(self, months: int) -> Self:
        """The month ``months`` later, or earlier when negative."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return type(self)(year, month + 1)

    def next(self) -> Self:
        """The following month."""
        return self.shift(1)

    def prev(self) -> Self:
        """The month before."""
        return self.shift(-1)

    @property
    def days(self) -> int:
        """How many days the month has."""
        return monthrange(self.year, self.month)[1]

    @property
    def first_day(self) -> date:
        """The first day."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The last day."""
        return date(self.year, self.month, self.days)

    def day(self, number: int) -> date:
        """Day ``number`` of the month; a day the month lacks is its last day."""
        if number > 28:  # every month has the others
            number = min(number, self.days)
        return date(self.year, self.month, number)


def add_months(anchor: date, months: int) -> date:
    """The same day ``months`` later, clamped to the month's end.

    Units: calendar months. A series steps from its anchor, never from the clamped result:
    31.01, 28.02, 31.03.
    """
    return Period.of(anchor).shift(months).day(anchor.day)


@dataclass(frozen=True, slots=True)
class DayWindow:
    """Days of every month in which something may happen, for example sending letters.

    Units: both ends inclusive. ``starts_day`` after ``ends_day`` wraps over the month's end; a day
    the month lacks is its last day.
    """

    starts_day: int
    ends_day: int

    def __post_init__(self) -> None:
        for day in (self.starts_day, self.ends_day):
            if type(day) is not int or not 1 <= day <= 31:
                raise ParseError("DAY", "the day is a whole number from 1 to 31")

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read ``{"starts_day": 28, "ends_day": 3}``.

        Raises: ParseError("SHAPE" | "DAY").
        """
        if not isinstance(value, Mapping) or set(value) != {"starts_day", "ends_day"}:
            raise ParseError("SHAPE", "the window has a first and a last day")
        return cls(value["starts_day"], value["ends_day"])

    def is_open(self, day: date) -> bool:
        """Whether ``day`` lies in the window."""
        month = Period.of(day)
        start, end = month.day(self.starts_day), month.day(self.ends_day)
        if self.starts_day <= self.ends_day:
            return start <= day <= end
        return day >= start or day <= end

    def opening(self, day: date) -> tuple[date, date] | None:
        """First and last day of the open window around ``day``, or None when it is closed."""
        if not self.is_open(day):
            return None
        month = Period.of(day)
        if self.starts_day <= self.ends_day:
            return month.day(self.starts_day), month.day(self.ends_day)
        if day >= month.day(self.starts_day):
            return month.day(self.starts_day), month.next().day(self.ends_day)
        return month.prev().day(self.starts_day), month.day(self.ends_day)
