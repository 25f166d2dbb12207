"""Settings of the organisation: code, provider, key, rules, notification secret (PAY-06)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, Problem, ValidationError
from kernel.money import Money
from kernel.sensitive import Secret
from payment_codes.application.organisations import OrganisationFields
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.source import SourceKind
from payment_codes.pages.kit import Kit, go, use_of
from payment_codes.pages.words import words_of
from payment_codes.schemas import ZONES, OrganisationIn
from toolkit.auth import require_fresh
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Option

SECTION: Final = "payment_codes.organisation"
_AUTOMATIC: Final = ("repair_order", "counter_invoice", "bill_batch")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of the organisation."""

    def page(
        request: Request,
        form: Mapping[str, str],
        organisation: Organisation | None,
        error: KopruError | None = None,
        secret: str = "",
    ) -> Reply:
        words = words_of(request)
        providers = (
            Option("dias", words.text("DIAS gateway")),
            Option("offline", words.text("Offline: print codes, find payments on statements")),
        )
        languages = (Option("el", "Ελληνικά"), Option("en", "English"), Option("tr", "Türkçe"))
        return kit.draw(
            request,
            "organisation/organisation.html",
            SECTION,
            error=error,
            organisation=organisation,
            form=form,
            providers=providers,
            languages=languages,
            zones=[Option(zone, zone) for zone in ZONES],
            secret=secret,
            notification_url=f"/v1/payment-codes/notifications/{form.get('provider', 'dias')}",
            may_change=request.principal.may("payment_codes:organisation:write"),
        )

    @app.page("GET", "/payment-codes/organisation", permission="payment_codes:organisation:read")
    def show_organisation(request: Request) -> Reply:
        """The organisation as it is stored."""
        organisation = use_of(request).store.organisation()
        return page(request, _form(organisation, request), organisation)

    @app.page("POST", "/payment-codes/organisation", permission="payment_codes:organisation:write")
    def save_organisation(request: Request) -> Reply:
        """Save what the form says."""
        form, use = request.form(), use_of(request)
        stored = use.store.organisation()
        if form.get("api_key"):
            require_fresh(request.principal, use.scope.clock.now(), request.path)
        try:
            body = parse_model(OrganisationIn, _members(form))
            version = int(form["version"]) if form.get("version", "").isdigit() else None
            fields = OrganisationFields(
                org_code=body.org_code,
                provider=body.provider,
                payee=body.payee,
                language=body.language,
                zone=body.zone if body.zone in ZONES else None,
                branch=body.branch,
                tolerance=body.tolerance.minor if body.tolerance is not None else None,
                valid_days=body.valid_days,
                mail_on_issue=body.mail_on_issue,
                automatic=body.rules(),
                api_key=Secret(body.api_key) if body.api_key is not None else None,
            )
            use.save_organisation()(fields, version, request.principal.tenant_name)
        except KopruError as error:
            shown = dict(form)
            shown.pop("api_key", None)
            return page(request, shown, stored, error)
        return go("/payment-codes/organisation", done="saved")

    @app.page(
        "POST",
        "/payment-codes/organisation/notification-secret",
        permission="payment_codes:organisation:write",
    )
    def renew_secret(request: Request) -> Reply:
        """Show a new notification secret, once."""
        use = use_of(request)
        require_fresh(request.principal, use.scope.clock.now(), "/payment-codes/organisation")
        secret = use.renew_notification_secret()().reveal("show once")
        organisation = use.store.organisation()
        return page(request, _form(organisation, request), organisation, secret=secret)

    @app.page(
        "POST",
        "/payment-codes/organisation/document-event-secret",
        permission="payment_codes:organisation:write",
    )
    def renew_event_secret(request: Request) -> Reply:
        """Show a new secret for document events, once."""
        use = use_of(request)
        require_fresh(request.principal, use.scope.clock.now(), "/payment-codes/organisation")
        secret = use.renew_event_secret()().reveal("show once")
        organisation = use.store.organisation()
        return page(request, _form(organisation, request), organisation, secret=secret)


def _form(organisation: Organisation | None, request: Request) -> dict[str, str]:
    if organisation is None:
        return {
            "provider": "dias",
            "language": "el",
            "zone": "Europe/Athens",
            "branch": "00",
            "payee": request.principal.tenant_name,
            "tolerance": "0.00",
            "valid_days": "0",
            "automatic_repair_order": "1",
            "automatic_counter_invoice": "1",
        }
    found = {
        "org_code": organisation.org_code,
        "provider": organisation.provider.value,
        "payee": organisation.payee,
        "language": organisation.language,
        "zone": organisation.zone,
        "branch": organisation.branch,
        "tolerance": Money(organisation.tolerance, "EUR").amount_text,
        "valid_days": str(organisation.valid_days),
        "version": str(organisation.stamp.version),
        "mail_on_issue": "1" if organisation.mail_on_issue else "",
    }
    for kind in _AUTOMATIC:
        on = organisation.issues_for(SourceKind(kind))
        found[f"automatic_{kind}"] = "1" if on else ""
    return found


def _members(form: Mapping[str, str]) -> dict[str, Any]:
    """A filled form in the shape of the API."""
    texts = ("org_code", "provider", "payee", "language", "zone", "branch", "api_key")
    members: dict[str, Any] = {name: form[name] for name in texts if form.get(name)}
    members["mail_on_issue"] = form.get("mail_on_issue") == "1"
    members["automatic"] = {kind: form.get(f"automatic_{kind}") == "1" for kind in _AUTOMATIC}
    if form.get("tolerance"):
        amount = form["tolerance"].replace(",", ".")
        members["tolerance"] = {"amount": amount, "currency": "EUR"}
    days = form.get("valid_days", "")
    if days and not (days.isascii() and days.isdigit() and len(days) < 6):
        problem = Problem("/valid_days", "int_type", "Days are a whole number.")
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
    if days:
        members["valid_days"] = int(days)
    return {"org_code": "", "provider": "", **members}
