"""Document events of ERP systems that could not be taken: why, and what to do (PAY-02)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError
from payment_codes.domain.stated_document import StatedDocument
from payment_codes.pages.kit import Kit, go, paging_of, position_in, use_of
from payment_codes.pages.words import words_of
from payment_codes.schemas import DismissEventIn, DocumentEventIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.signed_events import members_of
from toolkit.http.fields import parse_model
from webkit.refused_events import declare_refused_events, event_columns

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
        after = position_in(request)
        found, following = use_of(request).store.refused_events(limit=_ROWS, after=after)
        return kit.draw(
            request,
            "refused_events/list.html",
            SECTION,
            error=error,
            events=found,
            columns=event_columns(words_of(request)),
            may_write=request.principal.may(_WRITE),
            paging=paging_of(request, len(found), following),
        )

    def dismiss(request: Request, note: str) -> object:
        body = parse_model(DismissEventIn, {"note": note})
        return use_of(request).dismiss_refused_event()(request.id(), body.note)

    declare_refused_events(
        app,
        _PATH,
        read="payment_codes:code:read",
        write=_WRITE,
        listed=listed,
        retry=lambda request: use_of(request).retry_refused_event()(
            request.id(), members_of, stated
        ),
        dismiss=dismiss,
        go=lambda done: go(_PATH, done=done),
    )
