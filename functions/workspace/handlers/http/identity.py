"""Health, sessions, invitations, password resets, and oneself."""

from functools import cache
from pathlib import Path
from typing import Final

from kernel.errors import Problem
from kernel.sensitive import Secret
from toolkit.auth import Principal, TenantContext
from toolkit.entrypoints.http import Reply, Request
from workspace.application.entrance import SignedIn, StepNeeded
from workspace.application.sign_in import Visit
from workspace.bootstrap import DEVICE_COOKIE
from workspace.domain.problems import invalid
from workspace.handlers.http.app import app, person_id, use
from workspace.pages.cookies import ended_cookie, entry_cookies
from workspace.pages.words import language_of
from workspace.schemas import (
    AcceptanceIn,
    NewPasswordIn,
    PreferencesIn,
    ProofIn,
    ResetIn,
    SecondStepIn,
    SignInIn,
    account_out,
    list_out,
    session_out,
)

ACCEPTED = {"status": "accepted"}
# Generated from the routes of all contexts by infra/tools/openapi.py.
_DESCRIPTION: Final = Path(__file__).with_name("openapi.json")


@app.api("GET", "/health", permission=None)
def health(_request: Request) -> Reply:
    """Whether this process answers; says nothing else."""
    return Reply({"status": "ok"})


@app.api("GET", "/v1/openapi.json", permission=None)
def describe_api(request: Request) -> Reply:
    """The description of the whole API (OpenAPI 3.1), packed for whoever reads gzip."""
    headers = {"cache-control": "no-cache"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Reply(_DESCRIPTION.read_text(encoding="utf-8"), headers=headers)
    headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
    return Reply(_packed_description(), headers=headers)


@cache
def _packed_description() -> bytes:
    """A tenth of the description; packing it takes longer than all the rest of its request."""
    import gzip

    return gzip.compress(_DESCRIPTION.read_bytes(), mtime=0)


@app.api("POST", "/v1/sessions", permission=None)
def sign_in(request: Request) -> Reply:
    """Sign in; the session travels in a cookie, the token for changes in the body.

    Where more than the password is needed the answer is 202 with the token of the second step.
    """
    body = request.json(SignInIn)
    if (body.email is None) is (body.accountant_no is None or body.national_id is None):
        text = "Give the mail address, or the accountant number and the identity number."
        raise invalid(Problem("/email", "sign_in_name", text))
    device = request.cookies.get(use().cookie(DEVICE_COOKIE))
    visit = Visit(
        request.source_ip,
        request.headers.get("user-agent", ""),
        Secret(device) if device else None,
    )
    if body.email is not None:
        done = use().sign_in()(
            body.email,
            body.password,
            source_ip=visit.source_ip,
            user_agent=visit.user_agent,
        )
    else:
        national_id = body.national_id.reveal("look up an account") if body.national_id else ""
        done = (
            use().sign_in().by_numbers(body.accountant_no or "", national_id, body.password, visit)
        )
    if isinstance(done, StepNeeded):
        token = done.token.reveal("hand the second step to who knows the password")
        return Reply({"status": "code_required", "method": done.method.value, "token": token}, 202)
    return _signed_in(done)


@app.api("POST", "/v1/sessions/second-factor", permission=None)
def finish_sign_in(request: Request) -> Reply:
    """Finish signing in with a code of the authenticator, a recovery code, or a mailed one."""
    body = request.json(SecondStepIn)
    done = use().finish_sign_in()(
        body.token, body.code, user_agent=request.headers.get("user-agent", "")
    )
    return _signed_in(done.signed_in, device=done.device)


def _signed_in(done: SignedIn, device: Secret | None = None) -> Reply:
    person = done.person
    principal = Principal("session", person.id, session_hash=done.session.digest)
    tenant_id = done.session.tenant_id
    # An operator may work for no company; what the role opens, the next request says.
    roles = use().read_user()(TenantContext(tenant_id, ""), person.id).roles if tenant_id else ()
    out = account_out(person, tenant_id, roles, app.csrf_token(principal))
    return Reply(out, 201, cookies=entry_cookies(done.token, device))


@app.api("GET", "/v1/sessions", permission=None)
def list_sessions(request: Request) -> Reply:
    """One's own open sessions, newest first."""
    account = use().read_account()(person_id(request))
    this = request.principal.session_hash
    return Reply(list_out([session_out(each, this) for each in account.sessions], None))


@app.api("DELETE", "/v1/sessions/{session_id}", permission=None)
def end_session(request: Request) -> Reply:
    """End one of one's own sessions."""
    use().end_session()(person_id(request), request.path_values["session_id"])
    return Reply(None, 204)


@app.api("POST", "/v1/sessions/current/proof", permission=None)
def prove_again(request: Request) -> Reply:
    """Prove oneself again, before an act that asks for it (403 ``proof_required``)."""
    person = use().read_account()(person_id(request)).person
    body = request.json(ProofIn)
    use().prove_again()(
        person, request.principal.session_hash, password=body.password, code=body.code
    )
    return Reply(None, 204)


@app.api("DELETE", "/v1/sessions/current", permission=None)
def sign_out(request: Request) -> Reply:
    """End this session; ``?everywhere=true`` ends all of the person."""
    person = person_id(request)
    if request.query.get("everywhere") == "true":
        use().sign_out_everywhere()(person, keep=None)
    use().sign_out()(request.principal.session_hash)
    return Reply(None, 204, cookies=(ended_cookie(),))


@app.api("GET", "/v1/me", permission=None)
def show_me(request: Request) -> Reply:
    """Oneself, with the token that changes by cookie need."""
    principal = request.principal
    account = use().read_account()(principal.id if principal.is_person else person_id(request))
    return Reply(
        account_out(account.person, principal.tenant_id, principal.roles, app.csrf_token(principal))
    )


@app.api("PATCH", "/v1/me", permission=None)
def change_me(request: Request) -> Reply:
    """Change language or theme."""
    person = person_id(request)
    body = request.json(PreferencesIn)
    saved = use().save_preferences()(person, language=body.language, theme=body.theme)
    principal = request.principal
    return Reply(
        account_out(saved, principal.tenant_id, principal.roles, app.csrf_token(principal))
    )


@app.api("POST", "/v1/invitations/accept", permission=None)
def accept_invitation(request: Request) -> Reply:
    """Join a company by the token of a mail."""
    body = request.json(AcceptanceIn)
    use().accept_invitation()(body.token, body.password)
    return Reply(None, 204)


@app.api("POST", "/v1/password-resets", permission=None)
def request_password_reset(request: Request) -> Reply:
    """Ask for a new password; the answer is the same for everybody."""
    body = request.json(ResetIn)
    use().request_password_reset()(
        body.email, language=language_of(request), source_ip=request.source_ip
    )
    return Reply(ACCEPTED, 202)


@app.api("POST", "/v1/password-resets/complete", permission=None)
def complete_password_reset(request: Request) -> Reply:
    """Set a new password by the token of a mail."""
    body = request.json(NewPasswordIn)
    use().reset_password()(body.token, body.password)
    return Reply(None, 204)
