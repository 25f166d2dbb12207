"""Bank statements, what they were matched with, and what banks keep (CRD-05)."""

import re
from typing import Any, Final

from card_contracts.application.statements import KIND
from card_contracts.bootstrap import application
from card_contracts.domain.settlement import LineState, MatchState, line_id_in, payment_id_in
from card_contracts.handlers.http.answers import bank_line_out, drift_out, match_out
from card_contracts.handlers.http.app import BASE, app, say_of, use_of
from card_contracts.schemas import (
    CardStatementIn,
    LookAgainIn,
    MatchIn,
    SetAsideIn,
    TableProfileIn,
    TakeBackIn,
)
from kernel.errors import Problem, ValidationError
from toolkit.entrypoints.http import Reply, Request, accepted, etag
from toolkit.http.files import STATEMENTS, asks_dry_run, direct_file

_READ: Final = "card_contracts:match:read"
_WRITE: Final = "card_contracts:match:write"
_MATCHES: Final = f"{BASE}/matches"
_LINE_PATH: Final = f"{BASE}/bank-lines"
_LINES: Final = {"unmatched": LineState.OPEN, "set_aside": LineState.ASIDE}
_STATES: Final = frozenset({*(state.value for state in MatchState), *_LINES})
_MONTH: Final = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])")


@app.api("POST", f"{BASE}/statements/imports", permission=_WRITE)
def import_card_statement(request: Request) -> Reply:
    """Import a statement of a bank account and match it: camt.053, MT940, or a table by profile.

    From ``{upload_id, bank_account_code, dry_run, profile}``, or from the body itself up to 1 MiB;
    then the options are in the query.
    """
    command = request.optional_command()
    start = use_of(request).start_statement_import()
    if (file := direct_file(request, "statement", STATEMENTS)) is not None:
        job_id = start(
            file=file,
            account=request.query.get("bank_account_code", ""),
            dry_run=asks_dry_run(request),
            profile=request.query.get("profile"),
            command=command,
        )
    else:
        body = request.json(CardStatementIn)
        profile: Any = body.profile
        if isinstance(profile, TableProfileIn):
            profile = profile.model_dump(exclude_none=True)
        job_id = start(
            upload_id=body.upload_id,
            account=body.bank_account_code,
            dry_run=body.dry_run,
            profile=profile,
            command=command,
        )
    return accepted(job_id, KIND)


@app.api("GET", _MATCHES, permission=_READ)
def list_matches(request: Request) -> Reply:
    """Matches of one state by day; ``unmatched`` and ``set_aside`` are lines."""
    status = request.query.get("status", MatchState.SUGGESTED.value)
    if status not in _STATES:
        problem = Problem("/status", "choice", f"One of {', '.join(sorted(_STATES))}.")
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=[problem])
    store, say = use_of(request).store, say_of(request)
    scope: dict[str, Any] = {
        "tenant_id": request.tenant.tenant_id,
        "route": _MATCHES,
        "filters": {"status": status},
        "now": application().platform.clock.now(),
    }
    cursor = request.query.get("cursor")
    after = application().cursors.open(cursor, **scope) if cursor else None
    if status in _LINES:
        lines, following = store.line_list(_LINES[status], limit=request.limit(), after=after)
        items = [bank_line_out(line) for line in lines]
    else:
        matches, following = store.match_page(status, limit=request.limit(), after=after)
        items = [match_out(match, say) for match in matches]
    sealed = application().cursors.seal(following, **scope) if following else None
    return Reply({"items": items, "next_cursor": sealed})


@app.api("POST", _MATCHES, permission=_WRITE)
def make_match(request: Request) -> Reply:
    """Match lines with receivables by hand; a difference goes to its own account."""
    command = request.optional_command()
    body = request.json(MatchIn)
    lines = [line_id_in(text) for text in body.line_ids]
    accounts = {account for account, _ in lines}
    if len(accounts) > 1:
        problem = Problem("/line_ids", "match_account", "All lines are of one account.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    members = [payment_id_in(text) for text in body.payment_ids]
    make = use_of(request).match_by_hand()
    made = make(accounts.pop(), [key for _, key in lines], members, command)
    headers = {"location": f"{_MATCHES}/{made.id}", "etag": etag(made.stamp.version)}
    return Reply(match_out(made, say_of(request)), 201, headers)


@app.api("POST", f"{_LINE_PATH}/set-aside", permission=_WRITE)
def set_lines_aside(request: Request) -> Reply:
    """Say that lines have nothing to do with card contracts, and why. Again is no harm."""
    body = request.json(SetAsideIn)
    names = [line_id_in(text) for text in body.line_ids]
    lines = use_of(request).set_lines_aside()(names, body.reason)
    return Reply({"items": [bank_line_out(line) for line in lines], "next_cursor": None})


@app.api("POST", f"{_LINE_PATH}/take-back", permission=_WRITE)
def take_lines_back(request: Request) -> Reply:
    """Let lines wait again that were set aside. Again is no harm."""
    body = request.json(TakeBackIn)
    names = [line_id_in(text) for text in body.line_ids]
    lines = use_of(request).take_lines_back()(names)
    return Reply({"items": [bank_line_out(line) for line in lines], "next_cursor": None})


@app.api("POST", f"{_LINE_PATH}/look-again", permission=_WRITE)
def look_again(request: Request) -> Reply:
    """Match the lines of an account that still wait: after new sales or with other tolerances."""
    command = request.optional_command()
    body = request.json(LookAgainIn)
    return accepted(use_of(request).look_again()(body.bank_account_code, command), KIND)


@app.api("GET", f"{_MATCHES}/{{id}}", permission=_READ)
def show_match(request: Request) -> Reply:
    """One match with its reasons."""
    match = use_of(request).store.match(request.id())
    return Reply(match_out(match, say_of(request)), 200, {"etag": etag(match.stamp.version)})


@app.api("POST", f"{_MATCHES}/{{id}}/confirm", permission=_WRITE)
def confirm_match(request: Request) -> Reply:
    """Agree with a match: its receivables are settled. Again is no harm."""
    return Reply(match_out(use_of(request).confirm_match()(request.id()), say_of(request)))


@app.api("POST", f"{_MATCHES}/{{id}}/undo", permission=_WRITE)
def undo_match(request: Request) -> Reply:
    """Take a match back, or turn a suggestion down for good. Again is no harm."""
    return Reply(match_out(use_of(request).undo_match()(request.id()), say_of(request)))


@app.api("GET", f"{BASE}/drift", permission=_READ)
def show_drift(request: Request) -> Reply:
    """What banks kept by month and contract; ``from`` and ``to`` are months, YYYY-MM."""
    use = use_of(request)
    year = use.scope.today().year
    since = request.query.get("from", f"{year - 1}-01")
    until = request.query.get("to", f"{year}-12")
    problems = [
        Problem(f"/{name}", "month", "A month is written YYYY-MM.")
        for name, text in (("from", since), ("to", until))
        if _MONTH.fullmatch(text) is None
    ]
    if problems:
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=problems)
    rules = use.store.settings().drift
    items = [drift_out(one, rules) for one in use.store.drifts(since, until)]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})
