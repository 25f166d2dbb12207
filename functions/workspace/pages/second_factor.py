"""Pages of one's own second factor, and of proving oneself again."""

from typing import Any

from kernel.errors import ConflictError, KopruError, TooManyRequestsError, ValidationError
from kernel.sensitive import Secret
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.qr import qr_svg
from webkit.urls import link, local_path, relink
from workspace.domain.second_factor import RECOVERY_CODES
from workspace.domain.user import Person
from workspace.pages.kit import Kit, needs_proof, signed_in, status_of, use
from workspace.pages.words import redirect, words_of

_PAGE = "/settings/second-factor"


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages."""

    def person_of(request: Request) -> Person:
        return use().read_account()(signed_in(request)).person

    def draw(request: Request, error: KopruError | None = None, **values: Any) -> Reply:
        shown = {
            "factor": use().read_second_factor()(signed_in(request)),
            "enrolment": None,
            "asks_code": False,
            "codes": (),
            "all_codes": RECOVERY_CODES,
            **values,
        }
        template = "settings/second_factor.html"
        return kit.draw(request, template, "settings", shown, status=status_of(error), error=error)

    @app.page("GET", _PAGE, permission=None)
    def show(request: Request) -> Reply:
        """Whether a second factor is set up, and what can be done."""
        return draw(request)

    @app.page("POST", _PAGE, permission=None)
    def start(request: Request) -> Reply:
        """A new secret, shown on this page only."""
        person = person_of(request)
        needs_proof(request, _PAGE)
        made = use().start_second_factor()(person)
        title = words_of(request).text("Picture for your authenticator")
        uri = made.uri.reveal("shown once to its owner")
        enrolment = {
            "secret": made.secret.reveal("shown once to its owner"),
            "picture": qr_svg(uri, title),
        }
        return draw(request, enrolment=enrolment, asks_code=True)

    @app.page("POST", f"{_PAGE}/confirm", permission=None)
    def confirm(request: Request) -> Reply:
        """The first code puts it in force; the recovery codes are shown on this page only."""
        person = person_of(request)
        code = request.form().get("code", "")
        try:
            codes = use().confirm_second_factor()(person, request.principal.session_hash, code)
        except (ValidationError, TooManyRequestsError) as error:
            return draw(request, error, asks_code=True)
        return draw(request, codes=codes)

    @app.page("POST", f"{_PAGE}/recovery-codes", permission=None)
    def renew(request: Request) -> Reply:
        """New recovery codes."""
        person = person_of(request)
        needs_proof(request, _PAGE)
        return draw(request, codes=use().renew_recovery_codes()(person))

    @app.page("POST", f"{_PAGE}/remove", permission=None)
    def remove(request: Request) -> Reply:
        """Take the second factor away."""
        person = person_of(request)
        needs_proof(request, _PAGE)
        use().remove_second_factor()(person, request.principal.session_hash)
        return redirect(link(_PAGE, done="factor_removed"))

    # ------------------------------------------------------------------ proving oneself again

    def proof_form(request: Request, error: KopruError | None = None) -> Reply:
        asked = request.form() if request.method == "POST" else request.query
        values = {
            "by_code": use().read_second_factor()(signed_in(request)) is not None,
            "hosted": use().provider.is_hosted,
            "return_to": local_path(asked.get("return_to")),
        }
        return kit.draw(
            request, "entry/confirm.html", "", values, status=status_of(error), error=error
        )

    @app.page("GET", "/confirm", permission=None)
    def show_proof(request: Request) -> Reply:
        """Ask once more for the password or a code."""
        return proof_form(request)

    @app.page("POST", "/confirm", permission=None)
    def prove(request: Request) -> Reply:
        """Go back to what was wanted."""
        person = person_of(request)
        form = request.form()
        try:
            use().prove_again()(
                person,
                request.principal.session_hash,
                password=Secret(form.get("password", "")),
                code=form.get("code", ""),
            )
        except (ValidationError, TooManyRequestsError, ConflictError) as error:
            return proof_form(request, error)
        return redirect(relink(local_path(form.get("return_to")), done="proved"))
