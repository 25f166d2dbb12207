"""Sale events of ERP systems that could not be taken: why, and what to do (CRD-04)."""

from collections.abc import Mapping
from typing import Any, Final

from card_contracts.domain.sale_event import SaleEvent
from card_contracts.pages.kit import Kit, go, paging_of, position_in, use_of
from card_contracts.pages.words import words_of
from card_contracts.schemas import DismissSaleEventIn, SaleEventIn
from kernel.errors import KopruError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.signed_events import members_of
from toolkit.http.fields import parse_model
from webkit.refused_events import declare_refused_events, event_columns

SECTION: Final = "card_contracts.sales"
_PATH: Final = "/card-contracts/sale-events"
_ROWS: Final = 50
_WRITE: Final = "card_contracts:sale:write"


def stated(found: Mapping[str, Any]) -> SaleEvent:
    """What a kept event says; raises ValidationError."""
    return parse_model(SaleEventIn, found).to_event()


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of refused sale events."""

    def listed(request: Request, error: KopruError | None = None) -> Reply:
        after = position_in(request)
        found, following = use_of(request).store.refused_events(limit=_ROWS, after=after)
        return kit.draw(
            request,
            "sales/events.html",
            SECTION,
            error=error,
            events=found,
            columns=event_columns(words_of(request)),
            may_write=request.principal.may(_WRITE),
            paging=paging_of(request, len(found), following),
        )

    def dismiss(request: Request, note: str) -> object:
        body = parse_model(DismissSaleEventIn, {"note": note})
        return use_of(request).dismiss_sale_event()(request.id(), body.note)

    declare_refused_events(
        app,
        _PATH,
        read="card_contracts:sale:read",
        write=_WRITE,
        listed=listed,
        retry=lambda request: use_of(request).retry_sale_event()(request.id(), members_of, stated),
        dismiss=dismiss,
        go=lambda done: go(_PATH, done=done),
    )
