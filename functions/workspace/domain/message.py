"""Mails we send and what became of them.

A message is a transmission with one line (reliability.md): claimed, sent once, committed. News of
its fate arrives in any order and more than once; the state is the join of all of it, so nothing is
ever overwritten by something weaker (L6, I-21).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.mail_delivery import MailNews
from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp

LEASE_MARGIN: Final = timedelta(seconds=5)
SETTLE: Final = timedelta(hours=1)
"""How long news of a mail may take before a lost one is sent a second time (L4)."""
MAX_ATTEMPTS: Final = 2
_BACKOFF: Final = timedelta(seconds=30)
_MAX_BACKOFF: Final = timedelta(hours=6)


class MessageKind(StrEnum):
    """What the mail says; the words are templates."""

    INVITATION = "invitation"
    ACTIVATION = "activation"
    PASSWORD_RESET = "password_reset"  # noqa: S105  (a kind of mail, not a password)
    SIGN_IN_CODE = "sign_in_code"
    CREDENTIALS_REFUSED = "credentials_refused"
    SIGNUP_REJECTED = "signup_rejected"
    TASK = "task"
    SUPPORT_ACCESS = "support_access"


class MessageState(StrEnum):
    """Where a mail stands. ``UNKNOWN``: handed over perhaps; we wait for news before anything.
    ``WITHDRAWN``: what it was about had ended before it left.
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
    WITHDRAWN = "withdrawn"


_RANK: Final[Mapping[MessageState, int]] = {
    MessageState.QUEUED: 0,
    MessageState.SENDING: 1,
    MessageState.UNKNOWN: 2,
    MessageState.WITHDRAWN: 3,
    MessageState.SUPPRESSED: 4,
    MessageState.SENT: 5,
    # The service may take a mail and refuse it afterwards (a virus, for example).
    MessageState.REFUSED: 6,
    MessageState.DELIVERED: 7,
    MessageState.BOUNCED: 8,
    MessageState.COMPLAINED: 9,
}
_MEANING: Final[Mapping[MailNews, MessageState]] = {
    MailNews.SENT: MessageState.SENT,
    MailNews.DELIVERED: MessageState.DELIVERED,
    # Only what was delivered can be opened, even if the delivery's own news is still under way.
    MailNews.OPENED: MessageState.DELIVERED,
    MailNews.BOUNCED: MessageState.BOUNCED,
    MailNews.COMPLAINED: MessageState.COMPLAINED,
    MailNews.REFUSED: MessageState.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person.

    Units: ``lease_until`` and ``next_at`` are instants. Shapes: ``tenant_id`` is empty for a mail
    that is no company's business (password reset); ``params`` holds ids and codes only; ``to`` is
    set when the mail is claimed, from the address the person has at that moment.
    """

    id: str
    tenant_id: str
    kind: MessageKind
    person_id: str
    language: str
    params: Mapping[str, str] = field(default_factory=dict)
    state: MessageState = MessageState.QUEUED
    to: Email | None = None
    attempts: int = 0
    attempt_id: str = ""
    lease_until: datetime | None = None
    next_at: datetime | None = None
    provider_id: str = ""
    code: str = ""
    sent_at: str = ""
    opened: bool = False
    stamp: Stamp = NEW

    @property
    def in_flight(self) -> bool:
        """Neither handed over nor given up."""
        return self.state in (MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN)


def claimed(
    message: Message, attempt_id: str, to: Email, language: str, lease_until: datetime
) -> Message:
    """The message in the hands of one attempt until the lease ends; address and language of now."""
    return replace(
        message,
        state=MessageState.SENDING,
        to=to,
        language=language,
        attempts=message.attempts + 1,
        attempt_id=attempt_id,
        lease_until=lease_until,
        next_at=lease_until,
        code="",
    )


def handed_over(message: Message, provider_id: str, at: str) -> Message:
    """The mail service took it."""
    return replace(
        message,
        state=MessageState.SENT,
        provider_id=provider_id,
        sent_at=at,
        lease_until=None,
        next_at=None,
    )


def not_sent(message: Message, code: str, now: datetime) -> Message:
    """Nothing left this house: queued again, later each time."""
    wait = min(_MAX_BACKOFF, _BACKOFF * 2 ** min(message.attempts, 10))
    return replace(
        message,
        state=MessageState.QUEUED,
        # An attempt that sent nothing does not use up the one resend of a lost mail.
        attempts=max(0, message.attempts - 1),
        code=code,
        lease_until=None,
        next_at=now + wait,
    )


def refused(message: Message, code: str) -> Message:
    """The mail service will not take it; repeating would not help."""
    return replace(message, state=MessageState.REFUSED, code=code, lease_until=None, next_at=None)


def suppressed(message: Message, to: Email) -> Message:
    """The address bounced or complained before; nothing is sent to it."""
    return replace(message, state=MessageState.SUPPRESSED, to=to, lease_until=None, next_at=None)


def withdrawn(message: Message, code: str) -> Message:
    """It has nothing to say any more; nothing left this house."""
    return replace(message, state=MessageState.WITHDRAWN, code=code, lease_until=None, next_at=None)


def lost_sight_of(message: Message, code: str, now: datetime) -> Message:
    """Handed over perhaps: unknown until news arrives or the settling time is over."""
    return replace(
        message,
        state=MessageState.UNKNOWN,
        code=code,
        lease_until=None,
        next_at=now + SETTLE,
    )


def again(message: Message) -> Message:
    """The one allowed resend of a mail of which nothing was heard."""
    return replace(message, state=MessageState.QUEUED, next_at=None, lease_until=None)


def given_up(message: Message) -> Message:
    """Still unknown, and nobody will try by himself: an incident owns it now."""
    return replace(message, next_at=None, lease_until=None)


def joined(message: Message, news: MailNews, provider_id: str, at: str) -> Message:
    """The message with one more piece of news; equal to ``message`` when it says nothing new.

    Shapes: the state never gets weaker; a complaint outweighs a bounce, a bounce a delivery.
    """
    meant = _MEANING[news]
    state = meant if _RANK[meant] > _RANK[message.state] else message.state
    settled = state not in (MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN)
    return replace(
        message,
        state=state,
        provider_id=message.provider_id or provider_id,
        sent_at=message.sent_at or at,
        opened=message.opened or news is MailNews.OPENED,
        lease_until=None if settled else message.lease_until,
        next_at=None if settled else message.next_at,
    )
