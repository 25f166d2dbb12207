"""Mails of the portal: invitations, confirmations of addresses, our statement after a disagreement.

Letters and their copies are mails of letters; these are all the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kernel.mail_delivery import MailDelivery
from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp


class PortalMailKind(StrEnum):
    """What a mail is about, and what its ``ref`` names.

    ``INVITATION``: the generation of the access; ``CONFIRM``: the key of the address;
    ``STATEMENT``: the letter that was not agreed to.
    """

    INVITATION = "invitation"
    CONFIRM = "confirm"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class PortalMail(MailDelivery):
    """One mail to one address.

    Shapes: its id is made of kind, counterparty, ``ref``, ``once`` and address, so the same mail
    cannot be there twice; ``note`` is what a person wrote who decided about it.
    """

    id: str
    kind: PortalMailKind
    counterparty_id: str
    ref: str
    to: Email
    language: str
    asked_at: str
    sent_at: str = ""
    note: str = field(default="", repr=False)
    stamp: Stamp = NEW
