"""Words of this context outside of templates: renderer, reader, sentences named by key."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError
from kernel.money import Money
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.entrypoints.http import redirect as http_redirect
from webkit.components import Flash, Person, Status, TenantChoice, Tone, View
from webkit.i18n import Language, choose_language, normalise_language
from webkit.navigation import visible_entries
from webkit.render import PageResponse, Renderer
from workspace.bootstrap import LANGUAGE_COOKIE, application
from workspace.domain.attention import Attention
from workspace.domain.incident import Incident, IncidentState
from workspace.domain.message import Message, MessageState
from workspace.ports import HistoryView, JobView

HTML: Final = "text/html; charset=utf-8"

_JOB_TONES: Final = {
    "queued": Tone.WAITING,
    "running": Tone.INFO,
    "succeeded": Tone.OK,
    "partially_succeeded": Tone.WARNING,
    "failed": Tone.ERROR,
    "cancelled": Tone.NEUTRAL,
}
_MESSAGE_TONES: Final = {
    MessageState.QUEUED: Tone.WAITING,
    MessageState.SENDING: Tone.WAITING,
    MessageState.UNKNOWN: Tone.UNKNOWN,
    MessageState.SENT: Tone.INFO,
    MessageState.DELIVERED: Tone.OK,
    MessageState.BOUNCED: Tone.ERROR,
    MessageState.COMPLAINED: Tone.ERROR,
    MessageState.REFUSED: Tone.ERROR,
    MessageState.SUPPRESSED: Tone.WARNING,
    MessageState.WITHDRAWN: Tone.NEUTRAL,
}
_SEVERITY_TONES: Final = {"high": Tone.ERROR, "medium": Tone.WARNING, "low": Tone.INFO}
# How the end of an action's name tells what it felt like, for the icon of a timeline.
_ACTION_TONES: Final = {
    "accepted": Tone.OK,
    "enrolled": Tone.OK,
    "delivered": Tone.OK,
    "resolved": Tone.OK,
    "joined": Tone.OK,
    "added": Tone.OK,
    "gone": Tone.ERROR,
    "failed": Tone.ERROR,
    "rejected": Tone.ERROR,
    "refused": Tone.ERROR,
    "bounced": Tone.ERROR,
    "complained": Tone.ERROR,
    "unknown": Tone.UNKNOWN,
    "given_up": Tone.UNKNOWN,
}


def renderer() -> Renderer:
    """The page renderer of this context."""
    return application().renderer


def language_of(request: Request) -> str:
    """The language an answer is written in: user, then what was chosen here, then the browser."""
    app = application()
    chosen = normalise_language(request.query.get("lang")) or normalise_language(
        request.cookies.get(app.cookie(LANGUAGE_COOKIE))
    )
    return choose_language(
        user=request.principal.language or chosen,
        accept_language=request.headers.get("accept-language"),
    )


def words_of(request: Request) -> Language:
    """Messages and formats of the reader's language."""
    return renderer().language(language_of(request))


def problem_text(error: KopruError, language: str) -> str:
    """The sentence of a problem in the reader's language; the English message if none is known."""
    words = renderer().language(choose_language(accept_language=language))
    return words.problem(error.code) if words.knows("problem", error.code) else error.message


def sentence(words: Language, kind: str, key: str, params: Mapping[str, Any]) -> str | None:
    """A sentence of the catalogue; None where it is missing or wants a value we do not have."""
    if not words.knows(kind, key):
        return None
    try:
        return words.sentence(kind, key, params)
    except KeyError:
        return None


# ---------------------------------------------------------------------------- keyed sentences


def _state(words: Language, state: str) -> str:
    return sentence(words, "state", state, {}) or state.replace("_", " ")


def state_word(words: Language, state: str) -> str:
    """The word for a state of an item of any context."""
    return _state(words, state)


def action_summary(words: Language, entry: HistoryView) -> str:
    """One line of history as a sentence."""
    params = {"from_state": _state(words, entry.from_state), **entry.detail}
    params["to_state"] = _state(words, entry.to_state)
    found = sentence(words, "action", entry.action, params)
    if found is not None:
        return found
    if entry.from_state and entry.from_state != entry.to_state:
        return words.text(
            "Changed from %(before)s to %(after)s",
            before=_state(words, entry.from_state),
            after=_state(words, entry.to_state),
        )
    return words.text("Changed")


def action_tone(action: str) -> Tone:
    """How an action looks in a timeline."""
    if action == "incident.opened":  # whatever else is opened is no trouble
        return Tone.WARNING
    return _ACTION_TONES.get(action.rpartition(".")[2], Tone.NEUTRAL)


def attention_summary(words: Language, attention: Attention) -> str:
    """What wants attention, as a sentence."""
    found = sentence(words, "attention", attention.code, {"count": attention.count})
    return found or words.text("Something needs your attention: %(code)s", code=attention.code)


def attention_status(words: Language, attention: Attention) -> Status:
    """How urgent it is."""
    names = {
        "high": words.text("urgent"),
        "medium": words.text("important"),
        "low": words.text("note"),
    }
    tone = _SEVERITY_TONES.get(attention.severity, Tone.WARNING)
    return Status(names.get(attention.severity, attention.severity), tone)


def incident_summary(words: Language, incident: Incident) -> str:
    """What happened, as a sentence."""
    found = sentence(words, "incident", incident.code, {"count": incident.count})
    return found or words.text("An unexpected situation: %(code)s", code=incident.code)


def incident_status(words: Language, incident: Incident) -> Status:
    """Open or resolved."""
    if incident.state is IncidentState.OPEN:
        return Status(words.text("open"), Tone.WARNING)
    return Status(words.text("resolved"), Tone.OK)


def job_name(words: Language, kind: str) -> str:
    """What a job does."""
    return sentence(words, "job", kind, {}) or kind.replace("_", " ")


def job_status(words: Language, job: JobView) -> Status:
    """How a job is doing."""
    return Status(_state(words, job.status), _JOB_TONES.get(job.status, Tone.NEUTRAL))


def message_name(words: Language, message: Message) -> str:
    """What a mail is about."""
    return sentence(words, "message", message.kind.value, {}) or message.kind.value


def message_status(words: Language, message: Message) -> Status:
    """What became of a mail."""
    tone = _MESSAGE_TONES.get(message.state, Tone.NEUTRAL)
    return Status(_state(words, message.state.value), tone)


def redrive_effect(words: Language, queue: str) -> str:
    """What sending a dead letter of a queue back would do."""
    # All schedules are alike: nothing wants their payload back, the next run does the same.
    key = "schedules" if queue.endswith("-schedules") else queue
    return sentence(words, "redrive", key, {}) or words.text(
        "The same work is started once more over the same item."
    )


def actor_of(request: Request) -> str:
    """Who acts for the operator: a key or a person, as history and audit name them."""
    prefix = "user" if request.principal.is_person else "key"
    return f"{prefix}:{request.principal.id}"


def role_name(words: Language, code: str) -> str:
    """A role as people call it."""
    return sentence(words, "role", code, {}) or code


def context_name(words: Language, context: str) -> str:
    """A context as people call it."""
    names = {
        "workspace": words.text("Workspace"),
        "pensions": words.text("Pensions"),
        "payment_codes": words.text("Payment codes"),
        "card_contracts": words.text("Card contracts"),
        "workflow": words.text("Rules and approvals"),
        "reconciliation": words.text("Reconciliation"),
    }
    return names.get(context, context)


def subject_name(words: Language, kind: str) -> str:
    """A kind of item as people call it."""
    return sentence(words, "subject", kind, {}) or kind.replace("_", " ")


def money(value: Money | None, words: Language) -> str:
    """An amount for people, or nothing."""
    return "" if value is None else words.formats.money(value)


# ---------------------------------------------------------------------------- pages


def view_of(
    app: HttpApp, request: Request, section: str = "", flashes: tuple[Flash, ...] = ()
) -> View:
    """The reader of a page."""
    principal = request.principal
    signed_in = principal.kind == "session"
    return View(
        url=address_of(request),
        language=language_of(request),
        theme=principal.theme or "auto",
        zone=principal.zone or "Europe/Istanbul",
        csrf_token=app.csrf_token(principal) if signed_in else None,
        person=Person(principal.name, principal.email) if signed_in else None,
        tenant=TenantChoice(principal.tenant_id, principal.tenant_name)
        if principal.tenant_id
        else None,
        tenants=tuple(TenantChoice(*choice) for choice in principal.tenants),
        section=section,
        flashes=flashes,
        permissions=visible_entries(principal.may, in_company=bool(principal.tenant_id))
        if signed_in
        else None,
    )


def address_of(request: Request) -> str:
    """Path and query of a request, as links and forms repeat them."""
    from webkit.urls import link

    return link(request.path, **request.query)


def reply(response: PageResponse, cookies: tuple[str, ...] = ()) -> Reply:
    """A rendered page as the answer of a route."""
    return Reply(
        response.body,
        response.status,
        response.headers,
        HTML,
        (*response.cookies, *cookies),
    )


def redirect(location: str, *, cookies: tuple[str, ...] = ()) -> Reply:
    """See-other to a path of ours, after a form."""
    from webkit.urls import local_path

    return http_redirect(local_path(location), cookies=cookies)


def error_page(app: HttpApp, request: Request, status: int, body: Mapping[str, Any]) -> Reply:
    """A problem in words."""
    detail, trace_id = str(body.get("detail", "")), str(body.get("trace_id", ""))
    view = view_of(app, request)
    return reply(renderer().error(view, status, detail=detail or None, trace_id=trace_id))


def problems_of(error: KopruError, words: Language) -> dict[str, str]:
    """Messages by form field, from the pointers of an error: ``/roles/0`` belongs to ``roles``."""
    found: dict[str, str] = {}
    for problem in error.problems:
        field = problem.pointer.strip("/").partition("/")[0]
        text = sentence(words, "problem", problem.code, {}) or problem.message
        found.setdefault(field, text)
    return found
