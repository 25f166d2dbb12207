"""Business days of one calendar, with the reason for every day that was skipped.

Holidays are data: dates and names come from a library or an override table and are passed in, so
that this module stays pure. Half days (13:00 closing) are business days unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from kernel.errors import RuleViolationError
from kernel.periods import add_months as add_months
from kernel.why import Why

_ONE_DAY: Final = timedelta(days=1)
_LANGUAGES: Final = ("tr", "el", "en")
# No calendar closes for this long; a search that does not end is a broken table, not a long wait.
_MAX_SKIPPED: Final = 60


class SkipReason(StrEnum):
    """Why a day is no business day."""

    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    HALF_DAY = "half_day"


class OverrideKind(StrEnum):
    """What a decree or an operator made of a day."""

    HOLIDAY = "holiday"
    HALF_DAY = "half_day"
    WORKING_DAY = "working_day"


@dataclass(frozen=True, slots=True)
class Override:
    """One day changed by decree, with where the change is published and who entered it."""

    kind: OverrideKind
    name: str
    source: str
    entered_by: str


@dataclass(frozen=True, slots=True)
class SkippedDay:
    """One day that is no business day, and why.

    Shapes: ``name`` is the holiday in the calendar's own language ("" for a weekend); ``names`` has
    it by language code where translations are known.
    """

    day: date
    reason: SkipReason
    name: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def name_in(self, language: str) -> str:
        """The holiday's name in ``language``, or in the calendar's own."""
        return self.names.get(language, self.name)

    def why(self) -> Why:
        """The reason: ``kernel.why.skipped_weekend``, ``…_holiday`` or ``…_half_day``.

        Shapes: ``day``, and for a named day ``name_tr``, ``name_el``, ``name_en``, so that each
        language's sentence can pick its own.
        """
        params = {"day": self.day.isoformat()}
        if self.reason is not SkipReason.WEEKEND:
            params |= {f"name_{language}": self.name_in(language) for language in _LANGUAGES}
        return Why(f"kernel.why.skipped_{self.reason}", params)


@dataclass(frozen=True, slots=True)
class Shift:
    """A date moved to a business day: from where, to where, over which days."""

    calendar: str
    start: date
    result: date
    skipped: tuple[SkippedDay, ...]

    def whys(self, key: str, **more: Any) -> tuple[Why, ...]:
        """The explanation: what was moved from where to where, then one reason per skipped day.

        Shapes: first ``key`` with ``from``, ``to``, ``calendar`` and ``more``; then the reasons of
        ``SkippedDay.why`` in order.
        """
        first = {
            "from": self.start.isoformat(),
            "to": self.result.isoformat(),
            "calendar": self.calendar,
            **more,
        }
        return (Why(key, first), *(day.why() for day in self.skipped))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business days of one place or market.

    Shapes: ``holidays`` and ``half_days`` map dates to names; ``overrides`` win over both;
    ``translations`` maps a language code to names by date; ``first`` and ``last`` bound the dates
    the data covers (inclusive), so that a date outside fails instead of looking like a working day.
    """

    name: str
    holidays: Mapping[date, str]
    half_days: Mapping[date, str] = field(default_factory=dict)
    overrides: Mapping[date, Override] = field(default_factory=dict)
    translations: Mapping[str, Mapping[date, str]] = field(default_factory=dict)
    weekend: frozenset[int] = frozenset({5, 6})
    half_days_are_business_days: bool = True
    first: date = date.min
    last: date = date.max

    def closing_half_days(self) -> Self:
        """The same calendar with half days counted as closed."""
        return replace(self, half_days_are_business_days=False)

    def with_overrides(self, overrides: Mapping[date, Override]) -> Self:
        """The same calendar with these days changed as well."""
        return replace(self, overrides={**self.overrides, **overrides})

    def is_half_day(self, day: date) -> bool:
        """Whether business ends at 13:00 on ``day``."""
        override = self.overrides.get(day)
        if override is not None:
            return override.kind is OverrideKind.HALF_DAY
        return day in self.half_days and day not in self.holidays

    def is_business_day(self, day: date) -> bool:
        """Whether ``day`` counts as a business day."""
        return self.closed(day) is None

    def closed(self, day: date) -> SkippedDay | None:
        """Why ``day`` is no business day, or None when it is one.

        Raises: RuleViolationError("calendar.not_covered") for a date outside the calendar's data.
        """
        if not self.first <= day <= self.last:
            raise RuleViolationError(
                "calendar.not_covered", f"calendar {self.name} has no data for {day.year}"
            )
        override = self.overrides.get(day)
        if override is not None:
            if override.kind is OverrideKind.WORKING_DAY:
                return None
            if override.kind is OverrideKind.HOLIDAY:
                return self._skipped(day, SkipReason.HOLIDAY, override.name)
        if day in self.holidays and override is None:
            return self._skipped(day, SkipReason.HOLIDAY, self.holidays[day])
        if day.weekday() in self.weekend:
            return SkippedDay(day, SkipReason.WEEKEND)
        if not self.half_days_are_business_days and self.is_half_day(day):
            name = override.name if override is not None else self.half_days[day]
            return self._skipped(day, SkipReason.HALF_DAY, name)
        return None

    def following(self, day: date) -> date:
        """``day`` itself if it is a business day, otherwise the next one."""
        return self.shift_following(day).result

    def preceding(self, day: date) -> date:
        """``day`` itself if it is a business day, otherwise the last one before."""
        for _ in range(_MAX_SKIPPED):
            if self.is_business_day(day):
                return day
            day -= _ONE_DAY
        raise self._endless()

    def next_business_day(self, day: date, n: int = 1) -> date:
        """The ``n``-th business day strictly later than ``day``."""
        return self.shift_next(day, n).result

    def shift_following(self, day: date) -> Shift:
        """``following`` with the days it skipped."""
        skipped: list[SkippedDay] = []
        current = day
        while (closed := self.closed(current)) is not None:
            skipped.append(closed)
            if len(skipped) > _MAX_SKIPPED:
                raise self._endless()
            current += _ONE_DAY
        return Shift(self.name, day, current, tuple(skipped))

    def shift_next(self, day: date, n: int = 1) -> Shift:
        """``next_business_day`` with the days it skipped (``day`` itself is not among them)."""
        if n < 1:
            raise ValueError("the next business day is at least one day later")
        skipped: list[SkippedDay] = []
        current = day
        for _ in range(n):
            step = self.shift_following(current + _ONE_DAY)
            skipped.extend(step.skipped)
            current = step.result
        return Shift(self.name, day, current, tuple(skipped))

    def explain(self, first: date, last: date) -> tuple[SkippedDay, ...]:
        """Every day from ``first`` to ``last``, both included, that is no business day."""
        days = (first + timedelta(days=i) for i in range((last - first).days + 1))
        return tuple(closed for day in days if (closed := self.closed(day)) is not None)

    def _skipped(self, day: date, reason: SkipReason, name: str) -> SkippedDay:
        names = {
            language: table[day]
            for language, table in self.translations.items()
            if day in table and day not in self.overrides
        }
        return SkippedDay(day, reason, name, names)

    def _endless(self) -> RuleViolationError:
        return RuleViolationError(
            "calendar.no_business_day", f"calendar {self.name} has no business day near"
        )
