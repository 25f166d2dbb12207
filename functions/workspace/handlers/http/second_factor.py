"""One's own second factor by API."""

from toolkit.entrypoints.http import Reply, Request
from webkit.qr import qr_svg
from workspace.domain.user import Person
from workspace.handlers.http.app import app, fresh, person_id, use
from workspace.schemas import CodeIn, factor_out

PATH = "/v1/me/second-factor"


def _person(request: Request) -> Person:
    return use().read_account()(person_id(request)).person


@app.api("GET", PATH, permission=None)
def show_second_factor(request: Request) -> Reply:
    """Whether one is set up, and how many recovery codes are left."""
    return Reply(factor_out(use().read_second_factor()(person_id(request))))


@app.api("POST", PATH, permission=None)
def start_second_factor(request: Request) -> Reply:
    """A new secret, shown in this answer only; it counts after its first code."""
    person = _person(request)
    fresh(request)
    made = use().start_second_factor()(person)
    uri = made.uri.reveal("shown once to its owner")
    out = {
        "secret": made.secret.reveal("shown once to its owner"),
        "otpauth_uri": uri,
        "qr_svg": str(qr_svg(uri, "")),
    }
    return Reply(out, 201)


@app.api("POST", f"{PATH}/confirm", permission=None)
def confirm_second_factor(request: Request) -> Reply:
    """The first code puts the factor in force; the answer shows the recovery codes, once."""
    person = _person(request)
    body = request.json(CodeIn)
    codes = use().confirm_second_factor()(person, request.principal.session_hash, body.code)
    return Reply({"recovery_codes": list(codes)})


@app.api("POST", f"{PATH}/recovery-codes", permission=None)
def renew_recovery_codes(request: Request) -> Reply:
    """New recovery codes, shown once; the old ones are worthless."""
    person = _person(request)
    fresh(request)
    return Reply({"recovery_codes": list(use().renew_recovery_codes()(person))}, 201)


@app.api("DELETE", PATH, permission=None)
def remove_second_factor(request: Request) -> Reply:
    """Take the second factor away; one's other sessions end."""
    person = _person(request)
    fresh(request)
    use().remove_second_factor()(person, request.principal.session_hash)
    return Reply(None, 204)
