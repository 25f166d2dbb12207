"""Definitions of processes on the screen: versions, a form to write one, the gate (WFL-03)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Tone
from webkit.i18n import mark
from workflow.bootstrap import Workflow
from workflow.domain.processes.analysis import Flaw
from workflow.domain.processes.definition import END, Definition, Step
from workflow.domain.processes.versions import DefinitionVersion
from workflow.domain.rules.versions import OPEN
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.process_form import WrittenProcess, of_definition, of_process_form
from workflow.pages.process_picture import picture
from workflow.pages.rule_words import RuleSay
from workflow.pages.version_moves import add_move, allowed, history
from workflow.pages.words import words_of
from workflow.schemas import read_process_key

SECTION: Final = "workflow.processes"
HERE: Final = "/workflow/process-definitions"
READ: Final = "workflow:process:read"
WRITE: Final = "workflow:process_definition:write"
PUBLISH: Final = "workflow:process_definition:publish"
DONE: Final[Mapping[str, str]] = {
    "drafted": mark("The draft is kept. Nothing starts by it before somebody else publishes it."),
    "submitted": mark("The draft is handed over. Somebody else may publish it now."),
    "published": mark("What starts from its first day on goes by it; what runs keeps its own."),
    "retired": mark("The version is out of force; what runs by it goes on."),
    "withdrawn": mark("The draft is put aside."),
}


@dataclass(frozen=True, slots=True)
class DefinitionLine:
    """One process in the list: what is in force today, and what is being written."""

    key: str
    title: str
    steps: int
    in_force: DefinitionVersion | None
    open_drafts: int


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a definition: (control, sentence) of what is wrong, and its picture."""

    wrong: Sequence[tuple[str, str]]
    picture: Markup | None = None


class DefinitionSay(RuleSay):
    """The words of definitions and their versions, for one reader."""

    def __init__(self, request: Request) -> None:
        super().__init__(words_of(request), request.tenant.actor)

    def flaw(self, problem: Problem) -> str:
        """What speaks against a definition, with the name it is about."""
        said = self.problem(problem.code, problem.message)
        about = problem.about if isinstance(problem, Flaw) else ""
        return f"{said} ({about})" if about and about not in said else said

    def drawn(self, definition: Definition) -> Markup:
        """A definition as a picture."""
        labels = {key: self.of(step.title) for key, step in definition.steps.items()}
        labels[END] = self.words.text("End")
        title = self.words.text("The steps of this process")
        tones: dict[str, Tone] = {}
        return picture(definition, labels, tones, title, " → ".join(labels.values()))


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of definitions."""

    @app.page("GET", HERE, permission=READ)
    def show_definitions(request: Request) -> Reply:
        """Every process that can be started, shipped and own, and what is being written."""
        use, say = use_of(request), DefinitionSay(request)
        columns = (
            Column("process", say.words.text("Process")),
            Column("steps", say.words.text("Steps"), numeric=True),
            Column("valid", say.words.text("In force since")),
            Column("origin", say.words.text("Version")),
            Column("drafts", say.words.text("Drafts")),
        )
        return kit.draw(
            request,
            "process_definitions/list.html",
            SECTION,
            say=say,
            lines=_lines(use, say),
            columns=columns,
            may_write=request.principal.may(WRITE),
        )

    # ---------------------------------------------------------------- writing

    def editor(
        request: Request,
        key: str,
        base: str,
        written: WrittenProcess,
        error: KopruError | None = None,
    ) -> Reply:
        say = DefinitionSay(request)
        title = (written.view.get("title") or {}).get(say.words.code) or key
        controls, lists = written.cancellation
        return kit.draw(
            request,
            "process_definitions/editor.html",
            SECTION,
            say=say,
            error=error,
            key=key,
            base=base,
            title=title,
            written=written,
            cancellation=controls,
            cancelling=lists,
            found=_found(use_of(request), written, say),
        )

    @app.page("GET", f"{HERE}/new", permission=WRITE)
    def new_definition(request: Request) -> Reply:
        """A small process to start from; its key is chosen with it."""
        fields = {"valid_from": use_of(request).scope.today.isoformat()}
        return editor(request, "", "", of_definition(_NEW, fields, words_of(request)))

    @app.page("GET", f"{HERE}/{{process}}/edit", permission=WRITE)
    def edit_definition(request: Request) -> Reply:
        """A version (``?version=``, or the one in force) as the beginning of a new one."""
        use, key = use_of(request), _key(request)
        base = _chosen(use, key, request.query.get("version", ""))
        fields = {"valid_from": use.scope.today.isoformat()}
        return editor(
            request, key, base.id, of_definition(base.document, fields, words_of(request))
        )

    @app.page("POST", f"{HERE}/check", permission=WRITE)
    def check_definition(request: Request) -> Reply:
        """What speaks against a form that is being typed, and its picture; nothing is stored."""
        use, say = use_of(request), DefinitionSay(request)
        written = of_process_form(request.form(), say.words).read()
        found = _found(use, written, say)
        return kit.draw(request, "process_definitions/checked.html", SECTION, say=say, found=found)

    @app.page("POST", f"{HERE}/save", permission=WRITE)
    def save_definition(request: Request) -> Reply:
        """Keep the form as a draft, or change what it has: steps, inputs, ways."""
        use, form = use_of(request), request.form()
        written = of_process_form(form, words_of(request))
        key, base = form.get("key", ""), form.get("base", "")
        if form.get("command"):  # "look" only checks, for a browser without JavaScript
            written.obey(form["command"])
            return editor(request, key, base, written.read())
        try:
            draft = written.read().draft(key or _new_key(use, form.get("new_key", "")))
            made = use.draft_definition()(draft)
        except NotFoundError:
            raise
        except KopruError as error:
            return editor(request, key, base, written, error)
        return go(f"{HERE}/{made.key}/versions/{made.id}", done="drafted")

    # ---------------------------------------------------------------- one process, one version

    @app.page("GET", f"{HERE}/{{process}}", permission=READ)
    def show_definition(request: Request) -> Reply:
        """One process: its picture, its steps, all its versions."""
        use, say, key = use_of(request), DefinitionSay(request), _key(request)
        versions = _versions(use, key)
        shown = _chosen(use, key, "")
        return kit.draw(
            request,
            "process_definitions/definition.html",
            SECTION,
            done=DONE,
            say=say,
            key=key,
            title=say.of(shown.definition.title),
            versions=versions,
            columns=(
                Column("valid", say.words.text("Valid from")),
                Column("state", say.words.text("State")),
                Column("author", say.words.text("Written by")),
                Column("publisher", say.words.text("Published by")),
                Column("note", say.words.text("Note")),
            ),
            may_write=request.principal.may(WRITE),
            **_steps(use, shown.definition, say),
        )

    def draw(request: Request, error: KopruError | None = None) -> Reply:
        use, say = use_of(request), DefinitionSay(request)
        version = _version(request)
        return kit.draw(
            request,
            "process_definitions/version.html",
            SECTION,
            done=DONE,
            error=_spoken(error, say),
            say=say,
            key=version.key,
            title=say.of(version.definition.title),
            version=version,
            flaws=[say.flaw(one) for one in use.check_definition()(version)],
            **allowed(request, version, write=WRITE, publish=PUBLISH),
            entries=history(use, "process_definition", version, say),
            **_steps(use, version.definition, say),
        )

    one = f"{HERE}/{{process}}/versions/{{version_id}}"

    @app.page("GET", one, permission=READ)
    def show_version(request: Request) -> Reply:
        """One version: its picture, what speaks against it, and what may be done with it."""
        return draw(request)

    def act(name: str, permission: str, done: str, use_case: Callable[[Workflow], Any]) -> None:
        def move(request: Request, expected: int | None) -> str:
            version = _version(request)
            use_case(use_of(request))(version.id, expected)
            return f"{HERE}/{version.key}/versions/{version.id}"

        add_move(app, f"{one}/{name}", permission, move, draw, lambda path: go(path, done=done))

    act("submit", WRITE, "submitted", lambda use: use.move_definition().submit)
    act("publish", PUBLISH, "published", lambda use: use.publish_definition())
    act("withdraw", WRITE, "withdrawn", lambda use: use.move_definition().withdraw)
    act("retire", PUBLISH, "retired", lambda use: use.move_definition().retire)


_NEW: Final[Mapping[str, Any]] = {
    "title": {"tr": "Yeni süreç", "el": "Νέα διαδικασία", "en": "New process"},
    "subject": "request",
    "units": {"office": {"tr": "Büro", "el": "Γραφείο", "en": "Office"}},
    "start": [
        {
            "name": "request_no",
            "type": "text",
            "label": {"tr": "İstek no", "el": "Αρ. αιτήματος", "en": "Request no"},
        }
    ],
    "steps": [
        {
            "key": "prepare",
            "command": "PREPARE",
            "title": {"tr": "Hazırla", "el": "Προετοιμασία", "en": "Prepare"},
            "unit": "office",
            "sla_days": 3,
            "next": [{"to": "end"}],
        }
    ],
}


def _key(request: Request) -> str:
    return read_process_key(request.path_values["process"])


def _new_key(use: Workflow, text: str) -> str:
    try:
        key = read_process_key(text.strip())
    except NotFoundError:
        said = "A key has small letters, digits and _."
        problem = Problem("/new_key", "NAME", said)
        raise ValidationError("key_invalid", said, problems=[problem]) from None
    if key in use.processes.processes().by_key:
        problem = Problem("/new_key", "DOUBLE", "There is a process with this key.")
        raise ValidationError("key_invalid", problem.message, problems=[problem])
    return key


def _versions(use: Workflow, key: str) -> list[DefinitionVersion]:
    """All versions of a process, newest first. Raises: NotFoundError."""
    found = use.processes.processes().by_key.get(key, ())
    if not found:
        raise NotFoundError("process_unknown", "There is no such process.")
    return sorted(found, key=lambda one: (one.valid_from, one.recorded_at), reverse=True)


def _chosen(use: Workflow, key: str, version_id: str) -> DefinitionVersion:
    """A version by its id; without one the version in force, else the newest there is."""
    if version_id:
        return use.processes.version(version_id)
    found = _versions(use, key)
    return _in_force(use, key) or found[0]


def _in_force(use: Workflow, key: str) -> DefinitionVersion | None:
    try:
        return use.processes.processes().current(key, use.scope.today, use.processes.now)
    except NotFoundError:
        return None


def _version(request: Request) -> DefinitionVersion:
    found = use_of(request).processes.version(request.path_values["version_id"])
    if found.key != _key(request):
        raise NotFoundError("not_found", "There is no such item.")
    return found


def _lines(use: Workflow, say: DefinitionSay) -> list[DefinitionLine]:
    known, lines = use.processes.processes(), []
    for key, versions in known.by_key.items():
        try:
            current = known.current(key, use.scope.today, use.processes.now)
        except NotFoundError:
            current = None
        shown = (current or versions[-1]).definition
        drafts = sum(version.status in OPEN for version in versions)
        lines.append(DefinitionLine(key, say.of(shown.title), len(shown.steps), current, drafts))
    return sorted(lines, key=lambda line: line.title)


def _asked(step: Step) -> list[str]:
    """Rules that a step asks, and the one that says whether it needs an approval."""
    gate = [step.approval.rule] if step.approval is not None and step.approval.rule else []
    return list(dict.fromkeys([*(guard.rule for guard in step.guards), *gate]))


def _steps(use: Workflow, definition: Definition, say: DefinitionSay) -> dict[str, Any]:
    """A definition to read: its picture, and the same as a table."""

    def named(rule: str) -> str:
        known = use.scope.shipped.rules.get(rule)
        return say.of(known.title) if known is not None else rule

    rows = [
        {
            "title": say.of(step.title),
            "unit": say.of(definition.units.get(step.unit, {})),
            "expects": ", ".join(say.of(field.label) for field in step.inputs) or "–",
            "asks": [(rule, named(rule)) for rule in _asked(step)],
            "produces": ", ".join(say.of(field.label) for field in step.outputs) or "–",
            "approval": step.approval is not None,
            "days": step.sla_days,
        }
        for step in definition.steps.values()
    ]
    columns = (
        Column("step", say.words.text("Step")),
        Column("unit", say.words.text("Unit")),
        Column("expects", say.words.text("What it expects")),
        Column("asks", say.words.text("Rules that are asked")),
        Column("produces", say.words.text("Produces")),
        Column("days", say.words.text("Days"), numeric=True),
    )
    return {"picture": say.drawn(definition), "steps": rows, "step_columns": columns}


def _found(use: Workflow, written: WrittenProcess, say: DefinitionSay) -> Found:
    """What speaks against a form, form first, then what the analysis finds."""
    if written.definition is None:
        return Found([(_control(one), say.flaw(one)) for one in written.problems])
    flaws = use.check_definition().of(written.definition, use.scope.today)
    wrong = [(_control(written.place(one)), say.flaw(one)) for one in flaws]
    return Found(wrong, say.drawn(written.definition))


def _control(problem: Problem) -> str:
    return problem.pointer.strip("/")


def _spoken(error: KopruError | None, say: DefinitionSay) -> KopruError | None:
    """A refusal whose findings name what they are about."""
    if error is None or not error.problems:
        return error
    problems = [Problem("", one.code, say.flaw(one)) for one in error.problems]
    return ValidationError(error.code, error.message, problems=problems)
