"""Signed document events that could not be taken: see why, take them again, put them aside."""

from payment_codes.bootstrap import application
from payment_codes.handlers.http.app import app, use_of
from payment_codes.pages.refused_events import stated
from payment_codes.schemas import DismissEventIn, refused_event_out
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import Reply, Request
from toolkit.entrypoints.signed_events import members_of

_PATH = "/v1/payment-codes/document-events/refused"
_READ = "payment_codes:code:read"
_WRITE = "payment_codes:code:write"


@app.api("GET", _PATH, permission=_READ)
def list_refused_events(request: Request) -> Reply:
    """Refused events that wait for a person, oldest first."""
    use = use_of(request)
    scope = {
        "tenant_id": request.tenant.tenant_id,
        "route": _PATH,
        "filters": {},
        "now": use.scope.clock.now(),
    }
    cursors = application().cursors
    cursor = request.query.get("cursor")
    after = cursors.open(cursor, **scope) if cursor else None  # type: ignore[arg-type]
    found, following = use.store.refused_events(limit=request.limit(), after=after)
    sealed = cursors.seal(following, **scope) if following else None  # type: ignore[arg-type]
    return Reply({"items": [refused_event_out(event) for event in found], "next_cursor": sealed})


@app.api("POST", _PATH + "/{id}/retry", permission=_WRITE)
def retry_refused_event(request: Request) -> Reply:
    """Take a refused event again, after what stood in its way was put right."""
    retry = use_of(request).retry_refused_event()
    return Reply(refused_event_out(retry(request.id(), members_of, stated)))


@app.api("POST", _PATH + "/{id}/dismiss", permission=_WRITE)
def dismiss_refused_event(request: Request) -> Reply:
    """Say that a refused event needs nothing any more."""
    body = request.json(DismissEventIn)
    return Reply(
        refused_event_out(use_of(request).dismiss_refused_event()(request.id(), body.note))
    )


@app.api(
    "POST",
    "/v1/payment-codes/organisation/document-event-secret",
    permission="payment_codes:organisation:write",
)
def renew_event_secret(request: Request) -> Reply:
    """Make a new secret for an ERP system to sign document events with; it is shown this once."""
    use = use_of(request)
    require_fresh(request.principal, use.scope.clock.now())
    secret = use.renew_event_secret()()
    return Reply({"secret": secret.reveal("show once")}, 201)
