"""A mail with a code to a customer: a transmission with one line (reliability.md).

Reports of its fate arrive in any order and more than once; the state is the join of all of them, so
nothing is ever overwritten by something weaker (L6, I-21).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp

LEASE_MARGIN: Final = timedelta(seconds=5)
_BACKOFF: Final = timedelta(seconds=30)
_MAX_BACKOFF: Final = timedelta(hours=6)


class MailState(StrEnum):
    """Where a mail stands.

    ``UNKNOWN``: handed over perhaps; a report tells, or a person sends it again. ``SUPPRESSED``:
    the address bounced or complained before, so nothing was sent.
    """

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REFUSED = "refused"
    SUPPRESSED = "suppressed"


class MailNews(StrEnum):
    """What the mail service reports of a mail."""

    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REFUSED = "refused"


_RANK: Final[Mapping[MailState, int]] = {
    MailState.QUEUED: 0,
    MailState.SENDING: 1,
    MailState.UNKNOWN: 2,
    MailState.SUPPRESSED: 3,
    MailState.SENT: 4,
    # The service may take a mail and refuse it afterwards (a virus, for example).
    MailState.REFUSED: 5,
    MailState.DELIVERED: 6,
    MailState.BOUNCED: 7,
    MailState.COMPLAINED: 8,
}


@dataclass(frozen=True, slots=True)
class CodeMail:
    """One mail with one code; the address is the one it was asked for."""

    id: str
    code_id: str
    to: Email
    language: str
    state: MailState = MailState.QUEUED
    attempt_id: str = ""
    attempts: int = 0
    lease_until: datetime | None = None
    next_at: datetime | None = None
    provider_id: str = ""
    reason: str = ""
    stamp: Stamp = NEW


def claimed(mail: CodeMail, attempt_id: str, lease_until: datetime) -> CodeMail:
    """The mail in the hands of one attempt until the lease ends."""
    return replace(
        mail,
        state=MailState.SENDING,
        attempt_id=attempt_id,
        attempts=mail.attempts + 1,
        lease_until=lease_until,
        next_at=lease_until,
    )


def handed_over(mail: CodeMail, provider_id: str) -> CodeMail:
    """The mail service took it."""
    return replace(
        mail, state=MailState.SENT, provider_id=provider_id, lease_until=None, next_at=None
    )


def refused(mail: CodeMail, reason: str) -> CodeMail:
    """The mail service will not take it."""
    return replace(mail, state=MailState.REFUSED, reason=reason, lease_until=None, next_at=None)


def not_sent(mail: CodeMail, reason: str, now: datetime) -> CodeMail:
    """Nothing left this house: queued again, later each time."""
    wait = min(_MAX_BACKOFF, _BACKOFF * 2 ** min(mail.attempts, 10))
    return replace(
        mail, state=MailState.QUEUED, reason=reason, lease_until=None, next_at=now + wait
    )


def lost_sight_of(mail: CodeMail, reason: str) -> CodeMail:
    """Handed over perhaps. There is no way to ask, so a person decides whether to send again."""
    return replace(mail, state=MailState.UNKNOWN, reason=reason, lease_until=None, next_at=None)


def suppressed(mail: CodeMail) -> CodeMail:
    """Nothing is sent: this address bounced for good or complained before."""
    return replace(
        mail,
        state=MailState.SUPPRESSED,
        reason="address_suppressed",
        lease_until=None,
        next_at=None,
    )


def joined(mail: CodeMail, news: MailNews, provider_id: str) -> CodeMail:
    """The mail with one more report; equal to ``mail`` when it says nothing new.

    Shapes: the state never gets weaker; a complaint outweighs a bounce, a bounce a delivery.
    """
    meant = MailState(news.value)
    if _RANK[meant] <= _RANK[mail.state]:
        return mail
    return replace(
        mail,
        state=meant,
        provider_id=mail.provider_id or provider_id,
        lease_until=None,
        next_at=None,
    )
