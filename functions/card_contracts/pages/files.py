"""Files of statements and of sales: choose one, say how to read it, see what became of it."""

from typing import Final

from card_contracts.application.imports import KIND as SALES_KIND
from card_contracts.application.imports import UNDO_KIND
from card_contracts.application.statements import KIND
from card_contracts.bootstrap import application
from card_contracts.pages import table_form
from card_contracts.pages.kit import Kit, go, use_of
from card_contracts.pages.settlement import MATCHES, MATCHES_PATH, SALES
from card_contracts.pages.words import PROFILE, Say, words_of
from kernel.errors import KopruError, NotFoundError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Option

_READ: Final = "card_contracts:match:read"
_WRITE: Final = "card_contracts:match:write"
_SALE_WRITE: Final = "card_contracts:sale:write"
_STATEMENTS: Final = "/card-contracts/statements"
_IMPORTS: Final = "/card-contracts/sales/imports"
_LAST: Final = 20  # imports that are looked through for the own table of the last one
_FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of files."""

    def form_of(request: Request, here: str, template: str, section: str) -> Reply:
        use = use_of(request)
        upload_id = use.scope.ids.new()
        base = application().settings.common.base_url.rstrip("/")
        room = use.statement_files.room(upload_id, back_to=f"{base}{here}/uploads/{upload_id}")
        return kit.draw(request, template, section, room=room, upload_to=room.url)

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
            error=error and table_form.placed(error),
            upload_id=request.id("upload_id"),
            profiles=[
                *(Option(one, words.text(PROFILE[one])) for one in use.statement_files.profiles()),
                Option(table_form.OWN, words.text("a table of my own")),
            ],
            own=table_form.OWN,
            **table_form.choices(words, use.statement_files.table_styles()),
            accounts=[
                Option(one.code, f"{one.code} · {one.name}") for one in use.store.bank_accounts()
            ],
            form=request.form()
            if request.method == "POST"
            else table_form.form_of(
                job.private.get("profile") for job in use.store.job_list(KIND, limit=_LAST)
            ),
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
                profile=table_form.profile_of(form),
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

    def show_job(
        request: Request, kind: str, template: str, here: str, error: KopruError | None = None
    ) -> Reply:
        job = use_of(request).store.job(request.id())
        undo = kind == SALES_KIND and job is not None and job.kind == UNDO_KIND
        if job is None or not (undo or job.kind == kind):
            raise NotFoundError("not_found", "There is no such item.")
        words, dry_run = words_of(request), bool(job.private.get("dry_run"))
        results = dict(job.counts or job.result)
        say = Say(words)
        where = f"{here}/imports" if kind == KIND else here
        return kit.draw(
            request,
            template,
            MATCHES if kind == KIND else SALES,
            error=error,
            job=job,
            is_statement=kind == KIND,
            undo=undo,
            undo_to=f"{here}/{job.private.get('import_id', job.id)}/undo",
            undoable=kind == SALES_KIND and not dry_run and bool(results.get("posted")),
            results=results,
            back=MATCHES_PATH if kind == KIND else "/card-contracts/sales",
            again=f"{here}/uploads/{job.private['upload_id']}",
            dry_run=dry_run,
            final=job.status in _FINAL,
            counts=[
                (say.count(name), number)
                for name, number in results.items()
                if isinstance(number, int) and not isinstance(number, bool) and name in say.COUNTS
            ],
            file_problems=[
                {
                    "id": str(number),
                    "place": say.row_place(one),
                    "text": say.problem(str(one["code"]), str(one["message"])),
                    "sale_id": str(one.get("subject", "")).removeprefix("card_sale:"),
                }
                for number, one in enumerate(job.problems[:100])
            ],
            problem_columns=(
                Column("place", words.text("Where")),
                Column("text", words.text("Why it stays") if undo else words.text("What is wrong")),
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

    @app.page("POST", f"{_IMPORTS}/{{id}}/undo", permission=_SALE_WRITE)
    def undo_sales(request: Request) -> Reply:
        """Count what taking an import of sales back would do, or do it."""
        check = request.form().get("dry_run") == "1"
        try:
            job_id = use_of(request).start_sales_undo()(request.id(), dry_run=check)
        except KopruError as error:
            return show_job(request, SALES_KIND, "settlement/import.html", _IMPORTS, error)
        return go(f"{_IMPORTS}/{job_id}")

    @app.page("GET", f"{_IMPORTS}/{{id}}/progress", permission=_SALE_WRITE)
    def show_sales_progress(request: Request) -> Reply:
        """The part of the page that changes."""
        return show_job(request, SALES_KIND, "settlement/progress.html", _IMPORTS)
