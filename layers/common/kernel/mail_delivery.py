"""The way of one mail from being asked for to its fate, the same for every context.

A mail is a transmission with one line (reliability.md §2). Reports of its fate arrive in any order
and more than once; the state is the join of all of them, so nothing is ever overwritten by
something weaker (L6, I-21).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

LEASE_MARGIN: Final = timedelta(seconds=5)
_BACKOFF: Final = timedelta(seconds=30)
_MAX_BACKOFF: Final = timedelta(hours=6)


class MailState(StrEnum):
    """Where a mail stands.

    ``WITHDRAWN``: it was never handed over, and the reason says why. ``UNKNOWN``: handed over
    perhaps; a report tells, or a person sends it again. ``SUPPRESSED``: the address bounced or
    complained before, so nothing was sent.
    """

    QUEUED = "queued"
    SENDING = "sending"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REFUSED = "refused"
    SUPPRESSED = "suppressed"


class MailNews(StrEnum):
    """What the mail service reports of a mail."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REFUSED = "refused"


RANK: Final[Mapping[MailState, int]] = {
    MailState.QUEUED: 0,
    MailState.SENDING: 1,
    MailState.WITHDRAWN: 2,
    MailState.UNKNOWN: 3,
    MailState.SUPPRESSED: 4,
    MailState.SENT: 5,
    # The service may take a mail and refuse it afterwards (a virus, for example).
    MailState.REFUSED: 6,
    MailState.DELIVERED: 7,
    # Whoever opened it got it; a machine opens mails too, so this is no proof of a reader.
    MailState.OPENED: 8,
    MailState.BOUNCED: 9,
    MailState.COMPLAINED: 10,
}
"""A complaint outweighs a bounce, a bounce everything that came before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDelivery:
    """What every mail knows of its own way."""

    state: MailState = MailState.QUEUED
    attempt_id: str = ""
    attempts: int = 0
    lease_until: datetime | None = None
    next_at: datetime | None = None
    provider_id: str = ""
    reason: str = ""


M = TypeVar("M", bound=MailDelivery)


def claimed(mail: M, attempt_id: str, lease_until: datetime) -> M:
    """The mail in the hands of one attempt until the lease ends."""
    return replace(
        mail,
        state=MailState.SENDING,
        attempt_id=attempt_id,
        attempts=mail.attempts + 1,
        lease_until=lease_until,
        next_at=lease_until,
    )


def handed_over(mail: M, provider_id: str) -> M:
    """The mail service took it."""
    return replace(
        mail, state=MailState.SENT, provider_id=provider_id, lease_until=None, next_at=None
    )


def refused(mail: M, reason: str) -> M:
    """The mail service will not take it."""
    return _ended(mail, MailState.REFUSED, reason)


def withdrawn(mail: M, reason: str) -> M:
    """It will not be handed over; nothing left this house."""
    return _ended(mail, MailState.WITHDRAWN, reason)


def not_sent(mail: M, reason: str, now: datetime) -> M:
    """Nothing left this house: queued again, later each time."""
    wait = min(_MAX_BACKOFF, _BACKOFF * 2 ** min(mail.attempts, 10))
    return replace(
        mail, state=MailState.QUEUED, reason=reason, lease_until=None, next_at=now + wait
    )


def lost_sight_of(mail: M, reason: str) -> M:
    """Handed over perhaps. There is no way to ask the service."""
    return _ended(mail, MailState.UNKNOWN, reason)


def suppressed(mail: M) -> M:
    """Nothing is sent: this address bounced for good or complained before."""
    return _ended(mail, MailState.SUPPRESSED, "address_suppressed")


def joined(mail: M, news: MailNews, provider_id: str) -> M:
    """The mail with one more report; equal to ``mail`` when it says nothing new.

    Shapes: the state never gets weaker; a complaint outweighs a bounce, a bounce a delivery.
    """
    meant = MailState(news.value)
    if RANK[meant] <= RANK[mail.state]:
        return mail
    return replace(
        mail,
        state=meant,
        provider_id=mail.provider_id or provider_id,
        lease_until=None,
        next_at=None,
    )


def is_about(mail: MailDelivery, provider_id: str) -> bool:
    """Whether a report about ``provider_id`` is about this mail.

    It was handed over by us, and under this id if the id is known. A second attempt after one that
    was lost has another id; then either is accepted (S30).
    """
    if mail.attempts == 0:
        return False
    return not mail.provider_id or mail.provider_id == provider_id or mail.attempts > 1


def _ended(mail: M, state: MailState, reason: str) -> M:
    return replace(mail, state=state, reason=reason, lease_until=None, next_at=None)
