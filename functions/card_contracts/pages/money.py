"""Plans that are not posted, receivables, and the cash calendar (CRD-04, CRD-06)."""

from datetime import timedelta
from typing import Any, Final

from card_contracts.application.receivables import STATUSES, Search, span
from card_contracts.domain.cash_calendar import Landing
from card_contracts.domain.comparison import Alternative
from card_contracts.domain.plan import Plan
from card_contracts.domain.sale import LineStatus
from card_contracts.pages.kit import (
    Kit,
    amount_of,
    paging_of,
    position_in,
    use_of,
    whole_of,
)
from card_contracts.pages.tables import KIND
from card_contracts.pages.words import Say, words_of
from card_contracts.schemas import PlanIn
from kernel.errors import KopruError
from kernel.money import Money
from kernel.parsing import parse_date_api
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.charts import Bar, bars
from webkit.components import Chip, Column, Option
from webkit.urls import link

PLAN: Final = "card_contracts.plan"
RECEIVABLES: Final = "card_contracts.receivables"
CASH: Final = "card_contracts.cash"
_ROWS: Final = 100
_CONTRACT: Final = "card_contracts:contract:read"
_RECEIVABLE: Final = "card_contracts:receivable:read"
_FEED: Final = "card_contracts:feed:write"
_BACK: Final = timedelta(days=366)
_AHEAD: Final = timedelta(days=92)


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of plans, receivables and cash."""

    @app.page("GET", "/card-contracts/plan", permission=_CONTRACT)
    def show_plan(request: Request) -> Reply:
        """A sale under one contract with every reason, beside what the others would bring."""
        use, words = use_of(request), words_of(request)
        contracts = use.store.contracts()
        query = request.query
        form = {
            "contract_code": query.get("contract_code", ""),
            "sold_on": query.get("sold_on") or use.scope.today().isoformat(),
            "amount": query.get("amount", ""),
            "currency": "EUR" if query.get("currency") == "EUR" else "TRY",
            "instalments": query.get("instalments", "1"),
        }
        plan: Plan | None = None
        compared: tuple[Alternative, ...] = ()
        error: KopruError | None = None
        if form["amount"]:
            try:
                body = parse_model(
                    PlanIn,
                    {
                        "sold_on": form["sold_on"],
                        "amount": amount_of(form["amount"], form["currency"]),
                        "instalments": whole_of(form["instalments"]),
                    },
                )
                asked = (body.sold_on, body.amount, body.instalments)
                compared = use.compare_contracts()(*asked)
                if form["contract_code"]:
                    _, plan = use.preview_plan()(form["contract_code"], *asked)
            except KopruError as raised:
                error = raised
        columns = (
            Column("no", words.text("Payment"), numeric=True),
            Column("raw", words.text("Date by the contract")),
            Column("pay", words.text("Payment date")),
            Column("gross", words.text("Gross"), numeric=True),
            Column("kept", words.text("Deductions"), numeric=True),
            Column("net", words.text("Net"), numeric=True),
            Column("why", words.text("Why"), hide_label=True),
        )
        compare_columns = (
            Column("contract", words.text("Contract")),
            Column("net", words.text("Net"), numeric=True),
            Column("kept", words.text("Deductions"), numeric=True),
            Column("days", words.text("Days to the money"), numeric=True),
            Column("note", words.text("Note")),
        )
        return kit.draw(
            request,
            "plan/plan.html",
            PLAN,
            error=error,
            form=form,
            contracts=[Option(one.code, f"{one.code} · {one.description}") for one in contracts],
            currencies=[Option("TRY", "TRY"), Option("EUR", "EUR")],
            plan=plan,
            rows=_plan_rows(plan) if plan is not None else [],
            columns=columns,
            compared=compared,
            compare_columns=compare_columns,
        )

    # ------------------------------------------------------------------ receivables

    @app.page("GET", "/card-contracts/receivables", permission=_RECEIVABLE)
    def show_receivables(request: Request) -> Reply:
        """Ledger rows by day: one per instalment and one per deduction."""
        use, words = use_of(request), words_of(request)
        say, query = Say(words), request.query
        wished = query.get("status", "")
        status = wished if wished in STATUSES else ""
        since, until = query.get("from", ""), query.get("to", "")
        contract_code = query.get("contract_code", "")[:15]
        filters = {
            "status": status,
            "contract_code": contract_code,
            "from": since,
            "to": until,
        }
        after = position_in(request, **filters)
        today = use.scope.today()
        first, last = span(today, _date(since) or today - _BACK, _date(until))
        search = Search(first, last, status, contract_code)
        rows, following = use.list_receivables()(search, limit=_ROWS, after=after)
        kept = {"contract_code": contract_code, "from": since, "to": until}
        here = "/card-contracts/receivables"
        chips = [Chip(words.text("All"), link(here, **kept), active=not status)]
        chips += [
            Chip(
                say.line(each).label,
                link(here, status=each.value, **kept),
                active=each.value == status,
            )
            for each in LineStatus
        ]
        columns = (
            Column("pay", words.text("Payment date")),
            Column("raw", words.text("Date by the contract")),
            Column("document", words.text("Document")),
            Column("contract", words.text("Contract")),
            Column("kind", words.text("Kind")),
            Column("amount", words.text("Amount"), numeric=True),
            Column("status", words.text("State")),
            Column("why", words.text("Why"), hide_label=True),
        )
        shown = [
            {
                "line": row.line,
                "kind": words.text(KIND[row.kind]),
                "code": row.code,
                "amount": Money(row.amount, row.line.currency),
                "why": [words.why(why) for why in row.why],
            }
            for row in rows
        ]
        export = {name: text for name, text in filters.items() if text}
        return kit.draw(
            request,
            "receivables/list.html",
            RECEIVABLES,
            rows=shown,
            chips=chips,
            columns=columns,
            filters=filters,
            exports={
                kind: link("/v1/card-contracts/receivables/export", format=kind, **export)
                for kind in ("xlsx", "csv", "json")
            },
            paging=paging_of(request, len(rows), following, **filters),
        )

    # ------------------------------------------------------------------ cash calendar

    @app.page("GET", "/card-contracts/cash", permission=_RECEIVABLE)
    def show_cash(request: Request) -> Reply:
        """How much lands on which day and in which month, as picture and as table."""
        return _cash(request, kit)

    @app.page("POST", "/card-contracts/cash/feed", permission=_FEED)
    def renew_feed(request: Request) -> Reply:
        """Make a new secret address and show it this once."""
        use = use_of(request)
        return _cash(request, kit, feed_url=use.feed_link(use.renew_feed()()))


def _cash(request: Request, kit: Kit, feed_url: str = "") -> Reply:
    use, words = use_of(request), words_of(request)
    today = use.scope.today()
    since = _date(request.query.get("from", "")) or today
    until = _date(request.query.get("to", "")) or max(since, today) + _AHEAD
    first, last = span(today, since, until)
    calendar = use.show_cash_calendar()(first, last)

    def bar(label: str, landing: Landing) -> Bar:
        net = Money(landing.net, landing.currency)
        tone = "ok" if landing.net >= 0 else "error"
        return Bar(label, landing.net, words.formats.money(net), tone)

    def row(label: str, landing: Landing) -> tuple[str, ...]:
        money = words.formats.money
        parts = (landing.gross, landing.deductions, landing.net)
        amounts = (money(Money(part, landing.currency)) for part in parts)
        return (label, *amounts, words.formats.number(landing.lines))

    days = [(words.formats.date(day), one) for day, one in calendar.days]
    months = [(words.formats.month(month), one) for month, one in calendar.months]
    head = [words.text(name) for name in ("Day", "Gross", "Deductions", "Net", "Payments")]
    month_head = [words.text("Month"), *head[1:]]
    return kit.draw(
        request,
        "cash/calendar.html",
        CASH,
        since=first,
        until=last,
        totals=[(one.currency, Money(one.net, one.currency), one.lines) for one in calendar.totals],
        day_chart=bars(
            words.text("Net card payments by day"),
            words.text("One bar per day on which a bank pays; the table has the same numbers."),
            [bar(label, one) for label, one in days],
        ),
        month_chart=bars(
            words.text("Net card payments by month"),
            words.text("One bar per month; the table has the same numbers."),
            [bar(label, one) for label, one in months],
        ),
        day_rows=[row(label, one) for label, one in days],
        month_rows=[row(label, one) for label, one in months],
        head=head,
        month_head=month_head,
        feed=use.store.feed(),
        may_renew=request.principal.may(_FEED),
        feed_url=feed_url,
        ics=link("/v1/card-contracts/cash-calendar.ics", **{"from": first.isoformat()}),
    )


def _plan_rows(plan: Plan) -> list[dict[str, Any]]:
    currency = plan.amount.currency
    return [
        {
            "line": line,
            "gross": Money(line.gross, currency),
            "kept": Money(sum(line.deductions.values()), currency),
            "net": Money(line.net, currency),
            "parts": [
                (code, Money(part, currency), line.why_deductions.get(code, ()))
                for code, part in line.deductions.items()
                if part
            ],
        }
        for line in plan.lines
    ]


def _date(text: str) -> Any:
    try:
        return parse_date_api(text) if text else None
    except KopruError:
        return None  # a filter that cannot be read filters nothing
