"""Pages of long work: the import wizard, and the progress of anything that takes a while."""

import re
from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, ParseError, ValidationError
from kernel.parsing import parse_period
from kernel.periods import Period
from pensions.bootstrap import application
from pensions.domain.contract import Contract
from pensions.pages.employees import PERSONAL
from pensions.pages.kit import Kit, go, use_of
from pensions.pages.words import Say, words_of
from pensions.ports import FileColumns, JobView
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import elsewhere
from webkit.components import Column, Option, Step, StepState
from webkit.reader import language_of
from webkit.urls import link

PEOPLE: Final = "employees"
FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
_LONG_NUMBER: Final = re.compile(r"[0-9]{9,}")
_POLL_FIRST: Final = 2
_POLL_LAST: Final = 15
_SHOWN: Final = 100
_TARGET: Final = "/pensions/contracts/{id}/imports/{target}"
_IMPORTS: Final = frozenset({"employees_import", "contributions_import"})
# In the order in which people read them.
_COUNTS: Final = ("created", "changed", "unchanged", "valid", "invalid", "duplicate", "refused")
_COUNT_TONES: Final[Mapping[str, str]] = {
    "created": "ok",
    "changed": "info",
    "valid": "ok",
    "invalid": "warning",
    "duplicate": "warning",
    "refused": "error",
}
_LINES: Final = ("accepted", "processing", "rejected", "held", "unknown")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the wizard and the pages of jobs."""

    @app.page("GET", _TARGET, permission="pensions:employee:write")
    def choose_file(request: Request) -> Reply:
        """Step 1: a form that sends one file straight to storage, also without JavaScript."""
        use = use_of(request)
        contract, period = _target(request)
        upload_id = use.scope.ids.new()
        base = application().settings.common.base_url.rstrip("/")
        room = use.files.room(upload_id, back_to=f"{base}{request.path}/{upload_id}")
        return kit.draw(
            request,
            "imports/upload.html",
            upload_to=room.url,
            contract=contract,
            period=period,
            room=room,
            steps=_steps(request, 0),
            back=_back(contract, period),
        )

    def columns_page(
        request: Request,
        chosen: Mapping[str, str] | None = None,
        error: KopruError | None = None,
    ) -> Reply:
        contract, period = _target(request)
        words = words_of(request)
        values: dict[str, Any] = {
            "contract": contract,
            "period": period,
            "steps": _steps(request, 1),
            "action": request.path,
            "again": request.path.rpartition("/")[0],
            "back": _back(contract, period),
            "table_columns": (
                Column("column", words.text("Column of the file")),
                Column("samples", words.text("First values")),
                Column("meaning", words.text("Meaning")),
            ),
        }
        try:
            found = use_of(request).preview_import()(
                PEOPLE if period is None else "contributions",
                request.id("upload_id"),
                language=language_of(request),
                chosen=chosen,
            )
        except ValidationError as refused:
            return kit.form(
                request, "imports/columns.html", refused, file=None, options=[], **values
            )
        options = [Option(name, title) for name, title in found.fields.items()]
        values |= {
            "file": found,
            "samples": _samples(found),
            "options": options,
            "missing": _missing(found),
        }
        if error is None:
            return kit.draw(request, "imports/columns.html", **values)
        return kit.form(request, "imports/columns.html", error, **values)

    @app.page("GET", _TARGET + "/{upload_id}", permission="pensions:employee:write")
    def show_columns(request: Request) -> Reply:
        """Step 2: which column means what; nothing is read into the system yet."""
        return columns_page(request)

    @app.page("POST", _TARGET + "/{upload_id}", permission="pensions:employee:write")
    def check_file(request: Request) -> Reply:
        """Step 3: remember the mapping and check the whole file; nothing is written."""
        use, form = use_of(request), request.form()
        contract, period = _target(request)
        kind = PEOPLE if period is None else "contributions"
        names = request.form_list("column")
        fields = request.form_list("field")
        mapping = dict(zip(names, fields, strict=False))
        found = use.preview_import()(
            kind, request.id("upload_id"), language=language_of(request), chosen=mapping
        )
        if found.missing or found.conflicts:
            return columns_page(request, mapping, ValidationError("columns_missing", ""))
        use.store.remember_import_mapping(kind, mapping)
        started = use.start_import()(
            contract.id,
            kind,
            upload_id=request.id("upload_id"),
            dry_run=form.get("dry_run", "1") == "1",
            language=language_of(request),
            period=period,
            mapping=mapping,
        )
        return go(f"/pensions/jobs/{started.job_id}")

    # ------------------------------------------------------------------ jobs

    def draw_job(request: Request, template: str, error: KopruError | None = None) -> Reply:
        use = use_of(request)
        job = _job(request)
        contract = use.store.contract(str(job.private.get("contract_id", "")))
        final = job.status in FINAL
        # Each poll names the pause before the next one, so the asking slows down by itself.
        asked = request.query.get("pause", "")
        pause = (
            int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else _POLL_FIRST
        )
        pause = min(max(pause, _POLL_FIRST), _POLL_LAST)
        say = Say(words_of(request))
        values: dict[str, Any] = {
            "job": job,
            "contract": contract,
            "final": final,
            "name": say.job_name(job.kind),
            "poll_url": None
            if final
            else link(f"/pensions/jobs/{job.id}/progress", pause=min(pause + 1, _POLL_LAST)),
            "poll_seconds": pause,
            **(_import_values(request, job, say) if job.kind in _IMPORTS else _lines(job)),
        }
        if error is None:
            return kit.draw(request, template, **values)
        return kit.form(request, template, error, **values)

    @app.page("GET", "/pensions/jobs/{id}", permission="workspace:job:read")
    def show_job(request: Request) -> Reply:
        """How far a send, a status query or an import is; asks again by itself until it is over."""
        return draw_job(request, "jobs/job.html")

    @app.page("GET", "/pensions/jobs/{id}/progress", permission="workspace:job:read")
    def show_progress(request: Request) -> Reply:
        """The part of the page that changes."""
        return draw_job(request, "jobs/progress.html")

    @app.page("POST", "/pensions/imports/{id}/run", permission="pensions:employee:write")
    def run_import(request: Request) -> Reply:
        """Step 4: bring in what the check has shown."""
        job, use = _job(request), use_of(request)
        if job.kind not in _IMPORTS or not job.private.get("dry_run"):
            raise NotFoundError("not_found", "There is no such item.")
        period = str(job.private.get("period") or "")
        started = use.start_import()(
            str(job.private["contract_id"]),
            job.kind.removesuffix("_import"),
            upload_id=str(job.private["upload_id"]),
            dry_run=False,
            language=language_of(request),
            period=Period.parse(period) if period else None,
            mapping=job.private["mapping"],
        )
        return go(f"/pensions/jobs/{started.job_id}")

    @app.page("POST", "/pensions/imports/{id}/undo", permission="pensions:employee:write")
    def undo_import(request: Request) -> Reply:
        """Take an import of people back, as far as nothing was sent since."""
        job = _job(request)
        try:
            counts = use_of(request).undo_import()(job.id)
        except KopruError as error:
            return draw_job(request, "jobs/job.html", error)
        numbers = {name: str(number) for name, number in counts.items()}
        return go(f"/pensions/jobs/{job.id}", done="undone", **numbers)

    @app.page(
        "GET", "/pensions/imports/{id}/corrected-workbook", permission="pensions:employee:read"
    )
    def corrected_workbook(request: Request) -> Reply:
        """The imported file with its problems marked; leads to the download."""
        job = _job(request)
        address = use_of(request).files.download_link(job.id, f"kopru-{job.id}.xlsx")
        return elsewhere(address)


def _job(request: Request) -> JobView:
    job = use_of(request).store.job(request.id())
    if job is None:
        raise NotFoundError("not_found", "There is no such item.")
    return job


def _target(request: Request) -> tuple[Contract, Period | None]:
    """The contract and, for contributions, the month that the path names."""
    contract = use_of(request).store.contract(request.id())
    target = request.path_values["target"]
    if target == PEOPLE:
        return contract, None
    try:
        return contract, parse_period(target)
    except ParseError:
        raise NotFoundError("not_found", "There is no such item.") from None


def _back(contract: Contract, period: Period | None) -> str:
    base = f"/pensions/contracts/{contract.id}"
    return f"{base}/employees" if period is None else f"{base}/months/{period}"


def _samples(file: FileColumns) -> dict[str, str]:
    """First values of each column; what identifies a person is shown in part only."""
    return {
        column.name: " · ".join(
            f"{text[:3]}•••{text[-2:]}"
            if column.field in PERSONAL or _LONG_NUMBER.search(text)
            else text[:30]
            for text in column.samples
        )
        for column in file.columns
    }


def _missing(file: FileColumns) -> list[str]:
    return [file.fields.get(name, name) for name in (*file.missing, *file.conflicts)]


def _steps(request: Request, at: int) -> list[Step]:
    words = words_of(request)
    labels = (
        words.text("Choose the file"),
        words.text("Columns"),
        words.text("Check"),
        words.text("Import"),
    )
    states = [
        StepState.DONE if number < at else StepState.CURRENT if number == at else StepState.PENDING
        for number in range(len(labels))
    ]
    return [Step(label, state) for label, state in zip(labels, states, strict=True)]


def _import_values(request: Request, job: JobView, say: Say) -> dict[str, Any]:
    words = words_of(request)
    dry_run = bool(job.private.get("dry_run"))
    period = str(job.private.get("period") or "")
    base = f"/pensions/contracts/{job.private['contract_id']}"
    counts = job.result.get("counts", {})
    number = {name: int(counts.get(name, 0)) for name in _COUNTS}
    usable = sum(number[name] for name in ("created", "changed", "valid", "invalid"))
    undone = request.query.get("undone", "")
    kept = request.query.get("kept", "")
    return {
        "is_import": True,
        "dry_run": dry_run,
        "tiles": [
            (say.outcome(name), number[name], _COUNT_TONES.get(name, "neutral"))
            for name in _COUNTS
            if number[name]
        ],
        "row_problems": [
            {
                "id": str(position),
                "line": problem.get("line"),
                "field": say.field(str(problem.get("field") or "")),
                "text": say.problem(str(problem["code"]), str(problem.get("message", ""))),
            }
            for position, problem in enumerate(job.problems[:_SHOWN])
        ],
        "problem_count": int(job.result.get("problem_count", len(job.problems))),
        "columns": (
            Column("line", words.text("Row")),
            Column("field", words.text("Field")),
            Column("text", words.text("What is wrong")),
        ),
        "workbook": job.result.get("corrected_workbook"),
        "sheet": job.result.get("sheet", ""),
        "unread": job.result.get("other_sheets", []),
        "runnable": dry_run and usable > 0,
        "usable": usable,
        "invalid": number["invalid"],
        "undoable": job.kind == "employees_import" and not dry_run and not undone,
        "undone": undone if undone.isdigit() else "",
        "kept": kept if kept.isdigit() else "",
        "steps": _steps(request, 2 if dry_run else 4 if job.status in FINAL else 3),
        "goes_on": f"{base}/months/{period}" if period else f"{base}/employees",
        "again": f"{base}/imports/{period or PEOPLE}",
    }


def _lines(job: JobView) -> dict[str, Any]:
    """Lines of a submission by what became of them; what is left is pending."""
    lines = [(name, job.outcomes.get(name, 0)) for name in _LINES]
    pending = max(0, job.total - job.done)
    month = str(job.private.get("period") or "")
    base = f"/pensions/contracts/{job.private.get('contract_id')}"
    return {
        "is_import": False,
        "lines": [*lines, ("pending", pending)],
        "goes_on": f"{base}/months/{month}" if month else f"{base}/employees",
        "codes": [str(p["code"]) for p in job.problems if not str(p["code"]).startswith("lines_")],
        "waiting": job.outcomes.get("processing", 0) + job.outcomes.get("unknown", 0),
        "attention": job.outcomes.get("rejected", 0) + job.outcomes.get("held", 0),
    }
