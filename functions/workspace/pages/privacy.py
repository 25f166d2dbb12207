"""Pages about privacy: requests of people, what came of them, the field register."""

import json
from datetime import date
from typing import Any, Final

from kernel.errors import ConflictError, KopruError, NotFoundError, ValidationError
from kernel.files import UploadedFile
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Column, Option, Status, Tone
from webkit.i18n import Language
from webkit.urls import link
from workspace.domain.privacy import (
    ANSWERS_EXPIRE,
    COPY_LIFETIME,
    Act,
    PartState,
    PrivacyRequest,
    RequestState,
)
from workspace.pages.kit import Kit, cursor_in, needs_proof, paging, read_form, status_of, use
from workspace.pages.register_table import RegisterRow, register_file, register_rows, word
from workspace.pages.spine import instant_of
from workspace.pages.words import redirect, state_word, subject_name, words_of
from workspace.schemas import PrivacyIn, person_of

_READ: Final = "workspace:privacy:read"
_EXPORT: Final = "workspace:privacy:export"
_ERASE: Final = "workspace:privacy:erase"
_ROWS: Final = 50
_POLL_SECONDS: Final = 3
_TONES: Final = {
    RequestState.RUNNING: Tone.INFO,
    RequestState.WAITING: Tone.WAITING,
    RequestState.DONE: Tone.OK,
}
_PART_TONES: Final = {
    PartState.ASKED: Tone.INFO,
    PartState.WAITING: Tone.WAITING,
    PartState.DONE: Tone.OK,
}


def _status(words: Language, request: PrivacyRequest) -> Status:
    return Status(word(words, "privacy_state", request.state.value), _TONES[request.state])


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages about privacy."""

    def overview(request: Request, error: KopruError | None = None) -> Reply:
        words = words_of(request)
        page = use().list_privacy_requests()(request.tenant, limit=_ROWS, after=cursor_in(request))
        may = {
            act: request.principal.may(permission)
            for act, permission in ((Act.EXPORT, _EXPORT), (Act.ERASURE, _ERASE))
        }
        columns = (
            Column("what", words.text("What")),
            Column("reason", words.text("Why")),
            Column("asked", words.text("Asked")),
            Column("by", words.text("Answer by")),
            Column("records", words.text("Records"), numeric=True),
            Column("state", words.text("State")),
        )
        posted = error is not None
        values = {
            "columns": columns,
            "requests": page.items,
            "badges": {one.id: _status(words, one) for one in page.items},
            "acts": {act: word(words, "privacy_act", act.value) for act in Act},
            "choices": [
                Option(act.value, word(words, "privacy_act", act.value))
                for act, allowed in may.items()
                if allowed
            ],
            # What was typed about the person is not repeated: it must be looked at anew.
            "form": {"reason": request.form().get("reason", "")} if posted else {},
            "at": instant_of,
            "paging": paging(request, len(page.items), page.next),
        }
        template = "privacy/list.html"
        return kit.draw(request, template, "privacy", values, status=status_of(error), error=error)

    @app.page("GET", "/privacy", permission=_READ)
    def show_privacy(request: Request) -> Reply:
        """Requests of people, and the form for a new one."""
        return overview(request)

    def start(request: Request, act: Act) -> Reply:
        needs_proof(request, "/privacy")
        try:
            # An empty reason is no reason, also where the API has one of its own.
            body = read_form(request, PrivacyIn, reason=request.form().get("reason", ""))
            started = use().request_privacy()(request.tenant, act, person_of(body), body.reason)
        except ValidationError as error:
            return overview(request, error)
        return redirect(link(f"/privacy/{started.id}", done="privacy_asked"))

    @app.page("POST", "/privacy/exports", permission=_EXPORT)
    def ask_for_copy(request: Request) -> Reply:
        """Collect a copy of everything held about a person."""
        return start(request, Act.EXPORT)

    @app.page("POST", "/privacy/erasures", permission=_ERASE)
    def ask_for_erasure(request: Request) -> Reply:
        """Erase a person, once it is confirmed."""
        if request.form().get("sure") != "yes":
            words = words_of(request)
            problem = words.text("Tick the box: this cannot be taken back.")
            return overview(request, ConflictError("not_sure", problem))
        return start(request, Act.ERASURE)

    @app.page("GET", "/privacy/register", permission=_READ)
    def show_register(request: Request) -> Reply:
        """Every personal field: why, on which ground, how long, where, who reads it."""
        words = words_of(request)
        file_format = request.query.get("format")
        if file_format in ("csv", "xlsx"):
            return register_file(use().table_writer, use().field_register, words, file_format)
        rows = list(register_rows(words, use().field_register))
        groups: dict[str, dict[tuple[str, str], list[RegisterRow]]] = {}
        for row in rows:
            held = groups.setdefault(row.context, {})
            held.setdefault((row.record, row.purpose), []).append(row)
        columns = (
            Column("record", words.text("Record")),
            Column("fields", words.text("Values")),
            Column("purpose", words.text("Purpose")),
            Column("basis", words.text("Legal basis")),
            Column("kept", words.text("Kept")),
            Column("store", words.text("Stored in")),
        )
        values = {
            "groups": {
                context: [(record, held) for (record, _), held in records.items()]
                for context, records in groups.items()
            },
            "columns": columns,
            "total": len(rows),
        }
        return kit.draw(request, "privacy/register.html", "privacy", values)

    def detail(
        request: Request,
        found: PrivacyRequest,
        error: KopruError | None = None,
        *,
        template: str = "privacy/request.html",
    ) -> Reply:
        words = words_of(request)
        done = sum(part.state is PartState.DONE for part in found.parts.values())
        running = found.state is RequestState.RUNNING
        columns = (
            Column("part", words.text("Part")),
            Column("records", words.text("Records"), numeric=True),
            Column("state", words.text("State")),
            Column("waits", words.text("Waits for")),
        )
        values = {
            "found": found,
            "name": word(words, "privacy_act", found.act.value),
            "state": _status(words, found),
            "columns": columns,
            "parts": [
                {
                    "name": word(words, "area", context),
                    "part": part,
                    "badge": Status(
                        word(words, "privacy_state", part.state.value), _PART_TONES[part.state]
                    ),
                    "waiting": [
                        f"{subject_name(words, one.kind)}: {state_word(words, one.state)}"
                        for one in part.waiting[:5]
                    ],
                    "more": max(0, len(part.waiting) - 5),
                }
                for context, part in found.parts.items()
            ],
            "done": done,
            "poll_url": f"/privacy/{found.id}/progress" if running else None,
            "polled": template.endswith("progress.html"),
            "poll_seconds": _POLL_SECONDS,
            "at": instant_of,
            "may_copy": found.act is Act.EXPORT
            and found.state is RequestState.DONE
            and request.principal.may(_EXPORT),
            "copy_days": COPY_LIFETIME.days,
            "answer_hours": int(ANSWERS_EXPIRE.total_seconds()) // 3600,
            "acts": Act,
        }
        return kit.draw(request, template, "privacy", values, status=status_of(error), error=error)

    @app.page("GET", "/privacy/{id}", permission=_READ)
    def show_request(request: Request) -> Reply:
        """One request with the answer of every part."""
        return detail(request, use().read_privacy_request()(request.tenant, request.id()))

    @app.page("GET", "/privacy/{id}/progress", permission=_READ)
    def show_progress_of_request(request: Request) -> Reply:
        """The part of the page that changes."""
        found = use().read_privacy_request()(request.tenant, request.id())
        return detail(request, found, template="privacy/progress.html")

    @app.page("POST", "/privacy/{id}/copy", permission=_EXPORT)
    def show_copy(request: Request) -> Reply:
        """The copy in clear, to print or to hand out as a file; looking at it is noted."""
        identity = request.id()
        needs_proof(request, f"/privacy/{identity}")
        try:
            found, records = use().read_copy()(request.tenant, identity)
        except (ConflictError, NotFoundError) as error:
            known = use().read_privacy_request()(request.tenant, identity)
            return detail(request, known, error)
        words = words_of(request)
        if request.form().get("format") == "json":
            text = json.dumps({"records": records}, ensure_ascii=False, indent=2)
            copy = UploadedFile(text.encode(), "application/json", "personal-data.json")
            return file_reply(copy)
        values = {
            "found": found,
            "groups": _copy_groups(words, records),
            "columns": (
                Column("what", words.text("What it is")),
                Column("value", words.text("Value")),
                Column("field", words.text("Field")),
            ),
            "at": instant_of,
        }
        return kit.draw(request, "privacy/copy.html", "privacy", values)


def _copy_groups(words: Language, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of a copy in words, in the order in which they were found."""
    return [
        {
            "context": word(words, "area", record["context"]),
            "record": word(words, "subject", record["kind"]),
            "state": state_word(words, record["state"]),
            "since": record["since"],
            "purpose": word(words, "purpose", held["purpose"]),
            "basis": word(words, "basis", held["basis"]),
            "kept_until": date.fromisoformat(held["kept_until"]),
            "rows": [{**one, "name": word(words, "datum", one["what"])} for one in held["values"]],
        }
        for record in records
        for held in record["held"]
    ]
