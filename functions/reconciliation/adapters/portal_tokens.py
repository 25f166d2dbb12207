"""Texts that lead a counterparty in: invitations, user names."""

import secrets
from collections.abc import Callable
from typing import Final

from kernel.ids import is_id
from reconciliation.domain.access import ALPHABET, USER_NAME_LENGTH, PortalAccess
from toolkit.sealed_tokens import SealedTokens

_PURPOSE: Final = "reconciliation-invitation"
LETTER: Final = "reconciliation-letter"
SUBSCRIPTION: Final = "reconciliation-subscription"


class SealedInvitations:
    """``InvitationTokens``: tenant, counterparty and generation under a keyed tag.

    When an invitation ends stands on the access it speaks of, so a link cannot outlive it.
    """

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._key = key

    def token(self, tenant_id: str, access: PortalAccess) -> str:
        tokens = SealedTokens(self._key(), _PURPOSE)
        return tokens.seal(tenant_id, access.counterparty_id, str(access.generation))

    def read(self, token: str) -> tuple[str, str, int] | None:
        parts = SealedTokens(self._key(), _PURPOSE).open(token)
        if parts is None:
            return None
        tenant_id, counterparty_id, generation = parts
        return (
            (tenant_id, counterparty_id, int(generation))
            if is_id(tenant_id) and is_id(counterparty_id)
            else None
        )


class SealedTriples:
    """``LetterTokens`` and ``SubscriptionTokens``: tenant and two more parts under a keyed tag.

    Until when a page acts stands on what it is about, so a link cannot outlive it.
    """

    def __init__(self, key: Callable[[], bytes], purpose: str) -> None:
        self._key = key
        self._purpose = purpose

    def token(self, tenant_id: str, first: str, second: str, /) -> str:
        return SealedTokens(self._key(), self._purpose).seal(tenant_id, first, second)

    def read(self, token: str) -> tuple[str, str, str] | None:
        parts = SealedTokens(self._key(), self._purpose).open(token)
        if parts is None:
            return None
        tenant_id, first, second = parts
        return tenant_id, first, second


class RandomUserNames:
    """``UserNames``: twelve characters, about 58 random bits."""

    def new(self) -> str:
        return "".join(secrets.choice(ALPHABET) for _ in range(USER_NAME_LENGTH))
