"""Saved views, and the calendar feed of one's deadlines."""

from toolkit.entrypoints.http import Reply, Request, etag
from workspace.handlers.http.app import app, person_id, use
from workspace.schemas import ViewIn, list_out, view_out

_LOOK = "workspace:today:read"
_FEED = "/v1/me/deadline-feed"


def _reader(request: Request) -> str:
    """Who looks: a person, or a program, which owns no view and sees those that are shared."""
    return request.principal.id if request.principal.is_person else ""


@app.api("GET", "/v1/views", permission=_LOOK)
def list_views(request: Request) -> Reply:
    """One's own views and those that colleagues share, by name."""
    person = _reader(request)
    found = use().list_views()(request.tenant, person)
    return Reply(list_out([view_out(view, person) for view in found], None, len(found)))


@app.api("POST", "/v1/views", permission=_LOOK)
def save_view(request: Request) -> Reply:
    """Keep the address of a list with its filters under a name."""
    person = person_id(request)
    body = request.json(ViewIn)
    view = use().save_view()(
        request.tenant, person, name=body.name, url=body.url, shared=body.shared
    )
    headers = {"location": f"/v1/views/{view.id}", "etag": etag(view.stamp.version)}
    return Reply(view_out(view, person), 201, headers)


@app.api("GET", "/v1/views/{id}", permission=_LOOK)
def show_view(request: Request) -> Reply:
    """One view."""
    person = _reader(request)
    return Reply(view_out(use().read_view()(request.tenant, person, request.id()), person))


@app.api("DELETE", "/v1/views/{id}", permission=_LOOK)
def remove_view(request: Request) -> Reply:
    """Take a view of one's own away."""
    use().remove_view()(request.tenant, _reader(request), request.id())
    return Reply(None, 204)


@app.api("GET", _FEED, permission=None)
def show_feed(request: Request) -> Reply:
    """Whether a calendar feed of one's deadlines is in use; its address is never shown again."""
    return Reply({"configured": use().store.has_feed(person_id(request))})


@app.api("POST", _FEED, permission=None)
def renew_feed(request: Request) -> Reply:
    """A new secret address; the one before stops working."""
    person = use().read_account()(person_id(request)).person
    return Reply({"url": use().deadline_feed_link(use().renew_deadline_feed()(person))}, 201)


@app.api("DELETE", _FEED, permission=None)
def end_feed(request: Request) -> Reply:
    """Make the address worthless."""
    use().end_deadline_feed()(use().read_account()(person_id(request)).person)
    return Reply(None, 204)
