"""Users of the portal: who was invited, who came, who cannot be reached (REC-03).

The source document's report shows links and passwords. This one shows neither: whoever could read
them would be every counterparty. It says how far each one came, and what to do about it.
Source: Ba-Bs document, user report; security.md §6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import ConflictError
from kernel.storing import Position, WriteRefusedError
from kernel.text import fold
from reconciliation.application.access import PrepareAccess
from reconciliation.application.context import TRIES, Scope
from reconciliation.application.portal_entry import opened
from reconciliation.application.portal_mails import ask_mail
from reconciliation.domain.access import AccessState, PortalAccess
from reconciliation.domain.contact import Contact
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.portal_mail import PortalMailKind
from reconciliation.ports import AccessStore

_PAGE: Final = 100


class UserState(StrEnum):
    """How far a counterparty came.

    ``NO_ADDRESS``: it cannot be invited; ``INVITED``: nobody opened the link yet, machines apart;
    ``OPENED``: a person did; ``EXPIRED``: the invitation ran out before a password was chosen.
    """

    NO_ADDRESS = "no_address"
    PREPARED = "prepared"
    INVITED = "invited"
    OPENED = "opened"
    EXPIRED = "expired"
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class PortalUser:
    """One row of the report; there is no link and no password in it."""

    counterparty: Counterparty
    state: UserState
    user_name: str
    invited_until: datetime | None
    last_seen_at: datetime | None
    addresses: int
    own_addresses: int
    subscriptions: int


class ListUsers:
    """The report, page by page; narrowing goes on until a page is full."""

    def __init__(self, scope: Scope, access: AccessStore) -> None:
        self._scope = scope
        self._access = access

    def __call__(
        self, *, text: str = "", state: str = "", limit: int, after: Position | None
    ) -> tuple[list[PortalUser], Position | None]:
        """By code or title, and how far they came."""
        found: list[PortalUser] = []
        wanted = fold(text)
        while True:
            size = min(limit - len(found), _PAGE)
            cards, after = self._scope.store.counterparty_page(limit=size, after=after)
            named = [
                card
                for card in cards
                if wanted in fold(card.fields.title) or wanted in fold(card.fields.code)
            ]
            accesses = self._access.accesses([card.id for card in named])
            users = (self._user(card, accesses.get(card.id)) for card in named)
            found += [user for user in users if state in ("", user.state.value)]
            if after is None or len(found) >= limit:
                return found, after

    def _user(self, card: Counterparty, access: PortalAccess | None) -> PortalUser:
        contacts = self._scope.store.contacts(card.id)
        return PortalUser(
            card,
            self._state(card, access),
            access.user_name if access else "",
            access.invited_until if access else None,
            access.last_seen_at if access else None,
            len(card.fields.emails),
            len(contacts.items),
            len(contacts.subscribers()),
        )

    def _state(self, card: Counterparty, access: PortalAccess | None) -> UserState:
        if access is not None and access.state is AccessState.REVOKED:
            return UserState.REVOKED
        if access is not None and access.state is AccessState.ACTIVE:
            return UserState.ACTIVE
        if not card.reachable:
            return UserState.NO_ADDRESS
        if access is None or access.state is AccessState.PREPARED:
            return UserState.PREPARED
        if not access.has_open_invitation(self._scope.clock.now()):
            return UserState.EXPIRED
        seen = opened(self._access.visits(f"access:{card.id}"))
        return UserState.OPENED if seen else UserState.INVITED


class ListSubscriptions:
    """Addresses that counterparties added themselves, counterparty by counterparty (REC-07)."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[tuple[Counterparty, Contact]], Position | None]:
        """A page ends with the hundred counterparties that brought it to ``limit`` addresses."""
        store = self._scope.store
        found: list[tuple[Counterparty, Contact]] = []
        while True:
            cards, after = store.counterparty_page(limit=_PAGE, after=after)
            known = store.contacts_of([card.id for card in cards])
            found += [
                (card, one)
                for card in cards
                if (contacts := known.get(card.id)) is not None
                for one in contacts.items
            ]
            if after is None or len(found) >= limit:
                return found, after


class Invite:
    """Mail an invitation, also to who forgot its password; earlier links end.

    Raises: NotFoundError; ConflictError("no_address" | "access_revoked" | "too_much_contention").
    """

    def __init__(self, scope: Scope, access: AccessStore, prepare: PrepareAccess) -> None:
        self._scope = scope
        self._access = access
        self._prepare = prepare

    def __call__(self, counterparty_id: str, *, by: str, again: bool = True) -> PortalAccess:
        """``again`` also lets somebody in who was shut out."""
        scope = self._scope
        card = scope.store.counterparty(counterparty_id)
        if not card.reachable:
            raise ConflictError("no_address", "There is no address to mail to.")
        self._prepare([card.id])
        for _ in range(TRIES):
            before = self._access.access(card.id)
            if before is None:
                continue
            if before.state is AccessState.REVOKED and not again:
                raise ConflictError("access_revoked", "This counterparty was shut out.")
            after = before.invited(scope.clock.now())
            unit = scope.store.unit()
            saved = unit.save_access(before, after, "portal_access.invited", {"by": by})
            # The mail names the generation: a later invitation makes it worthless.
            kind = PortalMailKind.INVITATION
            ask_mail(scope, unit, card, kind, card.fields.emails[0], str(saved.generation))
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            return saved
        raise ConflictError("too_much_contention", "Others keep changing this access.")
