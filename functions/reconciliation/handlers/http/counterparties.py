"""Account cards of the books (REC-01)."""

from typing import Final

from kernel.errors import ValidationError
from reconciliation.application.counterparties import Search
from reconciliation.domain.counterparty import Counterparty, CounterpartyFields
from reconciliation.handlers.http.app import (
    BASE,
    app,
    cursor_scope,
    flag_of,
    import_reply,
    page_reply,
    position_of,
    use_of,
)
from reconciliation.schemas import CounterpartyIn, counterparty_out
from toolkit.entrypoints.http import Reply, Request, etag

_READ: Final = "reconciliation:counterparty:read"
_WRITE: Final = "reconciliation:counterparty:write"
_COUNTERPARTIES: Final = f"{BASE}/counterparties"


def _body(request: Request) -> CounterpartyFields:
    body = request.json(CounterpartyIn)
    if problems := body.problems():
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return body.to_fields()


def _reply(counterparty: Counterparty, status: int = 200) -> Reply:
    headers = {"etag": etag(counterparty.stamp.version)}
    if status == 201:
        headers["location"] = f"{_COUNTERPARTIES}/{counterparty.id}"
    return Reply(counterparty_out(counterparty), status, headers)


@app.api("GET", _COUNTERPARTIES, permission=_READ)
def list_counterparties(request: Request) -> Reply:
    """Account cards, oldest first: ``q`` in code and title, ``code``, ``reachable`` by mail."""
    reachable = flag_of(request, "reachable")
    query = request.query
    search = Search(query.get("q", ""), query.get("code", ""), reachable)
    scope = cursor_scope(
        request, _COUNTERPARTIES, q=search.text, code=search.code, reachable=str(reachable)
    )
    found, following = use_of(request).list_counterparties()(
        search, limit=request.limit(), after=position_of(request, scope)
    )
    return page_reply([counterparty_out(one) for one in found], following, scope)


@app.api("POST", _COUNTERPARTIES, permission=_WRITE)
def add_counterparty(request: Request) -> Reply:
    """Add an account card; one that was removed comes back under its id."""
    return _reply(use_of(request).add_counterparty()(_body(request)), 201)


@app.api("POST", f"{_COUNTERPARTIES}/imports", permission=_WRITE)
def import_counterparties(request: Request) -> Reply:
    """Add and change account cards from a file (CSV, XLSX), by code; ``dry_run`` only checks."""
    return import_reply(request, "counterparties")


@app.api("GET", f"{_COUNTERPARTIES}/{{id}}", permission=_READ)
def show_counterparty(request: Request) -> Reply:
    """One account card."""
    return _reply(use_of(request).store.counterparty(request.id()))


@app.api("PUT", f"{_COUNTERPARTIES}/{{id}}", permission=_WRITE)
def change_counterparty(request: Request) -> Reply:
    """Change an account card; its code stays."""
    fields, version = _body(request), request.expected_version()
    return _reply(use_of(request).change_counterparty()(request.id(), fields, version))


@app.api("DELETE", f"{_COUNTERPARTIES}/{{id}}", permission=_WRITE)
def remove_counterparty(request: Request) -> Reply:
    """Take an account card off the list; its lines stay and count."""
    use_of(request).remove_counterparty()(request.id(), request.expected_version())
    return Reply(None, 204)
