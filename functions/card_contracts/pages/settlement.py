"""The match bench and the drift report (CRD-05)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from card_contracts.application.matches import MOST_LINES
from card_contracts.application.statements import KIND
from card_contracts.domain.settlement import (
    BankLine,
    LineState,
    Match,
    MatchState,
    accounts_paid_into,
    line_id_in,
    line_id_out,
    payment_id_in,
)
from card_contracts.pages.kit import Kit, go, paging_of, position_in, use_of
from card_contracts.pages.words import Say, words_of
from card_contracts.schemas import SetAsideIn
from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from kernel.money import Money
from kernel.periods import Period
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Chip, Column, Option
from webkit.urls import link

MATCHES: Final = "card_contracts.matches"
DRIFT: Final = "card_contracts.drift"
SALES: Final = "card_contracts.sales"
MATCHES_PATH: Final = "/card-contracts/matches"
_READ: Final = "card_contracts:match:read"
_WRITE: Final = "card_contracts:match:write"
_LINES: Final = "/card-contracts/bank-lines"
_ROWS: Final = 50
_NEAR: Final = 200
_BESIDE: Final = 40
_BACK: Final = timedelta(days=15)
_AHEAD: Final = timedelta(days=45)
_NEIGHBOURS: Final = timedelta(days=7)
_LISTS: Final[Mapping[str, LineState]] = {
    "unmatched": LineState.OPEN,
    "set_aside": LineState.ASIDE,
}
_UNMATCHED: Final = "unmatched"
_SHOWN: Final = ("suggested", _UNMATCHED, "confirmed", "undone", "set_aside")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of matches and drift."""

    def bench(request: Request, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        say = Say(words)
        form = request.form() if request.method == "POST" else {}
        wished = form.get("status") or request.query.get("status", "")
        status = wished if wished in _SHOWN else _SHOWN[0]
        after = position_in(request, status=status) if not form else None
        lines: list[Any] = []
        matches: list[dict[str, Any]] = []
        if status in _LISTS:
            found, following = use.store.line_list(_LISTS[status], limit=_ROWS, after=after)
            lines = [_line(line, words) for line in found]
        else:
            listed, following = use.store.match_page(status, limit=_ROWS, after=after)
            matches = [_shown(match, words) for match in listed]
        chips = [
            Chip(say.match(name).label, link(MATCHES_PATH, status=name), active=name == status)
            for name in _SHOWN
        ]
        accounts = use.store.bank_accounts()
        return kit.draw(
            request,
            "settlement/bench.html",
            MATCHES,
            error=error,
            shown=status,
            chips=chips,
            matches=matches,
            columns=(
                Column("day", words.text("Date")),
                Column("what", words.text("How it fits")),
                Column("paid", words.text("Arrived"), numeric=True),
                Column("difference", words.text("Difference"), numeric=True),
                Column("why", words.text("Why"), hide_label=True),
            ),
            lines=lines,
            line_columns=(
                Column("day", words.text("Date")),
                Column("account", words.text("Bank account")),
                Column("text", words.text("Text of the bank")),
                Column("amount", words.text("Amount"), numeric=True),
                *(
                    [Column("reason", words.text("Why it was set aside"))]
                    if status == "set_aside"
                    else []
                ),
            ),
            form=form,
            accounts=[
                Option(one.code, f"{one.code} · {one.name}")
                for one in accounts
                if not one.linked_account_code
            ],
            may_write=request.principal.may(_WRITE),
            imports=use.store.job_list(KIND, limit=20),
            import_columns=(
                Column("created", words.text("Started")),
                Column("state", words.text("State")),
                Column("lines", words.text("Lines"), numeric=True),
            ),
            paging=paging_of(request, len(lines) + len(matches), following, status=status),
        )

    @app.page("GET", MATCHES_PATH, permission=_READ)
    def show_bench(request: Request) -> Reply:
        """Suggestions to decide, lines that wait, and what was decided."""
        return bench(request)

    @app.page("POST", f"{MATCHES_PATH}/decide", permission=_WRITE)
    def decide(request: Request) -> Reply:
        """Confirm the chosen matches, or turn them down or take them back."""
        form, use = request.form(), use_of(request)
        chosen = _chosen(request)
        confirm = form.get("command") == "confirm"
        act: Callable[[str], Match] = use.confirm_match() if confirm else use.undo_match()
        try:
            if not chosen:
                raise _nothing("matches_nothing", "Choose at least one match.")
            for match_id in chosen:
                act(match_id)
        except KopruError as error:
            return bench(request, error)
        done = "match_confirm" if confirm else "match_undo"
        return go(MATCHES_PATH, status=form.get("status", ""), done=done)

    @app.page("POST", f"{_LINES}/move", permission=_WRITE)
    def move_lines(request: Request) -> Reply:
        """Set the chosen lines aside with a reason, or let them wait again."""
        form, use = request.form(), use_of(request)
        try:
            chosen = _chosen(request)
            if not chosen:
                raise _nothing("lines_nothing", "Choose at least one line.")
            for start in range(0, len(chosen), MOST_LINES):
                ids = chosen[start : start + MOST_LINES]
                names = [line_id_in(text) for text in ids]
                if form.get("command") == "take-back":
                    use.take_lines_back()(names)
                else:
                    stated = {"line_ids": ids, "reason": form.get("reason", "")}
                    use.set_lines_aside()(names, parse_model(SetAsideIn, stated).reason)
        except KopruError as error:
            return bench(request, error)
        back = form.get("command") == "take-back"
        done = "lines_back" if back else "lines_aside"
        return go(MATCHES_PATH, status="set_aside" if back else _UNMATCHED, done=done)

    @app.page("POST", f"{_LINES}/look-again", permission=_WRITE)
    def search_again(request: Request) -> Reply:
        """Match the lines of an account that still wait."""
        try:
            job_id = use_of(request).look_again()(request.form().get("bank_account_code", ""))
        except KopruError as error:
            return bench(request, error)
        return go(f"/card-contracts/statements/imports/{job_id}")

    # ------------------------------------------------------------------ one match

    def match_page(request: Request, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        match, say = use.store.match(request.id()), Say(words)
        owed = use.store.owed_of(match.members[:_NEAR])
        lines = [use.store.bank_line(match.account, key) for key in match.lines[:_NEAR]]
        return kit.draw(
            request,
            "settlement/match.html",
            MATCHES,
            error=error,
            match=match,
            shown=_shown(match, words),
            net=Money(match.net, match.currency),
            lines=[_line(line, words) for line in lines],
            line_columns=(
                Column("day", words.text("Date")),
                Column("text", words.text("Text of the bank")),
                Column("amount", words.text("Amount"), numeric=True),
            ),
            payments=[
                {
                    "id": one.expected.key,
                    "one": one.expected,
                    "gross": Money(one.expected.gross, match.currency),
                    "kept": Money(one.expected.kept, match.currency),
                    "net": Money(one.expected.net, match.currency),
                }
                for one in owed
            ],
            payment_columns=(
                Column("day", words.text("Payment date")),
                Column("document", words.text("Document")),
                Column("contract", words.text("Contract")),
                Column("gross", words.text("Gross"), numeric=True),
                Column("kept", words.text("Deductions"), numeric=True),
                Column("net", words.text("Net"), numeric=True),
            ),
            more=max(0, len(match.members) - _NEAR),
            shares=[
                {
                    "id": share.contract_code,
                    "share": share,
                    "gross": Money(share.gross, match.currency),
                    "kept": Money(share.kept, match.currency),
                    "difference": Money(share.difference, match.currency),
                }
                for share in match.shares
            ],
            share_columns=(
                Column("contract", words.text("Contract")),
                Column("payments", words.text("Payments"), numeric=True),
                Column("gross", words.text("Gross"), numeric=True),
                Column("kept", words.text("Deductions"), numeric=True),
                Column("difference", words.text("Difference"), numeric=True),
            ),
            entries=[
                say.entry(line, request.principal.id)
                for line in reversed(use.store.history(f"card_match:{match.id}"))
            ],
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", f"{MATCHES_PATH}/{{id}}", permission=_READ)
    def show_match_page(request: Request) -> Reply:
        """One match: lines, payments, what is left over, why, and who decided."""
        return match_page(request)

    @app.page("POST", f"{MATCHES_PATH}/{{id}}/confirm", permission=_WRITE)
    def confirm(request: Request) -> Reply:
        """Agree with a match."""
        return decided(request, use_of(request).confirm_match(), "match_confirm")

    @app.page("POST", f"{MATCHES_PATH}/{{id}}/undo", permission=_WRITE)
    def undo(request: Request) -> Reply:
        """Take a match back, or turn a suggestion down."""
        return decided(request, use_of(request).undo_match(), "match_undo")

    def decided(request: Request, act: Callable[[str], Match], done: str) -> Reply:
        try:
            act(request.id())
        except NotFoundError:
            raise
        except KopruError as error:
            return match_page(request, error)
        return go(f"{MATCHES_PATH}/{request.id()}", done=done)

    # ------------------------------------------------------------------ by hand

    def choose(request: Request, wanted: str, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        account, key = line_id_in(wanted)
        line = use.store.bank_line(account, key)
        links = [(one.code, one.linked_account_code) for one in use.store.bank_accounts()]
        accounts = accounts_paid_into(links, account)
        near = [
            one
            for one in use.store.owed(line.day - _BACK, line.day + _AHEAD, accounts)
            if one.currency == line.currency
        ]
        # The nearest amounts first: the one that is looked for is seldom far away.
        near.sort(key=lambda one: (abs(one.net - line.amount), one.day))
        beside = [
            one
            for one in use.store.bank_lines(account, line.day - _NEIGHBOURS, line.day + _NEIGHBOURS)
            if one.state is LineState.OPEN and one.key != key and one.currency == line.currency
        ]
        beside.sort(key=lambda one: (abs((one.day - line.day).days), one.key))
        return kit.draw(
            request,
            "settlement/line.html",
            MATCHES,
            error=error,
            line=line,
            line_id=wanted,
            amount=Money(line.amount, line.currency),
            rows=[
                {
                    "one": one,
                    "id": one.key.replace("#", "."),
                    "net": Money(one.net, one.currency),
                    "gap": Money(line.amount - one.net, one.currency),
                }
                for one in near[:_NEAR]
            ],
            beside=[_line(one, words) for one in beside[:_BESIDE]],
            ticked=frozenset(request.form().values()) if error is not None else frozenset(),
            may_write=request.principal.may(_WRITE),
            columns=(
                Column("choose", words.text("Choose")),
                Column("day", words.text("Payment date")),
                Column("document", words.text("Document")),
                Column("contract", words.text("Contract")),
                Column("net", words.text("Net"), numeric=True),
                Column("gap", words.text("Difference"), numeric=True),
            ),
            beside_columns=(
                Column("choose", words.text("Choose")),
                Column("day", words.text("Date")),
                Column("text", words.text("Text of the bank")),
                Column("amount", words.text("Amount"), numeric=True),
            ),
        )

    @app.page("GET", f"{_LINES}/match", permission=_READ)
    def show_line(request: Request) -> Reply:
        """One line, its neighbours, and the receivables around its day, nearest amount first."""
        wanted = request.query.get("line", "")
        return choose(request, wanted) if wanted else go(MATCHES_PATH, status=_UNMATCHED)

    @app.page("POST", f"{_LINES}/match", permission=_WRITE)
    def match_line(request: Request) -> Reply:
        """Match the line, and others with it, with what was chosen."""
        form = request.form()
        wanted = form.get("line", "")
        account, key = line_id_in(wanted)
        chosen = [payment_id_in(value) for name, value in form.items() if name[:4] == "pay-"]
        others = [line_id_in(value)[1] for name, value in form.items() if name[:5] == "line-"]
        try:
            if not chosen:
                raise _nothing("match_nothing", "Choose at least one payment.")
            made = use_of(request).match_by_hand()(account, [key, *others], chosen)
        except NotFoundError:
            raise
        except KopruError as error:
            return choose(request, wanted, error)
        return go(f"{MATCHES_PATH}/{made.id}", done="match_confirm")

    # ------------------------------------------------------------------ drift

    @app.page("GET", "/card-contracts/drift", permission=_READ)
    def show_drift_report(request: Request) -> Reply:
        """What banks kept by month and contract, beside what was agreed."""
        use, words = use_of(request), words_of(request)
        year = use.scope.today().year
        rules = use.store.settings().drift
        found = use.store.drifts(f"{year - 1}-01", f"{year + 1}-12")
        rows = [
            {
                "id": f"{one.month}-{one.contract_code}-{one.currency}",
                "one": one,
                "month": words.formats.month(Period.parse(one.month)),
                "gross": Money(one.gross, one.currency),
                "difference": Money(-one.difference, one.currency),
                "state": Say(words).drift(beyond=one.is_beyond(rules)),
            }
            for one in reversed(found)
            if one.payments
        ]
        return kit.draw(
            request,
            "settlement/drift.html",
            DRIFT,
            rows=rows,
            columns=(
                Column("month", words.text("Month")),
                Column("contract", words.text("Contract")),
                Column("gross", words.text("Gross"), numeric=True),
                Column("planned", words.text("Agreed, percent"), numeric=True),
                Column("taken", words.text("Kept, percent"), numeric=True),
                Column("difference", words.text("Kept too much"), numeric=True),
                Column("state", words.text("State")),
            ),
        )


def _chosen(request: Request) -> Sequence[str]:
    """Rows that were ticked, in their order; a page has no more than one decision may take."""
    return list(dict.fromkeys(request.form_list("ids")))


def _nothing(code: str, message: str) -> ValidationError:
    return ValidationError(code, message, problems=[Problem("", code, message)])


def _line(line: BankLine, words: Any) -> dict[str, Any]:
    """A line for the tables."""
    identity = line_id_out(line.account, line.key)
    money = Money(line.amount, line.currency)
    return {
        "id": identity,
        "line": line,
        "money": money,
        "label": f"{words.formats.date(line.day)}, {words.formats.money(money)}",
        "href": link(f"{_LINES}/match", line=identity),
    }


def _shown(match: Match, words: Any) -> dict[str, Any]:
    """A match for the table."""
    paid = Money(match.paid, match.currency)
    return {
        "id": match.id,
        "match": match,
        "kind": Say(words).kind(match.kind),
        "state": Say(words).match(match.state.value),
        "paid": paid,
        "difference": Money(match.difference, match.currency),
        "codes": [share.contract_code for share in match.shares],
        "why": words.whys(match.why),
        "label": f"{words.formats.date(match.day)}, {words.formats.money(paid)}",
        "href": f"{MATCHES_PATH}/{match.id}",
        "may_confirm": match.state in (MatchState.SUGGESTED, MatchState.UNDONE),
        "may_undo": match.state in (MatchState.SUGGESTED, MatchState.CONFIRMED),
    }
