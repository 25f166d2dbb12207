"""Pages of the operator about people and work: sign-ups to decide, incidents of all companies."""

from typing import Any, Final

from kernel.errors import ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column, Status, Tone
from webkit.i18n import Language
from webkit.urls import link
from workspace.domain.incident import Incident, IncidentState
from workspace.domain.signup import Signup, SignupState
from workspace.pages.kit import (
    ALL_INCIDENTS,
    Kit,
    cursor_in,
    operator_context,
    paging,
    read_form,
    status_of,
    use,
)
from workspace.pages.spine import incident_columns, instant_of, subject_label, who_acts
from workspace.pages.words import (
    actor_of,
    incident_status,
    incident_summary,
    redirect,
    words_of,
)
from workspace.schemas import ResolutionIn

_ROWS: Final = 50
_SIGNUPS: Final = "/operator/signups"
_INCIDENTS: Final = "/operator/incidents"
READ_SIGNUPS: Final = "operator:signup:read"
DECIDE: Final = "operator:signup:decide"
_TONES: Final = {
    SignupState.REQUESTED: Tone.WAITING,
    SignupState.APPROVED: Tone.OK,
    SignupState.REJECTED: Tone.NEUTRAL,
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages."""

    # ------------------------------------------------------------------ sign-ups

    @app.page("GET", _SIGNUPS, permission=READ_SIGNUPS)
    def list_signups(request: Request) -> Reply:
        """Sign-ups, waiting ones first."""
        wish = request.query.get("state", "")
        state = SignupState(wish) if wish in {item.value for item in SignupState} else None
        page = use().list_signups()(state, limit=_ROWS, after=cursor_in(request, state=wish))
        words = words_of(request)
        names = _names(words)
        choices = (("", words.text("All")), *((item.value, names[item]) for item in SignupState))
        values = {
            "chips": [
                Chip(label, link(_SIGNUPS, state=value), active=value == wish)
                for value, label in choices
            ],
            "columns": (
                Column("company", words.text("Company")),
                Column("tax_no", words.text("Tax number")),
                Column("name", words.text("Applicant")),
                Column("since", words.text("Since")),
                Column("state", words.text("State")),
            ),
            "signups": page.items,
            "badges": {item.id: _status(words, item) for item in page.items},
            "at": instant_of,
            "paging": paging(request, len(page.items), page.next, state=wish),
        }
        return kit.draw(request, "operator/signups.html", "operator.signups", values)

    def draw_signup(
        request: Request, signup: Signup, error: ValidationError | None = None, note: str = ""
    ) -> Reply:
        words = words_of(request)
        decides = request.principal.may(DECIDE)
        values = {
            "signup": signup,
            "signup_status": _status(words, signup),
            "email": signup.email.reveal("operator decides about the sign-up"),
            "at": instant_of,
            "note": note,
            "may_decide": decides and signup.state is SignupState.REQUESTED,
            "may_remind": decides and signup.state is SignupState.APPROVED,
        }
        return kit.draw(
            request,
            "operator/signup.html",
            "operator.signups",
            values,
            status=status_of(error),
            error=error,
        )

    @app.page("GET", f"{_SIGNUPS}/{{id}}", permission=READ_SIGNUPS)
    def show_signup(request: Request) -> Reply:
        """One sign-up with what was accepted, and the forms that decide."""
        return draw_signup(request, use().read_signup()(request.id()))

    @app.page("POST", f"{_SIGNUPS}/{{id}}/approve", permission=DECIDE)
    def approve_signup(request: Request) -> Reply:
        """Open the company and mail the activation link."""
        use().approve_signup()(request.id(), **_who(request))
        return redirect(link(f"{_SIGNUPS}/{request.id()}", done="approved"))

    @app.page("POST", f"{_SIGNUPS}/{{id}}/activations", permission=DECIDE)
    def send_activation_again(request: Request) -> Reply:
        """Mail one more activation link."""
        use().send_activation_again()(request.id(), **_who(request))
        return redirect(link(f"{_SIGNUPS}/{request.id()}", done="activation_sent"))

    @app.page("POST", f"{_SIGNUPS}/{{id}}/reject", permission=DECIDE)
    def reject_signup(request: Request) -> Reply:
        """Turn the sign-up down; the applicant is told, the reason stays here."""
        identity = request.id()
        try:
            note = read_form(request, ResolutionIn).note
            use().reject_signup()(identity, note, actor=actor_of(request))
        except ValidationError as error:
            signup = use().read_signup()(identity)
            return draw_signup(request, signup, error, request.form().get("note", ""))
        return redirect(link(f"{_SIGNUPS}/{identity}", done="turned_down"))

    # ------------------------------------------------------------------ incidents

    @app.page("GET", _INCIDENTS, permission=ALL_INCIDENTS)
    def list_incidents(request: Request) -> Reply:
        """Open incidents of all companies, oldest first."""
        page = use().list_open_incidents()(limit=_ROWS, after=cursor_in(request))
        words = words_of(request)
        values = {
            "base": _INCIDENTS,
            "chips": (),
            "columns": incident_columns(words),
            "incidents": page.items,
            "summary": {item.id: incident_summary(words, item) for item in page.items},
            "badges": {item.id: incident_status(words, item) for item in page.items},
            "subject": subject_label(words),
            "address": _nowhere,
            "actor": who_acts(words),
            "at": instant_of,
            "paging": paging(request, len(page.items), page.next),
        }
        return kit.draw(request, "incidents/list.html", "operator.incidents", values)

    def draw_incident(
        request: Request, incident: Incident, error: ValidationError | None = None, note: str = ""
    ) -> Reply:
        words = words_of(request)
        values = {
            "base": _INCIDENTS,
            "incident": incident,
            "summary": incident_summary(words, incident),
            "incident_status": incident_status(words, incident),
            "subject": subject_label(words)(incident.subject),
            "address": None,
            "actor": who_acts(words)(incident.actor),
            "resolved_by": "",
            "at": instant_of,
            "note": note,
            "may_resolve": incident.state is IncidentState.OPEN,
        }
        return kit.draw(
            request,
            "incidents/incident.html",
            "operator.incidents",
            values,
            status=status_of(error),
            error=error,
        )

    @app.page("GET", f"{_INCIDENTS}/{{id}}", permission=ALL_INCIDENTS)
    def show_incident(request: Request) -> Reply:
        """One incident of whichever company, with the form that resolves it."""
        identity = request.id()
        context = operator_context(request, use().locate_incident()(identity))
        return draw_incident(request, use().read_incident()(context, identity))

    @app.page("POST", f"{_INCIDENTS}/{{id}}/resolve", permission=ALL_INCIDENTS)
    def resolve_incident(request: Request) -> Reply:
        """Say what was done; the company is told and the rows it held are released."""
        identity = request.id()
        context = operator_context(request, use().locate_incident()(identity))
        try:
            note = read_form(request, ResolutionIn).note
        except ValidationError as error:
            incident = use().read_incident()(context, identity)
            return draw_incident(request, incident, error, request.form().get("note", ""))
        use().resolve_incident()(context, identity, note)
        return redirect(link(f"{_INCIDENTS}/{identity}", done="resolved"))


def _nowhere(_subject: str, _contract_id: str) -> None:
    """An operator sees ids and states; the items themselves are the company's."""


def _who(request: Request) -> dict[str, Any]:
    return {"actor": actor_of(request), "correlation_id": request.correlation_id}


def _names(words: Language) -> dict[SignupState, str]:
    return {
        SignupState.REQUESTED: words.text("waiting"),
        SignupState.APPROVED: words.text("approved"),
        SignupState.REJECTED: words.text("turned down"),
    }


def _status(words: Language, signup: Signup) -> Status:
    return Status(_names(words)[signup.state], _TONES[signup.state])
