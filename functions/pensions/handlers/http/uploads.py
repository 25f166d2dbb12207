"""Files in and out: imports from uploads or small bodies, undo, the corrected workbook, exports."""

from kernel.errors import NotFoundError, Problem, ValidationError
from kernel.periods import Period
from pensions.handlers.http.app import app, language_of, pensions
from pensions.schemas import ImportIn
from toolkit.entrypoints.http import Reply, Request, accepted
from toolkit.http.files import asks_dry_run, direct_file, elsewhere, file_reply


def start_import(request: Request, kind: str) -> Reply:
    """Start an import from ``{upload_id, dry_run, …}`` or from the body itself.

    A direct body takes its options from the query: ``dry_run=true``, ``year``, ``month``.
    """
    start = pensions(request).start_import()
    language = language_of(request)
    if (file := direct_file(request, "payroll")) is not None:
        options = ImportIn.model_validate(
            {
                "upload_id": "-",
                "dry_run": asks_dry_run(request),
                "year": _number(request.query.get("year")),
                "month": _number(request.query.get("month")),
            }
        )
        started = start(
            request.id(),
            kind,
            file=file,
            dry_run=options.dry_run,
            language=language,
            period=_period(kind, options),
        )
    else:
        options = request.json(ImportIn)
        started = start(
            request.id(),
            kind,
            upload_id=options.upload_id,
            dry_run=options.dry_run,
            language=options.language,
            period=_period(kind, options),
            mapping=options.mapping,
        )
    return accepted(started.job_id, f"{kind}_import")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 4 else None


def _period(kind: str, options: ImportIn) -> Period | None:
    if kind != "contributions":
        return None
    if options.year is None or options.month is None:
        missing = [name for name in ("year", "month") if getattr(options, name) is None]
        raise ValidationError(
            "invalid_input",
            "Say which month the file is for.",
            problems=[Problem(f"/{name}", "required", "This is required.") for name in missing],
        )
    return Period(options.year, options.month)


@app.api("POST", "/v1/pensions/imports/{id}/undo", permission="pensions:employee:write")
def undo_import(request: Request) -> Reply:
    """Take back an import of people, as far as nothing was sent since."""
    return Reply(pensions(request).undo_import()(request.id()))


@app.api("GET", "/v1/pensions/imports/{id}/corrected-workbook", permission="pensions:employee:read")
def corrected_workbook(request: Request) -> Reply:
    """The imported file with its problems marked; redirects to the download."""
    use = pensions(request)
    job = use.store.job(request.id())
    if job is None:
        raise NotFoundError("not_found", "There is no such item.")
    link = use.files.download_link(job.id, f"kopru-{job.id}.xlsx")
    return elsewhere(link)


@app.api(
    "GET",
    "/v1/pensions/contracts/{id}/exports/employees",
    permission="pensions:employee:export",
)
def export_employees(request: Request) -> Reply:
    """People of a contract as a file to upload in the insurer's own screens (PEN-10)."""
    export = pensions(request).export_people()
    return file_reply(export(request.id(), request.query.get("format", "xlsx")))


@app.api(
    "GET",
    "/v1/pensions/contracts/{id}/exports/contributions",
    permission="pensions:employee:export",
)
def export_contributions(request: Request) -> Reply:
    """Contributions of a month as a file to upload in the insurer's own screens (PEN-10)."""
    export = pensions(request).export_contributions()
    chosen = request.query.get("format", "xlsx")
    return file_reply(export(request.id(), period_of_query(request), chosen))


def period_of_query(request: Request) -> Period:
    """The month named by ``year`` and ``month``; raises ValidationError with what is missing."""
    year, month = _number(request.query.get("year")), _number(request.query.get("month"))
    problems = []
    if year is None or not 2017 <= year <= 2100:
        problems.append(Problem("/year", "invalid", "A year from 2017 on."))
    if month is None or not 1 <= month <= 12:
        problems.append(Problem("/month", "invalid", "A month from 1 to 12."))
    if problems or year is None or month is None:
        raise ValidationError("invalid_input", "Say which month.", problems=problems)
    return Period(year, month)
