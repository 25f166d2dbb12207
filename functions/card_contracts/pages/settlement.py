"""The match bench, statements and the drift report (CRD-05)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from card_contracts.application.imports import KIND as SALES_KIND
from card_contracts.application.statements import KIND
from card_contracts.bootstrap import application
from card_contracts.domain.settlement import Match, MatchState, accounts_paid_into
from card_contracts.pages.kit import Kit, go, paging_of, position_in, use_of
from card_contracts.pages.words import PROFILE, Say, words_of
from card_contracts.schemas import line_id_in, line_id_out, payment_id_in
from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from kernel.money import Money
from kernel.periods import Period
from toolkit.entrypoints import HttpApp, Reply, Request
from webkit.components import Chip, Column, Option
from webkit.urls import link

MATCHES: Final = "card_contracts.matches"
DRIFT: Final = "card_contracts.drift"
SALES: Final = "card_contracts.sales"
_READ: Final = "card_contracts:match:read"
_WRITE: Final = "card_contracts:match:write"
_SALE_WRITE: Final = "card_contracts:sale:write"
_HERE: Final = "/card-contracts/matches"
_STATEMENTS: Final = "/card-contracts/statements"
_IMPORTS: Final = "/card-contracts/sales/imports"
_ROWS: Final = 50
_NEAR: Final = 200
_BACK: Final = timedelta(days=15)
_AHEAD: Final = timedelta(days=45)
_FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
_UNMATCHED: Final = "unmatched"
_SHOWN: Final = ("suggested", _UNMATCHED, "confirmed", "undone")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of matches, statements, files of sales and drift."""

    def bench(request: Request, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        say = Say(words)
        wished = request.query.get("status", "")
        status = wished if wished in _SHOWN else _SHOWN[0]
        after = position_in(request, status=status)
        lines: list[Any] = []
        matches: list[dict[str, Any]] = []
        if status == _UNMATCHED:
            found, following = use.store.open_line_page(limit=_ROWS, after=after)
            lines = [
                {
                    "line": line,
                    "money": Money(line.amount, line.currency),
                    "href": link(f"{_HERE}/line", line=line_id_out(line.account, line.key)),
                }
                for line in found
            ]
        else:
            listed, following = use.store.match_page(status, limit=_ROWS, after=after)
            matches = [_shown(match, words) for match in listed]
        chips = [
            Chip(say.match(name).label, link(_HERE, status=name), active=name == status)
            for name in _SHOWN
        ]
        columns = (
            Column("day", words.text("Date")),
            Column("what", words.text("How it fits")),
            Column("paid", words.text("Arrived"), numeric=True),
            Column("difference", words.text("Difference"), numeric=True),
            Column("why", words.text("Why"), hide_label=True),
            Column("act", words.text("What to do"), hide_label=True),
        )
        line_columns = (
            Column("day", words.text("Date")),
            Column("account", words.text("Bank account")),
            Column("text", words.text("Text of the bank")),
            Column("amount", words.text("Amount"), numeric=True),
            Column("act", words.text("What to do"), hide_label=True),
        )
        return kit.draw(
            request,
            "settlement/bench.html",
            MATCHES,
            error=error,
            shown=status,
            chips=chips,
            matches=matches,
            columns=columns,
            lines=lines,
            line_columns=line_columns,
            may_write=request.principal.may(_WRITE),
            imports=use.store.job_list(KIND, limit=20),
            import_columns=(
                Column("created", words.text("Started")),
                Column("state", words.text("State")),
                Column("lines", words.text("Lines"), numeric=True),
            ),
            paging=paging_of(request, len(lines) + len(matches), following, status=status),
        )

    @app.page("GET", _HERE, permission=_READ)
    def show_bench(request: Request) -> Reply:
        """Suggestions to decide, lines that wait, and what was decided."""
        return bench(request)

    @app.page("POST", f"{_HERE}/{{id}}/confirm", permission=_WRITE)
    def confirm(request: Request) -> Reply:
        """Agree with a match."""
        return decided(request, use_of(request).confirm_match(), "match_confirm")

    @app.page("POST", f"{_HERE}/{{id}}/undo", permission=_WRITE)
    def undo(request: Request) -> Reply:
        """Take a match back, or turn a suggestion down."""
        return decided(request, use_of(request).undo_match(), "match_undo")

    def decided(request: Request, act: Callable[[str], Match], done: str) -> Reply:
        try:
            act(request.id())
        except NotFoundError:
            raise
        except KopruError as error:
            return bench(request, error)
        return go(_HERE, done=done)

    # ------------------------------------------------------------------ by hand

    def choose(request: Request, wanted: str, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        account, key = line_id_in(wanted)
        line = use.store.bank_line(account, key)
        links = [(one.code, one.linked_account_code) for one in use.store.bank_accounts()]
        accounts = accounts_paid_into(links, account)
        near = []
        for one in use.store.owed(line.day - _BACK, line.day + _AHEAD, accounts):
            if one.currency == line.currency:
                near.append(one)
        # The nearest amounts first: the one that is looked for is seldom far away.
        near.sort(key=lambda one: (abs(one.net - line.amount), one.day))
        rows = [
            {
                "one": one,
                "id": one.key.replace("#", "."),
                "net": Money(one.net, one.currency),
                "gap": Money(line.amount - one.net, one.currency),
            }
            for one in near[:_NEAR]
        ]
        return kit.draw(
            request,
            "settlement/line.html",
            MATCHES,
            error=error,
            line=line,
            line_id=wanted,
            amount=Money(line.amount, line.currency),
            rows=rows,
            may_write=request.principal.may(_WRITE),
            columns=(
                Column("choose", words.text("Choose")),
                Column("day", words.text("Payment date")),
                Column("document", words.text("Document")),
                Column("contract", words.text("Contract")),
                Column("net", words.text("Net"), numeric=True),
                Column("gap", words.text("Difference"), numeric=True),
            ),
        )

    @app.page("GET", f"{_HERE}/line", permission=_READ)
    def show_line(request: Request) -> Reply:
        """One line, and the receivables around its day with the nearest amount first."""
        wanted = request.query.get("line", "")
        return choose(request, wanted) if wanted else go(_HERE, status=_UNMATCHED)

    @app.page("POST", f"{_HERE}/line", permission=_WRITE)
    def match_line(request: Request) -> Reply:
        """Match the line with what was chosen."""
        form = request.form()
        wanted = form.get("line", "")
        account, key = line_id_in(wanted)
        chosen = [payment_id_in(value) for name, value in form.items() if name[:4] == "pay-"]
        try:
            if not chosen:
                problem = Problem("", "match_nothing", "Choose at least one payment.")
                raise ValidationError("match_nothing", problem.message, problems=[problem])
            use_of(request).match_by_hand()(account, [key], chosen)
        except NotFoundError:
            raise
        except KopruError as error:
            return choose(request, wanted, error)
        return go(_HERE, status=_UNMATCHED, done="match_confirm")

    # ------------------------------------------------------------------ files

    def form_of(request: Request, here: str, template: str, section: str) -> Reply:
        use = use_of(request)
        upload_id = use.scope.ids.new()
        base = application().settings.common.base_url.rstrip("/")
        room = use.statement_files.room(upload_id, back_to=f"{base}{here}/uploads/{upload_id}")
        return kit.draw(request, template, section, room=room)

    @app.page("GET", f"{_STATEMENTS}/new", permission=_WRITE)
    def choose_statement(request: Request) -> Reply:
        """A form that sends one file straight to storage, also without JavaScript."""
        return form_of(request, _STATEMENTS, "settlement/upload.html", MATCHES)

    @app.page("GET", "/card-contracts/sales/new", permission=_SALE_WRITE)
    def choose_sales(request: Request) -> Reply:
        """The same for a table of sales."""
        return form_of(request, _IMPORTS, "sales/upload.html", SALES)

    def read_statement(request: Request, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        return kit.draw(
            request,
            "settlement/profile.html",
            MATCHES,
            error=error,
            upload_id=request.id("upload_id"),
            profiles=[
                Option(name, words.text(PROFILE[name])) for name in use.statement_files.profiles()
            ],
            accounts=[
                Option(one.code, f"{one.code} · {one.name}") for one in use.store.bank_accounts()
            ],
            form=request.form() if request.method == "POST" else {},
        )

    @app.page("GET", f"{_STATEMENTS}/uploads/{{upload_id}}", permission=_WRITE)
    def show_statement(request: Request) -> Reply:
        """The file is here: check it only, or import it."""
        use_of(request).statement_files.exists(request.id("upload_id"))
        return read_statement(request)

    @app.page("POST", f"{_STATEMENTS}/uploads/{{upload_id}}", permission=_WRITE)
    def start_statement(request: Request) -> Reply:
        """Start the work."""
        form = request.form()
        try:
            job_id = use_of(request).start_statement_import()(
                upload_id=request.id("upload_id"),
                account=form.get("bank_account_code", ""),
                dry_run=form.get("dry_run") == "1",
                profile=form.get("profile") or None,
            )
        except NotFoundError:
            raise
        except KopruError as error:
            return read_statement(request, error)
        return go(f"{_STATEMENTS}/imports/{job_id}")

    @app.page("GET", f"{_IMPORTS}/uploads/{{upload_id}}", permission=_SALE_WRITE)
    def show_sales_file(request: Request) -> Reply:
        """The table is here: check it only, or post it."""
        use_of(request).statement_files.exists(request.id("upload_id"))
        upload_id = request.id("upload_id")
        return kit.draw(request, "sales/read.html", SALES, upload_id=upload_id)

    @app.page("POST", f"{_IMPORTS}/uploads/{{upload_id}}", permission=_SALE_WRITE)
    def start_sales(request: Request) -> Reply:
        """Start the work."""
        job_id = use_of(request).start_sales_import()(
            upload_id=request.id("upload_id"),
            dry_run=request.form().get("dry_run") == "1",
            language=words_of(request).code,
        )
        return go(f"{_IMPORTS}/{job_id}")

    def show_job(request: Request, kind: str, template: str, here: str) -> Reply:
        job = use_of(request).store.job(request.id())
        if job is None or job.kind != kind:
            raise NotFoundError("not_found", "There is no such item.")
        words = words_of(request)
        say = Say(words)
        where = f"{here}/imports" if kind == KIND else here
        return kit.draw(
            request,
            template,
            MATCHES if kind == KIND else SALES,
            job=job,
            is_statement=kind == KIND,
            back=_HERE if kind == KIND else "/card-contracts/sales",
            again=f"{here}/uploads/{job.private['upload_id']}",
            dry_run=bool(job.private.get("dry_run")),
            final=job.status in _FINAL,
            counts=[
                (say.count(name), number)
                for name, number in dict(job.counts or job.result).items()
                if isinstance(number, int) and not isinstance(number, bool) and name in say.COUNTS
            ],
            file_problems=[
                {
                    "id": str(number),
                    "place": str(one.get("line") or one.get("pointer") or "–"),
                    "text": say.problem(str(one["code"]), str(one["message"])),
                }
                for number, one in enumerate(job.problems[:100])
            ],
            problem_columns=(
                Column("place", words.text("Where")),
                Column("text", words.text("What is wrong")),
            ),
            poll_url=None if job.status in _FINAL else f"{where}/{job.id}/progress",
        )

    @app.page("GET", f"{_STATEMENTS}/imports/{{id}}", permission=_READ)
    def show_statement_import(request: Request) -> Reply:
        """How far an import is, what became of it, or everything wrong with the file."""
        return show_job(request, KIND, "settlement/import.html", _STATEMENTS)

    @app.page("GET", f"{_STATEMENTS}/imports/{{id}}/progress", permission=_READ)
    def show_statement_progress(request: Request) -> Reply:
        """The part of the page that changes."""
        return show_job(request, KIND, "settlement/progress.html", _STATEMENTS)

    @app.page("GET", f"{_IMPORTS}/{{id}}", permission=_SALE_WRITE)
    def show_sales_import(request: Request) -> Reply:
        """The same for a table of sales."""
        return show_job(request, SALES_KIND, "settlement/import.html", _IMPORTS)

    @app.page("GET", f"{_IMPORTS}/{{id}}/progress", permission=_SALE_WRITE)
    def show_sales_progress(request: Request) -> Reply:
        """The part of the page that changes."""
        return show_job(request, SALES_KIND, "settlement/progress.html", _IMPORTS)

    # ------------------------------------------------------------------ drift

    @app.page("GET", "/card-contracts/drift", permission=_READ)
    def show_drift_report(request: Request) -> Reply:
        """What banks kept by month and contract, beside what was agreed."""
        use, words = use_of(request), words_of(request)
        year = use.scope.today().year
        found = use.store.drifts(f"{year - 1}-01", f"{year + 1}-12")
        rows = [
            {
                "id": f"{one.month}-{one.contract_code}-{one.currency}",
                "one": one,
                "month": words.formats.month(Period.parse(one.month)),
                "gross": Money(one.gross, one.currency),
                "difference": Money(-one.difference, one.currency),
                "state": Say(words).drift(beyond=one.is_beyond()),
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


def _shown(match: Match, words: Any) -> dict[str, Any]:
    """A match for the table."""
    return {
        "id": match.id,
        "match": match,
        "kind": Say(words).kind(match.kind),
        "paid": Money(match.paid, match.currency),
        "difference": Money(match.difference, match.currency),
        "codes": [share.contract_code for share in match.shares],
        "why": words.whys(match.why),
        "may_confirm": match.state in (MatchState.SUGGESTED, MatchState.UNDONE),
        "may_undo": match.state in (MatchState.SUGGESTED, MatchState.CONFIRMED),
    }
