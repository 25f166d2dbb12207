"""Signing up, and the operator's decision about it."""

from kernel.errors import Problem
from toolkit.entrypoints.http import Reply, Request, etag
from workspace.domain.link import LinkPurpose
from workspace.domain.problems import invalid
from workspace.domain.signup import Signup, SignupState
from workspace.domain.tenant import check_language
from workspace.handlers.http.app import app, list_reply, position_of, use
from workspace.handlers.http.identity import ACCEPTED
from workspace.pages.words import actor_of, language_of
from workspace.schemas import (
    NewPasswordIn,
    ResolutionIn,
    SignupIn,
    agreement_out,
    signup_entry,
    signup_out,
)


@app.api("GET", "/v1/service-agreement", permission=None)
def show_agreement(request: Request) -> Reply:
    """The service agreement in force, in ``?language=`` or the reader's."""
    language = request.query.get("language")
    chosen = language_of(request) if language is None else check_language(language)
    return Reply(agreement_out(use().agreement(chosen)))


@app.api("POST", "/v1/signups", permission=None)
def request_signup(request: Request) -> Reply:
    """Sign up; the answer is the same whether we know the address or not."""
    body = request.json(SignupIn)
    use().request_signup()(signup_entry(body), source_ip=request.source_ip)
    return Reply(ACCEPTED, 202)


@app.api("POST", "/v1/signups/activate", permission=None)
def activate_signup(request: Request) -> Reply:
    """Choose the password by the token of the activation mail."""
    body = request.json(NewPasswordIn)
    use().accept_invitation()(body.token, body.password, LinkPurpose.ACTIVATION)
    return Reply(None, 204)


@app.api("GET", "/v1/signups", permission="operator:signup:read")
def list_signups(request: Request) -> Reply:
    """Sign-ups, waiting ones first; ``?state=`` shows those of one state."""
    text = request.query.get("state")
    state = _state(text) if text is not None else None
    filters = {"state": state.value} if state else {}
    after = position_of(request, filters=filters)
    page = use().list_signups()(state, limit=request.limit(), after=after)
    return list_reply(request, page, signup_out, filters=filters)


def _state(text: str) -> SignupState:
    try:
        return SignupState(text)
    except ValueError:
        problem = Problem("/state", "state_unknown", "Choose requested, approved or rejected.")
        raise invalid(problem) from None


@app.api("GET", "/v1/signups/{id}", permission="operator:signup:read")
def show_signup(request: Request) -> Reply:
    """One sign-up with what was accepted, when and from where."""
    return _signup(use().read_signup()(request.id()))


@app.api("POST", "/v1/signups/{id}/approve", permission="operator:signup:decide")
def approve_signup(request: Request) -> Reply:
    """Open the company and mail the activation link."""
    approve = use().approve_signup()
    return _signup(
        approve(request.id(), actor=actor_of(request), correlation_id=request.correlation_id)
    )


@app.api("POST", "/v1/signups/{id}/activations", permission="operator:signup:decide")
def send_activation_again(request: Request) -> Reply:
    """Send one more activation link."""
    again = use().send_activation_again()
    signup = again(request.id(), actor=actor_of(request), correlation_id=request.correlation_id)
    return Reply(signup_out(signup), 202)


@app.api("POST", "/v1/signups/{id}/reject", permission="operator:signup:decide")
def reject_signup(request: Request) -> Reply:
    """Turn a sign-up down with a reason."""
    note = request.json(ResolutionIn).note
    return _signup(use().reject_signup()(request.id(), note, actor=actor_of(request)))


def _signup(signup: Signup) -> Reply:
    return Reply(signup_out(signup), headers={"etag": etag(signup.stamp.version)})
