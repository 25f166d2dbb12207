"""Pages of bank statements: import one, see what became of every line, decide differences."""

import re
from datetime import date
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from kernel.money import Money
from payment_codes.application.import_statement import KIND
from payment_codes.bootstrap import application
from payment_codes.domain.statement_line import LineOutcome, StatementLine
from payment_codes.pages.kit import Kit, go, paging_of, position_in, use_of
from payment_codes.pages.words import LINE, PROFILE, Say, words_of
from payment_codes.ports import JobView
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column, Option
from webkit.urls import link

SECTION: Final = "payment_codes.statements"
FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
_READ: Final = "payment_codes:statement:read"
_WRITE: Final = "payment_codes:statement:write"
_ROWS: Final = 50
_SHOWN_IMPORTS: Final = 20
_SHOWN_PROBLEMS: Final = 100
_POLL_FIRST: Final = 2
_POLL_LAST: Final = 15
_NUMBER: Final = re.compile(r"[0-9]{1,3}")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of statements."""

    def overview(request: Request, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        found, following = use.store.differences(limit=_ROWS, after=position_in(request))
        columns = (
            Column("date", words.text("Date")),
            Column("code", words.text("Payment code")),
            Column("amount", words.text("Amount"), numeric=True),
            Column("reason", words.text("Why it waits")),
            Column("act", words.text("What to do"), hide_label=True),
        )
        imports = (
            Column("created", words.text("Started")),
            Column("state", words.text("State")),
            Column("lines", words.text("Lines"), numeric=True),
        )
        return kit.draw(
            request,
            "statements/list.html",
            SECTION,
            error=error,
            differences=found,
            columns=columns,
            imports=use.store.jobs(KIND, limit=_SHOWN_IMPORTS),
            import_columns=imports,
            bookable={line.id for line in found if _may_be_booked(line)},
            may_change=request.principal.may(_WRITE),
            organisation=use.store.organisation(),
            paging=paging_of(request, len(found), following),
        )

    @app.page("GET", "/payment-codes/statements", permission=_READ)
    def show_statements(request: Request) -> Reply:
        """Differences that wait, and the newest imports."""
        return overview(request)

    # ------------------------------------------------------------------ import

    @app.page("GET", "/payment-codes/statements/new", permission=_WRITE)
    def choose_file(request: Request) -> Reply:
        """A form that sends one file straight to storage, also without JavaScript."""
        use = use_of(request)
        upload_id = use.scope.ids.new()
        base = application().settings.common.base_url.rstrip("/")
        back_to = f"{base}/payment-codes/statements/uploads/{upload_id}"
        room = use.statement_files.room(upload_id, back_to=back_to)
        return kit.draw(request, "statements/upload.html", SECTION, upload_to=room.url, room=room)

    def choose_profile(request: Request, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        names = use_of(request).statement_files.profiles()
        options = [Option(name, words.text(PROFILE[name])) for name in names]
        return kit.draw(
            request,
            "statements/profile.html",
            SECTION,
            error=error,
            upload_id=request.id("upload_id"),
            options=options,
            form=request.form() if request.method == "POST" else {},
        )

    @app.page("GET", "/payment-codes/statements/uploads/{upload_id}", permission=_WRITE)
    def show_upload(request: Request) -> Reply:
        """The file is here: check it only, or import it."""
        use_of(request).statement_files.exists(request.id("upload_id"))
        return choose_profile(request)

    @app.page("POST", "/payment-codes/statements/uploads/{upload_id}", permission=_WRITE)
    def start_import(request: Request) -> Reply:
        """Start the work."""
        form = request.form()
        try:
            job_id = use_of(request).start_statement_import()(
                upload_id=request.id("upload_id"),
                dry_run=form.get("dry_run") == "1",
                profile=form.get("profile") or None,
            )
        except NotFoundError:
            raise
        except KopruError as error:
            return choose_profile(request, error)
        return go(f"/payment-codes/statements/imports/{job_id}")

    # ------------------------------------------------------------------ result

    def draw_import(request: Request, template: str) -> Reply:
        use, words = use_of(request), words_of(request)
        job = _job(request)
        say = Say(words)
        final = job.status in FINAL
        wish = request.query.get("outcome", "")
        outcome = wish if wish in LINE else ""
        counts = dict(job.outcomes)
        here = f"/payment-codes/statements/imports/{job.id}"
        chips = [Chip(words.text("All"), here, active=not outcome)]
        chips += [
            Chip(say.line(name).label, link(here, outcome=name), active=name == outcome)
            for name in LINE
            if counts.get(name)
        ]
        after = position_in(request, id=job.id, outcome=outcome)
        chunks, following = use.store.chunks(job.id, limit=4, after=after) if final else ([], None)
        lines = [
            _shown(line)
            for chunk in chunks
            for line in chunk.lines
            if not outcome or line["outcome"] == outcome
        ]
        asked = request.query.get("pause", "")
        pause = int(asked) if _NUMBER.fullmatch(asked) else _POLL_FIRST
        pause = min(max(pause, _POLL_FIRST), _POLL_LAST)
        return kit.draw(
            request,
            template,
            SECTION,
            job=job,
            final=final,
            dry_run=bool(job.private.get("dry_run")),
            upload_id=str(job.private.get("upload_id", "")),
            tiles=[
                (say.line(name), counts[name], link(here, outcome=name))
                for name in LINE
                if counts.get(name)
            ],
            statements=[
                {**each, "opening": _api(each["opening"]), "closing": _api(each["closing"])}
                for each in job.result.get("statements", [])
            ],
            pending=int(job.result.get("pending", 0)),
            file_problems=[
                {
                    "id": str(number),
                    "line": problem.get("line"),
                    "text": say.problem(str(problem["code"]), str(problem["message"])),
                }
                for number, problem in enumerate(job.problems[:_SHOWN_PROBLEMS])
            ],
            problem_count=int(job.result.get("problem_count", len(job.problems))),
            problem_columns=(
                Column("line", words.text("Line of the file")),
                Column("text", words.text("What is wrong")),
            ),
            columns=(
                Column("line", words.text("Line of the file")),
                Column("date", words.text("Date")),
                Column("amount", words.text("Amount"), numeric=True),
                Column("code", words.text("Payment code")),
                Column("outcome", words.text("Outcome")),
            ),
            lines=lines,
            chips=chips,
            paging=paging_of(request, len(lines), following, id=job.id, outcome=outcome),
            poll_url=None
            if final
            else link(f"{here}/progress", pause=str(min(pause + 1, _POLL_LAST))),
            poll_seconds=pause,
        )

    @app.page("GET", "/payment-codes/statements/imports/{id}", permission=_READ)
    def show_import(request: Request) -> Reply:
        """How far an import is, and what became of its lines."""
        return draw_import(request, "statements/import.html")

    @app.page("GET", "/payment-codes/statements/imports/{id}/progress", permission=_READ)
    def show_progress(request: Request) -> Reply:
        """The part of the page that changes."""
        return draw_import(request, "statements/progress.html")

    @app.page("POST", "/payment-codes/statements/differences/{id}/resolve", permission=_WRITE)
    def resolve_difference(request: Request) -> Reply:
        """Decide about a line."""
        form = request.form()
        decision = form.get("decision", "")
        try:
            if decision not in ("book", "same"):
                problem = Problem("", "choice", "Choose what the line is.")
                raise ValidationError("invalid_input", problem.message, problems=[problem])
            note = form.get("note", "")[:200]
            use_of(request).resolve_difference()(request.id(), decision, note)
        except NotFoundError:
            raise
        except KopruError as error:
            return overview(request, error)
        return go("/payment-codes/statements", done=f"decided_{decision}")


def _job(request: Request) -> JobView:
    job = use_of(request).store.job(request.id())
    if job is None or job.kind != KIND:
        raise NotFoundError("not_found", "There is no such item.")
    return job


def _may_be_booked(line: StatementLine) -> bool:
    return (
        line.outcome is LineOutcome.DIFFERS
        and bool(line.rf)
        and (line.takes_back or not line.reversal)
    )


def _shown(line: Any) -> dict[str, Any]:
    """A line of a chunk for the table: money with its sign, the date in the reader's form."""
    minor = line["amount"] if line["direction"] == "credit" else -line["amount"]
    return {
        "code_id": "",
        **line,
        "id": f"{line['line']}-{line['path']}",
        "money": Money(minor, line["currency"]),
        "day": date.fromisoformat(line["booking_date"]),
    }


def _api(value: Any) -> Money | None:
    if value is None:
        return None
    return Money.from_api(value["amount"], value["currency"], allow_zero=True, allow_negative=True)
