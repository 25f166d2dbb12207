"""The page of one letter, without an account: whoever holds its link sees this letter only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.clock import Clock
from kernel.errors import NotFoundError
from kernel.sensitive import Secret
from reconciliation.application.portal_entry import Guest, Stores, StoresOf, link_invalid
from reconciliation.domain.access import AccessState
from reconciliation.domain.letter import Letter
from reconciliation.domain.visit import Visit
from reconciliation.ports import LetterTokens

SHOWN_AFTER: Final = timedelta(days=30)
"""How long a page still shows its letter after the time for an answer."""


@dataclass(frozen=True, slots=True)
class OpenedLetter:
    """A letter and who holds its link."""

    guest: Guest
    letter: Letter


@dataclass(frozen=True, slots=True)
class OpenLetter:
    """Reads the letter behind a link and labels the visit; opening it changes nothing."""

    tokens: LetterTokens
    stores_of: StoresOf
    clock: Clock

    def __call__(
        self, token: Secret, judge: Callable[[Letter], Visit] | None = None
    ) -> OpenedLetter:
        """Raises: NotFoundError("portal_link_invalid"), whatever the reason."""
        read = self.tokens.read(token.reveal("open a letter"))
        if read is None:
            raise link_invalid()
        tenant_id, letter_id, counterparty_id = read
        stores = self.stores_of(tenant_id, f"counterparty:{counterparty_id}")
        access = stores.access.access(counterparty_id)
        if access is None or access.state is AccessState.REVOKED:
            raise link_invalid()
        try:
            letter = stores.books.letter(letter_id)
            counterparty = stores.books.counterparty(counterparty_id)
        except NotFoundError:
            raise link_invalid() from None
        if letter.counterparty_id != counterparty_id or self._is_over(letter, stores):
            raise link_invalid()
        if judge is not None:
            stores.access.note_visit(f"letter:{letter_id}", judge(letter))
        return OpenedLetter(Guest(tenant_id, counterparty, access), letter)

    def _is_over(self, letter: Letter, stores: Stores) -> bool:
        """Whether the link outlived its purpose: the time for an answer, and a month to look."""
        start = datetime.fromisoformat(letter.sent_at or letter.edition.made_at)
        days = timedelta(days=stores.books.mailing_settings().answer_days)
        return self.clock.now() > start + days + SHOWN_AFTER
