"""The organisation, its provider and rules; the bench of unmatched payments (PAY-03, PAY-06)."""

from kernel.errors import NotFoundError, Problem, ValidationError
from kernel.ids import is_id
from kernel.sensitive import Secret
from payment_codes.application.organisations import OrganisationFields
from payment_codes.application.split_payment import Part
from payment_codes.bootstrap import PaymentCodes, application
from payment_codes.domain.organisation import Organisation
from payment_codes.handlers.http.app import app, payment_shown, shown, use_of
from payment_codes.schemas import (
    ZONES,
    AssignPaymentIn,
    OrganisationIn,
    ReturnPaymentIn,
    SplitPaymentIn,
    organisation_out,
)
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import Reply, Request, etag


def _reply(use: PaymentCodes, organisation: Organisation, status: int = 200) -> Reply:
    age = None
    if organisation.pulled_at is not None:
        since = use.scope.clock.now() - organisation.pulled_at
        age = max(0, int(since.total_seconds()))
    headers = {"etag": etag(organisation.stamp.version)}
    return Reply(organisation_out(organisation, age), status, headers)


@app.api("GET", "/v1/payment-codes/organisation", permission="payment_codes:organisation:read")
def show_organisation(request: Request) -> Reply:
    """The company at the payment network."""
    use = use_of(request)
    organisation = use.store.organisation()
    if organisation is None:
        raise NotFoundError("organisation_missing", "No organisation code was entered yet.")
    return _reply(use, organisation)


@app.api("PUT", "/v1/payment-codes/organisation", permission="payment_codes:organisation:write")
def save_organisation(request: Request) -> Reply:
    """Enter or change the organisation; a stated version must be the stored one."""
    body = request.json(OrganisationIn)
    if body.zone is not None and body.zone not in ZONES:
        problem = Problem("/zone", "choice", f"One of {', '.join(ZONES)}.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    version = request.expected_version() if "if-match" in request.headers else None
    use = use_of(request)
    if body.api_key is not None:
        require_fresh(request.principal, use.scope.clock.now())
    fields = OrganisationFields(
        org_code=body.org_code,
        provider=body.provider,
        payee=body.payee,
        language=body.language,
        zone=body.zone,
        branch=body.branch,
        tolerance=body.tolerance.minor if body.tolerance is not None else None,
        valid_days=body.valid_days,
        mail_on_issue=body.mail_on_issue,
        automatic=body.rules(),
        api_key=Secret(body.api_key) if body.api_key is not None else None,
    )
    name = request.principal.tenant_name or f"Organisation {body.org_code}"
    return _reply(use, use.save_organisation()(fields, version, name))


@app.api(
    "POST",
    "/v1/payment-codes/organisation/notification-secret",
    permission="payment_codes:organisation:write",
)
def renew_notification_secret(request: Request) -> Reply:
    """Make a new secret for the provider's notifications; it is shown this once."""
    use = use_of(request)
    require_fresh(request.principal, use.scope.clock.now())
    secret = use.renew_notification_secret()()
    return Reply({"secret": secret.reveal("show once")}, 201)


# ---------------------------------------------------------------------------- unmatched


@app.api("GET", "/v1/payment-codes/unmatched", permission="payment_codes:code:read")
def list_unmatched(request: Request) -> Reply:
    """Payments that belong to no code yet, oldest first."""
    use = use_of(request)
    scope = {
        "tenant_id": request.tenant.tenant_id,
        "route": "/v1/payment-codes/unmatched",
        "filters": {},
        "now": use.scope.clock.now(),
    }
    cursors = application().cursors
    cursor = request.query.get("cursor")
    after = cursors.open(cursor, **scope) if cursor else None  # type: ignore[arg-type]
    found, following = use.store.unmatched(limit=request.limit(), after=after)
    sealed = cursors.seal(following, **scope) if following else None  # type: ignore[arg-type]
    return Reply(
        {"items": [payment_shown(request, payment) for payment in found], "next_cursor": sealed}
    )


@app.api(
    "POST", "/v1/payment-codes/unmatched/{id}/assign", permission="payment_codes:payment:write"
)
def assign_payment(request: Request) -> Reply:
    """Give an unmatched payment to a code."""
    body = request.json(AssignPaymentIn)
    if not is_id(body.code_id):
        raise NotFoundError("not_found", "There is no such item.")
    use = use_of(request)
    payment, code = use.assign_payment()(request.id(), body.code_id, body.note)
    return Reply({"payment": payment_shown(request, payment), "code": shown(use, code)})


@app.api("POST", "/v1/payment-codes/unmatched/{id}/split", permission="payment_codes:payment:write")
def split_payment(request: Request) -> Reply:
    """Give parts of an unmatched payment to several codes; together they are all of it."""
    body = request.json(SplitPaymentIn)
    if not all(is_id(part.code_id) for part in body.parts):
        raise NotFoundError("not_found", "There is no such item.")
    use = use_of(request)
    parts = [Part(part.code_id, part.amount) for part in body.parts]
    payment, booked = use.split_payment()(request.id(), parts, body.note)
    return Reply(
        {
            "payment": payment_shown(request, payment),
            "parts": [
                {"payment": payment_shown(request, part), "code": shown(use, code)}
                for part, code in booked
            ],
        }
    )


@app.api(
    "POST", "/v1/payment-codes/unmatched/{id}/return", permission="payment_codes:payment:write"
)
def return_payment(request: Request) -> Reply:
    """Note that an unmatched payment went back to its payer."""
    body = request.json(ReturnPaymentIn)
    payment = use_of(request).return_payment()(request.id(), body.note)
    return Reply({"payment": payment_shown(request, payment)})
