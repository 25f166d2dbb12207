"""Users of the portal, invitations, subscriptions (REC-03)."""

from typing import Any, Final

from kernel.parsing import format_instant
from reconciliation.application.portal_users import PortalUser
from reconciliation.domain.access import PortalAccess
from reconciliation.domain.contact import Contact
from reconciliation.handlers.http.app import (
    BASE,
    app,
    cursor_scope,
    page_reply,
    position_of,
    use_of,
)
from reconciliation.pages.users import chosen_state, users_file
from toolkit.entrypoints.http import Reply, Request
from toolkit.http.files import file_reply

_READ: Final = "reconciliation:user:read"
_INVITE: Final = "reconciliation:user:invite"
_REPORT: Final = f"{BASE}/reports/users"
_SUBSCRIPTIONS: Final = f"{BASE}/subscriptions"


@app.api("GET", _REPORT, permission=_READ)
def report_users(request: Request) -> Reply:
    """How far every counterparty came: ``q`` in code and title, ``state``; ``format`` xlsx or csv
    is the same as a file. There is no link and no password in it.
    """
    if request.query.get("format", "json") != "json":
        return file_reply(users_file(request))
    text, state = request.query.get("q", "")[:100], chosen_state(request)
    scope = cursor_scope(request, _REPORT, q=text, state=state)
    found, following = use_of(request).list_users()(
        text=text, state=state, limit=request.limit(), after=position_of(request, scope)
    )
    return page_reply([_user(one) for one in found], following, scope)


@app.api("POST", f"{BASE}/counterparties/{{id}}/invitations", permission=_INVITE)
def invite(request: Request) -> Reply:
    """Mail a new invitation; earlier links end. The link itself is shown to nobody."""
    access = use_of(request).invite()(request.id(), by="staff")
    return Reply(_access(access), 202)


@app.api("DELETE", f"{BASE}/counterparties/{{id}}/access", permission=_INVITE)
def revoke(request: Request) -> Reply:
    """Shut a counterparty out: links, password and open sessions are worthless at once."""
    use_of(request).revoke_access()(request.id())
    return Reply(None, 204)


@app.api("GET", f"{BASE}/counterparties/{{id}}/subscriptions", permission=_READ)
def list_subscriptions(request: Request) -> Reply:
    """Addresses a counterparty added itself, whether they agreed, and who gets every month."""
    use = use_of(request)
    card = use.store.counterparty(request.id())
    return Reply({"items": [_contact(one) for one in use.store.contacts(card.id).items]})


@app.api("GET", _SUBSCRIPTIONS, permission=_READ)
def list_all_subscriptions(request: Request) -> Reply:
    """Addresses that counterparties added themselves, of all counterparties. ``limit`` may be
    exceeded: a page ends with the counterparties that filled it.
    """
    scope = cursor_scope(request, _SUBSCRIPTIONS)
    found, following = use_of(request).list_subscriptions()(
        limit=request.limit(), after=position_of(request, scope)
    )
    items = [
        {"counterparty_id": card.id, "code": card.fields.code, "title": card.fields.title}
        | _contact(contact)
        for card, contact in found
    ]
    return page_reply(items, following, scope)


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "email": contact.email.reveal("shown to whoever may read users"),
        "added_at": contact.added_at,
        "confirmed_at": contact.confirmed_at,
        "subscribed_at": contact.subscribed_at,
    }


def _access(access: PortalAccess) -> dict[str, Any]:
    until = access.invited_until
    return {
        "counterparty_id": access.counterparty_id,
        "status": access.state.value,
        "user_name": access.user_name,
        "invited_until": None if until is None else format_instant(until),
    }


def _user(user: PortalUser) -> dict[str, Any]:
    until, seen = user.invited_until, user.last_seen_at
    fields = user.counterparty.fields
    return {
        "counterparty_id": user.counterparty.id,
        "code": fields.code,
        "title": fields.title,
        "status": user.state.value,
        "user_name": user.user_name,
        "invited_until": None if until is None else format_instant(until),
        "last_seen_at": None if seen is None else format_instant(seen),
        "addresses": user.addresses,
        "own_addresses": user.own_addresses,
        "subscriptions": user.subscriptions,
    }
