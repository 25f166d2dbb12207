"""Document events of ERP systems that could not be taken: why, and what to do (PAY-02)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError
from payment_codes.domain.stated_document import StatedDocument
from payment_codes.pages.kit import Kit, go, paging_of, position_in, use_of
from payment_codes.pages.words import words_of
from payment_codes.schemas import DismissEventIn, DocumentEventIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.signed_events import members_of
from toolkit.http.fields import parse_model
from webkit.components import Column

SECTION: Final = "payment_codes.codes"
_PATH: Final = "/payment-codes/refused-events"
_ROWS: Final = 50
_WRITE: Final = "payment_codes:code:write"


def stated(found: Mapping[str, Any]) -> StatedDocument:
    """What a kept event says; raises ValidationError."""
    return parse_model(DocumentEventIn, found).stated()


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of refused events."""

    def listed(request: Request, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        found, following = use_of(request).store.refused_events(
            limit=_ROWS, after=position_in(request)
        )
        columns = (
            Column("received", words.text("Received")),
            Column("document", words.text("Document")),
            Column("reason", words.text("Why it was refused")),
            Column("act", words.text("What to do"), hide_label=True),
        )
        return kit.draw(
            request,
            "refused_events/list.html",
            SECTION,
            error=error,
            events=found,
            columns=columns,
            may_change=request.principal.may(_WRITE),
            paging=paging_of(request, len(found), following),
        )

    @app.page("GET", _PATH, permission="payment_codes:code:read")
    def show_refused_events(request: Request) -> Reply:
        """Events that wait for a person, oldest first."""
        return listed(request)

    @app.page("POST", _PATH + "/{id}/retry", permission=_WRITE)
    def retry_event(request: Request) -> Reply:
        """Take an event again."""
        try:
            use_of(request).retry_refused_event()(request.id(), members_of, stated)
        except NotFoundError:
            raise
        except KopruError as error:
            return listed(request, error)
        return go(_PATH, done="event_taken")

    @app.page("POST", _PATH + "/{id}/dismiss", permission=_WRITE)
    def dismiss_event(request: Request) -> Reply:
        """Put an event aside, with a note why."""
        try:
            body = parse_model(DismissEventIn, {"note": request.form().get("note", "")})
            use_of(request).dismiss_refused_event()(request.id(), body.note)
        except NotFoundError:
            raise
        except KopruError as error:
            return listed(request, error)
        return go(_PATH, done="event_dismissed")
