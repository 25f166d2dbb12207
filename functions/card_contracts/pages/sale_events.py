"""Sale events of ERP systems that could not be taken: why, and what to do (CRD-04)."""

from collections.abc import Mapping
from typing import Any, Final

from card_contracts.domain.sale_event import SaleEvent
from card_contracts.pages.kit import Kit, go, paging_of, position_in, use_of
from card_contracts.pages.words import words_of
from card_contracts.schemas import DismissSaleEventIn, SaleEventIn
from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.signed_events import members_of
from toolkit.http.fields import parse_model
from webkit.components import Column

SECTION: Final = "card_contracts.sales"
_PATH: Final = "/card-contracts/sale-events"
_ROWS: Final = 50
_READ: Final = "card_contracts:sale:read"
_WRITE: Final = "card_contracts:sale:write"


def stated(found: Mapping[str, Any]) -> SaleEvent:
    """What a kept event says; raises ValidationError."""
    return parse_model(SaleEventIn, found).to_event()


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of refused sale events."""

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
            "sales/events.html",
            SECTION,
            error=error,
            events=found,
            columns=columns,
            may_write=request.principal.may(_WRITE),
            paging=paging_of(request, len(found), following),
        )

    @app.page("GET", _PATH, permission=_READ)
    def show_refused_sale_events(request: Request) -> Reply:
        """Events that wait for a person, oldest first."""
        return listed(request)

    @app.page("POST", _PATH + "/{id}/retry", permission=_WRITE)
    def retry_event(request: Request) -> Reply:
        """Take an event again."""
        try:
            use_of(request).retry_sale_event()(request.id(), members_of, stated)
        except NotFoundError as error:
            if error.code == "not_found" and not error.problems:
                raise
            return listed(request, _whole(error))
        except KopruError as error:
            return listed(request, _whole(error))
        return go(_PATH, done="event_taken")

    @app.page("POST", _PATH + "/{id}/dismiss", permission=_WRITE)
    def dismiss_event(request: Request) -> Reply:
        """Put an event aside, with a note why."""
        try:
            body = parse_model(DismissSaleEventIn, {"note": request.form().get("note", "")})
            use_of(request).dismiss_sale_event()(request.id(), body.note)
        except NotFoundError:
            raise
        except KopruError as error:
            return listed(request, error)
        return go(_PATH, done="event_dismissed")


def _whole(error: KopruError) -> KopruError:
    """The same reasons without places: the page has no fields of the event."""
    problems = [Problem("", one.code, one.message) for one in error.problems]
    return ValidationError(error.code, error.message, problems=problems) if problems else error
