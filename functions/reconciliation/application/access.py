"""Access of counterparties to the portal: prepared for each card, invited, shut out (REC-03)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.errors import ConflictError
from kernel.links import Links
from kernel.sensitive import Email
from kernel.storing import WriteRefusedError
from reconciliation.application.context import TRIES
from reconciliation.domain.access import RENEWED_BEFORE, AccessState, PortalAccess
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.letter import Letter
from reconciliation.ports import (
    AccessLink,
    AccessStore,
    Digest,
    InvitationTokens,
    LetterTokens,
    SubscriptionTokens,
    UserNames,
)

TOGETHER: Final = 20
"""Accesses of one transaction: four writes each."""
SIGN_IN: Final = "/portal/sign-in"


@dataclass(frozen=True, slots=True)
class PrepareAccess:
    """Give account cards their access; who has one keeps it, however often this runs."""

    store: AccessStore
    names: UserNames

    def __call__(self, counterparty_ids: Iterable[str]) -> int:
        """How many were new. Raises: ConflictError("too_much_contention")."""
        return sum(self._some(chunk) for chunk in _chunks(list(dict.fromkeys(counterparty_ids))))

    def _some(self, ids: Sequence[str]) -> int:
        for _ in range(TRIES):
            known = self.store.accesses(ids)
            new = [PortalAccess(one, self.names.new()) for one in ids if one not in known]
            if not new:
                return 0
            try:
                self.store.add(new)
            except WriteRefusedError:
                continue
            return len(new)
        raise _contention()


@dataclass(frozen=True, slots=True)
class GiveLink:
    """The invitation of a new counterparty, the sign-in page of a known one."""

    tenant_id: str
    store: AccessStore
    prepare: PrepareAccess
    tokens: InvitationTokens
    links: Links
    clock: Clock

    def link_for(self, counterparty: Counterparty) -> AccessLink:
        """The way in; asking again while an invitation is good for a day or more changes nothing.

        Raises: ConflictError("access_revoked") for a counterparty that was shut out.
        """
        for _ in range(TRIES):
            access = self._access(counterparty.id)
            if access.state is AccessState.REVOKED:
                raise ConflictError("access_revoked", "This counterparty was shut out.")
            if access.state is AccessState.ACTIVE:
                url = self.links.to(SIGN_IN, user=access.user_name)
                return AccessLink(url, access.user_name, is_invitation=False)
            now = self.clock.now()
            if not access.has_open_invitation(now, RENEWED_BEFORE):
                try:
                    access = self.store.save(
                        access, access.invited(now), "portal_access.invited", {"by": "mail"}
                    )
                except WriteRefusedError:
                    continue
            return self._invitation(access)
        raise _contention()

    def invite(self, counterparty: Counterparty, by: str) -> AccessLink:
        """A new invitation whatever there was, also for somebody who forgot the password.

        Earlier links end; the password of an active access works until a new one is chosen.
        """
        for _ in range(TRIES):
            access = self._access(counterparty.id)
            try:
                after = access.invited(self.clock.now())
                return self._invitation(
                    self.store.save(access, after, "portal_access.invited", {"by": by})
                )
            except WriteRefusedError:
                continue
        raise _contention()

    def entrance(self, counterparty: Counterparty) -> str:
        """Address for a mail; empty for a counterparty that was shut out."""
        try:
            return self.link_for(counterparty).url
        except ConflictError as error:
            if error.code == "access_revoked":
                return ""
            raise

    def current(self, counterparty_id: str, generation: int) -> AccessLink | None:
        """The link of one invitation, as it was given; None when another one took its place."""
        access = self.store.access(counterparty_id)
        if access is None or access.generation != generation:
            return None
        return self._invitation(access) if access.has_open_invitation(self.clock.now()) else None

    def _access(self, counterparty_id: str) -> PortalAccess:
        access = self.store.access(counterparty_id)
        if access is None:
            self.prepare([counterparty_id])
            access = self.store.access(counterparty_id)
        if access is None:
            raise _contention()
        return access

    def _invitation(self, access: PortalAccess) -> AccessLink:
        token = self.tokens.token(self.tenant_id, access)
        url = self.links.to(f"/portal/invitations/{token}")
        return AccessLink(url, access.user_name, True, access.invited_until)


@dataclass(frozen=True, slots=True)
class LinkMaker:
    """``AccessLinks``: the page of a letter, or the counterparty's own entrance."""

    tenant_id: str
    give: GiveLink
    tokens: LetterTokens
    subscriptions: SubscriptionTokens
    digest: Digest
    links: Links

    def link_for(self, counterparty: Counterparty, letter: Letter | None = None) -> str:
        """See the port."""
        if letter is None:
            return self.give.entrance(counterparty)
        token = self.tokens.token(self.tenant_id, letter.id, counterparty.id)
        return self.links.to(f"/r/{token}")

    def confirm_for(self, counterparty: Counterparty, key: str) -> str:
        """Address on which an address says that it wants mails."""
        token = self.subscriptions.token(self.tenant_id, counterparty.id, key)
        return self.links.to(f"/portal/confirmations/{token}")

    def unsubscribe_for(self, counterparty: Counterparty, email: Email) -> str:
        """See the port."""
        address = self.digest(email.reveal("name a subscription").lower())
        token = self.subscriptions.token(self.tenant_id, counterparty.id, address)
        return self.links.to(f"/portal/subscriptions/{token}")


@dataclass(frozen=True, slots=True)
class RevokeAccess:
    """Shut a counterparty out: its links, its password and its open sessions are worthless."""

    store: AccessStore
    read: Callable[[str], Counterparty]

    def __call__(self, counterparty_id: str) -> PortalAccess | None:
        """Raises: NotFoundError; ConflictError("too_much_contention")."""
        self.read(counterparty_id)
        for _ in range(TRIES):
            access = self.store.access(counterparty_id)
            if access is None or access.state is AccessState.REVOKED:
                return access
            try:
                return self.store.save(access, access.revoked(), "portal_access.revoked", {})
            except WriteRefusedError:
                continue
        raise _contention()


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + TOGETHER] for start in range(0, len(ids), TOGETHER))


def _contention() -> ConflictError:
    return ConflictError("too_much_contention", "Others keep changing this access.")
