"""Send a letter to an address, and the monthly mail: only to who said yes itself (REC-04)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from kernel.errors import ConflictError, NotFoundError, ParseError, Problem, ValidationError
from kernel.parsing import format_instant
from kernel.sensitive import Email, Secret
from kernel.storing import WriteRefusedError
from reconciliation.application.context import TRIES, Scope
from reconciliation.application.letters import asked_now, queue_mail
from reconciliation.application.portal_entry import link_invalid
from reconciliation.application.portal_mails import ask_mail
from reconciliation.domain.contact import Contact, Contacts, is_own
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.letter import Letter
from reconciliation.domain.portal_mail import PortalMailKind
from reconciliation.ports import Digest, ReconciliationUnit, SubscriptionTokens, Throttle

PER_DAY: Final = 20
"""Mails one counterparty may ask for in a day."""
_DAY: Final = 86_400


def address_key(digest: Digest, email: Email) -> str:
    """Digest under which links name an address."""
    return digest(email.reveal("name a subscription").lower())


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a counterparty asks to be mailed, and to whom."""

    scope: Scope
    digest: Digest
    throttle: Throttle

    def send_letter(self, card: Counterparty, letter: Letter, typed: str) -> bool:
        """Mail the letter; False when the address has to confirm first.

        Raises: ValidationError; ConflictError("too_many_addresses" | "letter_closed");
        TooManyRequestsError above twenty mails a day.
        """
        email = self._address(card, typed)
        known = self.scope.store.contacts(card.id).get(address_key(self.digest, email))
        if is_own(email, card.fields.emails) or (known is not None and known.confirmed_at):
            unit = self.scope.store.unit()
            self._order(unit, card.id, letter.id, address_key(self.digest, email))
            unit.commit()
            return True
        self._ask(card, email, waits_for=letter.id)
        return False

    def subscribe(self, card: Counterparty, typed: str) -> bool:
        """Order the monthly mail; False when the address has to confirm first.

        Raises: like ``send_letter``.
        """
        email = self._address(card, typed)
        key = address_key(self.digest, email)

        def change(contacts: Contacts, unit: ReconciliationUnit) -> Contacts:
            now = format_instant(self.scope.clock.now())
            known = contacts.get(key)
            own = is_own(email, card.fields.emails)
            if own or (known is not None and known.confirmed_at):
                base = known or Contact(key, email, now, confirmed_at=now)
                return contacts.put(replace(base, subscribed_at=now, wants_subscription=True))
            base = known or Contact(key, email, now)
            self._confirm(card, unit, email, key)
            return contacts.put(replace(base, wants_subscription=True))

        after = _change(self.scope, card.id, "portal_contacts.subscription_asked", change)
        found = after.get(key)
        return found is not None and bool(found.subscribed_at)

    def unsubscribe(self, counterparty_id: str, key: str) -> None:
        """End the monthly mail to an address; asking again changes nothing."""
        if self.scope.store.contacts(counterparty_id).get(key) is None:
            return

        def change(contacts: Contacts, _unit: ReconciliationUnit) -> Contacts:
            known = contacts.get(key)
            if known is None:
                return contacts
            return contacts.put(replace(known, subscribed_at="", wants_subscription=False))

        _change(self.scope, counterparty_id, "portal_contacts.unsubscribed", change)

    def remove(self, counterparty_id: str, key: str) -> None:
        """Forget an address."""
        _change(
            self.scope,
            counterparty_id,
            "portal_contacts.removed",
            lambda contacts, _unit: contacts.without(key),
        )

    def confirm(self, card: Counterparty, key: str) -> None:
        """The address says yes: what it waits for leaves. Raises: NotFoundError."""

        def change(contacts: Contacts, unit: ReconciliationUnit) -> Contacts:
            known = contacts.get(key)
            if known is None:
                raise link_invalid()
            if known.waits_for:
                self._order(unit, card.id, known.waits_for, key)
            now = format_instant(self.scope.clock.now())
            return contacts.put(
                replace(
                    known,
                    confirmed_at=known.confirmed_at or now,
                    subscribed_at=now if known.wants_subscription else known.subscribed_at,
                    waits_for="",
                )
            )

        _change(self.scope, card.id, "portal_contacts.confirmed", change)

    # ------------------------------------------------------------------ parts

    def _address(self, card: Counterparty, typed: str) -> Email:
        try:
            email = Email(typed.strip())
        except ParseError as error:
            problem = Problem("/email", error.code.lower(), error.message)
            raise ValidationError(
                "invalid_input", "Some fields are wrong.", problems=[problem]
            ) from None
        self.throttle.hit("portal-mail", card.id, limit=PER_DAY, window_seconds=_DAY)
        return email

    def _ask(self, card: Counterparty, email: Email, *, waits_for: str) -> None:
        key = address_key(self.digest, email)

        def change(contacts: Contacts, unit: ReconciliationUnit) -> Contacts:
            now = format_instant(self.scope.clock.now())
            base = contacts.get(key) or Contact(key, email, now)
            self._confirm(card, unit, email, key)
            return contacts.put(replace(base, waits_for=waits_for))

        _change(self.scope, card.id, "portal_contacts.added", change)

    def _confirm(
        self, card: Counterparty, unit: ReconciliationUnit, email: Email, key: str
    ) -> None:
        # A form sent twice within a day asks the address once.
        day = self.scope.today().isoformat()
        kind = PortalMailKind.CONFIRM
        if self.scope.store.portal_mail(
            self.scope.store.portal_mail_id(kind, card.id, f"{key}/{day}", email)
        ):
            return
        ask_mail(self.scope, unit, card, kind, email, key, once=day)

    def _order(
        self, unit: ReconciliationUnit, counterparty_id: str, letter_id: str, key: str
    ) -> None:
        """Ask the worker for a copy: the door of counterparties may write no letter."""
        wish = {"counterparty_id": counterparty_id, "letter_id": letter_id, "address": key}
        # The day of the wish, so that a message that comes again after midnight asks for no second.
        day = self.scope.today().isoformat().replace("-", "")
        unit.enqueue("portal", {"act": "copy_letter", **wish, "day": day})


@dataclass(frozen=True, slots=True)
class CopyLetter:
    """Queue the copy of a letter that a counterparty asked for, at most one a day and address."""

    scope: Scope
    digest: Digest

    def __call__(self, letter_id: str, counterparty_id: str, key: str, day: str) -> None:
        """Idempotent for one ``day`` (yyyymmdd); an address that is gone or took its consent back
        gets nothing.

        Raises: NotFoundError; ConflictError("too_much_contention").
        """
        store = self.scope.store
        card = store.counterparty(counterparty_id)
        own = {address_key(self.digest, email): email for email in card.fields.emails}
        contact = store.contacts(card.id).get(key)
        email = own.get(key) or (contact.email if contact and contact.confirmed_at else None)
        if email is None:
            return
        kind = f"copy-{day}"
        for _ in range(TRIES):
            letter = store.letter(letter_id)
            if card.id not in (letter.counterparty_id, *letter.cards):
                raise NotFoundError("not_found", "There is no such item.")
            if store.letter_mail_id(letter.id, kind, email) in letter.mails:
                return
            unit = store.unit()
            asked = asked_now(self.scope, store.mailing_settings(), automatic=False)
            after = queue_mail(self.scope, unit, letter, email, kind, asked)
            unit.save_letter(letter, after, "letter.copy_asked", {"kind": kind})
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            return
        raise _contention()


@dataclass(frozen=True, slots=True)
class OpenConfirmation:
    """What a link of a confirmation or of a subscription names; opening it changes nothing."""

    tokens: SubscriptionTokens

    def __call__(self, token: Secret) -> tuple[str, str, str]:
        """Tenant, counterparty and key of the address. Raises: NotFoundError."""
        read = self.tokens.read(token.reveal("open a confirmation"))
        if read is None:
            raise link_invalid()
        return read


Change = Callable[[Contacts, ReconciliationUnit], Contacts]


def _change(scope: Scope, counterparty_id: str, action: str, change: Change) -> Contacts:
    """Read, change, write; again when somebody was quicker."""
    for _ in range(TRIES):
        before = scope.store.contacts(counterparty_id)
        unit = scope.store.unit()
        after = change(before, unit)
        if after.items == before.items:
            return before
        saved = unit.save_contacts(before, after, action)
        try:
            unit.commit()
        except WriteRefusedError:
            continue
        return saved
    raise _contention()


def _contention() -> ConflictError:
    return ConflictError("too_much_contention", "Others keep changing the same.")
