"""Pages of batches: choose a file, see its columns, check it, issue its codes, or take them back
(PAY-01, PAY-02).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, ValidationError
from payment_codes.bootstrap import application
from payment_codes.domain.batch import JOB_KIND, UNDO_KIND
from payment_codes.domain.source import SourceKind
from payment_codes.pages.kit import Kit, go, use_of
from payment_codes.pages.words import SOURCE, Say, words_of
from payment_codes.ports import BatchColumns, JobView
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import elsewhere
from webkit.components import Column, Option, Step, StepState
from webkit.reader import language_of
from webkit.urls import link

SECTION: Final = "payment_codes.codes"
_WRITE: Final = "payment_codes:code:write"
_MAPPING: Final = "batch"
_LONG_NUMBER: Final = re.compile(r"[0-9]{9,}")
_PERSONAL: Final = frozenset({"customer_name", "email"})
_POLL_FIRST: Final = 2
_POLL_LAST: Final = 15
_SHOWN: Final = 100


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the wizard of batches and the page of their jobs."""

    @app.page("GET", "/payment-codes/batches/new", permission=_WRITE)
    def choose_file(request: Request) -> Reply:
        """Step 1: a form that sends one file straight to storage, also without JavaScript."""
        use = use_of(request)
        upload_id = use.scope.ids.new()
        base = application().settings.common.base_url.rstrip("/")
        room = use.files.room(upload_id, back_to=f"{base}/payment-codes/batches/new/{upload_id}")
        return kit.draw(
            request,
            "batches/upload.html",
            SECTION,
            room=room,
            upload_to=room.url,
            steps=_steps(request, 0),
            ready=use.store.organisation() is not None,
        )

    def columns_page(
        request: Request,
        chosen: Mapping[str, str] | None = None,
        error: KopruError | None = None,
    ) -> Reply:
        words, use = words_of(request), use_of(request)
        values: dict[str, Any] = {
            "steps": _steps(request, 1),
            "action": request.path,
            "kinds": [Option(kind, words.text(label)) for kind, label in SOURCE.items()],
            "form": {"kind": request.form().get("kind", "") if chosen else "bill_batch"},
            "table_columns": (
                Column("column", words.text("Column of the file")),
                Column("samples", words.text("First values")),
                Column("meaning", words.text("Meaning")),
            ),
            "file": None,
            "options": [],
        }
        try:
            found = application().batch_files.columns(
                use.files.upload(request.id("upload_id")),
                remembered={**use.store.import_mapping(_MAPPING), **(chosen or {})},
                language=language_of(request),
            )
        except ValidationError as refused:
            return kit.draw(request, "batches/columns.html", SECTION, error=refused, **values)
        values |= {
            "file": found,
            "samples": _samples(found),
            "options": [Option(name, title) for name, title in found.fields.items()],
            "missing": [
                found.fields.get(name, name) for name in (*found.missing, *found.conflicts)
            ],
        }
        return kit.draw(request, "batches/columns.html", SECTION, error=error, **values)

    @app.page("GET", "/payment-codes/batches/new/{upload_id}", permission=_WRITE)
    def show_columns(request: Request) -> Reply:
        """Step 2: which column means what; nothing is issued yet."""
        return columns_page(request)

    @app.page("POST", "/payment-codes/batches/new/{upload_id}", permission=_WRITE)
    def check_file(request: Request) -> Reply:
        """Step 3: remember the meaning of the columns and check the whole file."""
        use, form = use_of(request), request.form()
        pairs = zip(request.form_list("column"), request.form_list("field"), strict=False)
        mapping = dict(pairs)
        upload_id = request.id("upload_id")
        language = language_of(request)
        try:
            kind = SourceKind(form.get("kind", ""))
        except ValueError:
            return columns_page(request, mapping, ValidationError("choice", "Choose a document."))
        found = application().batch_files.columns(
            use.files.upload(upload_id), remembered=mapping, language=language
        )
        if found.missing or found.conflicts:
            return columns_page(request, mapping, ValidationError("columns_missing", ""))
        use.store.remember_import_mapping(_MAPPING, mapping)
        job_id = use.start_batch().of_file(
            kind, upload_id=upload_id, dry_run=True, language=language, mapping=mapping
        )
        return go(f"/payment-codes/batches/{job_id}")

    @app.page("POST", "/payment-codes/batches/{id}/run", permission=_WRITE)
    def run_batch(request: Request) -> Reply:
        """Step 4: issue what the check has shown."""
        use, job = use_of(request), _job(request)
        if not job.private.get("dry_run"):
            raise NotFoundError("not_found", "There is no such item.")
        job_id = use.start_batch().of_file(
            SourceKind(str(job.private["kind"])),
            upload_id=str(job.private["upload_id"]),
            language=language_of(request),
            mapping=job.private["mapping"],
        )
        return go(f"/payment-codes/batches/{job_id}")

    @app.page("POST", "/payment-codes/batches/{id}/undo", permission=_WRITE)
    def undo_batch(request: Request) -> Reply:
        """Count what taking the batch back would do, or do it."""
        batch, check = _job(request), request.form().get("dry_run") == "1"
        try:
            job_id = use_of(request).undo_batch()(batch.id, dry_run=check)
        except KopruError as error:
            return draw_job(request, "batches/job.html", error)
        return go(f"/payment-codes/batches/{job_id}")

    # ------------------------------------------------------------------ jobs

    def draw_job(request: Request, template: str, error: KopruError | None = None) -> Reply:
        job, words = _job(request, JOB_KIND, UNDO_KIND), words_of(request)
        undo = job.kind == UNDO_KIND
        asked = request.query.get("pause", "")
        # Each poll names the pause before the next one, so the asking slows down by itself.
        pause = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 0
        pause = min(max(pause, _POLL_FIRST), _POLL_LAST)
        dry_run = bool(job.private.get("dry_run"))
        counts = job.result.get("counts", job.outcomes)
        following = link(
            f"/payment-codes/batches/{job.id}/progress", pause=min(pause + 1, _POLL_LAST)
        )
        return kit.draw(
            request,
            template,
            SECTION,
            error=error,
            job=job,
            undo=undo,
            undo_to=f"/payment-codes/batches/{job.private.get('batch_id', job.id)}/undo",
            undoable=not undo and not dry_run and int(counts.get("issued", 0)) > 0,
            dry_run=dry_run,
            counts={name: int(number) for name, number in counts.items()},
            runnable=job.is_final and dry_run and not undo and int(counts.get("valid", 0)) > 0,
            steps=_steps(request, 2 if dry_run else 4 if job.is_final else 3),
            poll_url=None if job.is_final else following,
            poll_seconds=pause,
            row_problems=_problems(job, Say(words)),
            problem_count=int(job.result.get("problem_count", len(job.problems))),
            workbook=job.result.get("corrected_workbook"),
            columns=(
                Column("line", words.text("Row")),
                Column("field", words.text("Code") if undo else words.text("Field")),
                Column("text", words.text("Why it stays") if undo else words.text("What is wrong")),
            ),
        )

    @app.page("GET", "/payment-codes/batches/{id}", permission="workspace:job:read")
    def show_job(request: Request) -> Reply:
        """How far a batch is; asks again by itself until it is over."""
        return draw_job(request, "batches/job.html")

    @app.page("GET", "/payment-codes/batches/{id}/progress", permission="workspace:job:read")
    def show_progress(request: Request) -> Reply:
        """The part of the page that changes."""
        return draw_job(request, "batches/progress.html")

    @app.page(
        "GET",
        "/payment-codes/batches/{id}/corrected-workbook",
        permission="payment_codes:code:read",
    )
    def corrected_workbook(request: Request) -> Reply:
        """The file with its problems marked; leads to the download."""
        job = _job(request)
        if not job.result.get("corrected_workbook"):
            raise NotFoundError("not_found", "There is no such item.")
        address = use_of(request).files.download_link(job.id, f"kopru-{job.id}.xlsx")
        return elsewhere(address)


def _job(request: Request, *kinds: str) -> JobView:
    job = use_of(request).store.job(request.id())
    if job is None or job.kind not in (kinds or (JOB_KIND,)):
        raise NotFoundError("not_found", "There is no such item.")
    return job


def _samples(file: BatchColumns) -> dict[str, str]:
    """First values of each column; what names a person is shown in part only."""
    return {
        column.name: " · ".join(
            f"{text[:3]}•••{text[-2:]}"
            if column.field in _PERSONAL or _LONG_NUMBER.search(text)
            else text[:30]
            for text in column.samples
        )
        for column in file.columns
    }


def _problems(job: JobView, say: Say) -> list[dict[str, Any]]:
    return [
        {
            "id": str(position),
            "line": problem.get("line"),
            "code_id": str(problem.get("subject", "")).removeprefix("payment_code:"),
            "field": str(problem.get("field") or str(problem.get("pointer", "")).strip("/")),
            "text": say.problem(str(problem["code"]), str(problem.get("message", ""))),
        }
        for position, problem in enumerate(job.problems[:_SHOWN])
    ]


def _steps(request: Request, at: int) -> list[Step]:
    words = words_of(request)
    labels = (
        words.text("Choose the file"),
        words.text("Columns"),
        words.text("Check"),
        words.text("Issue"),
    )
    states = [
        StepState.DONE if number < at else StepState.CURRENT if number == at else StepState.PENDING
        for number in range(len(labels))
    ]
    return [Step(label, state) for label, state in zip(labels, states, strict=True)]
