"""Addresses that a counterparty added itself: nothing is mailed to one before it said yes.

Source: Ba-Bs document, monthly mailing list (*Ba-Bs Aylık Mail Gönderim Aboneliği*) and sending a
PDF to any address; security.md §6 (S27: no open relay, confirmation from the address itself).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.errors import ConflictError
from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp

MAX_CONTACTS: Final = 10
"""With the ten addresses of the books, the first mails of a letter still fit one transaction."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One address. Shapes: ``key`` is the digest under which links name it; ``waits_for`` is the
    letter it gets once it confirmed; ``confirmed_at`` and ``subscribed_at`` are empty before.
    """

    key: str
    email: Email
    added_at: str
    confirmed_at: str = ""
    subscribed_at: str = ""
    wants_subscription: bool = False
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class Contacts:
    """The addresses of one counterparty, in the order they came."""

    counterparty_id: str
    items: tuple[Contact, ...] = ()
    stamp: Stamp = field(default=NEW)

    def get(self, key: str) -> Contact | None:
        """The address with this key."""
        return next((one for one in self.items if one.key == key), None)

    def put(self, contact: Contact) -> Contacts:
        """With this address, in its place. Raises: ConflictError("too_many_addresses")."""
        if self.get(contact.key) is not None:
            items = tuple(contact if one.key == contact.key else one for one in self.items)
            return replace(self, items=items)
        if len(self.items) >= MAX_CONTACTS:
            raise ConflictError("too_many_addresses", f"At most {MAX_CONTACTS} addresses.")
        return replace(self, items=(*self.items, contact))

    def without(self, key: str) -> Contacts:
        """Without this address."""
        return replace(self, items=tuple(one for one in self.items if one.key != key))

    def subscribers(self) -> tuple[Email, ...]:
        """Who gets the letter of every month."""
        return tuple(one.email for one in self.items if one.confirmed_at and one.subscribed_at)


def is_own(email: Email, addresses: Iterable[Email]) -> bool:
    """Whether the books name this address already; case makes no difference."""
    text = email.reveal("compare addresses").lower()
    return any(one.reveal("compare addresses").lower() == text for one in addresses)
