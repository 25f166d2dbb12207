"""The secret of signed events of the books, and events that could not be taken (REC-01)."""

from typing import Final

from reconciliation.handlers.http.app import (
    BASE,
    app,
    cursor_scope,
    page_reply,
    position_of,
    use_of,
)
from reconciliation.pages.book_events import stated
from reconciliation.schemas import DismissBookEventIn, refused_event_out
from toolkit.entrypoints.http import Reply, Request
from toolkit.entrypoints.signed_events import members_of

_READ: Final = "reconciliation:ledger:read"
_WRITE: Final = "reconciliation:ledger:write"
_EVENTS: Final = f"{BASE}/book-events/refused"


@app.api("POST", f"{BASE}/book-events/secret", permission="reconciliation:event_secret:write")
def renew_book_event_secret(request: Request) -> Reply:
    """Make a new secret for an ERP system to sign events of the books with; shown this once."""
    secret = use_of(request).renew_event_secret()()
    return Reply({"secret": secret.reveal("show once")}, 201)


@app.api("GET", _EVENTS, permission=_READ)
def list_refused_book_events(request: Request) -> Reply:
    """Signed events of the books that could not be taken and wait for a person, oldest first."""
    scope = cursor_scope(request, _EVENTS)
    found, following = use_of(request).store.refused_events(
        limit=request.limit(), after=position_of(request, scope)
    )
    return page_reply([refused_event_out(event) for event in found], following, scope)


@app.api("POST", _EVENTS + "/{id}/retry", permission=_WRITE)
def retry_book_event(request: Request) -> Reply:
    """Take a refused event again, after what stood in its way was put right."""
    settle = use_of(request).settle_book_event(members_of, stated)
    return Reply(refused_event_out(settle.retry(request.id())))


@app.api("POST", _EVENTS + "/{id}/dismiss", permission=_WRITE)
def dismiss_book_event(request: Request) -> Reply:
    """Say that a refused event needs nothing any more."""
    use = use_of(request)
    use.store.refused_event(request.id())
    note = request.json(DismissBookEventIn).note
    settle = use.settle_book_event(members_of, stated)
    return Reply(refused_event_out(settle.dismiss(request.id(), note)))
