"""E-invoices: a neutral view of an electronic document, whatever dialect it came in (REC-01)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from kernel.identifiers.ledger_party import LedgerParty
from kernel.money import Money
from kernel.stamp import NEW, Stamp
from reconciliation.domain.ledger import Direction

MAX_BYTES: Final = 1_048_576
"""Size of a document."""

MAX_LINES: Final = 500
"""Lines of a document that are kept; all are counted."""


@dataclass(frozen=True, slots=True)
class InvoiceParty:
    """One side of an invoice as the document names it."""

    party: LedgerParty
    name: str = field(repr=False)
    tax_office: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line. Units: ``net`` without VAT; ``quantity`` is the text of the document."""

    number: str
    name: str
    quantity: str
    unit: str
    net: Money


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """What everybody needs to know of an e-invoice.

    Units: amounts in the document's currency; ``net`` without VAT, ``payable`` what is to be paid
    (withheld taxes and roundings make it differ from net + VAT). ``uuid`` is the document's own id
    (*ETTN*) in lower case; ``profile`` and ``kind`` are the words of the standard, for example
    ``TICARIFATURA`` and ``SATIS``. ``lines`` are the first 500 of ``line_count``.
    """

    uuid: str
    number: str
    issued_on: date
    profile: str
    kind: str
    supplier: InvoiceParty
    customer: InvoiceParty
    net: Money
    vat: Money
    payable: Money
    lines: tuple[InvoiceLine, ...]
    line_count: int
    notes: tuple[str, ...] = ()

    def other_side(self, direction: Direction) -> InvoiceParty:
        """Whom the company traded with: the customer of a sale, the supplier of a purchase."""
        return self.customer if direction is Direction.SALES else self.supplier


@dataclass(frozen=True, slots=True)
class EInvoice:
    """An e-invoice as it is stored.

    Shapes: ``digest`` is the SHA-256 of the document as it came; ``counterparty_ids`` are the
    account cards with the other side's tax number when it came, possibly none.
    """

    id: str
    direction: Direction
    view: InvoiceView
    digest: str
    counterparty_ids: tuple[str, ...] = ()
    stamp: Stamp = NEW
