"""Rules and decisions: list, read, decide, explain, make again (WFL-01, WFL-02)."""

from kernel.errors import Problem, ValidationError
from toolkit.entrypoints.http import Reply, Request
from workflow.application.evaluate_rule import Question
from workflow.bootstrap import application
from workflow.domain.rules.scope import Scopes
from workflow.handlers.http.app import app, decision_shown, use_of
from workflow.schemas import (
    EvaluateIn,
    decision_out,
    plain_numbers,
    read_key,
    rule_out,
    version_out,
)

_READ = "workflow:rule:read"
_DECIDE = "workflow:decision:write"
_SEE = "workflow:decision:read"


@app.api("GET", "/v1/workflow/rules", permission=_READ)
def list_rules(request: Request) -> Reply:
    """All rules of the source documents, in their order."""
    query = request.query.get("q", "").casefold()
    items = [
        rule_out(rule)
        for rule in use_of(request).scope.shipped.rules.values()
        if query in f"{rule.key} {' '.join(rule.title.values())}".casefold()
    ]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", "/v1/workflow/rules/{key}", permission=_READ)
def show_rule(request: Request) -> Reply:
    """A rule and the version of its table that is in force today."""
    scope, key = use_of(request).scope, request.path_values["key"]
    rule = scope.shipped.rules.get(key)
    catalogue = scope.catalogue(scope.shipped.table_of(key))
    version = catalogue.version(key, Scopes(), scope.today, scope.clock.now())
    said = rule_out(rule) if rule is not None else {"key": key, "table": key}
    return Reply({**said, "in_force": version_out(version, whole=True)})


@app.api("POST", "/v1/workflow/rules/{key}/evaluate", permission=_DECIDE)
def evaluate_rule(request: Request) -> Reply:
    """Decide on facts by the version in force, and keep the decision."""
    command = request.optional_command()
    body = request.json(EvaluateIn)
    question = Question(
        request.path_values["key"],
        body.facts,
        body.valid_on,
        body.known_on,
        body.scope.scopes() if body.scope is not None else Scopes(),
        body.causation_id or "",
    )
    decided = use_of(request).evaluate_rule()(question, command)
    return Reply(decision_shown(decided.record, decided.table))


@app.api("GET", "/v1/workflow/decisions", permission=_SEE)
def list_decisions(request: Request) -> Reply:
    """Decisions of one rule's table, newest first; ``?rule=`` is needed."""
    use, rule = use_of(request), request.query.get("rule", "")
    if not rule:
        problem = Problem("/rule", "required", "Name the rule.")
        raise ValidationError("invalid_input", "Some filters are wrong.", problems=[problem])
    table = use.scope.shipped.table_of(read_key(rule))
    scope = {
        "tenant_id": request.tenant.tenant_id,
        "route": "/v1/workflow/decisions",
        "filters": {"rule": rule},
        "now": use.scope.clock.now(),
    }
    cursors = application().cursors
    cursor = request.query.get("cursor")
    after = cursors.open(cursor, **scope) if cursor else None  # type: ignore[arg-type]
    found, following = use.store.decisions(table, limit=request.limit(), after=after)
    sealed = cursors.seal(following, **scope) if following else None  # type: ignore[arg-type]
    return Reply({"items": [decision_out(each, ()) for each in found], "next_cursor": sealed})


@app.api("GET", "/v1/workflow/decisions/{id}", permission=_SEE)
def show_decision(request: Request) -> Reply:
    """One decision with the reason of every row, in Turkish, Greek and English."""
    use = use_of(request)
    record = use.store.decision(request.id())
    version = use.scope.version(record.table, record.version_id)
    return Reply(decision_shown(record, version.table))


@app.api("POST", "/v1/workflow/decisions/{id}/replay", permission=_SEE)
def replay_decision(request: Request) -> Reply:
    """Make the decision again with what was known then, and compare."""
    made = use_of(request).replay_decision()(request.id())
    answer = {
        "same": made.same,
        "recorded_hash": made.recorded_hash,
        "trace_hash": made.decision.trace_hash,
        "result": made.decision.result,
    }
    return Reply(plain_numbers(answer))
