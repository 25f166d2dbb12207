"""The only place that reads the time, so that everything else can be told the time.

A test, a scenario or the local stack moves time by passing another ``Clock``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """What tells the time: an aware instant in UTC, and the business date of a zone."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def today(self, zone: tzinfo | str) -> date:
        """The present date on the wall of ``zone`` (an IANA name or a tzinfo)."""
        ...


def local_date(instant: datetime, zone: tzinfo | str) -> date:
    """Business date of an instant in the tenant's zone; the instant must be aware."""
    if instant.tzinfo is None:
        raise ValueError("an instant without offset has no local date")
    return instant.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone).date()


class SystemClock:
    """The machine's clock; ``moved`` says what the local stack makes of its time."""

    __slots__ = ("_moved",)

    def __init__(self, moved: Callable[[datetime], datetime] | None = None) -> None:
        self._moved = moved

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        wall = datetime.now(UTC)
        return wall if self._moved is None else self._moved(wall)

    def today(self, zone: tzinfo | str) -> date:
        """The present date on the wall of ``zone``."""
        return local_date(self.now(), zone)


class FixedClock:
    """A clock that stands still until it is moved; for tests and scenarios."""

    __slots__ = ("_now",)

    def __init__(self, now: datetime) -> None:
        self._now = _utc(now)

    def now(self) -> datetime:
        """The instant it was set to, in UTC."""
        return self._now

    def today(self, zone: tzinfo | str) -> date:
        """The date on the wall of ``zone`` at that instant."""
        return local_date(self._now, zone)

    def advance(self, by: timedelta) -> datetime:
        """Move by ``by`` (also backwards) and return the new instant."""
        self._now += by
        return self._now

    def set(self, now: datetime) -> None:
        """Jump to ``now``."""
        self._now = _utc(now)


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("a clock needs an aware instant")
    return instant.astimezone(UTC)
