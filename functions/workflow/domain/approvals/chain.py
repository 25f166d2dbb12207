"""The chain of an approval: its stages, and who may decide in them; frozen at submission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from kernel.business_days import Calendar

USER: Final = "user:"
ROLE: Final = "role:"
MAX_STAGES: Final = 8
_OPENS: Final = time(9)
_CLOSES: Final = time(18)
_HALF_DAY: Final = time(13)
_MAX_DAYS: Final = 400


class Mode(StrEnum):
    """How many of the candidates of a stage must agree."""

    ANY = "any"
    """``needed`` different persons."""
    ALL = "all"
    """Somebody for every candidate that is named."""


class Signature(StrEnum):
    """What a decision of a stage is signed with (§7)."""

    NONE = "none"
    EVIDENCE = "evidence"
    """A key of the hub signs the statement."""
    QUALIFIED = "qualified"
    """Who approves signs the statement elsewhere and hands the signature in."""


class SlaClock(StrEnum):
    """Which hours count."""

    WALL = "wall"
    BUSINESS = "business"


class OnExpiry(StrEnum):
    """What becomes of a stage that nobody decided, also after the escalation."""

    EXPIRED = "expired"
    APPROVED = "approved"


class RejectPolicy(StrEnum):
    """Where a rejection leads (R17)."""

    PREVIOUS_STEP = "PREVIOUS_STEP"
    REQUESTER = "REQUESTER"
    TERMINATE = "TERMINATE"


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, with the roles held at that moment.

    Shapes: ``id`` is ``user:<id>`` or ``key:<id>``; ``name`` is for people to read, never a key.
    """

    id: str
    roles: tuple[str, ...] = ()
    name: str = field(default="", repr=False)

    def matches(self, candidate: str) -> bool:
        """Whether a candidate of a stage is this person, or a role of this person."""
        kind, _, name = candidate.partition(":")
        return candidate == self.id or (kind == "role" and name in self.roles)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a chain.

    Units: hours count on ``clock`` from the opening of the stage; ``escalation_hours`` and
    ``expiry_hours`` are added to ``sla_hours``. Shapes: ``candidates`` and ``escalate_to`` are
    ``user:<id>`` or ``role:<name>``; ``names`` has the display names known at submission.
    """

    level: str
    candidates: tuple[str, ...]
    mode: Mode = Mode.ANY
    needed: int = 1
    sla_hours: int = 24
    reminder_hours: tuple[int, ...] = ()
    escalate_to: tuple[str, ...] = ()
    escalation_replaces: bool = False
    expiry_hours: int = 48
    on_expiry: OnExpiry = OnExpiry.EXPIRED
    clock: SlaClock = SlaClock.BUSINESS
    signature: Signature = Signature.NONE
    reauthenticate: bool = False
    names: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def wanted(self) -> int:
        """How many decisions close the stage."""
        return len(self.candidates) if self.mode is Mode.ALL else self.needed


@dataclass(frozen=True, slots=True)
class Chain:
    """What was resolved at submission and does not change while the approval runs (A9).

    Shapes: ``policy`` names rule, table version and hash it came from; ``apart`` the duties whose
    holders may not approve; ``stages`` in order, none for "not required"; ``revocation_required``:
    a signature counts only when its certificates were looked up in current revocation lists.
    """

    stages: tuple[Stage, ...]
    policy: Mapping[str, Any] = field(default_factory=dict)
    on_reject: RejectPolicy = RejectPolicy.PREVIOUS_STEP
    collapse_duplicates: bool = False
    apart: tuple[str, ...] = ()
    info_stops_clock: bool = True
    revocation_required: bool = False


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """Counts hours of a unit: business days of a calendar from 09:00 to 18:00 in a zone.

    Source: DESIGN (domain/workflow.md §6.2: business calendar per unit); half days end at 13:00.
    """

    calendar: Calendar
    zone: str

    def after(self, start: datetime, hours: int, clock: SlaClock) -> datetime:
        """The instant ``hours`` after ``start``. Units: wall hours or hours of work."""
        if clock is SlaClock.WALL:
            return start + timedelta(hours=hours)
        zone = ZoneInfo(self.zone)
        left = timedelta(hours=hours)
        current = start.astimezone(zone)
        day = current.date()
        for _ in range(_MAX_DAYS):
            if self.calendar.is_business_day(day):
                closes = _HALF_DAY if self.calendar.is_half_day(day) else _CLOSES
                begin = max(current, datetime.combine(day, _OPENS, zone))
                room = datetime.combine(day, closes, zone) - begin
                if room >= left:
                    return (begin + left).astimezone(UTC)
                left -= max(room, timedelta(0))
            day += timedelta(days=1)
            current = datetime.combine(day, time(0), zone)
        return current.astimezone(UTC)


def distinct(candidates: Iterable[str]) -> tuple[str, ...]:
    """Candidates in order, each once."""
    return tuple(dict.fromkeys(candidates))
