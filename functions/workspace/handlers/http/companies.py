"""Companies, people, roles and API keys."""

from kernel.storing import Remembered
from toolkit.auth import ROLE_PERMISSIONS
from toolkit.entrypoints.http import Reply, Request, etag
from workspace.application.invite_user import PersonEntry
from workspace.domain.glance import matching
from workspace.domain.user import COMPANY_ROLES, Membership
from workspace.handlers.http.app import (
    answered,
    app,
    fresh,
    list_reply,
    person_id,
    position_of,
    reply_of,
    use,
)
from workspace.pages.words import role_name, words_of
from workspace.ports import Page
from workspace.schemas import (
    ApiKeyIn,
    TenantIn,
    TenantPatch,
    UserIn,
    UserPatch,
    api_key_out,
    glance_out,
    list_out,
    role_out,
    tenant_out,
    user_out,
)

# ---------------------------------------------------------------------------- companies


@app.api("GET", "/v1/tenants", permission="operator:tenant:read")
def list_tenants(request: Request) -> Reply:
    """All companies, for the operator."""
    page = use().list_tenants()(limit=request.limit(), after=position_of(request))
    return list_reply(request, page, tenant_out)


@app.api("POST", "/v1/tenants", permission="operator:tenant:create")
def create_tenant(request: Request) -> Reply:
    """Open a company and invite its first owner."""
    body = request.json(TenantIn)
    made = use().create_tenant()(
        actor=f"key:{request.principal.id}",
        correlation_id=request.correlation_id,
        name=body.name,
        language=body.language,
        zone=body.zone,
        owner=PersonEntry(body.owner.email, body.owner.name, body.language),
        with_key=body.issue_api_key,
    )
    out = tenant_out(made.tenant)
    if made.owner is not None:
        out["owner"] = user_out(made.owner)
    if made.key is not None:
        out["api_key"] = api_key_out(made.key, made.secret)
    return Reply(out, 201, {"location": "/v1/tenants/me", "etag": etag(1)})


@app.api("GET", "/v1/tenants/me", permission="workspace:tenant:read")
def show_tenant(request: Request) -> Reply:
    """The company of this key or session."""
    tenant = use().read_tenant()(request.tenant)
    return Reply(tenant_out(tenant), headers={"etag": etag(tenant.stamp.version)})


@app.api("PATCH", "/v1/tenants/me", permission="workspace:tenant:write")
def change_tenant(request: Request) -> Reply:
    """Change name, language, time zone, or which roles need a second factor."""
    version = request.expected_version()
    body = request.json(TenantPatch)
    if body.second_factor_roles is not None:
        fresh(request)
    tenant = use().change_tenant()(
        request.tenant,
        expected_version=version,
        name=body.name,
        language=body.language,
        zone=body.zone,
        second_factor_roles=body.second_factor_roles,
    )
    return Reply(tenant_out(tenant), headers={"etag": etag(tenant.stamp.version)})


@app.api("GET", "/v1/companies", permission=None)
def list_companies(request: Request) -> Reply:
    """One's own companies, those that need somebody first; ``?done=false`` leaves the rest out."""
    found = use().oversee_companies()(person_id(request), request.principal.session_hash)
    found = matching(found, request.query.get("q", ""))
    wish = request.query.get("done")
    if wish is not None:
        found = [each for each in found if each.is_done == (wish == "true")]
    return Reply(list_out(map(glance_out, found), None, len(found)))


# ---------------------------------------------------------------------------- people


@app.api("GET", "/v1/users", permission="workspace:user:read")
def list_users(request: Request) -> Reply:
    """People of the company by name."""
    members = use().list_users()(request.tenant)
    return Reply(list_out(map(user_out, members), None, len(members)))


@app.api("POST", "/v1/users", permission="workspace:user:write")
def invite_user(request: Request) -> Reply:
    """Invite somebody; the mail carries the link, the answer does not."""
    command = request.optional_command()
    first = answered(request, command)
    if first is not None:
        return first
    fresh(request)
    body = request.json(UserIn)
    member = use().invite_user()(
        request.tenant,
        email=body.email,
        name=body.name,
        roles=body.roles,
        language=body.language,
        since=body.since,
        until=body.until,
        command=command,
        answer=_invited,
    )
    return reply_of(_invited(member))


def _invited(member: Membership) -> Remembered:
    headers = {
        "location": f"/v1/users/{member.person_id}",
        "etag": etag(member.stamp.version),
    }
    return Remembered(201, user_out(member), headers)


@app.api("GET", "/v1/users/{id}", permission="workspace:user:read")
def show_user(request: Request) -> Reply:
    """One member."""
    return _user(use().read_user()(request.tenant, request.id()))


@app.api("PATCH", "/v1/users/{id}", permission="workspace:user:write")
def change_user(request: Request) -> Reply:
    """Change roles, beginning or end of a mandate."""
    identity, version = request.id(), request.expected_version()
    fresh(request)
    body = request.json(UserPatch)
    known = use().read_user()(request.tenant, identity)
    said = body.model_fields_set
    return _user(
        use().change_user()(
            request.tenant,
            actor_id=request.principal.id,
            person_id=identity,
            expected_version=version,
            roles=body.roles,
            since=body.since if "since" in said else known.since,
            until=body.until if "until" in said else known.until,
        )
    )


@app.api("DELETE", "/v1/users/{id}", permission="workspace:user:write")
def remove_user(request: Request) -> Reply:
    """End a membership at once."""
    fresh(request)
    use().remove_user()(request.tenant, actor_id=request.principal.id, person_id=request.id())
    return Reply(None, 204)


@app.api("POST", "/v1/users/{id}/invitations", permission="workspace:user:write")
def invite_again(request: Request) -> Reply:
    """Send one more invitation."""
    return Reply(user_out(use().invite_again()(request.tenant, request.id())), 202)


def _user(member: Membership) -> Reply:
    return Reply(user_out(member), headers={"etag": etag(member.stamp.version)})


@app.api("GET", "/v1/roles", permission="workspace:tenant:read")
def list_roles(request: Request) -> Reply:
    """Roles a company can give, and what each may do."""
    words = words_of(request)
    items = [
        role_out(code, ROLE_PERMISSIONS[code], role_name(words, code)) for code in COMPANY_ROLES
    ]
    return Reply(list_out(items, None, len(items)))


# ---------------------------------------------------------------------------- API keys


@app.api("GET", "/v1/api-keys", permission="workspace:api_key:read")
def list_api_keys(request: Request) -> Reply:
    """Keys of the company, newest first."""
    keys = use().list_api_keys()(request.tenant)
    return list_reply(request, Page(tuple(keys)), api_key_out)


@app.api("POST", "/v1/api-keys", permission="workspace:api_key:write")
def issue_api_key(request: Request) -> Reply:
    """Issue a key; this answer is the only one that shows its secret."""
    fresh(request)
    body = request.json(ApiKeyIn)
    key, secret = use().issue_api_key()(
        request.tenant,
        issuer_may=request.principal.may,
        name=body.name,
        scopes=body.scopes,
        expires_on=body.expires_on,
    )
    headers = {"location": f"/v1/api-keys/{key.id}", "etag": etag(key.stamp.version)}
    return Reply(api_key_out(key, secret), 201, headers)


@app.api("GET", "/v1/api-keys/{id}", permission="workspace:api_key:read")
def show_api_key(request: Request) -> Reply:
    """One key without its secret."""
    key = use().read_api_key()(request.tenant, request.id())
    return Reply(api_key_out(key), headers={"etag": etag(key.stamp.version)})


@app.api("DELETE", "/v1/api-keys/{id}", permission="workspace:api_key:write")
def revoke_api_key(request: Request) -> Reply:
    """Revoke a key at once."""
    use().revoke_api_key()(request.tenant, request.id())
    return Reply(None, 204)
