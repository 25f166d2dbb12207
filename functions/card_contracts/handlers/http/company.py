"""What a company decides for itself, and signed sale events that could not be taken."""

from typing import Any, Final

from card_contracts.bootstrap import application
from card_contracts.handlers.http.answers import refused_event_out, settings_out
from card_contracts.handlers.http.app import BASE, app, use_of
from card_contracts.pages.sale_events import stated
from card_contracts.schemas import CardSettingsIn, DismissSaleEventIn
from toolkit.entrypoints.http import Reply, Request, etag
from toolkit.entrypoints.signed_events import members_of

_SETTINGS: Final = f"{BASE}/settings"
_EVENTS: Final = f"{BASE}/sale-events/refused"
_READ: Final = "card_contracts:settings:read"
_WRITE: Final = "card_contracts:settings:write"
_SALE_READ: Final = "card_contracts:sale:read"
_SALE_WRITE: Final = "card_contracts:sale:write"


@app.api("GET", _SETTINGS, permission=_READ)
def show_card_settings(request: Request) -> Reply:
    """Tolerances and legal figures of the company; ``legal_table`` is what is in force by day."""
    found = use_of(request).store.settings()
    return Reply(settings_out(found), 200, {"etag": etag(found.stamp.version)})


@app.api("PUT", _SETTINGS, permission=_WRITE)
def change_card_settings(request: Request) -> Reply:
    """Change tolerances and legal figures; what was matched before stays as it is."""
    version = request.expected_version()
    wished = request.json(CardSettingsIn).to_domain()
    saved = use_of(request).save_settings()(wished, version)
    return Reply(settings_out(saved), 200, {"etag": etag(saved.stamp.version)})


@app.api("POST", f"{_SETTINGS}/sale-event-secret", permission=_WRITE)
def renew_sale_event_secret(request: Request) -> Reply:
    """Make a new secret for an ERP system to sign sale events with; it is shown this once."""
    secret = use_of(request).renew_sale_event_secret()()
    return Reply({"secret": secret.reveal("show once")}, 201)


@app.api("GET", _EVENTS, permission=_SALE_READ)
def list_refused_sale_events(request: Request) -> Reply:
    """Refused sale events that wait for a person, oldest first."""
    use = use_of(request)
    scope: dict[str, Any] = {
        "tenant_id": request.tenant.tenant_id,
        "route": _EVENTS,
        "filters": {},
        "now": use.scope.clock.now(),
    }
    cursors = application().cursors
    cursor = request.query.get("cursor")
    after = cursors.open(cursor, **scope) if cursor else None
    found, following = use.store.refused_events(limit=request.limit(), after=after)
    sealed = cursors.seal(following, **scope) if following else None
    return Reply({"items": [refused_event_out(event) for event in found], "next_cursor": sealed})


@app.api("POST", _EVENTS + "/{id}/retry", permission=_SALE_WRITE)
def retry_sale_event(request: Request) -> Reply:
    """Take a refused event again, after what stood in its way was put right."""
    retry = use_of(request).retry_sale_event()
    return Reply(refused_event_out(retry(request.id(), members_of, stated)))


@app.api("POST", _EVENTS + "/{id}/dismiss", permission=_SALE_WRITE)
def dismiss_sale_event(request: Request) -> Reply:
    """Say that a refused event needs nothing any more."""
    body = request.json(DismissSaleEventIn)
    dismiss = use_of(request).dismiss_sale_event()
    return Reply(refused_event_out(dismiss(request.id(), body.note)))
