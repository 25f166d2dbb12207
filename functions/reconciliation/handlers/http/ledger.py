"""Lines of counterparties' accounts (REC-01)."""

from typing import Final

from kernel.periods import Period
from reconciliation.application.ledger import EntrySearch
from reconciliation.domain.ledger import Direction
from reconciliation.domain.parameters import EntryKind
from reconciliation.handlers.http.app import (
    BASE,
    app,
    choice_of,
    cursor_scope,
    import_reply,
    page_reply,
    period_filter,
    position_of,
    use_of,
)
from reconciliation.schemas import EntriesIn, entry_out
from toolkit.entrypoints.http import Reply, Request, accepted
from toolkit.http.files import file_reply

_READ: Final = "reconciliation:ledger:read"
_WRITE: Final = "reconciliation:ledger:write"
_ENTRIES: Final = f"{BASE}/ledger-entries"


def _search(request: Request) -> EntrySearch:
    query = request.query
    period = period_filter(request, Period.of(use_of(request).scope.today()))
    kind = choice_of(request, "kind", EntryKind) if "kind" in query else ""
    direction = choice_of(request, "direction", Direction) if "direction" in query else ""
    return EntrySearch(period, query.get("counterparty_code", ""), kind, direction)


@app.api("GET", _ENTRIES, permission=_READ)
def list_ledger_entries(request: Request) -> Reply:
    """Lines of a month (``period``, by default this one), by counterparty; also by
    ``counterparty_code``, ``kind`` and ``direction``.
    """
    search = _search(request)
    scope = cursor_scope(
        request,
        _ENTRIES,
        period=str(search.period),
        counterparty_code=search.counterparty_code,
        kind=search.kind,
        direction=search.direction,
    )
    found, following = use_of(request).list_entries()(
        search, limit=request.limit(), after=position_of(request, scope)
    )
    return page_reply([entry_out(one) for one in found], following, scope)


@app.api("POST", _ENTRIES, permission=_WRITE)
def post_ledger_entries(request: Request) -> Reply:
    """Record up to fifteen lines, all or none. A line that was recorded before is the same line:
    the same content changes nothing, another content replaces it and the earlier one is kept.
    """
    body = request.json(EntriesIn)
    recorded = use_of(request).post_entries()([entry.to_fields() for entry in body.entries])
    return Reply(recorded.to_dict())


@app.api("POST", f"{_ENTRIES}/imports", permission=_WRITE)
def import_ledger_entries(request: Request) -> Reply:
    """Record lines from a file (CSV, XLSX): all of them or, when one is wrong, none."""
    return import_reply(request, "ledger_entries")


# ---------------------------------------------------------------------------- imports of books


@app.api("POST", f"{BASE}/imports/{{id}}/undo", permission=_WRITE)
def undo_books_import(request: Request) -> Reply:
    """Take an import of account cards or lines back; twice is once. What changed since stays."""
    return accepted(*use_of(request).start_undo()(request.id()))


@app.api("GET", f"{BASE}/imports/{{id}}/corrected-workbook", permission=_READ)
def corrected_books_workbook(request: Request) -> Reply:
    """The imported file with what is wrong beside every row, to correct and import again."""
    return file_reply(use_of(request).corrected_workbook()(request.id()))
