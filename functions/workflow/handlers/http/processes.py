"""Processes: start, see, complete steps, correct, cancel; and their definitions (WFL-03, 04)."""

from datetime import datetime
from typing import Any, Final

from kernel.errors import Problem, ValidationError
from kernel.parsing import format_instant
from kernel.storing import Position
from toolkit.entrypoints.http import Reply, Request, etag
from workflow.application.advance_process import Command
from workflow.application.correct_process import Cancel, Correction
from workflow.application.process_definitions import DefinitionDraft
from workflow.application.show_process import Shown
from workflow.application.start_process import Start
from workflow.bootstrap import application
from workflow.domain.processes.head import Head
from workflow.domain.processes.versions import DefinitionVersion
from workflow.handlers.http.app import app, use_of
from workflow.schemas import (
    CancelIn,
    CommandIn,
    CorrectionIn,
    DefinitionIn,
    ProcessIn,
    definition_out,
    event_out,
    head_out,
    next_out,
    plain_numbers,
)

_READ: Final = "workflow:process:read"
_WRITE: Final = "workflow:process:write"
_CORRECT: Final = "workflow:process:correct"
_DEFINE: Final = "workflow:process_definition:write"
_PUBLISH: Final = "workflow:process_definition:publish"
_BASE: Final = "/v1/workflow/processes"
_ONE: Final = f"{_BASE}/{{id}}"
_DEFINITIONS: Final = "/v1/workflow/process-definitions"
_STATES: Final = ("open", "closed")


def _expected(request: Request) -> int | None:
    return request.expected_version() if "if-match" in request.headers else None


def _reply(request: Request, head: Head, status: int = 200) -> Reply:
    use = use_of(request)
    headers = {"etag": etag(head.stamp.version)}
    if status == 201:
        headers["location"] = f"{_BASE}/{head.id}"
    return Reply(process_shown(use.show_process()(head.id), use.processes.now), status, headers)


def process_shown(shown: Shown, now: datetime) -> dict[str, Any]:
    """A process with its facts, what its next step waits for, and its timeline."""
    timers = [
        {
            "at": format_instant(at),
            "kind": timer.kind.value,
            "unit": timer.unit,
            "text": dict(timer.text),
        }
        for at, timer in shown.timers
    ]
    return {
        **head_out(shown.head, now),
        "title": dict(shown.definition.title),
        "data": plain_numbers(dict(shown.instance.data)),
        "next": next_out(shown.step, shown.missing) if shown.step is not None else None,
        "timers": timers,
        "timeline": [event_out(event) for event in shown.instance.events],
    }


@app.api("GET", _BASE, permission=_READ)
def list_processes(request: Request) -> Reply:
    """Processes, ``?state=open`` (the longest in their step first) or ``closed`` (newest first)."""
    use, state = use_of(request), request.query.get("state", "open")
    if state not in _STATES:
        problem = Problem("/state", "choice", "The state is open or closed.")
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=[problem])
    scope: dict[str, Any] = {
        "tenant_id": request.tenant.tenant_id,
        "route": _BASE,
        "filters": {"state": state},
        "now": use.processes.now,
    }
    cursor = request.query.get("cursor")
    after: Position | None = application().cursors.open(cursor, **scope) if cursor else None
    found, following = use.store.processes(
        is_open=state == "open", limit=request.limit(), after=after
    )
    sealed = application().cursors.seal(following, **scope) if following else None
    items = [head_out(head, use.processes.now) for head in found]
    return Reply({"items": items, "next_cursor": sealed})


@app.api("POST", _BASE, permission=_WRITE)
def start_process(request: Request) -> Reply:
    """Start a process; its first step waits then."""
    command = request.optional_command()
    body = request.json(ProcessIn)
    wanted = Start(body.definition, body.subject, body.data, body.on_behalf_of or "")
    return _reply(request, use_of(request).start_process()(wanted, command), 201)


@app.api("GET", _ONE, permission=_READ)
def show_process(request: Request) -> Reply:
    """One process: where it stands, what its next step waits for, everything that happened."""
    return _reply(request, use_of(request).store.process(request.id()))


@app.api("POST", f"{_ONE}/commands", permission=_WRITE)
def send_command(request: Request) -> Reply:
    """Complete the present step; the next one starts with it. 422 lists everything missing."""
    command = request.optional_command()
    body = request.json(CommandIn)
    wanted = Command(
        request.id(), body.command, body.data, body.on_behalf_of or "", _expected(request)
    )
    return _reply(request, use_of(request).advance_process()(wanted, command))


@app.api("POST", f"{_ONE}/corrections", permission=_CORRECT)
def correct_process(request: Request) -> Reply:
    """Correct what an event said; what followed from it is corrected along."""
    body = request.json(CorrectionIn)
    wanted = Correction(
        request.id(),
        body.event_id,
        body.reason,
        body.data,
        body.on_behalf_of or "",
        _expected(request),
    )
    return _reply(request, use_of(request).correct_process()(wanted), 200)


@app.api("POST", f"{_ONE}/cancel", permission=_CORRECT)
def cancel_process(request: Request) -> Reply:
    """Cancel a process: nothing is deleted, completed steps get their compensation."""
    body = request.json(CancelIn)
    wanted = Cancel(
        request.id(), body.reason, body.data, body.on_behalf_of or "", _expected(request)
    )
    return _reply(request, use_of(request).cancel_process()(wanted))


# ---------------------------------------------------------------------------- definitions


def _version_reply(version: DefinitionVersion, status: int = 200) -> Reply:
    headers = {"etag": etag(version.stamp.version)}
    if status == 201:
        headers["location"] = f"{_DEFINITIONS}/{version.id}"
    return Reply(definition_out(version, whole=True), status, headers)


@app.api("GET", _DEFINITIONS, permission=_READ)
def list_definitions(request: Request) -> Reply:
    """Every version of every process, shipped and own."""
    known = use_of(request).processes.processes()
    items = [
        definition_out(version, whole=False)
        for versions in known.by_key.values()
        for version in sorted(versions, key=lambda each: (each.valid_from, each.recorded_at))
    ]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("POST", _DEFINITIONS, permission=_DEFINE)
def draft_definition(request: Request) -> Reply:
    """Keep a draft of a process; somebody else publishes it."""
    command = request.optional_command()
    body = request.json(DefinitionIn)
    draft = DefinitionDraft(body.key, body.definition, body.valid_from, body.note)
    return _version_reply(use_of(request).draft_definition()(draft, command), 201)


@app.api("GET", f"{_DEFINITIONS}/{{version_id}}", permission=_READ)
def show_definition(request: Request) -> Reply:
    """One version of a process with its steps."""
    return _version_reply(use_of(request).processes.version(request.path_values["version_id"]))


@app.api("POST", f"{_DEFINITIONS}/{{version_id}}/check", permission=_READ)
def check_definition(request: Request) -> Reply:
    """Everything that speaks against running a version: dead ends, facts nobody produces."""
    use = use_of(request)
    version = use.processes.version(request.path_values["version_id"])
    problems = use.check_definition()(version)
    found = [{"pointer": p.pointer, "code": p.code, "message": p.message} for p in problems]
    return Reply({"passes": not found, "problems": found})


@app.api("POST", f"{_DEFINITIONS}/{{version_id}}/publish", permission=_PUBLISH)
def publish_definition(request: Request) -> Reply:
    """Put a definition of somebody else in force for what starts from now on."""
    publish = use_of(request).publish_definition()
    return _version_reply(publish(request.path_values["version_id"], _expected(request)))


@app.api("POST", f"{_DEFINITIONS}/{{version_id}}/submit", permission=_DEFINE)
def submit_definition(request: Request) -> Reply:
    """Hand a draft of a process over to those who may publish it."""
    move = use_of(request).move_definition()
    return _version_reply(move.submit(request.path_values["version_id"], _expected(request)))


@app.api("POST", f"{_DEFINITIONS}/{{version_id}}/withdraw", permission=_DEFINE)
def withdraw_definition(request: Request) -> Reply:
    """Put a draft of a process aside."""
    move = use_of(request).move_definition()
    return _version_reply(move.withdraw(request.path_values["version_id"], _expected(request)))


@app.api("POST", f"{_DEFINITIONS}/{{version_id}}/retire", permission=_PUBLISH)
def retire_definition(request: Request) -> Reply:
    """Take a definition of the company out of force; what runs by it goes on."""
    move = use_of(request).move_definition()
    return _version_reply(move.retire(request.path_values["version_id"], _expected(request)))
