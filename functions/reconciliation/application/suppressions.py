"""Addresses of a counterparty that get nothing, and the way back: a person, with a reason (REC-07).

An address was silenced because it bounced or complained. Only who knows better, because the other
side said so, may write to it again; who did it and why is kept.
"""

from kernel.errors import NotFoundError
from reconciliation.application.context import Scope
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.suppression import Suppression


class ListSilenced:
    """Silenced addresses of an account card, and those the counterparty added itself."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, card: Counterparty) -> list[Suppression]:
        contacts = self._scope.store.contacts(card.id)
        added = (one.email for one in contacts.items)
        known = {email.reveal("compare").lower(): email for email in added}
        known |= {email.reveal("compare").lower(): email for email in card.fields.emails}
        return self._scope.store.suppressions(known.values())


class LiftSuppression:
    """Let mails through to an address again.

    Raises: NotFoundError for an unknown card, or an address that is none of its silenced ones;
    ConflictError("stale_version") when somebody changed the card just now.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, counterparty_id: str, address: str, note: str) -> Counterparty:
        """``note`` says why: who told that the address works, or wants letters again."""
        store = self._scope.store
        card = store.counterparty(counterparty_id)
        wanted = address.strip().lower()
        for found in ListSilenced(self._scope)(card):
            if found.email.reveal("compare").lower() == wanted:
                break
        else:
            raise NotFoundError("not_found", "There is no such item.")
        unit = store.unit()
        unit.lift_suppression(found, note)
        # The card itself says in its history who did this; what it holds stays as it is.
        saved = unit.save_counterparty(card, card, "counterparty.address_released")
        self._scope.commit(unit)
        return saved
