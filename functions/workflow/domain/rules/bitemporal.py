"""What was in force on a date, as far as it was known at an instant.

Units: ``valid_from`` is inclusive and ``valid_to`` exclusive (calendar days of the business);
``recorded_at`` is the instant from which the product knew, ``retired_at`` the one from which it no
longer counted. A record is never changed: a correction is a later record for the same dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Protocol, TypeVar


class Dated(Protocol):
    """Anything with a scope, a validity and the time it was recorded; ids grow with time."""

    @property
    def id(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...
    @property
    def recorded_at(self) -> datetime: ...
    @property
    def retired_at(self) -> datetime | None: ...


T = TypeVar("T", bound=Dated)


def in_force(
    versions: Iterable[T], chain: Sequence[str], valid_on: date, known_on: datetime
) -> T | None:
    """The version that counts: the most specific scope, then the latest start, then the latest
    record. Of two of the same instant it is the one with the later id, so that every reader, in
    whatever order the rows come, takes the same.

    Source: product specification §4.5; half-open validity as in rule R48.
    """
    best: T | None = None
    rank: tuple[int, date, datetime, str] | None = None
    for version in versions:
        if version.scope not in chain or not holds(version, valid_on, known_on):
            continue
        place = -chain.index(version.scope)
        mine = (place, version.valid_from, version.recorded_at, version.id)
        if rank is None or mine > rank:
            best, rank = version, mine
    return best


def holds(version: Dated, valid_on: date, known_on: datetime) -> bool:
    """Whether a version covers the date and was known at the instant."""
    return (
        version.valid_from <= valid_on
        and (version.valid_to is None or valid_on < version.valid_to)
        and version.recorded_at <= known_on
        and (version.retired_at is None or known_on < version.retired_at)
    )
