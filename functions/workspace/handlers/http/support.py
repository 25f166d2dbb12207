"""Support access by API: the company's side, and the operators'."""

from collections.abc import Callable
from typing import Any

from toolkit.auth import TenantContext
from toolkit.entrypoints.http import Reply, Request, etag
from workspace.domain.support import SupportGrant, SupportView
from workspace.handlers.http.app import app, fresh, list_reply, person_id, position_of, use
from workspace.pages.kit import operator_context
from workspace.schemas import SupportIn, support_out

COMPANY = "/v1/support-grants"
OPERATOR = "/v1/operator/support-grants"
READ, DECIDE = "workspace:support:read", "workspace:support:decide"
READ_ALL, ASK, DECIDE_ALL = (
    "operator:support:read",
    "operator:support:ask",
    "operator:support:decide",
)

Decide = Callable[[TenantContext, str, str], SupportGrant]


@app.api("GET", COMPANY, permission=READ)
def list_support_grants(request: Request) -> Reply:
    """Who asked to look into the company, why, until when, and how often they looked."""
    after = position_of(request)
    page = use().list_support().of_company(request.tenant, limit=request.limit(), after=after)
    return list_reply(request, page, _shown)


@app.api("GET", f"{COMPANY}/{{id}}", permission=READ)
def show_support_grant(request: Request) -> Reply:
    """One grant; what was looked at is in its timeline, ``support_grant:<id>``."""
    return _reply(use().list_support().one(request.tenant, request.id()).grant)


@app.api("POST", f"{COMPANY}/{{id}}/approve", permission=DECIDE)
def approve_support(request: Request) -> Reply:
    """Let the operator look, for the hours that were asked for; reading only."""
    fresh(request)
    return _decided(request, request.tenant, use().decide_support().approve)


@app.api("POST", f"{COMPANY}/{{id}}/refuse", permission=DECIDE)
def refuse_support(request: Request) -> Reply:
    """Turn the request down."""
    return _decided(request, request.tenant, use().decide_support().refuse)


@app.api("POST", f"{COMPANY}/{{id}}/revoke", permission=DECIDE)
def revoke_support(request: Request) -> Reply:
    """End it at once."""
    return _decided(request, request.tenant, use().decide_support().revoke)


@app.api("GET", OPERATOR, permission=READ_ALL)
def list_all_support_grants(request: Request) -> Reply:
    """Grants of all companies, newest first."""
    page = use().list_support().of_all(limit=request.limit(), after=position_of(request))
    return list_reply(request, page, _shown)


@app.api("POST", OPERATOR, permission=ASK)
def ask_for_support(request: Request) -> Reply:
    """Ask to look into a company. Another operator or an owner of the company decides."""
    person = person_id(request)
    fresh(request)
    body = request.json(SupportIn)
    grant = use().ask_for_support()(
        person,
        body.tenant_id,
        reason=body.reason,
        hours=body.hours,
        correlation_id=request.correlation_id,
    )
    return _reply(grant, 201)


@app.api("POST", f"{OPERATOR}/{{id}}/approve", permission=DECIDE_ALL)
def approve_support_as_operator(request: Request) -> Reply:
    """Approve what another operator asked for."""
    fresh(request)
    return _decided(request, _company(request), use().decide_support().approve)


@app.api("POST", f"{OPERATOR}/{{id}}/refuse", permission=DECIDE_ALL)
def refuse_support_as_operator(request: Request) -> Reply:
    """Turn down what another operator asked for."""
    return _decided(request, _company(request), use().decide_support().refuse)


@app.api("POST", f"{OPERATOR}/{{id}}/revoke", permission=DECIDE_ALL)
def revoke_support_as_operator(request: Request) -> Reply:
    """End it at once, also what one asked for oneself."""
    return _decided(request, _company(request), use().decide_support().revoke)


def _decided(request: Request, context: TenantContext, decide: Decide) -> Reply:
    # What is not there is not there for programs either; deciding is for people.
    identity = use().list_support().one(context, request.id()).grant.id
    return _reply(decide(context, identity, person_id(request)))


def _shown(view: SupportView) -> dict[str, Any]:
    return support_out(view, use().platform.clock.now())


def _reply(grant: SupportGrant, status: int = 200) -> Reply:
    out = _shown(use().list_support().view(grant))
    return Reply(out, status, {"etag": etag(grant.stamp.version)})


def _company(request: Request) -> TenantContext:
    """The company of a grant, for an operator who knows its id; raises NotFoundError."""
    return operator_context(request, use().locate_support()(request.id()))
