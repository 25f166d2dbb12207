"""Pages for whoever connects a program: targets of webhooks, deliveries, event log, catalogue."""

from datetime import datetime, timedelta
from typing import Any, Final

from kernel.errors import ConflictError, KopruError, ParseError, Problem, ValidationError
from kernel.events import Event
from kernel.parsing import parse_local_time
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Option, Status, Tone
from webkit.i18n import Language
from webkit.urls import link
from workspace.domain.catalogue import CONTEXTS, EVENT_TYPES
from workspace.domain.delivery import MAX_TRIES, Attempt, Delivery, DeliveryState
from workspace.domain.problems import invalid
from workspace.domain.webhook import EVERYTHING, DisabledBy, Endpoint
from workspace.pages.kit import Kit, cursor_in, paging, read_form, status_of, use
from workspace.pages.spine import instant_of, subject_label
from workspace.pages.words import redirect, sentence, state_word, words_of
from workspace.schemas import EndpointIn

_READ: Final = "workspace:webhook:read"
_WRITE: Final = "workspace:webhook:write"
_ROWS: Final = 50
_ZONE: Final = "Europe/Istanbul"
_STATE_TONES: Final = {
    DeliveryState.PENDING: Tone.WAITING,
    DeliveryState.SENDING: Tone.WAITING,
    DeliveryState.DELIVERED: Tone.OK,
    DeliveryState.FAILED: Tone.ERROR,
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages about events out."""

    # ------------------------------------------------------------------ targets

    def target_list(request: Request, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        found = use().list_endpoints()(request.tenant)
        columns = (
            Column("url", words.text("Address")),
            Column("events", words.text("Events")),
            Column("state", words.text("State")),
        )
        posted = request.method == "POST"
        chosen = request.form_list("contexts") if posted else [EVERYTHING]
        values = {
            "columns": columns,
            "targets": found,
            "events": {each.id: _filters(words, each) for each in found},
            "badges": {each.id: target_status(words, each) for each in found},
            "contexts": _context_options(words, chosen),
            "form": request.form() if posted else {},
            "may_change": request.principal.may(_WRITE),
        }
        template = "webhooks/list.html"
        return kit.draw(request, template, "webhooks", values, status=status_of(error), error=error)

    @app.page("GET", "/webhooks", permission=_READ)
    def list_targets(request: Request) -> Reply:
        """Where events of this company are sent."""
        return target_list(request)

    @app.page("POST", "/webhooks", permission=_WRITE)
    def add_target(request: Request) -> Reply:
        """Add a target and show its secret, once."""
        singles = request.form().get("singles", "").split()
        try:
            body = read_form(request, EndpointIn, events=[*request.form_list("contexts"), *singles])
            endpoint, secret = use().add_endpoint()(
                request.tenant, url=body.url, events=body.events, description=body.description
            )
        except (ValidationError, ConflictError) as error:
            return target_list(request, error)
        return target_page(request, endpoint, secret=secret.reveal("shown once to who asked"))

    def target_page(
        request: Request,
        endpoint: Endpoint,
        error: KopruError | None = None,
        *,
        secret: str | None = None,
    ) -> Reply:
        words = words_of(request)
        page = use().list_deliveries()(
            request.tenant, endpoint.id, limit=_ROWS, after=cursor_in(request)
        )
        columns = (
            Column("event", words.text("Event")),
            Column("about", words.text("About")),
            Column("tries", words.text("Tries"), numeric=True),
            Column("next", words.text("Next try")),
            Column("answer", words.text("Last answer")),
            Column("state", words.text("State")),
            Column("act", words.text("Send again")),
        )
        now = use().platform.clock.now()
        values = {
            "target": endpoint,
            "state": target_status(words, endpoint),
            "events": _filters(words, endpoint),
            "rotating": endpoint.rotated_until is not None and now < endpoint.rotated_until,
            "columns": columns,
            "rows": page.items,
            **_delivery_words(words, page.items),
            "max_tries": MAX_TRIES,
            "paging": paging(request, len(page.items), page.next),
            "since": request.form().get("since", "") if error else "",
            "may_change": request.principal.may(_WRITE),
            "secret": secret,
        }
        template = "webhooks/target.html"
        return kit.draw(request, template, "webhooks", values, status=status_of(error), error=error)

    @app.page("GET", "/webhooks/{id}", permission=_READ)
    def show_target(request: Request) -> Reply:
        """One target, and what became of the events for it."""
        return target_page(request, use().read_endpoint()(request.tenant, request.id()))

    @app.page("POST", "/webhooks/{id}/switch", permission=_WRITE)
    def switch_target(request: Request) -> Reply:
        """Switch a target on or off."""
        identity = request.id()
        wish = request.form().get("enabled") == "yes"
        before = use().read_endpoint()(request.tenant, identity)
        use().change_endpoint()(
            request.tenant, identity, expected_version=before.stamp.version, enabled=wish
        )
        done = "webhook_on" if wish else "webhook_off"
        return redirect(link(f"/webhooks/{identity}", done=done))

    @app.page("POST", "/webhooks/{id}/secret", permission=_WRITE)
    def change_secret(request: Request) -> Reply:
        """Give a target a new secret and show it, once."""
        identity = request.id()
        try:
            endpoint, secret = use().rotate_secret()(
                request.tenant, identity, overlap=timedelta(hours=24)
            )
        except ConflictError as error:
            known = use().read_endpoint()(request.tenant, identity)
            return target_page(request, known, error)
        return target_page(request, endpoint, secret=secret.reveal("shown once to who asked"))

    @app.page("POST", "/webhooks/{id}/remove", permission=_WRITE)
    def remove_target(request: Request) -> Reply:
        """Withdraw a target."""
        use().remove_endpoint()(request.tenant, request.id())
        return redirect(link("/webhooks", done="webhook_removed"))

    @app.page("POST", "/webhooks/{id}/test", permission=_WRITE)
    def try_target(request: Request) -> Reply:
        """Send a test event."""
        use().try_endpoint()(request.tenant, request.id())
        return redirect(link(f"/webhooks/{request.id()}", done="webhook_tested"))

    @app.page("POST", "/webhooks/{id}/recover", permission=_WRITE)
    def recover_target(request: Request) -> Reply:
        """Send everything since a day that was not confirmed."""
        identity = request.id()
        zone = request.principal.zone or _ZONE
        target = use().read_endpoint()(request.tenant, identity)
        try:
            since = _midnight(request.form().get("since", ""), zone)
            job_id = use().start_recovery()(request.tenant, identity, since)
        except (ValidationError, ConflictError) as error:
            return target_page(request, target, error)
        return redirect(link(f"/jobs/{job_id}", done="recovery"))

    # ------------------------------------------------------------------ deliveries

    @app.page("GET", "/webhooks/deliveries/{id}", permission=_READ)
    def show_delivery(request: Request) -> Reply:
        """One delivery with every attempt."""
        words = words_of(request)
        delivery = use().read_delivery()(request.tenant, request.id())
        columns = (
            Column("at", words.text("When")),
            Column("result", words.text("What came back")),
            Column("status", words.text("Status"), numeric=True),
            Column("answer", words.text("Beginning of the answer")),
        )
        values = {
            "delivery": delivery,
            "event_name": event_name(words, delivery.event_type),
            "about": subject_label(words)(delivery.subject),
            "state": _delivery_status(words, delivery),
            "result": [_result(words, attempt) for attempt in delivery.attempts],
            "columns": columns,
            "at": instant_of,
            "max_tries": MAX_TRIES,
            "may_change": request.principal.may(_WRITE),
        }
        return kit.draw(request, "webhooks/delivery.html", "webhooks", values)

    @app.page("POST", "/webhooks/deliveries/{id}/resend", permission=_WRITE)
    def resend_delivery(request: Request) -> Reply:
        """Send one event to one target once more."""
        made = use().resend_delivery()(request.tenant, request.id())
        return redirect(link(f"/webhooks/{made.endpoint_id}", done="resent"))

    # ------------------------------------------------------------------ the API

    @app.page("GET", "/api-docs", permission="workspace:event:read")
    def show_api(request: Request) -> Reply:
        """The API, described and ready to try."""
        values = {"url": "/v1/openapi.json"}
        return kit.draw(request, "api_docs/document.html", "api_docs", values)

    # ------------------------------------------------------------------ events

    @app.page("GET", "/events", permission="workspace:event:read")
    def list_published(request: Request) -> Reply:
        """What was published about this company, newest first."""
        words = words_of(request)
        page = use().list_events()(request.tenant, limit=_ROWS, after=cursor_in(request))
        columns = (
            Column("what", words.text("Event")),
            Column("about", words.text("About")),
            Column("area", words.text("Area")),
            Column("at", words.text("When")),
        )
        values = {
            "columns": columns,
            "events": page.items,
            "name": {event.id: event_name(words, event.type) for event in page.items},
            "about": {event.id: subject_label(words)(event.subject) for event in page.items},
            "area": {event.id: context_name(words, event.context) for event in page.items},
            "paging": paging(request, len(page.items), page.next),
        }
        return kit.draw(request, "events/list.html", "events", values)

    @app.page("GET", "/events/{id}", permission="workspace:event:read")
    def show_published(request: Request) -> Reply:
        """One event as programs see it."""
        words = words_of(request)
        event = use().read_event()(request.tenant, request.id())
        values = {
            "event": event,
            "name": event_name(words, event.type),
            "about": subject_label(words)(event.subject),
            "area": context_name(words, event.context),
            "address": _address_of(event),
            "body": event.to_dict(),
            "may_change": request.principal.may(_WRITE),
        }
        return kit.draw(request, "events/event.html", "events", values)

    @app.page("POST", "/events/{id}/resend", permission=_WRITE)
    def resend_published(request: Request) -> Reply:
        """Send one event again to every target that wants it now."""
        use().resend_event()(request.tenant, request.id())
        return redirect(link(f"/events/{request.id()}", done="resent"))

    @app.page("GET", "/webhooks/catalogue", permission=_READ)
    def show_catalogue(request: Request) -> Reply:
        """Every kind of event there is."""
        words = words_of(request)
        columns = (
            Column("what", words.text("Event")),
            Column("type", words.text("Name in the API")),
        )
        groups = [
            (
                context_name(words, context),
                f"{context}.*",
                [
                    (name, event_name(words, name))
                    for name in EVENT_TYPES
                    if name.startswith(f"{context}.")
                ],
            )
            for context in CONTEXTS
        ]
        values = {"columns": columns, "groups": [group for group in groups if group[2]]}
        return kit.draw(request, "webhooks/catalogue.html", "webhooks", values)


def event_name(words: Language, event_type: str) -> str:
    """What an event tells, as a sentence; its technical name where there is none yet."""
    return sentence(words, "event", event_type, {}) or event_type


def context_name(words: Language, context: str) -> str:
    """A part of the product as people call it."""
    return sentence(words, "area", context, {}) or context


def target_status(words: Language, endpoint: Endpoint) -> Status:
    """Whether events go to a target, and if not, why."""
    if endpoint.enabled:
        return Status(words.text("switched on"), Tone.OK)
    if endpoint.disabled_by is DisabledBy.GONE:
        return Status(words.text("switched off: it answered that it is gone"), Tone.ERROR)
    return Status(words.text("switched off"), Tone.NEUTRAL)


def _filters(words: Language, endpoint: Endpoint) -> list[str]:
    return [_filter(words, name) for name in endpoint.events]


def _filter(words: Language, name: str) -> str:
    if name == EVERYTHING:
        return words.text("all events")
    if name.endswith(".*"):
        return context_name(words, name.removesuffix(".*"))
    return event_name(words, name)


def _context_options(words: Language, chosen: list[str]) -> list[tuple[Option, bool]]:
    offered = [(EVERYTHING, words.text("All events"))]
    offered += [(f"{context}.*", context_name(words, context)) for context in CONTEXTS]
    return [(Option(value, label), value in chosen) for value, label in offered]


def _delivery_status(words: Language, delivery: Delivery) -> Status:
    return Status(state_word(words, delivery.state.value), _STATE_TONES[delivery.state])


def _result(words: Language, attempt: Attempt) -> str:
    return sentence(words, "webhook", attempt.code, {}) or attempt.code.replace("_", " ")


def _delivery_words(words: Language, deliveries: tuple[Delivery, ...]) -> dict[str, Any]:
    label = subject_label(words)
    return {
        "name": {each.id: event_name(words, each.event_type) for each in deliveries},
        "about": {each.id: label(each.subject) for each in deliveries},
        "badges": {each.id: _delivery_status(words, each) for each in deliveries},
        "answer": {
            each.id: _result(words, each.attempts[-1]) if each.attempts else ""
            for each in deliveries
        },
    }


def _midnight(text: str, zone: str) -> datetime:
    """The beginning of a day in the company's zone. Raises: ValidationError naming ``/since``."""
    try:
        return parse_local_time(f"{text}T00:00", zone)
    except ParseError as error:
        raise invalid(Problem("/since", "date", error.message)) from None


def _address_of(event: Event) -> str:
    kind, _, identity = event.subject.partition(":")
    return link(f"/timeline/{kind}/{identity}")
