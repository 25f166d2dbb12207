"""What the company's own systems tell of a card sale: it was closed, refunded or cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from card_contracts.domain.sale import RefundFields, SaleFields

REFUSED_EVENT: Final = "refused_sale_event"
"""What a signed event is called that could not be taken."""


class SaleEventKind(StrEnum):
    """What happened."""

    CLOSED = "sale.closed"
    REFUNDED = "sale.refunded"
    CANCELLED = "sale.cancelled"


@dataclass(frozen=True, slots=True)
class SaleEvent:
    """One event.

    Shapes: ``sale`` for CLOSED, ``refund`` for REFUNDED; ``document_no`` is the document of the
    sale in every case.
    """

    kind: SaleEventKind
    document_no: str
    sale: SaleFields | None = None
    refund: RefundFields | None = None
