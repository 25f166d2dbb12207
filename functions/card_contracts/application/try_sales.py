"""Try the rows of a file one after another without writing: a file is posted whole or not at all.

A refund or a cancellation may name a sale that stands above it in the same file, so what each row
would make of its sale is kept in memory.
"""

from typing import Final

from card_contracts.application.context import Scope
from card_contracts.application.sales import CancelSale, PostSale, RefundSale
from card_contracts.application.take_sale import sale_unknown
from card_contracts.domain.sale import Sale, refund
from card_contracts.domain.sale_event import SaleEvent, SaleEventKind
from kernel.errors import ConflictError, Problem

_TRIED: Final = "tried"


class TrySales:
    """What the rows of one file would do."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._first: dict[tuple[SaleEventKind, str], int] = {}
        self._drafts: dict[str, Sale] = {}
        self._after: dict[str, Sale] = {}

    def __call__(self, line: int, event: SaleEvent) -> None:
        """Try one row. Raises what taking it would raise, and ConflictError("duplicate_row")."""
        if event.sale is not None:
            self._drafts.setdefault(event.document_no, PostSale(self._scope).draft(event.sale))
        elif event.refund is not None:
            self._refund(event)
        else:
            self._cancel(event)
        own = event.refund.document_no if event.refund is not None else event.document_no
        first = self._first.setdefault((event.kind, own), line)
        if first != line:
            message = f"This document is in row {first} already."
            problem = Problem("/document_no", "duplicate_row", message)
            raise ConflictError("duplicate_row", message, problems=[problem])

    def _sale(self, document_no: str, pointer: str) -> Sale:
        """The sale after the rows before; what is stored counts more than a row that says it."""
        stored = self._scope.store.sale_of_document(document_no)
        if stored is not None and stored.undone:
            stored = None
        found = self._after.get(document_no) or stored or self._drafts.get(document_no)
        if found is None:
            raise sale_unknown(pointer)
        return found

    def _refund(self, event: SaleEvent) -> None:
        assert event.refund is not None  # noqa: S101  (the caller asked)
        sale, asked = self._sale(event.document_no, "/sale_document_no"), event.refund
        known = self._scope.store.refund_of_document(asked.document_no)
        if known is not None:
            RefundSale.same(known, sale.id, asked)
            return
        after, _, _ = refund(
            sale, _TRIED, asked.document_no, asked.refunded_on, asked.amount, asked.returned
        )
        self._after[event.document_no] = after

    def _cancel(self, event: SaleEvent) -> None:
        sale = self._sale(event.document_no, "/document_no")
        self._after[event.document_no] = CancelSale(self._scope).tried(sale)
