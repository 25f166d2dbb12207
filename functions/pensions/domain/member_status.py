"""Where a member stands at the insurer: payroll learns of opt-outs and exits only by asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class MemberState(StrEnum):
    """Standing of one person under one contract."""

    PENDING = "pending"
    """Taken by the insurer, policy number not issued yet."""
    ENROLLED = "enrolled"
    OPTED_OUT = "opted_out"
    """*Cayma*: left within the two months after the insurer's notice."""
    LEFT = "left"
    """*Ayrılan*: left the plan later."""
    SUSPENDED = "suspended"
    """*Ara verme*: contributions paused at the person's own request."""
    UNKNOWN = "unknown"
    """The insurer does not know the person, was not asked in time, or said something we do not
    understand (then ``raw_status`` is set)."""


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """One member's standing.

    Shapes: ``policy_no`` is present when ``state`` is ENROLLED; ``effective_on`` when it is
    OPTED_OUT or LEFT and the insurer named the day. ``raw_status`` is the insurer's word when it
    is not in our table (an incident), otherwise None.
    """

    line_key: str
    state: MemberState
    policy_no: str | None = None
    effective_on: date | None = None
    raw_status: str | None = None
