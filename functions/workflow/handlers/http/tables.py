"""Versions of tables: draft, check, submit, publish, retire, simulate, back-test (WFL-02)."""

from kernel.errors import NotFoundError, Problem, ValidationError
from kernel.ids import is_id
from toolkit.entrypoints.http import Reply, Request
from workflow.application.draft_version import Draft
from workflow.handlers.http.app import app, use_of, version_reply
from workflow.schemas import (
    BackTestIn,
    SimulateIn,
    VersionIn,
    history_out,
    plain_numbers,
    read_key,
    version_out,
)

_READ = "workflow:rule:read"
_WRITE = "workflow:rule:write"
_PUBLISH = "workflow:rule:publish"
_BASE = "/v1/workflow/tables/{key}/versions"
_ONE = f"{_BASE}/{{version_id}}"


def _expected(request: Request) -> int | None:
    return request.expected_version() if "if-match" in request.headers else None


def _own(request: Request) -> str:
    """Id of a version of the company; shipped versions are not changed."""
    identity = request.path_values["version_id"]
    if not is_id(identity):
        raise NotFoundError("not_found", "There is no such item.")
    return identity


@app.api("GET", "/v1/workflow/tables", permission=_READ)
def list_tables(request: Request) -> Reply:
    """Tables of the packs and of the company."""
    use = use_of(request)
    shipped, own = use.scope.shipped.versions, set(use.store.tables())
    items = [
        {"key": key, "shipped": key in shipped, "own": key in own}
        for key in sorted({*shipped, *own})
    ]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", _BASE, permission=_READ)
def list_versions(request: Request) -> Reply:
    """Every version of a table, oldest validity first."""
    scope = use_of(request).scope
    table = scope.shipped.table_of(request.path_values["key"])
    found = scope.catalogue(table).versions.get(table, ())
    ordered = sorted(found, key=lambda version: (version.valid_from, version.recorded_at))
    items = [version_out(version, whole=False) for version in ordered]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("POST", _BASE, permission=_WRITE)
def draft_version(request: Request) -> Reply:
    """Keep a draft; it decides nothing before somebody else publishes it."""
    command = request.optional_command()
    body = request.json(VersionIn)
    key = request.path_values["key"]
    if body.key is not None and body.key != key:
        problem = Problem("/key", "differs", "The key is the one of the address.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    draft = Draft(
        read_key(key), body.document(), body.valid_from, body.valid_to, body.scope, body.note
    )
    return version_reply(use_of(request).draft_version()(draft, command), 201)


@app.api("GET", _ONE, permission=_READ)
def show_version(request: Request) -> Reply:
    """One version with its table."""
    scope = use_of(request).scope
    table = scope.shipped.table_of(request.path_values["key"])
    return version_reply(scope.version(table, request.path_values["version_id"]))


@app.api("GET", f"{_ONE}/history", permission=_READ)
def show_version_history(request: Request) -> Reply:
    """Everything that happened to a version of the company."""
    use = use_of(request)
    table = use.scope.shipped.table_of(request.path_values["key"])
    version = use.store.version(table, _own(request))
    items = [history_out(line) for line in use.store.history(f"rule_version:{version.id}")]
    return Reply({"items": items, "next_cursor": None})


@app.api("POST", f"{_ONE}/check", permission=_READ)
def check_version(request: Request) -> Reply:
    """Overlaps, gaps and rows without effect with witnesses, and the stored cases that fail."""
    use = use_of(request)
    table = use.scope.shipped.table_of(request.path_values["key"])
    version = use.scope.version(table, request.path_values["version_id"])
    return Reply(plain_numbers(use.check_version()(version).to_dict()))


@app.api("POST", f"{_ONE}/submit", permission=_WRITE)
def submit_version(request: Request) -> Reply:
    """Hand a draft over to those who may publish it."""
    use, key = use_of(request), request.path_values["key"]
    return version_reply(use.submit_version()(key, _own(request), _expected(request)))


@app.api("POST", f"{_ONE}/publish", permission=_PUBLISH)
def publish_version(request: Request) -> Reply:
    """Put a version of somebody else in force, if it passes the gate."""
    use, key = use_of(request), request.path_values["key"]
    return version_reply(use.publish_version()(key, _own(request), _expected(request)))


@app.api("POST", f"{_ONE}/withdraw", permission=_WRITE)
def withdraw_version(request: Request) -> Reply:
    """Put a draft aside."""
    use, key = use_of(request), request.path_values["key"]
    return version_reply(use.withdraw_version()(key, _own(request), _expected(request)))


@app.api("POST", f"{_ONE}/retire", permission=_PUBLISH)
def retire_version(request: Request) -> Reply:
    """Take a version of the company out of force."""
    use, key = use_of(request), request.path_values["key"]
    return version_reply(use.retire_version()(key, _own(request), _expected(request)))


@app.api("POST", f"{_ONE}/simulate", permission=_READ)
def simulate_version(request: Request) -> Reply:
    """Decide cases with this version and with what is in force."""
    body = request.json(SimulateIn)
    use, key = use_of(request), request.path_values["key"]
    made = use.simulate_version()(key, request.path_values["version_id"], body.cases)
    return Reply(plain_numbers(made.to_dict()))


@app.api("POST", f"{_ONE}/back-test", permission=_READ)
def back_test_version(request: Request) -> Reply:
    """Decide the facts of past decisions with this version."""
    body = request.json(BackTestIn)
    use, key = use_of(request), request.path_values["key"]
    made = use.back_test_version()(key, request.path_values["version_id"], body.from_, body.to)
    return Reply(plain_numbers(made.to_dict()))
