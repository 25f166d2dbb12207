"""What the portal's pages share: who is there, drawing for that reader, forms that are ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import ForbiddenError, KopruError, TooManyRequestsError
from kernel.sensitive import Secret
from kernel.storing import Position
from reconciliation.application.portal_entry import Guest
from reconciliation.bootstrap import Reconciliation, application
from reconciliation.domain.visit import Visit, judge
from reconciliation.pages.portal.words import Say
from reconciliation.pages.words import renderer
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.http import redirect as http_redirect
from webkit import csrf
from webkit.components import Chip, FieldProblem, Flash, Paging, Tone, View
from webkit.i18n import Language, choose_language, mark, normalise_language
from webkit.render import PageResponse
from webkit.urls import link, local_path, relink

SESSION_COOKIE: Final = "kopru_portal"
LANGUAGE_COOKIE: Final = "kopru_language"
SIGN_IN: Final = "/portal/sign-in"
ZONE: Final = "Europe/Istanbul"
_YEAR: Final = 365 * 86_400

# What a page says about the form that led to it; the address carries the code only.
DONE: Final[Mapping[str, str]] = {
    "password": mark("Your password is set. Please sign in."),
    "signed_out": mark("You are signed out."),
    "statement": mark("Your statement arrived. Reload the page in a moment."),
    "note": mark("Your remark is there for both sides."),
    "subscribed": mark("The address gets the letter of every month."),
    "confirm": mark("The address got a mail; nothing more is sent before it agrees."),
    "unsubscribed": mark("The address gets no monthly mail any more."),
    "removed": mark("The address is forgotten."),
    "mailed": mark("The letter is on its way."),
    "again": mark("The books are compared again. Reload the page in a moment."),
}
NAVIGATION: Final = (("account", "/portal", mark("Account")),)

SignedIn = Callable[[Request, Guest], Reply]


@dataclass(frozen=True)
class PortalKit:
    """Declares and draws pages of the portal."""

    app: HttpApp

    def public(self, method: str, path: str) -> Callable[[Callable[[Request], Reply]], None]:
        """A page for whoever comes; a form must come from this site."""

        def declare(function: Callable[[Request], Reply]) -> None:
            @self.app.page(method, path, permission=None)
            def call(request: Request) -> Reply:
                if method != "GET":
                    refuse_other_sites(request)
                return function(request)

            call.__doc__ = function.__doc__

        return declare

    def page(self, method: str, path: str) -> Callable[[SignedIn], None]:
        """A page for a counterparty that is signed in; others are led to the sign-in page."""

        def declare(function: SignedIn) -> None:
            @self.app.page(method, path, permission=None)
            def call(request: Request) -> Reply:
                guest = guest_of(request)
                if guest is None:
                    return go(SIGN_IN, cookies=(ended_cookie(),))
                if method != "GET":
                    refuse_other_sites(request)
                    check_token(request, session_of(guest))
                return function(request, guest)

            call.__doc__ = function.__doc__

        return declare

    def draw(
        self,
        request: Request,
        template: str,
        values: Mapping[str, Any] | None = None,
        *,
        guest: Guest | None = None,
        section: str = "",
        status: int = 200,
        error: KopruError | None = None,
        bound: str = "",
        upload_to: str = "",
    ) -> Reply:
        """A page for this reader; with ``error`` the same form again, with what is wrong.

        Without a session, ``bound`` is what the form's token belongs to; ``upload_to`` is where a
        form of this page sends a file.
        """
        draws = renderer().posting_to(upload_to)
        language = language_of(request, guest)
        words = renderer().language(language)
        view = view_of(request, language, words, session_of(guest) or bound)
        shown = {
            "guest": guest,
            "say": Say(words),
            "sender": use_of(guest).store.mailing_settings().sender.title if guest else "",
            "nav": _navigation(words, section) if guest and guest.session else (),
            **problems_of(words, error),
            **(values or {}),
        }
        page = draws.page(template, view, status=status, **shown)
        wish = normalise_language(request.query.get("lang"))
        return reply(page, (_cookie(LANGUAGE_COOKIE, wish, _YEAR),) if wish else ())

    def position(self, request: Request, guest: Guest) -> Position | None:
        """Where a list goes on; raises MalformedError for a cursor of another list or reader."""
        cursor = request.query.get("cursor")
        return application().cursors.open(cursor, **_scope(request, guest)) if cursor else None

    def paging(
        self, request: Request, guest: Guest, shown: int, following: Position | None
    ) -> Paging:
        """Links of a list that goes on at ``following``."""
        here = link(request.path, **request.query)
        first = relink(here, cursor=None) if "cursor" in request.query else None
        if following is None:
            return Paging(shown, first_href=first)
        cursor = application().cursors.seal(following, **_scope(request, guest))
        return Paging(shown, next_href=relink(here, cursor=cursor), first_href=first)


def _scope(request: Request, guest: Guest) -> dict[str, Any]:
    return {
        "tenant_id": guest.tenant_id,
        "route": request.path,
        "filters": {"counterparty": guest.counterparty.id},
        "now": application().platform.clock.now(),
    }


def use_of(guest: Guest) -> Reconciliation:
    """The use cases of the counterparty's company, in the counterparty's name."""
    return application().portal.of(guest.tenant_id, guest.actor)


def guest_of(request: Request) -> Guest | None:
    """Who is signed in here, if anybody."""
    value = request.cookies.get(cookie_name(SESSION_COOKIE), "")
    return application().portal.recognise()(Secret(value)) if value else None


def visit_of(request: Request) -> Visit:
    """Whether a person or a machine opened this address."""
    return judge(application().platform.clock.now(), headers=request.headers)


def language_of(request: Request, guest: Guest | None = None) -> str:
    """Chosen on the page, else chosen before, else of the account card, else of the browser."""
    chosen = normalise_language(request.query.get("lang"))
    before = request.cookies.get(cookie_name(LANGUAGE_COOKIE))
    return choose_language(
        user=chosen or before,
        counterparty=guest.counterparty.fields.language if guest else None,
        accept_language=request.headers.get("accept-language"),
    )


def session_of(guest: Guest | None) -> str:
    """What the forms of a session are bound to; empty for a reader without one."""
    return guest.session.digest if guest and guest.session else ""


def view_of(request: Request, language: str, words: Language, bound: str = "") -> View:
    """The reader of a page; ``bound`` is what the token of its forms belongs to."""
    query = {name: value for name, value in request.query.items() if name != "done"}
    done = DONE.get(request.query.get("done", ""))
    key = application().portal.csrf_key()
    return View(
        url=link(request.path, **query),
        language=language,
        zone=ZONE,
        csrf_token=csrf.issue(bound, key) if bound else None,
        flashes=(Flash(words.text(done), Tone.OK),) if done else (),
    )


def problems_of(words: Language, error: KopruError | None) -> dict[str, Any]:
    """What is wrong with a form, at its fields."""
    if error is None:
        return {"problems": {}, "problem_list": []}

    def text(code: str, message: str) -> str:
        return words.problem(code) if words.knows("problem", code) else message

    fields: dict[str, str] = {}
    for problem in error.problems:
        field = problem.pointer.strip("/").partition("/")[0]
        fields.setdefault(field, text(problem.code, problem.message))
    items = [FieldProblem(sentence, field) for field, sentence in fields.items()]
    return {
        "problems": fields,
        "problem_list": items or [FieldProblem(text(error.code, error.message))],
    }


def status_of(error: KopruError) -> int:
    """Status of a form that is shown again."""
    return 429 if isinstance(error, TooManyRequestsError) else 422


def go(path: str, *, cookies: tuple[str, ...] = (), **query: str) -> Reply:
    """See-other to a path of ours, after a form."""
    return http_redirect(local_path(link(path, **query)), cookies=cookies)


def reply(page: PageResponse, cookies: tuple[str, ...] = ()) -> Reply:
    """A rendered page as the answer of a route."""
    kind = "text/html; charset=utf-8"
    return Reply(page.body, page.status, page.headers, kind, (*page.cookies, *cookies))


def error_page(request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words, without anything of the console."""
    language = language_of(request)
    view = view_of(request, language, renderer().language(language))
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    return reply(
        renderer().error(view, status, detail=detail or None, trace_id=trace_id, portal=True)
    )


# ---------------------------------------------------------------------------- forms and cookies


def check_token(request: Request, bound: str) -> None:
    """Refuse a form that was not drawn for this session or link.

    Raises: ForbiddenError("csrf_token_invalid").
    """
    if not csrf.verify(request.form().get(csrf.FIELD), bound, application().portal.csrf_key()):
        raise ForbiddenError(
            "csrf_token_invalid", "The form is too old. Reload the page and try again."
        )


def refuse_other_sites(request: Request) -> None:
    """Refuse a form that another site sent. Raises: ForbiddenError("cross_site")."""
    if request.headers.get("sec-fetch-site", "same-origin") == "cross-site":
        raise ForbiddenError("cross_site", "This form was sent from another site.")


def cookie_name(name: str) -> str:
    """Full name of a cookie: bound to host and HTTPS, or on this machine to the port."""
    common = application().settings.common
    if not common.is_local:
        return f"__Host-{name}"
    port = common.base_url.rpartition(":")[2]
    return f"{name}-{port}" if port.isdigit() else name


def _cookie(name: str, value: str, seconds: int | None = None) -> str:
    secure = "" if application().settings.common.is_local else "; Secure"
    age = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{cookie_name(name)}={value}; Path=/{secure}; HttpOnly; SameSite=Lax{age}"


def session_cookie(token: Secret) -> str:
    """The cookie of a new session: this host only, no script, no other site's forms."""
    return _cookie(SESSION_COOKIE, token.reveal("hand the session to its browser"))


def ended_cookie() -> str:
    """The cookie that removes the session from the browser."""
    return _cookie(SESSION_COOKIE, "", 0)


def _navigation(words: Language, section: str) -> tuple[Chip, ...]:
    return tuple(
        Chip(words.text(label), href, active=key == section) for key, href, label in NAVIGATION
    )
