"""Signed events of the books: the secret, and what could not be taken and why (REC-01)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError
from reconciliation.domain.book_event import BookEvent
from reconciliation.pages.imports import SECTION
from reconciliation.pages.kit import Kit, go, paging_of, position_in, use_of
from reconciliation.pages.words import words_of
from reconciliation.schemas import BookEventIn, DismissBookEventIn
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.signed_events import members_of
from toolkit.http.fields import parse_model
from webkit.refused_events import declare_refused_events, event_columns

_PATH: Final = "/reconciliation/book-events"
_ROWS: Final = 50
_WRITE: Final = "reconciliation:ledger:write"
_SECRET: Final = "reconciliation:event_secret:write"  # noqa: S105  (a permission)


def stated(found: Mapping[str, Any]) -> BookEvent:
    """What a kept event says; raises ValidationError."""
    return parse_model(BookEventIn, found).to_event()


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of signed events."""

    def listed(request: Request, error: KopruError | None = None, secret: str = "") -> Reply:
        use = use_of(request)
        found, following = use.store.refused_events(limit=_ROWS, after=position_in(request))
        return kit.draw(
            request,
            "imports/events.html",
            SECTION,
            error=error,
            events=found,
            columns=event_columns(words_of(request)),
            secret=secret,
            tenant_id=request.tenant.tenant_id,
            version=use.store.event_secret().version,
            may_write=request.principal.may(_WRITE),
            may_renew=request.principal.may(_SECRET),
            paging=paging_of(request, len(found), following),
        )

    @app.page("POST", f"{_PATH}/secret", permission=_SECRET)
    def renew_secret(request: Request) -> Reply:
        """Show a new secret, once."""
        secret = use_of(request).renew_event_secret()()
        return listed(request, secret=secret.reveal("show once"))

    def settling(request: Request) -> Any:
        return use_of(request).settle_book_event(members_of, stated)

    def dismiss(request: Request, note: str) -> object:
        body = parse_model(DismissBookEventIn, {"note": note})
        return settling(request).dismiss(request.id(), body.note)

    declare_refused_events(
        app,
        _PATH,
        read="reconciliation:ledger:read",
        write=_WRITE,
        listed=listed,
        retry=lambda request: settling(request).retry(request.id()),
        dismiss=dismiss,
        go=lambda done: go(_PATH, done=done),
    )
