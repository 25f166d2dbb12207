"""Sales and their reversals, receivables, the cash calendar and its feed (CRD-04, CRD-06)."""

from typing import Any, Final

from card_contracts.application.imports import KIND, UNDO_KIND
from card_contracts.application.receivables import STATUSES, Search, span
from card_contracts.bootstrap import CardContracts, application
from card_contracts.domain.sale import Sale
from card_contracts.handlers.http.answers import (
    cash_calendar_out,
    receivable_out,
    refund_out,
    sale_out,
)
from card_contracts.handlers.http.app import (
    BASE,
    app,
    days_of,
    language_of,
    say_of,
    use_of,
)
from card_contracts.pages.feed import calendar_reply
from card_contracts.pages.tables import JOURNAL, export_header, export_row, journal
from card_contracts.pages.words import words_of
from card_contracts.schemas import CardSaleIn, RefundIn, SalesImportIn
from kernel.errors import Problem, ValidationError
from kernel.storing import Position
from toolkit.entrypoints.http import Reply, Request, accepted, etag
from toolkit.http.files import asks_dry_run, direct_file, file_reply

_READ: Final = "card_contracts:sale:read"
_WRITE: Final = "card_contracts:sale:write"
_RECEIVABLE: Final = "card_contracts:receivable:read"
_SALES: Final = f"{BASE}/sales"
_RECEIVABLES: Final = f"{BASE}/receivables"
_CALENDAR: Final = f"{BASE}/cash-calendar"


def _reply(request: Request, use: CardContracts, sale: Sale, status: int = 200) -> Reply:
    headers = {"etag": etag(sale.stamp.version)}
    if status == 201:
        headers["location"] = f"{_SALES}/{sale.id}"
    say = say_of(request)
    rows = [
        receivable_out(row, say) for line in use.store.lines_of_sale(sale) for row in line.rows()
    ]
    return Reply(sale_out(sale, rows), status, headers)


def _scope(request: Request, route: str, **filters: str) -> dict[str, Any]:
    return {
        "tenant_id": request.tenant.tenant_id,
        "route": route,
        "filters": filters,
        "now": application().platform.clock.now(),
    }


def _page(items: list[dict[str, Any]], following: Position | None, scope: dict[str, Any]) -> Reply:
    sealed = application().cursors.seal(following, **scope) if following else None
    return Reply({"items": items, "next_cursor": sealed})


def _after(request: Request, scope: dict[str, Any]) -> Position | None:
    cursor = request.query.get("cursor")
    return application().cursors.open(cursor, **scope) if cursor else None


# ---------------------------------------------------------------------------- sales


@app.api("POST", _SALES, permission=_WRITE)
def post_sale(request: Request) -> Reply:
    """Post a closed sale: one receivable per instalment and per deduction, once per document."""
    command = request.optional_command()
    body = request.json(CardSaleIn)
    if problems := body.problems():
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    use = use_of(request)
    posted = use.post_sale()(body.to_fields(), command)
    return _reply(request, use, posted.sale, 201 if posted.created else 200)


@app.api("GET", _SALES, permission=_READ)
def list_sales(request: Request) -> Reply:
    """Posted sales, newest first; ``document_no`` finds the one of a document."""
    use, document_no = use_of(request), request.query.get("document_no", "")
    if document_no:
        found = use.store.sale_of_document(document_no)
        items = [sale_out(found)] if found is not None else []
        return Reply({"items": items, "next_cursor": None, "total": len(items)})
    scope = _scope(request, _SALES)
    sales, following = use.store.sale_page(limit=request.limit(), after=_after(request, scope))
    return _page([sale_out(sale) for sale in sales], following, scope)


@app.api("POST", f"{_SALES}/imports", permission=_WRITE)
def import_sales(request: Request) -> Reply:
    """Take sales, refunds and cancellations of a file: an upload, or the table itself up to 1 MiB.

    ``dry_run`` only checks.
    """
    start = use_of(request).start_sales_import()
    if (file := direct_file(request, "sales")) is not None:
        job_id = start(file=file, dry_run=asks_dry_run(request), language=language_of(request))
    else:
        body = request.json(SalesImportIn)
        job_id = start(upload_id=body.upload_id, dry_run=body.dry_run, language=body.language)
    return accepted(job_id, KIND)


@app.api("POST", f"{_SALES}/imports/{{id}}/undo", permission=_WRITE)
def undo_sales_import(request: Request) -> Reply:
    """Take back the sales of an import of which the bank paid nothing and nothing was refunded.

    Twice is once; the job names every sale that stays, and why. ``?dry_run=true`` only counts.
    """
    undo = use_of(request).start_sales_undo()
    return accepted(undo(request.id(), dry_run=asks_dry_run(request)), UNDO_KIND)


@app.api("GET", f"{_SALES}/{{id}}", permission=_READ)
def show_sale(request: Request) -> Reply:
    """One sale with its receivables."""
    use = use_of(request)
    return _reply(request, use, use.store.sale(request.id()))


@app.api("GET", f"{_SALES}/{{id}}/refunds", permission=_READ)
def list_refunds(request: Request) -> Reply:
    """Refunds of a sale, oldest first."""
    use = use_of(request)
    items = [refund_out(one) for one in use.store.refunds(use.store.sale(request.id()).id)]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("POST", f"{_SALES}/{{id}}/refunds", permission=_WRITE)
def refund_sale(request: Request) -> Reply:
    """Post a refund as a linked reversal; say whether the bank returns its deductions."""
    command = request.optional_command()
    body = request.json(RefundIn)
    use = use_of(request)
    sale, made = use.refund_sale()(request.id(), body.to_fields(), command)
    answer = {**refund_out(made), "sale": sale_out(sale)}
    return Reply(answer, 201, {"location": f"{_SALES}/{sale.id}/refunds"})


@app.api("POST", f"{_SALES}/{{id}}/cancel", permission=_WRITE)
def cancel_sale(request: Request) -> Reply:
    """Cancel a sale of which the bank paid nothing yet; its receivables stay, marked."""
    use = use_of(request)
    return _reply(request, use, use.cancel_sale()(request.id()))


# ---------------------------------------------------------------------------- receivables


def _search(request: Request) -> Search:
    since, until = span(use_of(request).scope.today(), *days_of(request))
    status = request.query.get("status", "")
    if status and status not in STATUSES:
        problem = Problem("/status", "choice", f"One of {', '.join(sorted(STATUSES))}.")
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=[problem])
    query = request.query
    return Search(since, until, status, query.get("contract_code", ""), query.get("sale_id", ""))


@app.api("GET", _RECEIVABLES, permission=_RECEIVABLE)
def list_receivables(request: Request) -> Reply:
    """Receivables by day: one row per instalment and per deduction, refunds negative."""
    search, say = _search(request), say_of(request)
    scope = _scope(
        request,
        _RECEIVABLES,
        since=search.since.isoformat(),
        until=search.until.isoformat(),
        status=search.status,
        contract_code=search.contract_code,
        sale_id=search.sale_id,
    )
    rows, following = use_of(request).list_receivables()(
        search, limit=request.limit(), after=_after(request, scope)
    )
    return _page([receivable_out(row, say) for row in rows], following, scope)


@app.api("GET", f"{_RECEIVABLES}/export", permission=_RECEIVABLE)
def export_receivables(request: Request) -> Reply:
    """Receivables as a file: ``format`` csv or xlsx for people, json as journal for programs."""
    search = _search(request)
    rows = use_of(request).export_receivables()(search)
    chosen = request.query.get("format", "csv")
    if chosen == "json":
        return file_reply(journal(rows, search))
    words = words_of(request)
    header = export_header(words)
    cells = (export_row(row, words) for row in rows)
    return file_reply(application().table_writer.write(chosen, JOURNAL, header, cells))


# ---------------------------------------------------------------------------- cash calendar


@app.api("GET", _CALENDAR, permission=_RECEIVABLE)
def show_cash_calendar(request: Request) -> Reply:
    """How much lands on which day and in which month; from today on unless said otherwise."""
    use = use_of(request)
    since, until = span(use.scope.today(), *days_of(request), forward=True)
    return Reply(cash_calendar_out(use.show_cash_calendar()(since, until), since, until))


@app.api("GET", f"{_CALENDAR}.ics", permission=_RECEIVABLE)
def show_cash_calendar_ics(request: Request) -> Reply:
    """The cash calendar for a calendar program."""
    use = use_of(request)
    since, until = span(use.scope.today(), *days_of(request), forward=True)
    calendar = use.show_cash_calendar()(since, until)
    return calendar_reply(request, calendar, use.scope.clock.now())


@app.api("POST", f"{BASE}/calendar-feed", permission="card_contracts:feed:write")
def renew_calendar_feed(request: Request) -> Reply:
    """Make a new secret address of the cash calendar; the one before stops working."""
    use = use_of(request)
    return Reply({"url": use.feed_link(use.renew_feed()())}, 201)


@app.api("GET", f"{BASE}/calendar-feed", permission=_RECEIVABLE)
def show_calendar_feed(request: Request) -> Reply:
    """Whether there is a secret address, never the address itself."""
    feed = use_of(request).store.feed()
    return Reply(
        {
            "configured": feed.version > 0,
            "version": feed.version,
            "renewed_at": feed.stamp.updated_at,
        }
    )
