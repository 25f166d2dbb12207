"""What the time-driven rules look at: a list, one subject, and files of subjects (WFL-06)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import NotFoundError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Chip, Column, Status, Tone
from webkit.i18n import mark
from webkit.reader import language_of
from webkit.urls import link
from workflow.bootstrap import Workflow, application
from workflow.domain.processes.subjects import SubjectKind
from workflow.domain.rules.facts import FactType
from workflow.pages.kit import Kit, go, paging_of, position_in, use_of
from workflow.pages.process_words import ProcessSay
from workflow.pages.rule_words import TYPE
from workflow.pages.words import words_of

SECTION: Final = "workflow.subjects"
HERE: Final = "/workflow/subjects"
READ: Final = "workflow:subject:read"
WRITE: Final = "workflow:subject:write"
_FINAL: Final = frozenset({"succeeded", "failed"})
_JOB: Final[Mapping[str, tuple[str, Tone]]] = {
    "queued": (mark("waits for its turn"), Tone.WAITING),
    "running": (mark("in progress"), Tone.WAITING),
    "succeeded": (mark("done"), Tone.OK),
    "failed": (mark("nothing recorded"), Tone.ERROR),
}
_COUNT: Final[Mapping[str, str]] = {
    "added": mark("New"),
    "changed": mark("Changed"),
    "unchanged": mark("Nothing new"),
    "valid": mark("Could be recorded"),
    "refused": mark("To correct"),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of subjects."""

    @app.page("GET", HERE, permission=READ)
    def show_subjects(request: Request) -> Reply:
        """Subjects of one kind with their facts of today; ``?q=`` is how their number begins."""
        use, say = use_of(request), ProcessSay(words_of(request))
        kinds = _kinds(use)
        kind = kinds.get(request.query.get("kind", ""), next(iter(kinds.values())))
        asked = request.query.get("q", "").strip()
        filters = {"kind": kind.key, "q": asked}
        found, following = use.store.subjects(
            kind.key, limit=50, after=position_in(request, **filters), begins=asked
        )
        today = use.scope.today
        return kit.draw(
            request,
            "subjects/list.html",
            SECTION,
            say=say,
            kind=kind,
            asked=asked,
            lines=[(one, _facts(kind, one.on(today), say)) for one in found],
            columns=(
                Column("reference", say.words.text("Number")),
                Column("label", say.words.text("Description")),
                Column("facts", say.words.text("What is known today")),
            ),
            chips=[
                Chip(say.of(one.title), link(HERE, kind=one.key), active=one.key == kind.key)
                for one in kinds.values()
            ],
            may_write=request.principal.may(WRITE),
            paging=paging_of(request, len(found), following, **filters),
        )

    # ------------------------------------------------------------------ files

    @app.page("GET", f"{HERE}/upload", permission=WRITE)
    def choose_file(request: Request) -> Reply:
        """A form that sends one file straight to storage, also without JavaScript."""
        use, say = use_of(request), ProcessSay(words_of(request))
        kind = _kind(use, request.query.get("kind", ""))
        upload_id = use.scope.ids.new()
        site = application().settings.common.base_url.rstrip("/")
        room = use.files.room(upload_id, back_to=f"{site}{HERE}/uploads/{kind.key}/{upload_id}")
        return kit.draw(
            request,
            "subjects/upload.html",
            SECTION,
            upload_to=room.url,
            say=say,
            kind=kind,
            room=room,
            columns=[
                (say.of(one.label), _expected(one.fact.type, one.fact.values, say))
                for one in kind.facts.values()
            ],
        )

    @app.page("GET", f"{HERE}/template", permission=READ)
    def download_template(request: Request) -> Reply:
        """An empty workbook with the columns of a kind."""
        use = use_of(request)
        kind = _kind(use, request.query.get("kind", ""))
        file = use.subject_files.template(kind, language=language_of(request))
        return file_reply(file)

    @app.page("GET", f"{HERE}/uploads/{{subject_kind}}/{{upload_id}}", permission=WRITE)
    def show_upload(request: Request) -> Reply:
        """The file is here: check it only, or check and record it."""
        use, say = use_of(request), ProcessSay(words_of(request))
        use.files.exists(request.id("upload_id"))
        kind = _kind(use, request.path_values["subject_kind"])
        upload_id = request.id("upload_id")
        return kit.draw(
            request, "subjects/read.html", SECTION, say=say, kind=kind, upload_id=upload_id
        )

    @app.page("POST", f"{HERE}/uploads/{{subject_kind}}/{{upload_id}}", permission=WRITE)
    def start_import(request: Request) -> Reply:
        """Start the work: all of the file, or nothing of it when one row is wrong."""
        use = use_of(request)
        use.files.exists(request.id("upload_id"))
        job_id = use.start_subject_import()(
            _kind(use, request.path_values["subject_kind"]).key,
            upload_id=request.id("upload_id"),
            dry_run=request.form().get("command") != "record",
            language=language_of(request),
        )
        return go(f"{HERE}/imports/{job_id}")

    def job_page(request: Request, template: str) -> Reply:
        use, say = use_of(request), ProcessSay(words_of(request))
        job = use.store.import_job(request.id())
        if job is None:
            raise NotFoundError("not_found", "There is no such item.")
        kind = _kind(use, str(job.private["kind"]))
        final = job.status in _FINAL
        label, tone = _JOB.get(job.status, _JOB["running"])
        here = f"{HERE}/imports/{job.id}"
        words = say.words
        return kit.draw(
            request,
            template,
            SECTION,
            say=say,
            job=job,
            kind=kind,
            state=Status(words.text(label), tone),
            final=final,
            dry_run=bool(job.private["dry_run"]),
            counts=[
                (words.text(text), int(job.result[name]))
                for name, text in _COUNT.items()
                if name in job.result
            ],
            row_problems=[_problem(n, one, kind, say) for n, one in enumerate(job.problems)],
            problem_columns=(
                Column("row", words.text("Row")),
                Column("field", words.text("Column of the file")),
                Column("text", words.text("What is wrong")),
            ),
            again=f"{HERE}/uploads/{kind.key}/{job.private['upload_id']}",
            may_write=request.principal.may(WRITE),
            poll_url=None if final else f"{here}/progress",
        )

    @app.page("GET", f"{HERE}/imports/{{id}}", permission=READ)
    def show_import(request: Request) -> Reply:
        """How far a file is, and what came of it."""
        return job_page(request, "subjects/import.html")

    @app.page("GET", f"{HERE}/imports/{{id}}/progress", permission=READ)
    def show_progress(request: Request) -> Reply:
        """The part that asks again by itself."""
        return job_page(request, "subjects/progress.html")


def _kinds(use: Workflow) -> dict[str, SubjectKind]:
    return {kind.key: kind for kind in use.triggers.kinds}


def _kind(use: Workflow, key: str) -> SubjectKind:
    kinds = _kinds(use)
    if not key:
        return next(iter(kinds.values()))
    if key not in kinds:
        raise NotFoundError("kind_unknown", "There is no such kind of subjects.")
    return kinds[key]


def _expected(kind: FactType, values: tuple[str, ...], say: ProcessSay) -> str:
    """What a column takes, in words."""
    return ", ".join(values) if values else say.words.text(TYPE[kind])


def _facts(kind: SubjectKind, known: Mapping[str, object], say: ProcessSay) -> str:
    shown = [
        f"{say.of(field.label)}: {say.value(field, known[name])}"
        for name, field in kind.facts.items()
        if name in known
    ]
    return " · ".join(shown) or "–"


def _problem(
    number: int, one: Mapping[str, Any], kind: SubjectKind, say: ProcessSay
) -> dict[str, str]:
    """One problem of a file: its row, its column in the reader's words, what is wrong."""
    parts = str(one["pointer"]).strip("/").split("/")
    row = parts[1] if parts[0] == "rows" and len(parts) > 1 else ""
    name = parts[-1] if len(parts) > 1 and parts[-1] != row else ""
    field = kind.facts.get(name)
    labels = {"reference": say.words.text("Number"), "label": say.words.text("Description"),
              "since": say.words.text("Valid from")}  # fmt: skip
    return {
        "id": str(number),
        "row": row,
        "field": say.of(field.label) if field is not None else labels.get(name, name),
        "text": say.refused(str(one["code"]), str(one["message"])),
    }
