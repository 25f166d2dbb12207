"""Support grants: an operator looks into one company, for hours, with a reason and a second person.

Nobody who runs the installation sees a company's data otherwise. Who asks never decides; the
company sees who looked, why, until when and at what, and may end it at any moment.
Source: security.md S13.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.clock import local_date
from kernel.errors import ConflictError, ForbiddenError, Problem
from kernel.ids import is_id
from kernel.stamp import NEW, Stamp
from workspace.domain.attention import Attention
from workspace.domain.note import check_note
from workspace.domain.problems import invalid

MAX_HOURS: Final = 8
DECIDE_WITHIN: Final = timedelta(hours=24)
"""A request nobody decided is over after a day: the reason has gone by then."""
_WORD: Final = re.compile(r"[a-z][a-z_-]{0,40}|v1|")
_MAX_PLACES: Final = 12
_TICK: Final = timedelta(milliseconds=1)
"""The least by which news is told apart."""
DECIDERS: Final = ("role:owner",)
"""Who is asked in the company: the holders of ``workspace:support:decide``."""


class GrantState(StrEnum):
    """What was decided. That time is over is no state: see ``Phase``."""

    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
    REVOKED = "revoked"


class Phase(StrEnum):
    """How a grant stands at one moment."""

    REQUESTED = "requested"
    LAPSED = "lapsed"
    GRANTED = "granted"
    ENDED = "ended"
    REFUSED = "refused"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class SupportGrant:
    """One grant.

    Units: ``hours`` count from the moment of approval; ``until`` is the first instant at which
    nothing is shown any more.
    Shapes: ``decided_by`` and ``ended_by`` are people's ids; ``uses`` counts requests made under
    it, each of which is an audit row of the company.
    """

    id: str
    tenant_id: str
    operator_id: str
    reason: str
    hours: int
    requested_at: datetime
    state: GrantState = GrantState.REQUESTED
    decided_by: str = ""
    until: datetime | None = None
    ended_by: str = ""
    uses: int = 0
    stamp: Stamp = NEW

    def phase(self, now: datetime) -> Phase:
        """How it stands now."""
        if self.state is GrantState.REQUESTED:
            over = now - self.requested_at >= DECIDE_WITHIN
            return Phase.LAPSED if over else Phase.REQUESTED
        if self.state is GrantState.GRANTED and (self.until is None or now >= self.until):
            return Phase.ENDED
        return Phase(self.state.value)

    def lets_in(self, person_id: str, now: datetime) -> bool:
        """Whether this person may look at the company at this moment."""
        return self.operator_id == person_id and self.phase(now) is Phase.GRANTED


@dataclass(frozen=True, slots=True)
class SupportView:
    """A grant with the names of company and people, read when it is shown."""

    grant: SupportGrant
    company: str
    operator: str
    decided_by: str
    ended_by: str


def check_request(reason: str, hours: int) -> str:
    """The reason in canonical form.

    Raises: ValidationError("invalid_input") for a reason that says nothing or names somebody, and
    for other than one to eight hours.
    """
    if not 1 <= hours <= MAX_HOURS:
        raise invalid(Problem("/hours", "support_hours", "One to eight hours."))
    return check_note(reason, "/reason")


def approved(grant: SupportGrant, person_id: str, now: datetime) -> SupportGrant:
    """The grant in force from now on.

    Raises: ForbiddenError("own_support_request") for whoever asked;
    ConflictError("support_decided") when it was decided or is too old.
    """
    _check_decidable(grant, person_id, now)
    until = now + timedelta(hours=grant.hours)
    return replace(grant, state=GrantState.GRANTED, decided_by=person_id, until=until)


def refused(grant: SupportGrant, person_id: str, now: datetime) -> SupportGrant:
    """The grant turned down; raises as ``approved``."""
    _check_decidable(grant, person_id, now)
    return replace(grant, state=GrantState.REFUSED, decided_by=person_id)


def revoked(grant: SupportGrant, person_id: str, now: datetime) -> SupportGrant:
    """The grant, or the wish for one, at its end; whoever asked may do this too.

    Raises: ConflictError("support_over") when it is over already.
    """
    if grant.phase(now) not in (Phase.REQUESTED, Phase.GRANTED):
        raise ConflictError("support_over", "This support access is over already.")
    return replace(grant, state=GrantState.REVOKED, ended_by=person_id)


def _check_decidable(grant: SupportGrant, person_id: str, now: datetime) -> None:
    if person_id == grant.operator_id:
        raise ForbiddenError("own_support_request", "Somebody else must decide about this.")
    if grant.phase(now) is not Phase.REQUESTED:
        raise ConflictError("support_decided", "This request was decided or is too old.")


def asked(grant: SupportGrant, zone: str) -> Attention:
    """The wish as the company's owners find it on Today, until it is decided or too old.

    Units: ``due_on`` is the day of the company's zone on which it is too old.
    """
    ends_at = grant.requested_at + DECIDE_WITHIN
    return _attention(
        f"support_request:{grant.id}",
        grant,
        "support_requested",
        grant.requested_at,
        ends_at=ends_at,
        due_on=local_date(ends_at, zone),
    )


def news_of(before: SupportGrant, after: SupportGrant, now: datetime, zone: str) -> list[Attention]:
    """What a decision changes on Today: the wish is gone, or the visit begins or ends."""
    if before.state is GrantState.REQUESTED:
        wish = _cleared(asked(before, zone), now)
        return [wish, in_force(after)] if after.state is GrantState.GRANTED else [wish]
    return [_cleared(in_force(before), now)]


def in_force(grant: SupportGrant) -> Attention:
    """A grant as the company's owners find it on Today while it lets in; ``until`` is set."""
    ends_at = grant.until or grant.requested_at
    begun = ends_at - timedelta(hours=grant.hours)
    return _attention(
        f"support_visit:{grant.id}", grant, "support_in_force", begun, ends_at=ends_at
    )


def _attention(
    key: str,
    grant: SupportGrant,
    code: str,
    at: datetime,
    *,
    ends_at: datetime,
    due_on: date | None = None,
) -> Attention:
    return Attention(
        key=key,
        subject=f"support_grant:{grant.id}",
        code=code,
        severity="high",
        raised_at=at,
        news_at=at,
        due_on=due_on,
        candidates=DECIDERS,
        ends_at=ends_at,
    )


def _cleared(attention: Attention, now: datetime) -> Attention:
    # Stored to the millisecond: a decision within the first one is news all the same.
    return replace(attention, open=False, news_at=max(now, attention.news_at + _TICK))


def looked_at(act: str) -> str:
    """What a request was for, in the words of the audit: ids and names of pages, nothing typed.

    Shapes: ``act`` is method and path with a blank between.

    >>> looked_at("GET /people/Ayşe/01KT16JKM00000000000000001")
    'GET /people/…/01KT16JKM00000000000000001'
    """
    method, _, path = act.partition(" ")
    places = path.split("/")[1 : _MAX_PLACES + 1]
    known = [each if is_id(each) or _WORD.fullmatch(each) else "…" for each in places]
    return f"{method if method.isalpha() else '…'} /{'/'.join(known)}"
