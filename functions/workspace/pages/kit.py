"""What the pages of this context share: drawing a template for a reader, and reading forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from kernel.errors import (
    ForbiddenError,
    KopruError,
    TooManyRequestsError,
    UnauthorizedError,
)
from toolkit.auth import TenantContext, require, require_fresh
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.fields import parse_model
from webkit.components import FieldProblem, Flash, Tone
from webkit.i18n import Language, mark, normalise_language
from webkit.reader import Lists
from workspace.bootstrap import Application, application
from workspace.pages.cookies import language_cookie
from workspace.pages.words import (
    actor_of,
    problems_of,
    renderer,
    reply,
    view_of,
    words_of,
)

Model = TypeVar("Model", bound=BaseModel)

# What a page says about the form that led to it; the address carries the code only.
DONE: Final[Mapping[str, str]] = {
    "invited": mark("The invitation is on its way."),
    "changed": mark("The change is saved."),
    "removed": mark("The person has no access any more, from this moment on."),
    "revoked": mark("The key is worthless from this moment on."),
    "resolved": mark("The incident is resolved, and the rows it held are released."),
    "cancel": mark("The job was asked to stop. It ends at the next safe point."),
    "password": mark("Your password is set. Please sign in."),
    "joined": mark("You joined the company. Please sign in."),
    "step_gone": mark("That sign-in was too old. Please begin again."),
    "session_ended": mark("That session has ended."),
    "factor_removed": mark("The second factor is taken away. Your other sessions have ended."),
    "view_saved": mark("The view is saved. You find it under Views."),
    "view_removed": mark("The view is removed."),
    "feed_ended": mark("The calendar address is worthless from this moment on."),
    "proved": mark("Thank you. You can go on now."),
    "signed_out": mark("You are signed out."),
    "everywhere": mark("All your other sessions have ended."),
    "webhook_added": mark("The target is added."),
    "webhook_on": mark("The target is switched on. What waited for it is on its way."),
    "webhook_off": mark("The target is switched off. Events are not sent until you switch it on."),
    "webhook_removed": mark("The target is removed."),
    "webhook_tested": mark("A test event is on its way."),
    "resent": mark("The event is on its way again."),
    "recovery": mark("Everything that was not confirmed since then is being sent again."),
    "support_asked": mark("The request is written down. Somebody else decides about it."),
    "support_decided": mark("It is decided, and written down for the company."),
    "support_left": mark("You left the company."),
    "redriven": mark("The chosen messages are on their way again."),
    "approved": mark("The company is open. The activation link is on its way."),
    "turned_down": mark("The sign-up is turned down. The applicant is told by mail."),
    "activation_sent": mark("One more activation link is on its way."),
    "privacy_asked": mark("Every part of the system was asked."),
    "company": mark("You now work for another company."),
}


ALL_INCIDENTS: Final = "operator:incident:read"


def use() -> Application:
    """The use cases of this process."""
    return application()


@dataclass(frozen=True)
class Kit:
    """Draws pages of one HTTP application."""

    app: HttpApp

    def draw(
        self,
        request: Request,
        template: str,
        section: str = "",
        values: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
        error: KopruError | None = None,
    ) -> Reply:
        """A page for the reader of this request.

        With ``error`` it is the same form again, with what is wrong at its place: nothing typed is
        lost but passwords.
        """
        words = words_of(request)
        done = DONE.get(request.query.get("done", ""))
        flashes = (Flash(words.text(done), Tone.OK),) if done else ()
        view = view_of(self.app, request, section, flashes)
        shown = {**_problems(words, error), **(values or {})}
        page = renderer().page(template, view, status=status, **shown)
        wish = normalise_language(request.query.get("lang"))
        return reply(page, (language_cookie(wish),) if wish else ())


def _problems(words: Language, error: KopruError | None) -> dict[str, Any]:
    if error is None:
        return {"problems": {}, "problem_list": []}
    fields = problems_of(error, words)
    items = [FieldProblem(text, field) for field, text in fields.items()]
    if not items:
        known = words.knows("problem", error.code)
        items = [FieldProblem(words.problem(error.code) if known else error.message)]
    return {"problems": fields, "problem_list": items}


def status_of(error: KopruError | None) -> int:
    """Status of a form that is shown again."""
    if error is None:
        return 200
    return 429 if isinstance(error, TooManyRequestsError) else 422


def read_form(request: Request, model: type[Model], **changes: Any) -> Model:
    """Form fields as an edge model: empty fields are absent, so that every problem has its place.

    ``changes`` replace or add members (lists, for example). Raises: ValidationError.
    """
    known = {field.alias or name for name, field in model.model_fields.items()}
    fields: dict[str, Any] = {
        name: value for name, value in request.form().items() if name in known and value != ""
    }
    return parse_model(model, {**fields, **changes})


def member(request: Request, permission: str) -> None:
    """Let a signed-in member of a company pass.

    Raises: UnauthorizedError for nobody, NoCompanyError for somebody without a company,
    ForbiddenError without the permission.
    """
    principal = request.principal
    if principal.kind == "session" and not principal.tenant_id:
        raise NoCompanyError
    require(principal, permission)


class NoCompanyError(ForbiddenError):
    """The session has no company it may work for at the moment."""

    def __init__(self) -> None:
        super().__init__("tenant_required", "Choose a company first.")


_LISTS: Final = Lists(lambda: use().cursors, lambda: use().platform.clock.now())
cursor_in: Final = _LISTS.position
paging: Final = _LISTS.paging


def incident_context(request: Request, incident_id: str) -> TenantContext:
    """The company of an incident: the request's, or wherever it is for an operator."""
    if request.principal.tenant_id or not request.principal.may(ALL_INCIDENTS):
        return request.tenant
    return operator_context(request, use().locate_incident()(incident_id))


def operator_context(request: Request, tenant_id: str) -> TenantContext:
    """A company as an operator acts for it, who knows the id of something of it."""
    return TenantContext(tenant_id, actor_of(request), request.correlation_id)


def signed_in(request: Request) -> str:
    """Id of the signed-in person; raises UnauthorizedError, which leads to the sign-in page."""
    if request.principal.kind != "session":
        raise UnauthorizedError("session_required", "Sign in as a person to do this.")
    return request.principal.id


def needs_proof(request: Request, return_to: str) -> None:
    """Let somebody pass who proved lately who they are; others are led to the proof and back.

    Raises: ProofRequiredError.
    """
    require_fresh(request.principal, use().platform.clock.now(), return_to)


def refuse_other_sites(request: Request) -> None:
    """Refuse a form that another site sent: the one protection where there is no session yet.

    Raises: ForbiddenError("cross_site").
    """
    if request.headers.get("sec-fetch-site", "same-origin") == "cross-site":
        raise ForbiddenError("cross_site", "This form was sent from another site.")
