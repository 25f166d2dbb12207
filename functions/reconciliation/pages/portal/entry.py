"""The way into the portal: invitation, sign-in, sign-out."""

from kernel.errors import (
    KopruError,
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationError,
)
from kernel.passwords import MIN_LENGTH
from kernel.sensitive import Secret
from reconciliation.application.portal_entry import Guest
from reconciliation.bootstrap import application
from reconciliation.domain.access import grouped
from reconciliation.pages.portal.kit import (
    SIGN_IN,
    PortalKit,
    ended_cookie,
    go,
    guest_of,
    session_cookie,
    status_of,
    visit_of,
)
from toolkit.entrypoints.http import Reply, Request


def declare(kit: PortalKit) -> None:
    """Add the entry pages."""

    @kit.public("GET", SIGN_IN)
    def show_sign_in(request: Request) -> Reply:
        """The sign-in form; the link of a mail brings the user name."""
        if guest_of(request) is not None:
            return go("/portal")
        return kit.draw(request, "portal/sign_in.html", {"user": request.query.get("user", "")})

    @kit.public("POST", SIGN_IN)
    def sign_in(request: Request) -> Reply:
        """Open a session."""
        form = request.form()
        user, password = form.get("user", ""), Secret(form.get("password", ""))
        try:
            token = application().portal.sign_in()(user, password, source_ip=request.source_ip)
        except (UnauthorizedError, TooManyRequestsError) as error:
            status = 429 if isinstance(error, TooManyRequestsError) else 401
            values = {"user": user}
            return kit.draw(request, "portal/sign_in.html", values, status=status, error=error)
        return go("/portal", cookies=(session_cookie(token),))

    @kit.page("POST", "/portal/sign-out")
    def sign_out(request: Request, guest: Guest) -> Reply:  # noqa: ARG001  (pages are alike)
        """End this session."""
        if guest.session is not None:
            application().portal.directory.close_session(guest.session.digest)
        return go(SIGN_IN, cookies=(ended_cookie(),), done="signed_out")

    def form(request: Request, guest: Guest, error: KopruError | None = None) -> Reply:
        values = {"user": grouped(guest.access.user_name), "min_length": MIN_LENGTH}
        status = status_of(error) if error else 200
        template = "portal/invitation.html"
        return kit.draw(request, template, values, guest=guest, status=status, error=error)

    def dead(request: Request, error: KopruError) -> Reply:
        return kit.draw(request, "portal/dead_link.html", status=404, error=error)

    @kit.public("GET", "/portal/invitations/{token}")
    def show_invitation(request: Request) -> Reply:
        """What an invitation leads to; opening it changes nothing."""
        token = Secret(request.path_values["token"])
        try:
            guest = application().portal.show_invitation()(token, visit_of(request))
        except NotFoundError as error:
            return dead(request, error)
        return form(request, guest)

    @kit.public("POST", "/portal/invitations/{token}")
    def accept_invitation(request: Request) -> Reply:
        """Choose the password."""
        token = Secret(request.path_values["token"])
        portal = application().portal
        try:
            guest = portal.show_invitation()(token)
            password = Secret(request.form().get("password", ""))
            access = portal.accept_invitation()(token, password)
        except NotFoundError as error:
            return dead(request, error)
        except (ValidationError, TooManyRequestsError) as error:
            return form(request, guest, error)
        return go(SIGN_IN, cookies=(ended_cookie(),), done="password", user=access.user_name)

    @kit.public("GET", "/portal/forgotten")
    def show_forgotten(request: Request) -> Reply:
        """Ask for the user name."""
        values = {"user": "", "sent": request.query.get("sent") == "1"}
        return kit.draw(request, "portal/forgotten.html", values)

    @kit.public("POST", "/portal/forgotten")
    def ask_again(request: Request) -> Reply:
        """Mail a new link to the address in the books; everybody hears the same."""
        portal = application().portal
        user = request.form().get("user", "")
        try:
            portal.forgotten()(user, source_ip=request.source_ip)
        except TooManyRequestsError as error:
            values = {"user": user, "sent": False}
            return kit.draw(request, "portal/forgotten.html", values, status=429, error=error)
        return go("/portal/forgotten", sent="1")
