"""Do what a company's own systems tell of a card sale: post it, refund it or cancel it (CRD-04).

Events of a queue and rows of a file say the same things and go the same way.
"""

from card_contracts.application.context import Scope
from card_contracts.application.sales import CancelSale, Companions, PostSale, RefundSale
from card_contracts.domain.sale import Sale
from card_contracts.domain.sale_event import SaleEvent, SaleEventKind
from kernel.errors import NotFoundError, Problem


def take_sale(scope: Scope, event: SaleEvent, companions: Companions) -> tuple[Sale, bool]:
    """The sale after the event, and whether ``companions`` were written with it.

    Again is no harm: what was done before changes nothing and writes no companions.
    Raises: NotFoundError("sale_unknown"); what posting, refunding and cancelling raise.
    """
    if event.sale is not None:
        posted = PostSale(scope)(event.sale, companions=companions)
        return posted.sale, posted.created
    known = scope.store.sale_of_document(event.document_no)
    if known is None:
        raise sale_unknown("/document_no")
    if event.kind is SaleEventKind.CANCELLED:
        sale = CancelSale(scope)(known.id, companions)
    else:
        assert event.refund is not None  # noqa: S101  (the edge makes no other)
        sale, _ = RefundSale(scope)(known.id, event.refund, companions=companions)
    return sale, sale.stamp.version != known.stamp.version


def sale_unknown(pointer: str) -> NotFoundError:
    """A refund or cancellation names a document of which no sale was posted."""
    message = "There is no sale of this document."
    problem = Problem(pointer, "not_found", message)
    return NotFoundError("sale_unknown", message, problems=[problem])
