"""Take e-invoices in: a safe neutral view of the document, once (REC-01)."""

import hashlib
from dataclasses import dataclass

from kernel.errors import ConflictError
from kernel.storing import WriteRefusedError
from reconciliation.application.context import Scope
from reconciliation.domain.e_invoice import EInvoice
from reconciliation.domain.ledger import Direction
from reconciliation.ports import InvoiceReader


@dataclass(frozen=True, slots=True)
class Taken:
    """The stored e-invoice, and whether this call stored it."""

    invoice: EInvoice
    created: bool


class TakeInvoice:
    """Store the neutral view of an electronic document; the same document again changes nothing.

    Raises: ValidationError for what is no such document; ConflictError("document_differs") for
    another document under a UUID that is taken.
    """

    def __init__(self, scope: Scope, reader: InvoiceReader) -> None:
        self._scope = scope
        self._reader = reader

    def __call__(self, content: bytes, direction: Direction) -> Taken:
        view = self._reader.read(content)
        digest = hashlib.sha256(content).hexdigest()
        store = self._scope.store
        known = store.invoice_of(direction, view.uuid)
        if known is not None:
            return _known(known, digest)
        cards = store.counterparties_of(view.other_side(direction).party)
        ids = tuple(sorted(card.id for card in cards))
        unit = store.unit()
        made = unit.add_invoice(EInvoice(self._scope.ids.new(), direction, view, digest, ids))
        try:
            unit.commit()
        except WriteRefusedError:
            winner = store.invoice_of(direction, view.uuid)
            if winner is None:
                raise
            return _known(winner, digest)
        return Taken(made, created=True)


def _known(known: EInvoice, digest: str) -> Taken:
    if known.digest != digest:
        raise ConflictError("document_differs", "Another document has this UUID already.")
    return Taken(known, created=False)
