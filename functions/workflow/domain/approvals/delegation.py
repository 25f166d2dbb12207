"""Substitutes: who decides for whom, from when to before when.

A substitution covers what is asked of a person by name; what is asked of a role stays with those
who hold the role. It is resolved when somebody decides or looks, so work comes back by itself when
it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError, ForbiddenError, Problem, ValidationError
from kernel.stamp import NEW, Stamp

MAX_LINKS: Final = 3
"""A stands in for B, who stands in for C: no further."""


class DelegationState(StrEnum):
    """Whether it counts."""

    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Delegation:
    """``substitute`` decides for ``person`` in ``[starts_at, ends_at)``.

    Shapes: persons are ``user:<id>``; ``kinds`` limits it to kinds of approvals, none is all.
    """

    id: str
    person: str
    substitute: str
    starts_at: datetime
    ends_at: datetime
    kinds: tuple[str, ...] = ()
    note: str = ""
    state: DelegationState = DelegationState.ACTIVE
    stamp: Stamp = NEW

    def __post_init__(self) -> None:
        problems = []
        if self.person == self.substitute:
            problems.append(Problem("/substitute", "self", "Nobody stands in for himself."))
        if self.ends_at <= self.starts_at:
            problems.append(Problem("/ends_at", "range", "It ends before it begins."))
        if problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)

    def counts(self, now: datetime, kind: str) -> bool:
        """Whether it is in force for this kind."""
        return (
            self.state is DelegationState.ACTIVE
            and self.starts_at <= now < self.ends_at
            and (not self.kinds or kind in self.kinds)
        )

    def ended(self, by: str, now: datetime) -> Delegation:
        """Stopped by one of the two. Raises: ForbiddenError; ConflictError."""
        if by not in (self.person, self.substitute):
            raise ForbiddenError("not_yours", "Only the two persons end a substitution.")
        if self.state is DelegationState.ENDED or now >= self.ends_at:
            raise ConflictError("delegation_ended", "The substitution has ended already.")
        return replace(self, state=DelegationState.ENDED)


def stands_for(
    substitute: str, delegations: Sequence[Delegation], now: datetime, kind: str
) -> tuple[str, ...]:
    """Persons for whom ``substitute`` may decide, nearest first; cycles lead nowhere."""
    found: list[str] = []
    wave = [substitute]
    for _ in range(MAX_LINKS):
        wave = [
            each.person
            for name in wave
            for each in delegations
            if each.substitute == name
            and each.counts(now, kind)
            and each.person != substitute
            and each.person not in found
        ]
        found += [name for name in dict.fromkeys(wave) if name not in found]
    return tuple(found)
