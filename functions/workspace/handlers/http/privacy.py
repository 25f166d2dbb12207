"""Privacy: the field register, copies for people, erasure, and the log of destruction."""

from typing import Final

from kernel.errors import Problem
from kernel.storing import Remembered
from toolkit.entrypoints.http import Reply, Request
from workspace.domain.privacy import Act, PrivacyRequest
from workspace.domain.problems import invalid
from workspace.handlers.http.app import (
    answered,
    app,
    fresh,
    list_reply,
    position_of,
    reply_of,
    use,
)
from workspace.pages.register_table import register_file
from workspace.pages.words import words_of
from workspace.schemas import PrivacyIn, person_of, privacy_request_out

_RETRY_AFTER: Final = "2"


@app.api("GET", "/v1/privacy/register", permission="workspace:privacy:read")
def show_field_register(request: Request) -> Reply:
    """Every personal field: purpose, basis, retention, place, readers; ``?format=xlsx`` or csv."""
    file_format = request.query.get("format", "json")
    register = use().field_register
    if file_format == "json":
        return Reply({"items": list(register.contexts)})
    if file_format not in ("csv", "xlsx"):
        raise invalid(Problem("/format", "choice", "Use json, csv or xlsx."))
    return register_file(use().table_writer, register, words_of(request), file_format)


def _start(request: Request, act: Act) -> Reply:
    fresh(request)
    command = request.optional_command()
    first = answered(request, command)
    if first is not None:
        return first
    body = request.json(PrivacyIn)
    started = use().request_privacy()(
        request.tenant, act, person_of(body), body.reason, command=command, answer=_accepted
    )
    return reply_of(_accepted(started))


def _accepted(started: PrivacyRequest) -> Remembered:
    headers = {"location": f"/v1/jobs/{started.id}", "retry-after": _RETRY_AFTER}
    return Remembered(202, privacy_request_out(started), headers)


@app.api("POST", "/v1/privacy/exports", permission="workspace:privacy:export")
def request_privacy_export(request: Request) -> Reply:
    """Collect a copy of everything held about a person; the answer is a job."""
    return _start(request, Act.EXPORT)


@app.api("POST", "/v1/privacy/erasures", permission="workspace:privacy:erase")
def request_privacy_erasure(request: Request) -> Reply:
    """Erase a person once nothing about them is in flight; the answer is a job."""
    return _start(request, Act.ERASURE)


@app.api("GET", "/v1/privacy/requests", permission="workspace:privacy:read")
def list_privacy_requests(request: Request) -> Reply:
    """Requests of people and runs of the retention clocks, newest first: the log of destruction."""
    page = use().list_privacy_requests()(
        request.tenant, limit=request.limit(), after=position_of(request)
    )
    return list_reply(request, page, privacy_request_out)


@app.api("GET", "/v1/privacy/requests/{id}", permission="workspace:privacy:read")
def show_privacy_request(request: Request) -> Reply:
    """One request: what every context answered, and what is waited for."""
    return Reply(privacy_request_out(use().read_privacy_request()(request.tenant, request.id())))


@app.api("POST", "/v1/privacy/exports/{id}/copy", permission="workspace:privacy:export")
def show_privacy_copy(request: Request) -> Reply:
    """The copy in clear, for seven days; that somebody took it is in the history."""
    fresh(request)
    found, records = use().read_copy()(request.tenant, request.id())
    return Reply({**privacy_request_out(found), "items": records})
