"""E-invoices as a neutral view (REC-01)."""

from typing import Final

from kernel.errors import TooLargeError, UnsupportedMediaTypeError
from reconciliation.domain.e_invoice import MAX_BYTES, EInvoice
from reconciliation.domain.ledger import Direction
from reconciliation.handlers.http.app import (
    BASE,
    app,
    choice_of,
    cursor_scope,
    page_reply,
    position_of,
    use_of,
)
from reconciliation.schemas import invoice_out
from toolkit.entrypoints.http import Reply, Request, etag

_READ: Final = "reconciliation:invoice:read"
_WRITE: Final = "reconciliation:invoice:write"
_INVOICES: Final = f"{BASE}/e-invoices"
_XML: Final = frozenset({"application/xml", "text/xml"})


def _reply(invoice: EInvoice, status: int = 200) -> Reply:
    headers = {"etag": etag(invoice.stamp.version)}
    if status == 201:
        headers["location"] = f"{_INVOICES}/{invoice.id}"
    return Reply(invoice_out(invoice, with_lines=True), status, headers)


@app.api("GET", _INVOICES, permission=_READ)
def list_e_invoices(request: Request) -> Reply:
    """E-invoices, newest first, without their lines."""
    scope = cursor_scope(request, _INVOICES)
    found, following = use_of(request).store.invoice_page(
        limit=request.limit(), after=position_of(request, scope)
    )
    return page_reply([invoice_out(one) for one in found], following, scope)


@app.api("POST", _INVOICES, permission=_WRITE)
def take_e_invoice(request: Request) -> Reply:
    """Take one UBL-TR document, the XML itself as body, up to 1 MiB; ``direction`` says whether the
    company sold or purchased. The same document again answers 200 with what is stored.
    """
    if request.media_type not in _XML:
        raise UnsupportedMediaTypeError(
            "unsupported_media_type", "The body is an XML document: application/xml."
        )
    if len(request.raw_body) > MAX_BYTES:
        raise TooLargeError("too_large", "An e-invoice has at most 1 MiB.")
    direction = choice_of(request, "direction", Direction)
    taken = use_of(request).take_invoice()(request.raw_body, direction)
    return _reply(taken.invoice, 201 if taken.created else 200)


@app.api("GET", f"{_INVOICES}/{{id}}", permission=_READ)
def show_e_invoice(request: Request) -> Reply:
    """One e-invoice with its lines."""
    return _reply(use_of(request).store.invoice(request.id()))
