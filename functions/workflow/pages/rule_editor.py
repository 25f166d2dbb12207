"""Writing a version: a grid of texts that is checked while one types, and a workbook (WFL-01).

The form is the table as texts (``domain.rules.sheet``); every problem comes back at the control it
belongs to. What a grid cannot say (facts, derived facts, outputs, cases) is JSON beside it. Nothing
here is stored before somebody saves it as a draft.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import DiffRow, Option
from workflow.application.draft_version import Draft
from workflow.bootstrap import Workflow, application
from workflow.domain.rules.gate import Check
from workflow.domain.rules.scope import COMPANY, read_scope
from workflow.domain.rules.sheet import EXTRAS, Line, changes, lines_of, rows_of, spot_of
from workflow.domain.rules.table import Table, read_table
from workflow.domain.rules.versions import TableVersion
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.rule_words import POLICY, RuleSay
from workflow.pages.rules import HERE, SECTION, WRITE, chosen, key_of, title_of
from workflow.pages.words import words_of
from workflow.ports import Sheet
from workflow.schemas import read_key

_MOST_ROWS: Final = 100
"""Rows of a grid that a browser can still send; longer tables are changed in a workbook."""

_PARTS: Final = ("title", "facts", "derived", "outputs", "default", "cases")
_NEW: Final[Mapping[str, Any]] = {
    "facts": [{"name": "amount", "type": "money", "domain": ["0.00", None]}],
    "outputs": [{"name": "result", "type": "enum", "values": ["YES", "NO"]}],
    "rows": [
        {"id": "small", "cells": ["<1000.00"], "outputs": {"result": "YES"}},
        {"id": "large", "cells": [">=1000.00"], "outputs": {"result": "NO"}},
    ],
}


@dataclass
class Written:
    """A form as it was typed, the document behind it, and everything wrong with both."""

    document: dict[str, Any]
    lines: list[Line]
    fields: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    table: Table | None = None

    def draft(self, key: str) -> Draft:
        """What is to be kept. Raises: ValidationError with every problem, by control."""
        problems = list(self.problems)
        said: dict[str, Any] = {}
        for name, needed in (("valid_from", True), ("valid_to", False)):
            text = self.fields.get(name, "").strip()
            try:
                said[name] = parse_date_api(text) if text or needed else None
            except ParseError as error:
                problems.append(error.at(f"/{name}"))
        try:
            scope = read_scope(self.fields.get("scope", "").strip() or COMPANY)
        except ParseError as error:
            problems.append(error.at("/scope"))
            scope = COMPANY
        if problems:
            raise ValidationError("table_invalid", "The table is not valid.", problems=problems)
        note = self.fields.get("note", "").strip()[:300]
        return Draft(key, self.document, said["valid_from"], said["valid_to"], scope, note)


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the editor, its live check, and the round trip by workbook."""

    def editor(
        request: Request,
        key: str,
        base: TableVersion | None,
        written: Written,
        error: KopruError | None = None,
    ) -> Reply:
        words = words_of(request)
        say = RuleSay(words, request.tenant.actor)
        columns, outputs = _shape(written.document)
        title = title_of(written.document.get("title") or {}, words.code)
        return kit.draw(
            request,
            "rules/editor.html",
            SECTION,
            say=say,
            error=error,
            key=key,
            title=title or key,
            base=base,
            written=written,
            parts=[(name, _json(written.document.get(name)), say.place(name)) for name in _PARTS],
            columns=columns,
            outputs=outputs,
            extras=EXTRAS,
            too_long=len(written.lines) > _MOST_ROWS,
            policies=[Option(policy.value, words.text(text)) for policy, text in POLICY.items()],
            checked=_checked(use_of(request), written, say),
        )

    @app.page("GET", f"{HERE}/new-table", permission=WRITE)
    def new_table(request: Request) -> Reply:
        """An example to start from; the key is chosen with it."""
        today = use_of(request).scope.today.isoformat()
        fields = {"valid_from": today, "scope": COMPANY, "hit_policy": "UNIQUE", "complete": "1"}
        return editor(request, "", None, _of_document(_NEW, fields))

    @app.page("GET", f"{HERE}/{{key}}/edit", permission=WRITE)
    def edit_table(request: Request) -> Reply:
        """A version (``?version=``, or the one in force) as the beginning of a new one."""
        use, key = use_of(request), key_of(request)
        base = chosen(use, key, request.query.get("version", ""))
        return editor(request, key, base, _of_version(base, use))

    @app.page("POST", f"{HERE}/check", permission=WRITE)
    def check_form(request: Request) -> Reply:
        """What is wrong with a form that is being typed; nothing is stored."""
        use, words = use_of(request), words_of(request)
        say = RuleSay(words, request.tenant.actor)
        written = _of_form(use, request.form())
        checked = _checked(use, written, say)
        return kit.draw(request, "rules/checked.html", SECTION, say=say, checked=checked)

    @app.page("POST", f"{HERE}/save", permission=WRITE)
    def save_draft(request: Request) -> Reply:
        """Keep the form as a draft, or add and remove rows of it."""
        use, form = use_of(request), request.form()
        written = _of_form(use, form)
        base_key, command = form.get("key", ""), form.get("command", "")
        base = _base(use, form)
        if command == "add-row":
            written.lines.append(_empty(written))
        if command == "remove-rows":
            gone = {int(n) for n in request.form_list("remove") if n.isdecimal()}
            written.lines = [line for n, line in enumerate(written.lines) if n not in gone]
        if command:  # "look" only checks, for a browser without JavaScript
            return editor(request, base_key, base, _of_lines(written))
        try:
            key = base_key or _new_key(use, form.get("new_key", ""))
            made = use.draft_version()(written.draft(key))
        except NotFoundError:
            raise
        except KopruError as error:
            return editor(request, base_key, base, written, error)
        return go(f"{HERE}/{made.key}/versions/{made.id}", done="drafted")

    # ---------------------------------------------------------------- workbook

    @app.page("GET", f"{HERE}/{{key}}/upload", permission=WRITE)
    def choose_sheet(request: Request) -> Reply:
        """A form that sends a workbook straight to storage, also without JavaScript."""
        use, key = use_of(request), key_of(request)
        version = chosen(use, key, request.query.get("version", ""))
        site = application().settings.common.base_url.rstrip("/")
        upload_id = use.scope.ids.new()
        # The version is part of the path: storage adds a query of its own when it comes back.
        back = f"{site}{HERE}/{key}/uploads/{upload_id}/{version.id}"
        room = use.sheets.room(upload_id, back_to=back)
        return kit.draw(
            request,
            "rules/upload.html",
            SECTION,
            upload_to=room.url,
            key=key,
            room=room,
            version=version,
        )

    def uploaded(request: Request, error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        say, key = RuleSay(words, request.tenant.actor), key_of(request)
        base = use.scope.version(key, request.path_values["version_id"])
        shown: dict[str, Any] = {"wrong": [], "rows": [], "checked": None, "count": 0}
        try:
            sheet = use.sheets.read(request.id("upload_id"), base.table)
        except ValidationError as refused:
            found = refused.problems or (Problem("", refused.code, refused.message),)
            shown["wrong"] = [("", say.problem(one.code, one.message)) for one in found]
        else:
            written = _of_sheet(base, sheet, request.form() if request.method == "POST" else {})
            shown["wrong"] = _addresses(written.problems, sheet, base.table, say)
            shown["count"] = len(sheet.lines)
            if written.table is not None:
                shown["checked"] = _checked(use, written, say)
                shown["rows"] = diff_rows(base.table, written.table, say)
        today = use.scope.today.isoformat()
        form = request.form() if request.method == "POST" else {"valid_from": today}
        return kit.draw(
            request,
            "rules/uploaded.html",
            SECTION,
            say=say,
            error=error,
            key=key,
            base=base,
            upload_id=request.id("upload_id"),
            form=form,
            **shown,
        )

    @app.page("GET", f"{HERE}/{{key}}/uploads/{{upload_id}}/{{version_id}}", permission=WRITE)
    def show_upload(request: Request) -> Reply:
        """Everything wrong with the workbook by cell, or what it changes; nothing is stored."""
        return uploaded(request)

    @app.page("POST", f"{HERE}/{{key}}/uploads/{{upload_id}}/{{version_id}}", permission=WRITE)
    def take_upload(request: Request) -> Reply:
        """Keep the rows of the workbook as a draft."""
        use, key = use_of(request), key_of(request)
        base = use.scope.version(key, request.path_values["version_id"])
        try:
            sheet = use.sheets.read(request.id("upload_id"), base.table)
            made = use.draft_version()(_of_sheet(base, sheet, request.form()).draft(key))
        except NotFoundError:
            raise
        except KopruError as error:
            return uploaded(request, error)
        return go(f"{HERE}/{key}/versions/{made.id}", done="drafted")


# ---------------------------------------------------------------------------- forms


def _json(value: Any) -> str:
    return "" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False, indent=1)


def _shape(document: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Names of columns and outputs, as far as they can be read; rows do not matter for them."""
    table = _head(document)
    if table is None:
        return [], []
    return [column.name for column in table.columns], list(table.outputs)


def _head(document: Mapping[str, Any]) -> Table | None:
    """The table without its rows and cases; None while the declarations themselves are wrong."""
    bare = {name: value for name, value in document.items() if name not in ("rows", "cases")}
    try:
        return read_table({**bare, "rows": []})
    except ValidationError:
        return None


def _of_document(document: Mapping[str, Any], fields: Mapping[str, str]) -> Written:
    table = read_table(document)
    written = Written(table.to_dict(), lines_of(table), fields, table=table)
    return written


def _of_version(version: TableVersion, use: Workflow) -> Written:
    fields = {
        "valid_from": use.scope.today.isoformat(),
        "valid_to": "",
        "scope": COMPANY if version.is_shipped else version.scope,
        "note": "",
    }
    return _of_document(version.document, fields)


def _of_form(use: Workflow, form: Mapping[str, str]) -> Written:
    """A posted form: what it leaves out comes from the version it began with."""
    base = _base(use, form)
    document = dict(base.table.to_dict() if base is not None else read_table(_NEW).to_dict())
    problems: list[Problem] = []
    for name in _PARTS:
        if name not in form:
            continue
        text = form[name].strip()
        try:
            value = json.loads(text) if text else None
        except ValueError:
            problems.append(Problem(f"/{name}", "JSON", "This is not JSON."))
            continue
        if name in ("facts", "outputs") and value != document.get(name):
            document.pop("columns", None)
        document[name] = value
        if value is None:
            document.pop(name)
    if form.get("hit_policy"):
        document["hit_policy"] = form["hit_policy"]
        document["complete"] = form.get("complete") == "1"
    columns, outputs = _shape(document)
    lines = _lines(form, columns, outputs)
    if "rows" not in form and base is not None:  # a table too long for a grid keeps its rows
        lines = lines_of(base.table)
    written = Written(document, lines, dict(form), problems)
    return _of_lines(written)


def _base(use: Workflow, form: Mapping[str, str]) -> TableVersion | None:
    key, version_id = form.get("key", ""), form.get("base", "")
    return use.scope.version(read_key(key), version_id) if key and version_id else None


def _new_key(use: Workflow, text: str) -> str:
    try:
        key = read_key(text.strip())
    except ValidationError as error:
        problem = Problem("/new_key", "key_invalid", error.message)
        raise ValidationError("key_invalid", error.message, problems=[problem]) from None
    if key in use.scope.shipped.rules or use.scope.catalogue(key).versions.get(key):
        problem = Problem("/new_key", "DOUBLE", "There is a table with this key.")
        raise ValidationError("key_invalid", problem.message, problems=[problem])
    return key


def _lines(form: Mapping[str, str], columns: Sequence[str], outputs: Sequence[str]) -> list[Line]:
    """Rows of the grid; one in which nothing is said does not count."""
    made = []
    count = form.get("rows", "0")
    for number in range(min(int(count), _MOST_ROWS) if count.isdecimal() else 0):
        at = f"rows-{number}"
        line = Line(
            form.get(f"{at}-id", ""),
            tuple(form.get(f"{at}-cells-{place}", "") for place in range(len(columns))),
            {name: form.get(f"{at}-outputs-{name}", "") for name in outputs},
            {name: form.get(f"{at}-{name}", "") for name in EXTRAS},
            number,
        )
        if any([line.id.strip(), *map(str.strip, line.cells), *line.outputs.values()]):
            made.append(line)
    return made


def _empty(written: Written) -> Line:
    columns, outputs = _shape(written.document)
    taken = {line.id for line in written.lines}
    number = len(written.lines) + 1
    while f"row{number}" in taken:
        number += 1
    return Line(f"row{number}", ("-",) * len(columns), dict.fromkeys(outputs, ""), {})


def _of_lines(written: Written) -> Written:
    """The same with the document and the problems of its lines."""
    head = _head(written.document)
    outputs = head.outputs if head is not None else {}
    written.document["rows"] = rows_of(written.lines, outputs)
    # Problems of the form itself; those of the table are found anew.
    problems = [one for one in written.problems if one.code == "JSON"]
    try:
        written.table = read_table(written.document)
    except ValidationError as error:
        written.table = None
        columns, _ = _shape(written.document)
        problems += [_at_control(one, columns) for one in error.problems]
    if problems:
        written.table = None
    written.problems = problems
    return written


def _at_control(problem: Problem, columns: Sequence[str]) -> Problem:
    """A problem at the control that can mend it: a row's name, or the text that holds it all."""
    spot = spot_of(problem, columns)
    if spot.line is not None:
        whole = f"/rows/{spot.line}/id"
        return problem if spot.field else Problem(whole, problem.code, problem.message)
    first = problem.pointer.strip("/").split("/")[0]
    at = {"columns": "facts", "rows": "rows-0-id"}.get(first, first)
    return Problem(f"/{at}", problem.code, problem.message)


def _of_sheet(base: TableVersion, sheet: Sheet, fields: Mapping[str, str]) -> Written:
    written = Written(dict(base.table.to_dict()), list(sheet.lines), fields)
    return _of_lines(written)


# ---------------------------------------------------------------------------- findings


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a table that is being written.

    Shapes: ``wrong`` are (control, sentence); findings are sentences; ``failing`` are names of
    stored cases, ``cases`` their number.
    """

    wrong: Sequence[tuple[str, str]] = ()
    refusals: Sequence[str] = ()
    warnings: Sequence[str] = ()
    failing: Sequence[str] = ()
    cases: int = 0


def _checked(use: Workflow, written: Written, say: RuleSay) -> Checked:
    if written.table is None:
        columns, _ = _shape(written.document)
        said = []
        for problem in written.problems:
            spot = spot_of(problem, columns)
            text = say.problem(problem.code, problem.message)
            if spot.line is not None and spot.line < len(written.lines):
                row = written.lines[spot.line].id
                place = f" · {say.place(spot.field)}" if spot.field else ""
                text = f"{row}{place}: {text}"
            said.append((problem.pointer.strip("/").replace("/", "-"), text))
        return Checked(said)
    valid_from = written.fields.get("valid_from", "")
    try:
        day = parse_date_api(valid_from)
        scope = read_scope(written.fields.get("scope") or COMPANY)
    except ParseError:
        day, scope = use.scope.today, COMPANY
    return findings(use.check_version().of(written.table, day, scope), written.table, say)


def findings(check: Check, table: Table, say: RuleSay) -> Checked:
    """A check in words."""
    return Checked(
        (),
        say.refusals(table, check.analysis),
        say.warnings(table, check.analysis),
        [failure.case for failure in check.failing_cases],
        len(table.cases),
    )


def _addresses(
    problems: Sequence[Problem], sheet: Sheet, table: Table, say: RuleSay
) -> list[tuple[str, str]]:
    columns = [column.name for column in table.columns]
    return [
        (sheet.address(spot_of(one, columns)), say.problem(one.code, one.message))
        for one in problems
    ]


def diff_rows(before: Table | None, after: Table, say: RuleSay) -> list[DiffRow]:
    """What another version says otherwise, for people."""
    return [
        DiffRow(
            f"{one.row} · {say.place(one.place)}" if one.row else say.place(one.place),
            one.before or None,
            one.after or None,
        )
        for one in changes(before, after)
    ]
