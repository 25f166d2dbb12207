"""Approvals: ask, read, withdraw, comment; substitutions; the report (WFL-05)."""

from typing import Any

from kernel.errors import ForbiddenError, ValidationError
from toolkit.entrypoints.http import Reply, Request, etag
from workflow.application.approvals.request_approval import approval_id
from workflow.application.approvals.resolve_chain import Matter
from workflow.application.approvals.substitutes import Absence
from workflow.application.context import once
from workflow.bootstrap import Workflow
from workflow.domain.approvals.approval import Approval
from workflow.domain.approvals.duties import OpenTask
from workflow.handlers.http.app import app, decision_shown, page_reply, use_of
from workflow.handlers.http.approval_answers import approval_out, delegation_out, report_out
from workflow.pages.acting import days_of, person_of
from workflow.schemas import (
    ApprovalIn,
    CommentIn,
    DelegationIn,
    ReasonIn,
    history_out,
)

_READ = "workflow:approval:read"
_REQUEST = "workflow:approval:request"
_BASE = "/v1/workflow/approvals"


def approval_reply(
    use: Workflow, approval: Approval, one: OpenTask | None, status: int = 200
) -> Reply:
    """A single approval with its ETag and why it is needed."""
    headers = {"etag": etag(approval.stamp.version)}
    if status == 201:
        headers["location"] = f"{_BASE}/{approval.id}"
    body = approval_out(approval, use.approval_scope.now, one, why_of(use, approval))
    return Reply(body, status, headers)


def why_of(use: Workflow, approval: Approval) -> list[dict[str, Any]]:
    """Why an approval is needed: the reasons of the decision that chose its chain."""
    decision_id = approval.chain.policy.get("decision_id")
    if not decision_id:
        return []
    record = use.store.decision(str(decision_id))
    table = use.scope.version(record.table, record.version_id).table
    shown: list[dict[str, Any]] = decision_shown(record, table)["why"]
    return shown


@app.api("POST", _BASE, permission=_REQUEST)
def request_approval(request: Request) -> Reply:
    """Ask for an approval; the answer says whether one is needed and who is asked first."""
    command = request.optional_command()
    body = request.json(ApprovalIn)
    use = use_of(request)
    made = body.request_id or use.scope.ids.new()
    matter = Matter(
        origin="api",
        request_id=made,
        kind=body.kind,
        subject=body.subject,
        facts=body.facts,
        content=body.content,
        requested_by=request.tenant.actor,
        rule=body.rule or "",
        stages=tuple(body.stages) if body.stages else None,
        duties=dict(body.duties),
    )
    if body.request_id is not None:
        identity = approval_id(request.tenant.tenant_id, "api", body.request_id)
        known = use.approvals.find_approval(identity)
        if known is not None and known.requested_by != request.tenant.actor:
            raise ForbiddenError("not_the_requester", "Only who asked asks again.")
    approval = once(
        use.approvals,
        command,
        lambda first: use.approvals.approval(str(first.body["approval_id"])),
        lambda: use.request_approval()(matter, command=command),
    )
    _, one = use.read_approval()(approval.id, person_of(request))
    return approval_reply(use, approval, one, 201)


@app.api("GET", _BASE, permission=_READ)
def list_approvals(request: Request) -> Reply:
    """Open approvals by deadline (``status=open``, the default), or closed ones, newest first."""
    wanted = request.query.get("status", "open")
    if wanted not in ("open", "closed"):
        raise ValidationError("status_invalid", "status is open or closed.")
    use = use_of(request)
    return page_reply(
        request,
        lambda limit, after: use.approvals.approvals(
            open_ones=wanted == "open", limit=limit, after=after
        ),
        lambda approval: approval_out(approval, use.approval_scope.now),
        status=wanted,
    )


@app.api("GET", f"{_BASE}/{{id}}", permission=_READ)
def show_approval(request: Request) -> Reply:
    """One approval with its stages, decisions and reasons."""
    use = use_of(request)
    approval, one = use.read_approval()(request.id(), person_of(request))
    return approval_reply(use, approval, one)


@app.api("GET", f"{_BASE}/{{id}}/history", permission=_READ)
def show_approval_history(request: Request) -> Reply:
    """Everything that happened to an approval."""
    use = use_of(request)
    approval = use.approvals.approval(request.id())
    items = [history_out(line) for line in use.approvals.history(f"approval:{approval.id}")]
    return Reply({"items": items, "next_cursor": None})


@app.api("POST", f"{_BASE}/{{id}}/withdraw", permission=_REQUEST)
def withdraw_approval(request: Request) -> Reply:
    """Take back what was asked; only who asked may."""
    use, body = use_of(request), request.json(ReasonIn)
    approval = use.withdraw_approval()(request.id(), person_of(request), body.reason)
    return approval_reply(use, approval, None)


@app.api("POST", f"{_BASE}/{{id}}/comments", permission=_READ)
def comment_approval(request: Request) -> Reply:
    """Say something about it; it decides nothing."""
    use, body = use_of(request), request.json(CommentIn)
    approval = use.act_on_task().comment(request.id(), person_of(request), body.text)
    return approval_reply(use, approval, None, 200)


# ---------------------------------------------------------------------------- substitutions


@app.api("POST", "/v1/workflow/delegations", permission="workflow:delegation:write")
def make_delegation(request: Request) -> Reply:
    """Name a substitute for oneself."""
    body = request.json(DelegationIn)
    absence = Absence(body.substitute, body.starts_at, body.ends_at, tuple(body.kinds), body.note)
    made = use_of(request).make_delegation()(person_of(request), absence)
    headers = {
        "etag": etag(made.stamp.version),
        "location": f"/v1/workflow/delegations/{made.id}",
    }
    return Reply(delegation_out(made), 201, headers)


@app.api("GET", "/v1/workflow/delegations", permission="workflow:delegation:read")
def list_delegations(request: Request) -> Reply:
    """All substitutions of the company, by their end."""
    items = [delegation_out(each) for each in use_of(request).approvals.delegations()]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", "/v1/workflow/delegations/{id}", permission="workflow:delegation:read")
def show_delegation(request: Request) -> Reply:
    """One substitution."""
    found = use_of(request).approvals.delegation(request.id())
    return Reply(delegation_out(found), 200, {"etag": etag(found.stamp.version)})


@app.api("POST", "/v1/workflow/delegations/{id}/end", permission="workflow:delegation:write")
def end_delegation(request: Request) -> Reply:
    """End a substitution before its time."""
    ended = use_of(request).end_delegation()(request.id(), person_of(request))
    return Reply(delegation_out(ended), 200, {"etag": etag(ended.stamp.version)})


# ---------------------------------------------------------------------------- report


@app.api("GET", "/v1/workflow/reports/approvals", permission="workflow:report:read")
def report_approvals(request: Request) -> Reply:
    """Pending by stage and candidate, durations, breaches, rounds, rejections, substitutions."""
    use = use_of(request)
    first, last = days_of(request, use.approval_scope.now)
    found = report_out(use.read_report()(first, last))
    return Reply({"from": first.isoformat(), "to": last.isoformat(), **found})
