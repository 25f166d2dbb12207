"""People of the company and its API keys."""

from datetime import date
from typing import Any, Final

from kernel.errors import ConflictError, KopruError, RuleViolationError, ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Option, Status, Tone
from webkit.i18n import LANGUAGE_NAMES, Language
from webkit.urls import link
from workspace.domain.api_key import ApiKey, ApiKeyState
from workspace.domain.user import COMPANY_ROLES, Membership, MembershipState
from workspace.pages.kit import Kit, needs_proof, read_form, status_of, use
from workspace.pages.spine import instant_of
from workspace.pages.words import redirect, role_name, sentence, words_of
from workspace.schemas import ApiKeyIn, UserIn, UserPatch

_FORM = ("people/invite.html", "people")


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages about people and keys."""

    # ------------------------------------------------------------------ people

    @app.page("GET", "/people", permission="workspace:user:read")
    def list_people(request: Request) -> Reply:
        """Who works for this company here."""
        words = words_of(request)
        members = use().list_users()(request.tenant)
        columns = (
            Column("name", words.text("Name")),
            Column("email", words.text("Mail address")),
            Column("roles", words.text("Roles")),
            Column("seen", words.text("Last seen")),
            Column("state", words.text("State")),
        )
        return kit.draw(
            request,
            "people/list.html",
            "people",
            {
                "columns": columns,
                "members": members,
                "email": {each.person_id: each.email.reveal("own colleagues") for each in members},
                "roles": {each.person_id: _roles(words, each) for each in members},
                "badges": {each.person_id: _status(words, each) for each in members},
                "at": instant_of,
                "may_change": request.principal.may("workspace:user:write"),
            },
        )

    def invite_form(request: Request, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        form = request.form() if request.method == "POST" else {}
        chosen = request.form_list("roles") if request.method == "POST" else []
        values = {
            "form": form,
            "roles": _role_options(words, chosen),
            "languages": [Option(code, name) for code, name in LANGUAGE_NAMES.items()],
            "mail_language": form.get("language") or words.code,
        }
        return kit.draw(request, *_FORM, values, status=status_of(error), error=error)

    @app.page("GET", "/people/new", permission="workspace:user:write")
    def show_invite(request: Request) -> Reply:
        """The invitation form."""
        return invite_form(request)

    @app.page("POST", "/people/new", permission="workspace:user:write")
    def invite(request: Request) -> Reply:
        """Invite somebody."""
        needs_proof(request, "/people/new")
        try:
            body = read_form(request, UserIn, roles=request.form_list("roles"))
            use().invite_user()(
                request.tenant,
                email=body.email,
                name=body.name,
                roles=body.roles,
                language=body.language,
                since=body.since,
                until=body.until,
            )
        except (ValidationError, ConflictError) as error:
            return invite_form(request, error)
        return redirect(link("/people", done="invited"))

    def person_page(request: Request, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        person = use().read_user()(request.tenant, request.id())
        chosen = request.form_list("roles") if error is not None else list(person.roles)
        own = person.person_id == request.principal.id
        values = {
            "member": person,
            "email": person.email.reveal("own colleagues"),
            "person_status": _status(words, person),
            "roles": _role_options(words, chosen),
            "role_names": _roles(words, person),
            "since": person.since.isoformat() if person.since else "",
            "until": person.until.isoformat() if person.until else "",
            "at": instant_of,
            "own": own,
            "may_change": request.principal.may("workspace:user:write") and not own,
            "is_invited": person.state is MembershipState.INVITED,
        }
        template = "people/person.html"
        return kit.draw(request, template, "people", values, status=status_of(error), error=error)

    @app.page("GET", "/people/{id}", permission="workspace:user:read")
    def show_person(request: Request) -> Reply:
        """One member."""
        return person_page(request)

    @app.page("POST", "/people/{id}", permission="workspace:user:write")
    def change_person(request: Request) -> Reply:
        """Change roles, beginning and end of a mandate."""
        identity = request.id()
        needs_proof(request, f"/people/{identity}")
        form = request.form()
        try:
            body = read_form(request, UserPatch, roles=request.form_list("roles"))
            version = form.get("version", "")
            use().change_user()(
                request.tenant,
                actor_id=request.principal.id,
                person_id=identity,
                expected_version=int(version) if version.isdigit() else 0,
                roles=body.roles,
                since=body.since,
                until=body.until,
            )
        except (ValidationError, RuleViolationError) as error:
            return person_page(request, error)
        return redirect(link(f"/people/{identity}", done="changed"))

    @app.page("POST", "/people/{id}/invitations", permission="workspace:user:write")
    def invite_again(request: Request) -> Reply:
        """Send one more invitation."""
        identity = request.id()
        use().invite_again()(request.tenant, identity)
        return redirect(link(f"/people/{identity}", done="invited"))

    @app.page("POST", "/people/{id}/remove", permission="workspace:user:write")
    def remove_person(request: Request) -> Reply:
        """End a membership at once."""
        needs_proof(request, f"/people/{request.id()}")
        try:
            use().remove_user()(
                request.tenant, actor_id=request.principal.id, person_id=request.id()
            )
        except RuleViolationError as error:
            return person_page(request, error)
        return redirect(link("/people", done="removed"))

    # ------------------------------------------------------------------ keys

    def key_list(request: Request, error: KopruError | None = None, **values: Any) -> Reply:
        words = words_of(request)
        keys = use().list_api_keys()(request.tenant)
        columns = (
            Column("name", words.text("Name of the key")),
            Column("hint", words.text("Begins with")),
            Column("scopes", words.text("May do")),
            Column("expires", words.text("Works until")),
            Column("used", words.text("Last used")),
            Column("state", words.text("State")),
            Column("act", words.text("Actions"), hide_label=True),
        )
        today = use().platform.clock.now().date()
        shown: dict[str, Any] = {
            "columns": columns,
            "keys": keys,
            "badges": {key.id: _key_status(words, key, today) for key in keys},
            "at": instant_of,
            "active": ApiKeyState.ACTIVE,
            "scopes": _scope_options(words, request),
            "scope_names": dict(_scope_names(words)),
            "form": request.form() if request.method == "POST" else {},
            "may_change": request.principal.may("workspace:api_key:write"),
            "secret": None,
            **values,
        }
        template = "keys/list.html"
        return kit.draw(request, template, "api_keys", shown, status=status_of(error), error=error)

    @app.page("GET", "/api-keys", permission="workspace:api_key:read")
    def list_keys(request: Request) -> Reply:
        """Keys of programs that work for this company."""
        return key_list(request)

    @app.page("POST", "/api-keys", permission="workspace:api_key:write")
    def issue_key(request: Request) -> Reply:
        """Issue a key and show its secret, once, on this page only."""
        needs_proof(request, "/api-keys")
        try:
            body = read_form(request, ApiKeyIn, scopes=request.form_list("scopes"))
            key, secret = use().issue_api_key()(
                request.tenant,
                issuer_may=request.principal.may,
                name=body.name,
                scopes=body.scopes,
                expires_on=body.expires_on,
            )
        except ValidationError as error:
            return key_list(request, error)
        return key_list(
            request, secret=secret.reveal("shown once to who issued it"), fresh=key, form={}
        )

    @app.page("POST", "/api-keys/{id}/revoke", permission="workspace:api_key:write")
    def revoke_key(request: Request) -> Reply:
        """Make a key worthless."""
        use().revoke_api_key()(request.tenant, request.id())
        return redirect(link("/api-keys", done="revoked"))


def _roles(words: Language, member: Membership) -> str:
    return ", ".join(role_name(words, role) for role in member.roles)


def _status(words: Language, member: Membership) -> Status:
    tones = {MembershipState.INVITED: Tone.WAITING, MembershipState.ACTIVE: Tone.OK}
    text = sentence(words, "state", member.state.value, {}) or member.state.value
    return Status(text, tones.get(member.state, Tone.NEUTRAL))


def _role_options(words: Language, chosen: list[str]) -> list[tuple[Option, bool]]:
    return [
        (
            Option(code, role_name(words, code), sentence(words, "role hint", code, {})),
            code in chosen,
        )
        for code in COMPANY_ROLES
    ]


def _key_status(words: Language, key: ApiKey, today: date) -> Status:
    if key.state is ApiKeyState.REVOKED:
        return Status(words.text("revoked"), Tone.NEUTRAL)
    if not key.works_on(today):
        return Status(words.text("expired"), Tone.WARNING)
    return Status(words.text("active"), Tone.OK)


_OF_THE_FIRST_KEY: Final = "workspace:*:*"
"""Of the key that is made with a company; no person gives it to another one on a page."""


def _scope_names(words: Language) -> list[tuple[str, str]]:
    """Rights of keys as people call them, in the order in which they are offered."""
    return [
        ("pensions:*:*", words.text("Everything about pensions")),
        ("pensions:*:read", words.text("Read pensions")),
        ("payment_codes:*:*", words.text("Everything about payment codes")),
        ("payment_codes:*:read", words.text("Read payment codes")),
        ("card_contracts:*:*", words.text("Everything about card contracts")),
        ("card_contracts:*:read", words.text("Read card contracts")),
        ("workflow:*:*", words.text("Everything about rules and decisions")),
        ("workflow:*:read", words.text("Read rules and decisions")),
        ("reconciliation:*:*", words.text("Everything about reconciliation")),
        ("reconciliation:*:read", words.text("Read reconciliation")),
        (_OF_THE_FIRST_KEY, words.text("Everything about the company, its users and keys")),
        ("workspace:*:read", words.text("Read jobs, timelines, Today and the mail log")),
        ("workspace:upload:write", words.text("Upload files")),
        ("workspace:job:cancel", words.text("Stop jobs")),
        ("workspace:webhook:write", words.text("Manage webhooks")),
    ]


def _scope_options(words: Language, request: Request) -> list[tuple[Option, bool]]:
    """What a key may be given: whole contexts, and reading only; never more than oneself has."""
    chosen = request.form_list("scopes") if request.method == "POST" else ["pensions:*:*"]
    return [
        (Option(scope, label), scope in chosen)
        for scope, label in _scope_names(words)
        if scope != _OF_THE_FIRST_KEY and request.principal.may(scope)
    ]
