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
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.urls import link, local_path
from workspace.application.entrance import StepNeeded
from workspace.application.show_link import LinkView
from workspace.application.sign_in import Visit
from workspace.bootstrap import DEVICE_COOKIE, STEP_COOKIE
from workspace.domain.link import LinkPurpose
from workspace.domain.problems import parsed_at
from workspace.domain.second_factor import StepMethod
from workspace.pages.cookies import (
    ended_cookie,
    ended_step_cookie,
    entry_cookies,
    session_cookie,
    step_cookie,
)
from workspace.pages.kit import Kit, read_form, refuse_other_sites, status_of, use
from workspace.pages.words import language_of, redirect, words_of
from workspace.schemas import SignupFormIn, signup_entry

_SIGN_IN = "entry/sign_in.html"
_SET_PASSWORD = "entry/set_password.html"  # noqa: S105  (a template)
_CODE = "entry/code.html"
_SIGN_UP = "entry/sign_up.html"
_FORGOTTEN = "entry/forgotten.html"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the entry pages."""

    @app.page("GET", "/sign-in", permission=None)
    def show_sign_in(request: Request) -> Reply:
        """The sign-in form; somebody who is signed in is led on."""
        target = local_path(request.query.get("return_to"))
        if request.principal.kind == "session":
            return redirect(target)
        values = {
            "email": "",
            "accountant_no": "",
            "return_to": target,
            "way": request.query.get("way", ""),
            "hosted": use().provider.is_hosted,
        }
        return kit.draw(request, _SIGN_IN, "", values)

    @app.page("POST", "/sign-in", permission=None)
    def sign_in(request: Request) -> Reply:
        """Open a session, or go on to the second step."""
        refuse_other_sites(request)
        form = request.form()
        target = local_path(form.get("return_to"))
        password = Secret(form.get("password", ""))
        device = request.cookies.get(use().cookie(DEVICE_COOKIE))
        agent = request.headers.get("user-agent", "")
        names = {name: form.get(name, "") for name in ("email", "accountant_no")}
        way_in = use().sign_in()
        try:
            if form.get("way") == "numbers":
                visit = Visit(request.source_ip, agent, Secret(device) if device else None)
                number = form.get("national_id", "")
                done = way_in.by_numbers(names["accountant_no"], number, password, visit)
            else:
                done = way_in(
                    names["email"], password, source_ip=request.source_ip, user_agent=agent
                )
        except (UnauthorizedError, TooManyRequestsError) as error:
            status = 429 if isinstance(error, TooManyRequestsError) else 401
            values = {
                **names,
                "return_to": target,
                "way": form.get("way", ""),
                "hosted": use().provider.is_hosted,
            }
            return kit.draw(request, _SIGN_IN, "", values, status=status, error=error)
        if isinstance(done, StepNeeded):
            following = link("/sign-in/code", method=done.method.value, return_to=target)
            return redirect(following, cookies=(step_cookie(done.token),))
        return redirect(target, cookies=(session_cookie(done.token),))

    def code_form(request: Request, error: KopruError | None = None) -> Reply:
        """The form of the second step."""
        asked = request.form() if request.method == "POST" else request.query
        values = {
            "by_mail": asked.get("method") == StepMethod.MAIL.value,
            "return_to": local_path(asked.get("return_to")),
        }
        return kit.draw(request, _CODE, "", values, status=status_of(error), error=error)

    @app.page("GET", "/sign-in/code", permission=None)
    def show_code(request: Request) -> Reply:
        """Ask for the code of the authenticator or of the mail."""
        if not request.cookies.get(use().cookie(STEP_COOKIE)):
            return redirect("/sign-in")
        return code_form(request)

    @app.page("POST", "/sign-in/code", permission=None)
    def finish_sign_in(request: Request) -> Reply:
        """Finish signing in."""
        refuse_other_sites(request)
        token = Secret(request.cookies.get(use().cookie(STEP_COOKIE), ""))
        form = request.form()
        try:
            done = use().finish_sign_in()(
                token, form.get("code", ""), user_agent=request.headers.get("user-agent", "")
            )
        except (NotFoundError, UnauthorizedError):
            gone = link("/sign-in", done="step_gone")
            return redirect(gone, cookies=(ended_step_cookie(),))
        except (ValidationError, TooManyRequestsError) as error:
            return code_form(request, error)
        cookies = (*entry_cookies(done.signed_in.token, done.device), ended_step_cookie())
        return redirect(local_path(form.get("return_to")), cookies=cookies)

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

    def sign_up_form(request: Request, error: KopruError | None = None) -> Reply:
        """The form with the service agreement above it."""
        values = {
            "agreement": use().agreement(language_of(request)),
            "form": request.form() if request.method == "POST" else {},
            "sent": request.query.get("sent") == "1",
        }
        return kit.draw(request, _SIGN_UP, "", values, status=status_of(error), error=error)

    @app.page("GET", "/sign-up", permission=None)
    def show_sign_up(request: Request) -> Reply:
        """Read the service agreement and sign up."""
        return sign_up_form(request)

    @app.page("POST", "/sign-up", permission=None)
    def sign_up(request: Request) -> Reply:
        """Accept the agreement; the answer is the same for everybody."""
        refuse_other_sites(request)
        try:
            body = read_form(request, SignupFormIn, language=language_of(request))
            use().request_signup()(signup_entry(body), source_ip=request.source_ip)
        except (ValidationError, TooManyRequestsError) as error:
            return sign_up_form(request, error)
        return redirect(link("/sign-up", sent=1))

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
            if purpose is LinkPurpose.PASSWORD_RESET:
                use().reset_password()(token, Secret(typed))
            else:
                use().accept_invitation()(token, Secret(typed) if typed else None, purpose)
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

    @app.page("GET", "/activations/{token}", permission=None)
    def show_activation(request: Request) -> Reply:
        """The activation of a sign-up."""
        return show(request, LinkPurpose.ACTIVATION)

    @app.page("POST", "/activations/{token}", permission=None)
    def activate(request: Request) -> Reply:
        """Choose the password and begin."""
        return act(request, LinkPurpose.ACTIVATION)

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
