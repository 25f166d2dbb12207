"""Mails whose fate only a person can tell: nobody knows whether they left, or nothing may be sent.

The mail service has no way to be asked, and a mail is repeated once at most by itself. What a
person finds out is written down with where it comes from, and may still be outdone by a report.
Source: reliability.md §3 (UNKNOWN is a visible state), L4.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from kernel.errors import ConflictError
from kernel.mail_delivery import MailDelivery, MailState, withdrawn

AGAIN: Final = timedelta(minutes=10)
"""After this time the sweep gives a mail that waits its message again."""
MAX_NOTE: Final = 500


class Decision(StrEnum):
    """What a person found out or wants.

    ``ARRIVED``: the counterparty has it. ``SEND_AGAIN``: it has not, and is to get it.
    ``GIVEN_UP``: it has not, and need not.
    """

    ARRIVED = "arrived"
    SEND_AGAIN = "send_again"
    GIVEN_UP = "given_up"


M = TypeVar("M", bound=MailDelivery)


def waits_for_person(mail: MailDelivery) -> bool:
    """Whether its fate is unknown for good: no report came and no repetition is left."""
    return mail.state is MailState.UNKNOWN and mail.next_at is None


def can_be_decided(mail: MailDelivery) -> bool:
    """Whether a person may say what becomes of it."""
    return waits_for_person(mail) or mail.state is MailState.SUPPRESSED


def decided(mail: M, decision: Decision, now: datetime) -> M:
    """The mail after a person decided.

    Raises: ConflictError("mail_settled") when there is nothing to decide, or somebody says that a
    mail arrived which was never sent.
    """
    never_left = mail.state is MailState.SUPPRESSED
    if not can_be_decided(mail) or (never_left and decision is Decision.ARRIVED):
        raise ConflictError("mail_settled", "There is nothing to decide about this mail any more.")
    if decision is Decision.ARRIVED:
        return replace(mail, state=MailState.SENT, reason="told_by_person")
    if decision is Decision.GIVEN_UP:
        return withdrawn(mail, "given_up")
    return replace(mail, state=MailState.QUEUED, reason="", next_at=now + AGAIN)
