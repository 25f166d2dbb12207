"""A mail with a code to a customer: a transmission with one line (reliability.md)."""

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
    """Where a mail stands. ``UNKNOWN``: handed over perhaps; only a person sends it again."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


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
