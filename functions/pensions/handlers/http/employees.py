"""People of a contract: list, add, change, withdraw, import, send, refresh (PEN-04, 05, 06, 10)."""

from typing import Final

from kernel.errors import NotFoundError, Problem, ValidationError
from pensions.application.find_employees import STATUSES, find_employees
from pensions.application.submissions import MAX_NAMED
from pensions.bootstrap import application
from pensions.domain.employee import Employee, EmployeeStatus, RevealReason
from pensions.handlers.http.app import REVEAL, app, pensions, reveals
from pensions.handlers.http.uploads import start_import
from pensions.ports import PensionsStore
from pensions.schemas import (
    DoneElsewhereIn,
    EmployeeIn,
    RevealIn,
    SubmissionIn,
    counts_out,
    employee_out,
)
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import Reply, Request, accepted, etag

_ROUTE: Final = "/v1/pensions/contracts/{id}/employees"


def _reply(request: Request, employee: Employee, status: int = 200) -> Reply:
    headers = {"etag": etag(employee.stamp.version)}
    if status == 201:
        headers["location"] = (
            f"/v1/pensions/contracts/{employee.contract_id}/employees/{employee.id}"
        )
    return Reply(employee_out(employee, reveal=reveals(request)), status, headers)


def employee_under(store: PensionsStore, contract_id: str, employee_id: str) -> Employee:
    """A person of this contract who is on its list; anything else is the same 404."""
    employee = store.employee(employee_id)
    if employee.contract_id != contract_id or employee.status is EmployeeStatus.CANCELLED:
        raise NotFoundError("not_found", "There is no such item.")
    return employee


@app.api("GET", _ROUTE, permission="pensions:employee:read")
def list_employees(request: Request) -> Reply:
    """People of a contract, filtered by ``status`` and ``q``."""
    use = pensions(request)
    contract = use.store.contract(request.id())
    filters = {name: request.query.get(name, "") for name in ("status", "q")}
    if filters["status"] and filters["status"] not in STATUSES:
        raise ValidationError(
            "invalid_input",
            "Some filters are wrong.",
            problems=[Problem("/status", "choice", "There is no such status.")],
        )
    scope = {
        "tenant_id": request.tenant.tenant_id,
        "route": f"{_ROUTE}/{contract.id}",
        "filters": filters,
        "now": use.scope.clock.now(),
    }
    cursors = application().cursors
    cursor = request.query.get("cursor")
    people, after = find_employees(
        use.store,
        contract.id,
        limit=request.limit(),
        after=cursors.open(cursor, **scope) if cursor else None,  # type: ignore[arg-type]
        status=filters["status"],
        query=filters["q"],
    )
    counts = use.store.employee_counts(contract.id)
    return Reply(
        {
            "items": [employee_out(person, reveal=reveals(request)) for person in people],
            "next_cursor": cursors.seal(after, **scope) if after else None,  # type: ignore[arg-type]
            **({} if any(filters.values()) else {"total": counts.employees}),
            "summary": counts_out(counts),
        }
    )


@app.api("POST", _ROUTE, permission="pensions:employee:write")
def add_employee(request: Request) -> Reply:
    """Add one person."""
    fields = request.json(EmployeeIn).stated()
    return _reply(request, pensions(request).add_employee()(request.id(), fields), 201)


@app.api("GET", _ROUTE + "/{employee_id}", permission="pensions:employee:read")
def show_employee(request: Request) -> Reply:
    """One person."""
    store = pensions(request).store
    return _reply(request, employee_under(store, request.id(), request.id("employee_id")))


def _change(request: Request, *, partial: bool) -> Reply:
    use = pensions(request)
    before = employee_under(use.store, request.id(), request.id("employee_id"))
    fields = request.json(EmployeeIn).stated()
    change = use.change_employee()
    return _reply(request, change(before.id, request.expected_version(), fields, partial=partial))


@app.api("PATCH", _ROUTE + "/{employee_id}", permission="pensions:employee:write")
def change_employee(request: Request) -> Reply:
    """Correct some members of a person."""
    return _change(request, partial=True)


@app.api("PUT", _ROUTE + "/{employee_id}", permission="pensions:employee:write")
def replace_employee(request: Request) -> Reply:
    """Replace the members of a person."""
    return _change(request, partial=False)


@app.api("DELETE", _ROUTE + "/{employee_id}", permission="pensions:employee:write")
def withdraw_employee(request: Request) -> Reply:
    """Take a person off the list before anything was sent."""
    use = pensions(request)
    before = employee_under(use.store, request.id(), request.id("employee_id"))
    use.withdraw_employee()(before.id, request.expected_version())
    return Reply(None, 204)


@app.api("GET", "/v1/pensions/employees/{id}", permission="pensions:employee:read")
def show_employee_by_id(request: Request) -> Reply:
    """One person, without naming the contract."""
    employee = pensions(request).store.employee(request.id())
    if employee.status is EmployeeStatus.CANCELLED:
        raise NotFoundError("not_found", "There is no such item.")
    return _reply(request, employee)


@app.api(
    "POST",
    "/v1/pensions/employees/{id}/mark-done-elsewhere",
    permission="pensions:employee:write",
)
def mark_done_elsewhere(request: Request) -> Reply:
    """Note that the person was enrolled in the insurer's own screens."""
    note = request.json(DoneElsewhereIn).note
    return _reply(request, pensions(request).mark_done_elsewhere()(request.id(), note))


@app.api("POST", "/v1/pensions/employees/{id}/reveal", permission=REVEAL)
def reveal_employee(request: Request) -> Reply:
    """The clear values of one person; who looked and why is in history and audit."""
    use = pensions(request)
    reason = RevealReason(request.json(RevealIn).reason)
    require_fresh(request.principal, use.scope.clock.now())
    use.reveal_person()(request.id(), reason)
    return Reply(employee_out(use.store.employee(request.id()), reveal=True))


@app.api("POST", _ROUTE + "/imports", permission="pensions:employee:write")
def import_employees(request: Request) -> Reply:
    """Import people from an upload, or from a CSV or XLSX body of at most 1 MiB."""
    return start_import(request, "employees")


@app.api("POST", "/v1/pensions/contracts/{id}/submissions", permission="pensions:submission:write")
def submit_employees(request: Request) -> Reply:
    """Send people to the insurer: named ones, or all that are ready."""
    command = request.command()
    body = request.json(SubmissionIn)
    if (body.employee_ids is None) == (body.all is not True):
        raise ValidationError(
            "invalid_input",
            "Say who is to be sent.",
            problems=[
                Problem("", "choose_one", f"Send employee_ids (up to {MAX_NAMED}) or all: true.")
            ],
        )
    started = pensions(request).submit_employees()(request.id(), body.employee_ids, command)
    return accepted(started.job_id, "enrolment_submission")


@app.api(
    "POST",
    "/v1/pensions/contracts/{id}/status-refreshes",
    permission="pensions:submission:write",
)
def refresh_status(request: Request) -> Reply:
    """Ask the insurer where everybody stands."""
    start = pensions(request).start_status_refresh()
    started = start(request.id(), request.optional_command())
    return accepted(started.job_id, "status_refresh")
