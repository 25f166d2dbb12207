"""Routes of the control pages.

Every resource answers with JSON unless the reader asks for ``text/html``, as browsers do; ``.json``
and ``?format=json`` decide it by address. Commands are POSTs that take JSON from tools and forms
from the pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args
from urllib.parse import parse_qsl, quote, unquote

from infra.local.cloud.mail import Mail, Outcome
from infra.local.cloud.model import LocalCloudError
from infra.local.dashboard import views
from infra.local.dashboard.controls import BusyError, Controls
from infra.local.dashboard.guide import guide_response
from infra.local.dashboard.pages import Pages
from infra.local.durations import DurationError, parse_duration
from infra.local.scheduler import UnknownScheduleError
from infra.local.simulators_host import UnknownSimulatorError
from infra.local.web import Request, Response, json_response

_OUTCOMES: Final[Mapping[str, Outcome]] = {name: name for name in get_args(Outcome)}
_MAILS_PER_PAGE: Final = 100
_FORM: Final = "application/x-www-form-urlencoded"


class _RefusedError(Exception):
    """A request that gets a problem document."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


Values = Mapping[str, str]
Action = Callable[[Request, Values], Response]


class Dashboard:
    """Handles every request below ``/_local``."""

    def __init__(self, controls: Controls, pages: Pages) -> None:
        self._controls = controls
        self._pages = pages
        routes: dict[str, dict[str, Action]] = {
            "": {"GET": self._overview},
            "inbox": {"GET": self._inbox},
            "inbox/{id}": {"GET": self._mail},
            "inbox/{id}/html": {"GET": self._mail_html},
            "inbox/{id}/simulate": {"POST": self._simulate_mail},
            "inbox/{id}/attachments/{number}": {"GET": self._attachment},
            "clock": {"GET": self._clock, "POST": self._move_clock},
            "schedules": {"GET": self._schedules},
            "schedules/{name}/run": {"POST": self._run},
            "queues": {"GET": self._queues},
            "queues/{name}/messages": {"GET": self._messages},
            "calls": {"GET": self._calls},
            "tables": {"GET": self._tables},
            "tables/{name}": {"GET": self._rows},
            "files": {"GET": self._files},
            "webhooks": {"GET": self._webhooks},
            "scenarios": {"GET": self._scenarios},
            "scenarios/{context}/{name}": {"POST": self._play},
            "simulators": {"GET": self._simulators},
            "simulators/{name}": {"GET": self._simulator, "POST": self._script},
            "requests": {"GET": self._requests},
            "log": {"GET": self._log},
            # The forms of the guide post to it and change nothing.
            "ui": {"GET": self._guide, "POST": self._guide},
            "reset": {"POST": self._reset},
            "snapshots": {"GET": self._snapshots},
            "snapshots/{name}": {"POST": self._save_snapshot},
            "snapshots/{name}/load": {"POST": self._load_snapshot},
        }
        self._routes = [
            (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), methods)
            for path, methods in routes.items()
        ]

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            return self._dispatch(request)
        except _RefusedError as refusal:
            return self._problem(request, refusal)
        except BusyError as error:
            return self._problem(request, _RefusedError(409, "busy", str(error)))
        except LocalCloudError as error:
            return self._problem(request, _RefusedError(409, "refused", str(error)))

    def _dispatch(self, request: Request) -> Response:
        path = request.raw_path.removeprefix("/_local").strip("/").removesuffix(".json")
        for pattern, methods in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            action = methods.get("GET" if request.method == "HEAD" else request.method)
            if action is None:
                raise _RefusedError(405, "method_not_allowed", f"use {' or '.join(methods)}")
            values = {name: unquote(value) for name, value in found.groupdict().items()}
            return action(request, values)
        raise _RefusedError(404, "not_found", f"there is no page /_local/{path}")

    def _answer(
        self, request: Request, template: str, document: Mapping[str, Any], status: int = 200
    ) -> Response:
        if wants_html(request):
            return self._pages.render(template, status, **document)
        return json_response(document, status)

    def _problem(self, request: Request, refusal: _RefusedError) -> Response:
        document = {
            "type": "about:blank",
            "title": refusal.code.replace("_", " "),
            "status": refusal.status,
            "code": refusal.code,
            "detail": refusal.detail,
        }
        if wants_html(request):
            return self._pages.render("problem.html", refusal.status, problem=document)
        answer = json_response(document, refusal.status)
        return Response(answer.status, (("content-type", "application/problem+json"),), answer.body)

    # -- pages

    def _overview(self, request: Request, _values: Values) -> Response:
        return self._answer(
            request,
            "overview.html",
            {
                **self._controls.overview(),
                "now": views.instant(self._controls.now()),
                "offset_seconds": self._controls.clock_offset(),
                "schedules": [views.schedule_view(each) for each in self._controls.schedules()],
                "queues": [views.queue_view(each) for each in self._controls.queues()],
                "simulators": dict(self._controls.simulators()),
                "requests": [views.request_view(each) for each in self._controls.requests()][:30],
                "mails": self._controls.mail_count(),
            },
        )

    def _inbox(self, request: Request, _values: Values) -> Response:
        query = request.query
        search = query.get("q") or query.get("to") or ""
        cursor = query.get("cursor", "")
        if cursor and not _is_number(cursor):
            raise _RefusedError(422, "cursor_invalid", "the cursor is not one of this list")
        mails = self._controls.mails(_MAILS_PER_PAGE, int(cursor) if cursor else None, search)
        more = len(mails) == _MAILS_PER_PAGE
        document: dict[str, Any] = {
            "items": [views.mail_view(mail) for mail in mails],
            "next_cursor": str(mails[-1].id) if more else None,
            "total": self._controls.mail_count(),
        }
        if wants_html(request):
            return self._pages.render("inbox.html", q=search, **document)
        return json_response(document)

    def _find_mail(self, values: Values) -> Mail:
        number = values["id"]
        mail = self._controls.mail(int(number)) if _is_number(number) else None
        if mail is None:
            raise _RefusedError(404, "not_found", f"there is no mail {number}")
        return mail

    def _simulate_mail(self, request: Request, values: Values) -> Response:
        mail = self._find_mail(values)
        outcome = _OUTCOMES.get(str(read_command(request, {"outcome"}).get("outcome")))
        if outcome is None:
            raise _RefusedError(
                422, "outcome_invalid", f"outcome is one of {', '.join(sorted(_OUTCOMES))}"
            )
        self._controls.simulate_mail(mail.id, outcome)
        if wants_html(request):
            return Response(303, (("location", f"/_local/inbox/{mail.id}"),))
        return json_response({"id": mail.id, "outcome": outcome}, 202)

    def _mail(self, request: Request, values: Values) -> Response:
        mail = views.mail_view(self._find_mail(values))
        if wants_html(request):
            return self._pages.render("mail.html", mail=mail, outcomes=sorted(_OUTCOMES))
        return json_response(mail)

    def _mail_html(self, _request: Request, values: Values) -> Response:
        return self._pages.mail(self._find_mail(values).html)

    def _attachment(self, _request: Request, values: Values) -> Response:
        mail = self._find_mail(values)
        try:
            attachment = mail.attachments[int(values["number"])]
        except (ValueError, IndexError):
            raise _RefusedError(404, "not_found", "the mail has no such file") from None
        return Response(
            200,
            (
                ("content-type", attachment.content_type),
                (
                    "content-disposition",
                    f"attachment; filename*=UTF-8''{quote(attachment.filename, safe='')}",
                ),
                ("x-content-type-options", "nosniff"),
                ("content-security-policy", "sandbox; default-src 'none'"),
            ),
            attachment.content,
        )

    def _clock(self, request: Request, _values: Values) -> Response:
        return self._answer(request, "clock.html", {**self._clock_facts(), "last_advance": None})

    def _clock_facts(self) -> dict[str, Any]:
        return {
            "now": views.instant(self._controls.now()),
            "offset_seconds": self._controls.clock_offset(),
            "frozen": self._controls.clock_frozen(),
        }

    def _move_clock(self, request: Request, values: Values) -> Response:
        body = read_command(request, {"advance", "frozen"})
        still = {True: True, "true": True, False: False, "false": False}.get(body.get("frozen"))
        if still is not None and len(body) == 1:
            self._controls.freeze_clock(still)
            return self._clock(request, values)
        amount = body.get("advance")
        if not isinstance(amount, str) or len(body) != 1:
            raise _RefusedError(
                422, "advance_required", 'send {"advance": "PT1H"}, or {"frozen": true} or false'
            )
        try:
            duration = parse_duration(amount)
        except DurationError as error:
            raise _RefusedError(422, "duration_invalid", str(error)) from None
        done = views.advance_view(self._controls.advance(duration))
        if not wants_html(request):
            return json_response(done)
        return self._pages.render("clock.html", **self._clock_facts(), last_advance=done)

    def _schedules(self, request: Request, _values: Values) -> Response:
        items = [views.schedule_view(each) for each in self._controls.schedules()]
        return self._answer(request, "schedules.html", {"items": items, "ran": None})

    def _run(self, request: Request, values: Values) -> Response:
        read_command(request, set())
        try:
            runs = [views.run_view(run) for run in self._controls.run_schedules(values["name"])]
        except UnknownScheduleError:
            known = ", ".join(each.name for each in self._controls.schedules())
            raise _RefusedError(
                404, "not_found", f"nothing is scheduled as {values['name']!r}; known: {known}"
            ) from None
        ok = all(run["ok"] for run in runs)
        status = 200 if ok else 502
        if not wants_html(request):
            return json_response({"function": values["name"], "ok": ok, "runs": runs}, status)
        items = [views.schedule_view(each) for each in self._controls.schedules()]
        return self._pages.render("schedules.html", status, items=items, ran=runs)

    def _queues(self, request: Request, _values: Values) -> Response:
        items = [views.queue_view(each) for each in self._controls.queues()]
        return self._answer(request, "queues.html", {"items": items})

    def _messages(self, request: Request, values: Values) -> Response:
        name = values["name"]
        try:
            found = self._controls.messages(name)
        except LookupError:
            raise _RefusedError(404, "not_found", f"there is no queue {name!r}") from None
        items = [{**each, "sent_at": views.instant(each["sent_at"])} for each in found]
        return self._answer(request, "messages.html", {"queue": name, "items": items})

    def _tables(self, request: Request, _values: Values) -> Response:
        items = [{"name": name, "rows": rows} for name, rows in self._controls.tables().items()]
        return self._answer(request, "tables.html", {"items": items})

    def _rows(self, request: Request, values: Values) -> Response:
        name, search = values["name"], request.query.get("q", "")
        try:
            items = list(self._controls.rows(name, search))
        except LookupError:
            raise _RefusedError(404, "not_found", f"there is no table {name!r}") from None
        return self._answer(request, "rows.html", {"table": name, "q": search, "items": items})

    def _files(self, request: Request, _values: Values) -> Response:
        items = [{**each, "at": views.instant(each["at"])} for each in self._controls.files()]
        return self._answer(request, "files.html", {"items": items})

    def _webhooks(self, request: Request, _values: Values) -> Response:
        """Deliveries of all companies as they are stored: the product shows each its own."""
        core = next((name for name in self._controls.tables() if name.endswith("core")), None)
        rows = self._controls.rows(core, "#WEBHOOK-DELIVERY#") if core else ()
        items = sorted(rows, key=lambda row: str(row.get("pk")), reverse=True)
        return self._answer(request, "webhooks.html", {"items": items})

    def _scenarios(self, request: Request, _values: Values) -> Response:
        items = list(self._controls.scenarios())
        return self._answer(request, "scenarios.html", {"items": items, "played": None})

    def _play(self, request: Request, values: Values) -> Response:
        read_command(request, set())
        try:
            played = dict(self._controls.play(f"{values['context']}/{values['name']}"))
        except LookupError as error:
            raise _RefusedError(404, "not_found", str(error)) from None
        status = 502 if played["failed"] else 200
        if not wants_html(request):
            return json_response(played, status)
        items = list(self._controls.scenarios())
        return self._pages.render("scenarios.html", status, items=items, played=played)

    def _calls(self, _request: Request, _values: Values) -> Response:
        services = {name: dict(counts) for name, counts in self._controls.calls().items()}
        return json_response({"services": services})

    def _simulators(self, request: Request, _values: Values) -> Response:
        items = [
            {"name": name, "url": url} for name, url in sorted(self._controls.simulators().items())
        ]
        return self._answer(request, "simulators.html", {"items": items})

    def _simulator(self, request: Request, values: Values) -> Response:
        name = values["name"]
        try:
            state = dict(self._controls.describe_simulator(name))
        except UnknownSimulatorError:
            raise self._no_simulator(name) from None
        if wants_html(request):
            return self._pages.render("simulator.html", name=name, state=state)
        return json_response(state)

    def _script(self, request: Request, values: Values) -> Response:
        name = values["name"]
        behaviour = read_command(request, None)
        if isinstance(behaviour.get("script"), str) and _is_form(request):
            # The page has one text field that holds the JSON document.
            behaviour = parse_object(behaviour["script"].encode())
        try:
            done = dict(self._controls.script_simulator(name, behaviour))
            state = dict(self._controls.describe_simulator(name))
        except UnknownSimulatorError:
            raise self._no_simulator(name) from None
        except (ValueError, KeyError, TypeError) as error:
            raise _RefusedError(422, "behaviour_invalid", str(error)) from None
        if wants_html(request):
            return self._pages.render("simulator.html", name=name, state=state)
        return json_response({"done": done, "state": state})

    def _no_simulator(self, name: str) -> _RefusedError:
        known = ", ".join(sorted(self._controls.simulators())) or "none"
        return _RefusedError(404, "not_found", f"there is no simulator {name!r}; running: {known}")

    def _requests(self, request: Request, _values: Values) -> Response:
        items = [views.request_view(each) for each in self._controls.requests()]
        return self._answer(request, "requests.html", {"items": items})

    def _log(self, request: Request, _values: Values) -> Response:
        source = request.query.get("source") or None
        items = [views.line_view(each) for each in self._controls.lines(source)]
        return self._answer(request, "log.html", {"items": items, "source": source})

    def _guide(self, request: Request, _values: Values) -> Response:
        return guide_response(request)

    def _reset(self, request: Request, _values: Values) -> Response:
        keep = read_command(request, {"keep"}).get("keep")
        if keep not in (None, "seed"):
            raise _RefusedError(422, "keep_unknown", 'only {"keep": "seed"} can be kept')
        document = dict(self._controls.reset(keep_seed=keep == "seed"))
        if wants_html(request):
            return Response(303, (("location", "/_local/"),))
        return json_response({"status": "ok", **document})

    def _snapshots(self, request: Request, _values: Values) -> Response:
        items = [{"name": name} for name in self._controls.snapshots()]
        return self._answer(request, "snapshots.html", {"items": items})

    def _save_snapshot(self, request: Request, values: Values) -> Response:
        read_command(request, set())
        self._controls.save_snapshot(values["name"])
        return self._snapshots(request, values)

    def _load_snapshot(self, request: Request, values: Values) -> Response:
        read_command(request, set())
        self._controls.load_snapshot(values["name"])
        return self._snapshots(request, values)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def wants_html(request: Request) -> bool:
    """Whether a person reads the answer."""
    if request.raw_path.endswith(".json") or request.query.get("format") == "json":
        return False
    return "text/html" in request.header("accept") or request.query.get("format") == "html"


def _is_form(request: Request) -> bool:
    # `curl -d '{…}'` calls its body a form; no form begins with a brace.
    kind = request.header("content-type").partition(";")[0].strip().lower()
    return kind == _FORM and not request.body.lstrip().startswith(b"{")


def read_command(request: Request, known: set[str] | None) -> dict[str, Any]:
    """The fields of a command, from JSON or from a form; ``known`` None allows any.

    Raises: _RefusedError(400) for what is not an object, (422) for an unknown field.
    """
    if not request.body:
        body: dict[str, Any] = {}
    elif _is_form(request):
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        body = dict(pairs)
    else:
        body = parse_object(request.body)
    unknown = sorted(body.keys() - known) if known is not None else []
    if unknown:
        raise _RefusedError(422, "unknown_field", f"unknown field {', '.join(unknown)}")
    return body


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises: _RefusedError(400)."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise _RefusedError(400, "malformed", "the body is not JSON") from None
    if not isinstance(document, dict):
        raise _RefusedError(400, "malformed", "the body is not a JSON object")
    return document
