"""Writing a version: a form that is checked while one types, and a workbook (WFL-01).

The form is the table as texts (``rule_form``); every problem comes back at the control it belongs
to. Nothing here is stored before somebody saves it as a draft.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import DiffRow, Option
from workflow.bootstrap import Workflow, application
from workflow.domain.rules.gate import Check
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.scope import COMPANY, read_scope
from workflow.domain.rules.sheet import EXTRAS, changes, spot_of
from workflow.domain.rules.table import Table
from workflow.domain.rules.versions import TableVersion
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.rule_form import Written, of_form, of_table
from workflow.pages.rule_words import POLICY, RuleSay
from workflow.pages.rules import HERE, SECTION, WRITE, chosen, key_of, title_of
from workflow.pages.words import words_of
from workflow.ports import Sheet
from workflow.schemas import read_key

_NEW: Final[Mapping[str, Any]] = {
    "facts": [{"name": "amount", "type": "money", "domain": ["0.00", None]}],
    "outputs": [{"name": "result", "type": "enum", "values": ["YES", "NO"]}],
    "rows": [
        {"id": "small", "cells": ["<1000.00"], "outputs": {"result": "YES"}},
        {"id": "large", "cells": [">=1000.00"], "outputs": {"result": "NO"}},
    ],
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the editor, its live check, and the round trip by workbook."""

    def editor(
        request: Request,
        key: str,
        base: TableVersion | None,
        written: Written,
        error: KopruError | None = None,
    ) -> Reply:
        say = written.parts.say
        title = title_of(written.document.get("title") or {}, say.words.code)
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
            extras=EXTRAS,
            policies=[Option(one.value, say.words.text(text)) for one, text in POLICY.items()],
            checked=_checked(use_of(request), written, say),
        )

    def reader(request: Request) -> RuleSay:
        return RuleSay(words_of(request), request.tenant.actor)

    @app.page("GET", f"{HERE}/new-table", permission=WRITE)
    def new_table(request: Request) -> Reply:
        """An example to start from; the key is chosen with it."""
        today = use_of(request).scope.today.isoformat()
        fields = {"valid_from": today, "scope": COMPANY, "hit_policy": "UNIQUE", "complete": "1"}
        return editor(request, "", None, of_table(read_table(_NEW), fields, reader(request)))

    @app.page("GET", f"{HERE}/{{key}}/edit", permission=WRITE)
    def edit_table(request: Request) -> Reply:
        """A version (``?version=``, or the one in force) as the beginning of a new one."""
        use, key = use_of(request), key_of(request)
        base = chosen(use, key, request.query.get("version", ""))
        return editor(request, key, base, _of_version(base, use, reader(request)))

    @app.page("POST", f"{HERE}/check", permission=WRITE)
    def check_form(request: Request) -> Reply:
        """What is wrong with a form that is being typed; nothing is stored."""
        use, say = use_of(request), reader(request)
        checked = _checked(use, _of_form(use, request.form(), say).read(), say)
        return kit.draw(request, "rules/checked.html", SECTION, say=say, checked=checked)

    @app.page("POST", f"{HERE}/save", permission=WRITE)
    def save_draft(request: Request) -> Reply:
        """Keep the form as a draft, or change what it has: rows, declarations, cases."""
        use, form = use_of(request), request.form()
        written = _of_form(use, form, reader(request))
        base_key, command = form.get("key", ""), form.get("command", "")
        base = _base(use, form)
        if command:  # "look" only checks, for a browser without JavaScript
            written.obey(command, request.form_list("remove"))
            return editor(request, base_key, base, written.read(jump=command == "look"))
        try:
            written.read()
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
            posted = request.form() if request.method == "POST" else {}
            written = _of_sheet(base, sheet, posted, say)
            shown["wrong"] = _addresses(written.found, sheet, base.table, say)
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
            written = _of_sheet(base, sheet, request.form(), reader(request))
            made = use.draft_version()(written.draft(key))
        except NotFoundError:
            raise
        except KopruError as error:
            return uploaded(request, error)
        return go(f"{HERE}/{key}/versions/{made.id}", done="drafted")


# ---------------------------------------------------------------------------- forms


def _of_version(version: TableVersion, use: Workflow, say: RuleSay) -> Written:
    fields = {
        "valid_from": use.scope.today.isoformat(),
        "valid_to": "",
        "scope": COMPANY if version.is_shipped else version.scope,
        "note": "",
    }
    return of_table(version.table, fields, say)


def _of_form(use: Workflow, form: Mapping[str, str], say: RuleSay) -> Written:
    """A posted form: what it leaves out comes from the version it began with."""
    base = _base(use, form)
    return of_form(form, base.table if base is not None else read_table(_NEW), say)


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


def _of_sheet(base: TableVersion, sheet: Sheet, fields: Mapping[str, str], say: RuleSay) -> Written:
    written = of_table(base.table, fields, say)
    written.lines = list(sheet.lines)
    return written.read()


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
        said = []
        for problem in written.problems:
            text = say.problem(problem.code, problem.message)
            where = written.spoken(problem)
            control = problem.pointer.strip("/").replace("/", "-")
            said.append((control, f"{where}: {text}" if where else text))
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
