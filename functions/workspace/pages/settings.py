"""One's own settings, companies and sessions; the company's name, language and zone."""

from kernel.errors import KopruError, ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import Option
from webkit.i18n import LANGUAGE_NAMES
from webkit.render import THEMES
from webkit.urls import link, local_path
from workspace.domain.user import COMPANY_ROLES
from workspace.pages.kit import Kit, needs_proof, read_form, signed_in, status_of, use
from workspace.pages.spine import instant_of
from workspace.pages.words import redirect, role_name, words_of
from workspace.schemas import PreferencesIn, TenantPatch

_ZONES = ("Europe/Istanbul", "Europe/Athens", "Asia/Nicosia", "UTC")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of settings."""

    @app.page("POST", "/preferences", permission=None)
    def save_preferences(request: Request) -> Reply:
        """Change language or look, and stay where one is."""
        person = signed_in(request)
        body = read_form(request, PreferencesIn)
        use().save_preferences()(person, language=body.language, theme=body.theme)
        return redirect(local_path(request.form().get("return_to")))

    @app.page("POST", "/preferences/tenant", permission=None)
    def switch_company(request: Request) -> Reply:
        """Work for another company of one's own."""
        person = signed_in(request)
        tenant_id = request.form().get("tenant_id", "")
        use().switch_tenant()(person, request.principal.session_hash, tenant_id)
        return redirect(link("/", done="company"))

    def settings_page(request: Request, error: KopruError | None = None) -> Reply:
        account = use().read_account()(signed_in(request))
        words = words_of(request)
        looks = {
            "auto": words.text("Like my system"),
            "light": words.text("Light"),
            "dark": words.text("Dark"),
        }
        may_change = request.principal.may("workspace:tenant:write")
        tenant = (
            use().read_tenant()(request.tenant)
            if may_change and request.principal.tenant_id
            else None
        )
        form = request.form() if error is not None else {}
        values = {
            "person": account.person,
            "email": account.person.email.reveal("own account"),
            "sessions": account.sessions,
            "this_session": request.principal.session_hash,
            "at": instant_of,
            "languages": [Option(code, name) for code, name in LANGUAGE_NAMES.items()],
            "looks": [Option(theme, looks[theme]) for theme in THEMES],
            "zones": [Option(zone, zone) for zone in _ZONES],
            "tenant": tenant,
            "policy": [
                (Option(role, role_name(words, role)), role in tenant.second_factor_roles)
                for role in COMPANY_ROLES
            ]
            if tenant
            else [],
            "factor": use().read_second_factor()(account.person.id),
            "has_feed": use().store.has_feed(account.person.id),
            "form": form,
        }
        template = "settings/settings.html"
        return kit.draw(request, template, "settings", values, status=status_of(error), error=error)

    @app.page("GET", "/settings", permission=None)
    def show_settings(request: Request) -> Reply:
        """Language, look, sessions, company."""
        return settings_page(request)

    @app.page("POST", "/settings/sessions", permission=None)
    def end_sessions(request: Request) -> Reply:
        """End all other sessions of oneself."""
        person = signed_in(request)
        use().sign_out_everywhere()(person, keep=request.principal.session_hash)
        return redirect(link("/settings", done="everywhere"))

    @app.page("POST", "/settings/sessions/{session_id}/end", permission=None)
    def end_session(request: Request) -> Reply:
        """End one of one's own sessions."""
        use().end_session()(signed_in(request), request.path_values["session_id"])
        return redirect(link("/settings", done="session_ended"))

    @app.page("POST", "/settings/policy", permission="workspace:tenant:write")
    def change_policy(request: Request) -> Reply:
        """Say which roles of the company need a second factor."""
        needs_proof(request, "/settings")
        version = request.form().get("version", "")
        body = parse_model(
            TenantPatch, {"second_factor_roles": request.form_list("second_factor_roles")}
        )
        use().change_tenant()(
            request.tenant,
            expected_version=int(version) if version.isdigit() else 0,
            second_factor_roles=body.second_factor_roles,
        )
        return redirect(link("/settings", done="changed"))

    @app.page("POST", "/settings/company", permission="workspace:tenant:write")
    def change_company(request: Request) -> Reply:
        """Change name, language or zone of the company."""
        version = request.form().get("version", "")
        try:
            body = read_form(request, TenantPatch)
        except ValidationError as error:
            return settings_page(request, error)
        use().change_tenant()(
            request.tenant,
            expected_version=int(version) if version.isdigit() else 0,
            name=body.name,
            language=body.language,
            zone=body.zone,
        )
        return redirect(link("/settings", done="changed"))
