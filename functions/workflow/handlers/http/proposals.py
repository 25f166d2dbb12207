"""Subjects with their facts, runs of the time-driven rules, and what they propose (WFL-06)."""

from typing import Any, Final

from kernel.errors import Problem, ValidationError
from kernel.money import Money
from kernel.storing import Position
from toolkit.entrypoints.http import Reply, Request, accepted, etag
from toolkit.http.files import asks_dry_run, direct_file
from webkit.reader import language_of
from workflow.bootstrap import application
from workflow.handlers.http.app import app, use_of
from workflow.ports import SubjectRow
from workflow.schemas import (
    AcceptIn,
    DismissIn,
    SubjectImportIn,
    SubjectsIn,
    kind_out,
    proposal_out,
    run_out,
    subject_out,
)

_READ_SUBJECTS: Final = "workflow:subject:read"
_WRITE_SUBJECTS: Final = "workflow:subject:write"
_READ: Final = "workflow:proposal:read"
_DECIDE: Final = "workflow:proposal:decide"
_SUBJECTS: Final = "/v1/workflow/subjects"
_PROPOSALS: Final = "/v1/workflow/proposals"
_ONE: Final = f"{_PROPOSALS}/{{id}}"


def _cursor(request: Request, route: str, **filters: str) -> tuple[dict[str, Any], Position | None]:
    scope: dict[str, Any] = {
        "tenant_id": request.tenant.tenant_id,
        "route": route,
        "filters": filters,
        "now": application().platform.clock.now(),
    }
    cursor = request.query.get("cursor")
    return scope, application().cursors.open(cursor, **scope) if cursor else None


def _page(items: list[dict[str, Any]], following: Position | None, scope: dict[str, Any]) -> Reply:
    sealed = application().cursors.seal(following, **scope) if following else None
    return Reply({"items": items, "next_cursor": sealed})


def _wrong(name: str, text: str) -> ValidationError:
    problem = Problem(f"/{name}", "choice", text)
    return ValidationError("invalid_input", "Some filters are wrong.", problems=[problem])


# ---------------------------------------------------------------------------- subjects


@app.api("GET", "/v1/workflow/subject-kinds", permission=_READ_SUBJECTS)
def list_kinds(request: Request) -> Reply:
    """Kinds of subjects and the facts that the time-driven rules ask of them."""
    items = [kind_out(kind) for kind in use_of(request).triggers.kinds]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", _SUBJECTS, permission=_READ_SUBJECTS)
def list_subjects(request: Request) -> Reply:
    """Subjects of ``?kind=`` by reference, with their facts of today."""
    use, kind = use_of(request), request.query.get("kind", "")
    if kind not in {one.key for one in use.triggers.kinds}:
        raise _wrong("kind", "Name one of the kinds of /v1/workflow/subject-kinds.")
    scope, after = _cursor(request, _SUBJECTS, kind=kind)
    found, following = use.store.subjects(kind, limit=request.limit(), after=after)
    return _page([subject_out(one, use.scope.today) for one in found], following, scope)


@app.api("GET", f"{_SUBJECTS}/{{id}}", permission=_READ_SUBJECTS)
def show_subject(request: Request) -> Reply:
    """One subject with all dated facts."""
    use = use_of(request)
    found = use.store.subject(request.id())
    headers = {"etag": etag(found.stamp.version)}
    return Reply(subject_out(found, use.scope.today), 200, headers)


@app.api("POST", _SUBJECTS, permission=_WRITE_SUBJECTS)
def tell_subjects(request: Request) -> Reply:
    """Tell facts of up to a hundred subjects; the same again changes nothing."""
    body = request.json(SubjectsIn)
    rows = [
        SubjectRow(one.reference, one.label, one.valid_from, one.facts) for one in body.subjects
    ]
    return Reply(use_of(request).tell_subjects()(body.kind, rows).to_dict())


@app.api("POST", f"{_SUBJECTS}/imports", permission=_WRITE_SUBJECTS)
def import_subjects(request: Request) -> Reply:
    """Subjects from a table (CSV, XLSX): all of it or, when one row is wrong, nothing.

    Up to 1 MiB may be the body itself, with ``?kind=`` and ``?dry_run=true``.
    """
    start = use_of(request).start_subject_import()
    if (file := direct_file(request, "subjects")) is not None:
        job_id = start(
            request.query.get("kind", ""),
            file=file,
            dry_run=asks_dry_run(request),
            language=language_of(request),
        )
    else:
        body = request.json(SubjectImportIn)
        job_id = start(
            body.kind,
            upload_id=body.upload_id,
            dry_run=body.dry_run,
            language=language_of(request),
        )
    return accepted(job_id, "subject_import")


# ---------------------------------------------------------------------------- runs


@app.api("POST", "/v1/workflow/trigger-runs", permission=_DECIDE)
def start_run(request: Request) -> Reply:
    """Look at all subjects now, instead of waiting for the morning."""
    run = use_of(request).start_run().now()
    headers = {"location": f"/v1/workflow/trigger-runs/{run.id}", "retry-after": "1"}
    return Reply(run_out(run), 202, headers)


@app.api("GET", "/v1/workflow/trigger-runs/{id}", permission=_READ)
def show_run(request: Request) -> Reply:
    """Where a run stands: subjects seen, proposals made, subjects whose facts were not enough."""
    return Reply(run_out(use_of(request).store.run(request.id())))


# ---------------------------------------------------------------------------- proposals


@app.api("GET", _PROPOSALS, permission=_READ)
def list_proposals(request: Request) -> Reply:
    """Proposals, ``?state=open`` (the oldest first) or ``closed`` (the newest first)."""
    use, state = use_of(request), request.query.get("state", "open")
    if state not in ("open", "closed"):
        raise _wrong("state", "The state is open or closed.")
    scope, after = _cursor(request, _PROPOSALS, state=state)
    found, following = use.store.proposals(
        is_open=state == "open", limit=request.limit(), after=after
    )
    return _page([proposal_out(one, use.processes.now) for one in found], following, scope)


@app.api("GET", _ONE, permission=_READ)
def show_proposal(request: Request) -> Reply:
    """One proposal."""
    use = use_of(request)
    found = use.store.proposal(request.id())
    headers = {"etag": etag(found.stamp.version)}
    return Reply(proposal_out(found, use.processes.now), 200, headers)


@app.api("GET", f"{_ONE}/lines", permission=_READ)
def list_lines(request: Request) -> Reply:
    """What a selection holds: contracts and debts of a bank's file."""
    use = use_of(request)
    found = use.store.proposal(request.id())
    scope, after = _cursor(request, f"{_PROPOSALS}/lines", id=found.id)
    lines, following = use.store.selection(
        f"{found.trigger}.{found.period}", limit=request.limit(), after=after
    )
    items = [
        {"reference": reference, "amount": Money(minor, "TRY").to_api()}
        for reference, minor in lines
    ]
    return _page(items, following, scope)


@app.api("POST", f"{_ONE}/accept", permission=_DECIDE)
def accept_proposal(request: Request) -> Reply:
    """Accept: the work starts with what is known, and with ``data`` where that is not enough."""
    body = request.json(AcceptIn)
    use = use_of(request)
    done = use.accept_proposal()(request.id(), body.data)
    return Reply(proposal_out(done, use.processes.now))


@app.api("POST", f"{_ONE}/dismiss", permission=_DECIDE)
def dismiss_proposal(request: Request) -> Reply:
    """Dismiss with a reason; it is not proposed again for the same period."""
    body = request.json(DismissIn)
    use = use_of(request)
    done = use.dismiss_proposal()(request.id(), body.reason)
    return Reply(proposal_out(done, use.processes.now))
