"""What signatures of persons are checked against: authorities, revocation lists, signers."""

import base64
from typing import Any

from kernel.parsing import format_instant
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import Reply, Request, etag
from workflow.domain.approvals.signing import IdentityKind, Trust, TrustKind, identity_of
from workflow.handlers.http.app import app, use_of
from workflow.schemas import AnchorIn, RevocationsIn, SignerIn

_READ = "workflow:trust:read"
_WRITE = "workflow:trust:write"
_BASE = "/v1/workflow/trust"


def trust_out(trust: Trust) -> dict[str, Any]:
    """A record of trust; the identity of a signer shows as its mask only."""
    return {
        "id": trust.id,
        "version": trust.stamp.version,
        "kind": trust.kind.value,
        "label": trust.label,
        "fingerprint": trust.fingerprint if trust.kind is not TrustKind.SIGNER else None,
        "person": trust.person or None,
        "valid_from": trust.valid_from.isoformat(),
        "valid_to": trust.valid_to.isoformat() if trust.valid_to else None,
        "list_ends_at": format_instant(trust.list_ends_at) if trust.list_ends_at else None,
        "note": trust.note,
        "state": trust.state.value,
        "created_at": trust.stamp.created_at,
        "updated_at": trust.stamp.updated_at,
    }


def _recorded(trust: Trust, status: int = 201) -> Reply:
    headers = {"etag": etag(trust.stamp.version), "location": f"{_BASE}/{trust.id}"}
    return Reply(trust_out(trust), status, headers)


@app.api("GET", _BASE, permission=_READ)
def list_trust(request: Request) -> Reply:
    """Everything the company trusts or trusted."""
    items = [trust_out(each) for each in use_of(request).approvals.trust()]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("GET", f"{_BASE}/{{id}}", permission=_READ)
def show_trust(request: Request) -> Reply:
    """One record."""
    found = use_of(request).approvals.one_trust(request.id())
    return Reply(trust_out(found), 200, {"etag": etag(found.stamp.version)})


@app.api("POST", f"{_BASE}/anchors", permission=_WRITE)
def trust_anchor(request: Request) -> Reply:
    """Trust an authority, for its days."""
    body, use = request.json(AnchorIn), use_of(request)
    require_fresh(request.principal, use.approval_scope.now)
    made = use.record_trust().anchor(
        body.certificate.encode(), body.valid_from, body.valid_to, body.note
    )
    return _recorded(made)


@app.api("POST", f"{_BASE}/revocation-lists", permission=_WRITE)
def take_revocations(request: Request) -> Reply:
    """Take the revocation list of an authority, in place of the one before."""
    body = request.json(RevocationsIn)
    return _recorded(use_of(request).record_trust().revocations(body.list.encode()))


@app.api("POST", f"{_BASE}/signers", permission=_WRITE)
def bind_signer(request: Request) -> Reply:
    """Say whose certificate it is; the identity itself is not kept."""
    body, use = request.json(SignerIn), use_of(request)
    require_fresh(request.principal, use.approval_scope.now)
    made = use.record_trust().signer(
        body.person,
        identity_of(IdentityKind(body.identity_kind), body.identity),
        body.valid_from,
        body.valid_to,
        body.note,
    )
    return _recorded(made)


@app.api("GET", "/v1/workflow/approvals/{id}/signatures", permission=_READ)
def list_signatures(request: Request) -> Reply:
    """What persons signed, and their signatures (base64 of DER), for a check by others.

    A certificate names its holder in clear: this is for those who keep the trust of the company.
    """
    use = use_of(request)
    approval = use.approvals.approval(request.id())
    items = [
        {
            "task": task.id,
            "by": vote.by,
            "statement": vote.signature["statement"],
            "signature": base64.b64encode(use.approvals.signature(task.id, number)).decode(),
        }
        for task in approval.tasks
        for number, vote in enumerate(task.votes)
        if vote.signature.get("level") == "qualified"
    ]
    return Reply({"items": items, "next_cursor": None, "total": len(items)})


@app.api("POST", f"{_BASE}/{{id}}/end", permission=_WRITE)
def end_trust(request: Request) -> Reply:
    """Stop trusting it."""
    use = use_of(request)
    require_fresh(request.principal, use.approval_scope.now)
    return _recorded(use.end_trust()(request.id()), 200)
