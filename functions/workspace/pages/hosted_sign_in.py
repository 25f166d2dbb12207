"""Signing in with an account of the identity provider: two redirects, no page of its own."""

from urllib.parse import quote, unquote

from kernel.errors import KopruError, TooManyRequestsError, TransientGatewayError, UnauthorizedError
from kernel.sensitive import Secret
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.http import redirect as leave
from webkit.urls import link, local_path
from workspace.application.entrance import StepNeeded
from workspace.bootstrap import TRIP_COOKIE
from workspace.domain.hosted_sign_in import Trip, hosted_refused
from workspace.pages.cookies import ended_trip_cookie, session_cookie, step_cookie, trip_cookie
from workspace.pages.kit import Kit, use
from workspace.pages.words import redirect

PATH = "/sign-in/hosted"
_MAX_CODE = 2_048


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the two steps."""

    def refused(request: Request, target: str, error: KopruError) -> Reply:
        """The form of our own, with the reason above it."""
        values = {
            "email": "",
            "accountant_no": "",
            "return_to": target,
            "way": "",
            "hosted": use().provider.is_hosted,
        }
        status = 429 if isinstance(error, TooManyRequestsError) else 401
        if isinstance(error, TransientGatewayError):
            status = 503
        return kit.draw(request, "entry/sign_in.html", "", values, status=status, error=error)

    @app.page("GET", PATH, permission=None)
    def depart(request: Request) -> Reply:
        """Lead to the provider; what the way back is checked with stays in this browser."""
        trip, address = use().start_hosted_sign_in()(again=request.query.get("again") == "1")
        target = quote(local_path(request.query.get("return_to")), safe="")
        return leave(address, cookies=(trip_cookie(trip.token, target),))

    @app.page("GET", f"{PATH}/return", permission=None)
    def come_back(request: Request) -> Reply:
        """Open a session, or go on to our own second step."""
        kept = request.cookies.get(use().cookie(TRIP_COOKIE), "")
        token, _, target_text = kept.partition(".")
        target = local_path(unquote(target_text))
        code = request.query.get("code", "")
        try:
            if not token or not code or len(code) > _MAX_CODE:
                raise hosted_refused()
            done = use().finish_hosted_sign_in()(
                Trip(Secret(token)),
                state=request.query.get("state", ""),
                code=Secret(code),
                source_ip=request.source_ip,
                user_agent=request.headers.get("user-agent", ""),
            )
        except (UnauthorizedError, TooManyRequestsError, TransientGatewayError) as error:
            return refused(request, target, error)
        if isinstance(done, StepNeeded):
            following = link("/sign-in/code", method=done.method.value, return_to=target)
            return redirect(following, cookies=(step_cookie(done.token), ended_trip_cookie()))
        return redirect(target, cookies=(session_cookie(done.token), ended_trip_cookie()))
