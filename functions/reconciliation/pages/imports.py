"""Files of account cards, account lines and e-invoices: checked, recorded, taken back (REC-01)."""

from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, ValidationError
from reconciliation.application.imports import JOB_KINDS, UNDO_KINDS
from reconciliation.bootstrap import application
from reconciliation.pages.kit import Kit, go, use_of
from reconciliation.pages.words import Say, words_of
from reconciliation.ports import ImportKind
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Column, Option
from webkit.i18n import mark
from webkit.urls import link

SECTION: Final = "reconciliation.imports"
_READ: Final = "reconciliation:ledger:read"
_WRITE: Final = "reconciliation:ledger:write"
_HERE: Final = "/reconciliation/imports"
_FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
KINDS: Final[dict[ImportKind, str]] = {
    "counterparties": mark("Counterparties (CSV or Excel)"),
    "ledger_entries": mark("Account lines (CSV or Excel)"),
    "e_invoices_sales": mark("E-invoices we issued (UBL, XML or ZIP)"),
    "e_invoices_purchase": mark("E-invoices we received (UBL, XML or ZIP)"),
}
NAMES: Final = {
    **{JOB_KINDS[kind]: label for kind, label in KINDS.items()},
    **dict.fromkeys(UNDO_KINDS.values(), mark("Taking an import back")),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of imports."""

    @app.page("GET", _HERE, permission=_READ)
    def show_imports(request: Request) -> Reply:
        """The newest imports."""
        use, words = use_of(request), words_of(request)
        say = Say(words)
        return kit.draw(
            request,
            "imports/list.html",
            SECTION,
            jobs=[
                {
                    "id": job.id,
                    "job": job,
                    "name": words.text(NAMES[job.kind]),
                    "counts": say.counts(job.result),
                    "dry_run": bool(job.private.get("dry_run")),
                }
                for job in use.store.jobs(NAMES, 20)
            ],
            columns=(
                Column("at", words.text("When")),
                Column("what", words.text("What")),
                Column("state", words.text("State")),
                Column("counts", words.text("Result")),
            ),
            may_write=request.principal.may(_WRITE),
        )

    @app.page("GET", f"{_HERE}/new", permission=_WRITE)
    def choose_file(request: Request) -> Reply:
        """A form that sends one file straight to storage, also without JavaScript."""
        use = use_of(request)
        upload_id = use.scope.ids.new()
        base = application().settings.common.base_url.rstrip("/")
        room = use.files.room(upload_id, back_to=f"{base}{_HERE}/uploads/{upload_id}")
        return kit.draw(request, "imports/upload.html", SECTION, room=room, upload_to=room.url)

    def read_file(request: Request, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        return kit.draw(
            request,
            "imports/read.html",
            SECTION,
            error=error,
            upload_id=request.id("upload_id"),
            kinds=[Option(kind, words.text(label)) for kind, label in KINDS.items()],
            kind=request.query.get("kind", "ledger_entries"),
        )

    @app.page("GET", f"{_HERE}/uploads/{{upload_id}}", permission=_WRITE)
    def show_upload(request: Request) -> Reply:
        """The file is here: check it only, or record it."""
        use_of(request).files.exists(request.id("upload_id"))
        return read_file(request)

    @app.page("POST", f"{_HERE}/uploads/{{upload_id}}", permission=_WRITE)
    def start_import(request: Request) -> Reply:
        """Start the work."""
        use_of(request).files.exists(request.id("upload_id"))
        form = request.form()
        kind = next((one for one in KINDS if one == form.get("kind")), None)
        if kind is None:
            wrong = ValidationError("kind_missing", "Say what the file holds.")
            return read_file(request, wrong)
        job_id = use_of(request).start_import()(
            kind,
            upload_id=request.id("upload_id"),
            dry_run=form.get("command") == "check",
            language=words_of(request).code,
        )
        return go(f"{_HERE}/{job_id}")

    def show_job(request: Request, template: str) -> Reply:
        use, words = use_of(request), words_of(request)
        job = use.store.job(request.id())
        if job is None or job.kind not in NAMES:
            raise NotFoundError("not_found", "There is no such item.")
        say = Say(words)
        final = job.status in _FINAL
        here = f"{_HERE}/{job.id}"
        private = job.private
        dry_run = bool(private.get("dry_run"))
        kind = next((kind for kind, name in JOB_KINDS.items() if name == job.kind), "")
        upload = f"{_HERE}/uploads/{private['upload_id']}" if "upload_id" in private else ""
        recorded = final and not dry_run and job.status == "succeeded" and job.kind in UNDO_KINDS
        return kit.draw(
            request,
            template,
            SECTION,
            job=job,
            name=words.text(NAMES[job.kind]),
            final=final,
            dry_run=dry_run,
            counts=say.counts(job.result),
            file_problems=[_problem(number, one, say) for number, one in enumerate(job.problems)],
            problem_columns=(
                Column("place", words.text("Row and field")),
                Column("text", words.text("What is wrong")),
            ),
            again=link(upload, kind=kind) if upload else "",
            corrected=f"{here}/corrected" if job.result.get("corrected") else "",
            undo=f"{here}/undo" if recorded and request.principal.may(_WRITE) else "",
            poll_url=None if final else f"{here}/progress",
        )

    @app.page("GET", f"{_HERE}/{{id}}", permission=_READ)
    def show_import(request: Request) -> Reply:
        """How far an import is, and what came of it."""
        return show_job(request, "imports/import.html")

    @app.page("GET", f"{_HERE}/{{id}}/progress", permission=_READ)
    def show_progress(request: Request) -> Reply:
        """The part that asks again by itself."""
        return show_job(request, "imports/progress.html")

    @app.page("GET", f"{_HERE}/{{id}}/corrected", permission=_READ)
    def show_corrected(request: Request) -> Reply:
        """The file that came, with what is wrong beside every row."""
        file = use_of(request).corrected_workbook()(request.id())
        return file_reply(file)

    @app.page("POST", f"{_HERE}/{{id}}/undo", permission=_WRITE)
    def undo_import(request: Request) -> Reply:
        """Take an import back; what was changed since stays."""
        return go(f"{_HERE}/{use_of(request).start_undo()(request.id())}")


def _problem(number: int, one: Any, say: Say) -> dict[str, str]:
    parts = str(one["pointer"]).strip("/").split("/")
    row = parts[1] if len(parts) > 1 and parts[0] == "rows" else ""
    field = parts[2] if row and len(parts) > 2 else ""
    return {
        "id": str(number),
        "row": row,
        "field": field,
        "text": say.problem(str(one["code"]), str(one["message"])),
    }
