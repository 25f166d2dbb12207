"""Bank statements: import them, see what became of every line, decide about differences."""

from typing import Any, Final

from kernel.errors import NotFoundError, Problem, ValidationError
from payment_codes.bootstrap import application
from payment_codes.domain.statement_line import LineOutcome
from payment_codes.handlers.http.app import app, use_of
from payment_codes.schemas import (
    CsvProfileIn,
    ResolveDifferenceIn,
    StatementImportIn,
    chunk_line_out,
    line_out,
)
from toolkit.entrypoints.http import Reply, Request, accepted
from toolkit.http.files import STATEMENTS, asks_dry_run, direct_file

_READ: Final = "payment_codes:statement:read"
_WRITE: Final = "payment_codes:statement:write"
_OUTCOMES: Final = frozenset({*(each.value for each in LineOutcome), "with_code"})
_CHUNKS: Final = 4


@app.api("POST", "/v1/payment-codes/statements/imports", permission=_WRITE)
def import_statement(request: Request) -> Reply:
    """Import a statement: camt.053, camt.054, MT940, or a CSV with its profile.

    From ``{upload_id, dry_run, profile}``, or from the body itself up to 1 MiB; then the options
    are in the query.
    """
    command = request.command()
    start = use_of(request).start_statement_import()
    if (file := direct_file(request, "statement", STATEMENTS)) is not None:
        job_id = start(
            file=file,
            dry_run=asks_dry_run(request),
            profile=request.query.get("profile"),
            command=command,
        )
    else:
        body = request.json(StatementImportIn)
        profile: Any = body.profile
        if isinstance(profile, CsvProfileIn):
            profile = profile.model_dump(exclude_none=True)
        job_id = start(
            upload_id=body.upload_id, dry_run=body.dry_run, profile=profile, command=command
        )
    return accepted(job_id, "statement_import")


@app.api("GET", "/v1/payment-codes/statements/imports/{id}/lines", permission=_READ)
def list_lines(request: Request) -> Reply:
    """What became of every line of an import, in the order of the file."""
    use = use_of(request)
    job = use.store.job(request.id())
    if job is None or job.kind != "statement_import":
        raise NotFoundError("not_found", "There is no such item.")
    outcome = request.query.get("outcome", "")
    if outcome and outcome not in _OUTCOMES:
        problem = Problem("/outcome", "choice", f"One of {', '.join(sorted(_OUTCOMES))}.")
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=[problem])
    scope = _scope(request, "lines", {"id": job.id, "outcome": outcome})
    cursor = request.query.get("cursor")
    after = application().cursors.open(cursor, **scope) if cursor else None
    found, following = use.store.chunks(job.id, limit=_CHUNKS, after=after)
    items = [
        chunk_line_out(line)
        for chunk in found
        for line in chunk.lines
        if not outcome or line["outcome"] == outcome
    ]
    sealed = application().cursors.seal(following, **scope) if following else None
    return Reply({"items": items, "next_cursor": sealed})


@app.api("GET", "/v1/payment-codes/statements/differences", permission=_READ)
def list_differences(request: Request) -> Reply:
    """Lines that could not be agreed and wait for a person, oldest first."""
    use = use_of(request)
    scope = _scope(request, "differences", {})
    cursor = request.query.get("cursor")
    after = application().cursors.open(cursor, **scope) if cursor else None
    found, following = use.store.differences(limit=request.limit(), after=after)
    sealed = application().cursors.seal(following, **scope) if following else None
    return Reply({"items": [line_out(line) for line in found], "next_cursor": sealed})


@app.api("POST", "/v1/payment-codes/statements/differences/{id}/resolve", permission=_WRITE)
def resolve_difference(request: Request) -> Reply:
    """Decide about a line: book it as new money, or it is the payment that is known."""
    body = request.json(ResolveDifferenceIn)
    line = use_of(request).resolve_difference()(request.id(), body.decision, body.note)
    return Reply(line_out(line))


def _scope(request: Request, route: str, filters: dict[str, str]) -> dict[str, Any]:
    return {
        "tenant_id": request.tenant.tenant_id,
        "route": f"/v1/payment-codes/statements/{route}",
        "filters": filters,
        "now": use_of(request).scope.clock.now(),
    }
