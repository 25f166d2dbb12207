"""The way in: sign-in, invitations, forgotten passwords, sign-out. All work without JavaScript."""

from kernel.errors import (
    KopruError,
    NotFoundError,
    ParseError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationError,
)
from kernel.passwords import MIN_LENGTH
from kernel.sensitive import Email, Secret
from toolkit.entrypoints import HttpApp, Reply, Request
from webkit.urls import link, local_path
from workspace.application.show_link import LinkView
from workspace.domain.link import LinkPurpose
from workspace.domain.problems import parsed_at
from workspace.pages.cookies import ended_cookie, session_cookie
from workspace.pages.kit import Kit, refuse_other_sites, status_of, use
from workspace.pages.words import language_of, redirect, words_of

_SIGN_IN = "entry/sign_in.html"
_SET_PASSWORD = "entry/set_password.html"  # noqa: S105  (a template)
_FORGOTTEN = "entry/forgotten.html"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the entry pages."""

    @app.page("GET", "/sign-in", permission=None)
    def show_sign_in(request: Request) -> Reply:
        """The sign-in form; somebody who is signed in is led on."""
        target = local_path(request.query.get("return_to"))
        if request.principal.kind == "session":
            return redirect(target)
        return kit.draw(request, _SIGN_IN, "", {"email": "", "return_to": target})

    @app.page("POST", "/sign-in", permission=None)
    def sign_in(request: Request) -> Reply:
        """Open a session."""
        refuse_other_sites(request)
        form = request.form()
        target = local_path(form.get("return_to"))
        email = form.get("email", "")
        try:
            done = use().sign_in()(
                email,
                Secret(form.get("password", "")),
                source_ip=request.source_ip,
                user_agent=request.headers.get("user-agent", ""),
            )
        except (UnauthorizedError, TooManyRequestsError) as error:
            status = 429 if isinstance(error, TooManyRequestsError) else 401
            values = {"email": email, "return_to": target}
            return kit.draw(request, _SIGN_IN, "", values, status=status, error=error)
        return redirect(target, cookies=(session_cookie(done.token),))

    @app.page("POST", "/sign-out", permission=None)
    def sign_out(request: Request) -> Reply:
        """End this session."""
        if request.principal.kind == "session":
            use().sign_out()(request.principal.session_hash)
        return redirect(link("/sign-in", done="signed_out"), cookies=(ended_cookie(),))

    @app.page("GET", "/forgotten-password", permission=None)
    def show_forgotten(request: Request) -> Reply:
        """Ask for the address."""
        sent = request.query.get("sent") == "1"
        return kit.draw(request, _FORGOTTEN, "", {"email": "", "sent": sent})

    @app.page("POST", "/forgotten-password", permission=None)
    def request_reset(request: Request) -> Reply:
        """Say the same thing to everybody."""
        refuse_other_sites(request)
        text = request.form().get("email", "")
        try:
            email = parsed_at("/email", lambda: Email(text))
            use().request_password_reset()(
                email, language=language_of(request), source_ip=request.source_ip
            )
        except (ValidationError, TooManyRequestsError) as error:
            values = {"email": text, "sent": False}
            return kit.draw(request, _FORGOTTEN, "", values, status=status_of(error), error=error)
        return redirect(link("/forgotten-password", sent=1))

    def show(request: Request, purpose: LinkPurpose) -> Reply:
        """What a link leads to; opening it changes nothing."""
        try:
            view = use().show_link()(Secret(request.path_values["token"]), purpose)
        except NotFoundError as error:
            return dead(request, error)
        return set_password_form(request, view, purpose)

    def set_password_form(
        request: Request, view: LinkView, purpose: LinkPurpose, error: KopruError | None = None
    ) -> Reply:
        values = {
            "purpose": purpose.value,
            "company": view.company,
            "email": view.email.reveal("own invitation"),
            "name": view.person.name,
            "needs_password": view.needs_password,
            "min_length": MIN_LENGTH,
        }
        return kit.draw(request, _SET_PASSWORD, "", values, status=status_of(error), error=error)

    def dead(request: Request, error: KopruError) -> Reply:
        """One page for a link that was used, is too old, or never was."""
        return kit.draw(request, "entry/dead_link.html", status=404, error=error)

    def act(request: Request, purpose: LinkPurpose) -> Reply:
        """Use the link."""
        refuse_other_sites(request)
        token = Secret(request.path_values["token"])
        form = request.form()
        try:
            view = use().show_link()(token, purpose)
        except NotFoundError as error:
            return dead(request, error)
        try:
            typed = form.get("password", "")
            if purpose is LinkPurpose.INVITATION:
                use().accept_invitation()(token, Secret(typed) if typed else None)
            else:
                use().reset_password()(token, Secret(typed))
        except NotFoundError as error:
            return dead(request, error)
        except (ValidationError, ParseError, TooManyRequestsError) as error:
            return set_password_form(request, view, purpose, error)
        done = "password" if view.needs_password else "joined"
        return redirect(link("/sign-in", done=done), cookies=(ended_cookie(),))

    @app.page("GET", "/invitations/{token}", permission=None)
    def show_invitation(request: Request) -> Reply:
        """An invitation."""
        return show(request, LinkPurpose.INVITATION)

    @app.page("POST", "/invitations/{token}", permission=None)
    def accept_invitation(request: Request) -> Reply:
        """Join the company."""
        return act(request, LinkPurpose.INVITATION)

    @app.page("GET", "/password-resets/{token}", permission=None)
    def show_reset(request: Request) -> Reply:
        """A password reset."""
        return show(request, LinkPurpose.PASSWORD_RESET)

    @app.page("POST", "/password-resets/{token}", permission=None)
    def reset_password(request: Request) -> Reply:
        """Set the new password."""
        return act(request, LinkPurpose.PASSWORD_RESET)

    @app.page("GET", "/problems/{code}", permission=None)
    def explain_problem(request: Request) -> Reply:
        """What a problem code of the API means and what to do."""
        words = words_of(request)
        code = request.path_values["code"]
        if not words.knows("problem", code):
            raise NotFoundError("not_found", "There is no such item.")
        values = {"code": code, "meaning": words.problem(code)}
        return kit.draw(request, "problems/problem.html", "", values)
