"""Rules of a company: the list, and one table with its versions and its words (WFL-01)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import NotFoundError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from toolkit.http.files import file_reply
from webkit.components import Column
from webkit.i18n import mark
from webkit.urls import link
from workflow.bootstrap import Workflow
from workflow.domain.rules.bitemporal import in_force
from workflow.domain.rules.catalogue import Rule
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.sheet import EXTRAS, Line, lines_of
from workflow.domain.rules.table import Table
from workflow.domain.rules.versions import OPEN, TableVersion
from workflow.pages.kit import Kit, use_of
from workflow.pages.rule_words import RuleSay
from workflow.pages.words import words_of
from workflow.schemas import read_key

SECTION: Final = "workflow.rules"
HERE: Final = "/workflow/rules"
READ: Final = "workflow:rule:read"
WRITE: Final = "workflow:rule:write"
ROWS: Final = 50
"""Rows of a table that one page shows."""
DONE: Final[Mapping[str, str]] = {
    "drafted": mark("The draft is kept. It decides nothing before somebody else publishes it."),
    "submitted": mark("The draft is handed over. Somebody else may publish it now."),
    "published": mark("The version is in force from its first day on."),
    "retired": mark("The version is out of force; what it decided stays decided."),
    "withdrawn": mark("The draft is put aside."),
}


@dataclass(frozen=True, slots=True)
class TableLine:
    """One table in the list: its rules by number, what is in force today, what is being written.

    Shapes: ``numbers`` is empty for a table that a company made itself.
    """

    key: str
    numbers: str
    title: str
    in_force: TableVersion | None
    open_drafts: int


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One row of a table as it is shown; ``notes`` are (label, text) of what else it says."""

    line: Line
    reason: str
    notes: tuple[tuple[str, str], ...]


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the list of rules and the page of one table."""

    @app.page("GET", HERE, permission=READ)
    def show_rules(request: Request) -> Reply:
        """Rules of the packs and tables of the company."""
        words, asked = words_of(request), request.query.get("q", "").strip()
        lines = [
            line
            for line in table_lines(use_of(request), words.code)
            if asked.casefold() in f"{line.key} {line.numbers} {line.title}".casefold()
        ]
        columns = (
            Column("rule", words.text("Rule")),
            Column("numbers", words.text("No.")),
            Column("valid", words.text("In force since")),
            Column("scope", words.text("For whom")),
            Column("drafts", words.text("Drafts")),
        )
        return kit.draw(
            request,
            "rules/list.html",
            SECTION,
            say=RuleSay(words),
            lines=lines,
            columns=columns,
            may_write=request.principal.may(WRITE),
        )

    @app.page("GET", f"{HERE}/{{key}}", permission=READ)
    def show_table(request: Request) -> Reply:
        """One table: its rules in the source's words, the rows in force, all versions."""
        use, words = use_of(request), words_of(request)
        scope, key = use.scope, key_of(request)
        versions = sorted(
            versions_of(use, key), key=lambda one: (one.valid_from, one.recorded_at), reverse=True
        )
        deciding = [version for version in versions if version.decides]
        chain = Scopes().chain
        current = in_force(deciding, chain, scope.today, scope.clock.now())
        say = RuleSay(words, request.tenant.actor)
        rules = [rule for rule in scope.shipped.rules.values() if rule.table == key]
        return kit.draw(
            request,
            "rules/table.html",
            SECTION,
            done=DONE,
            say=say,
            key=key,
            title=title_of(versions[0].document.get("title") or {}, words.code) or key,
            rules=[(rule, title_of(rule.title, words.code)) for rule in rules],
            current=current,
            drawn=grid(current.table, say, request) if current else None,
            versions=versions,
            columns=(
                Column("valid", words.text("Valid")),
                Column("scope", words.text("For whom")),
                Column("state", words.text("State")),
                Column("author", words.text("Written by")),
                Column("publisher", words.text("Published by")),
                Column("note", words.text("Note")),
            ),
            may_write=request.principal.may(WRITE),
            may_decide=request.principal.may("workflow:decision:read"),
        )

    @app.page("GET", f"{HERE}/{{key}}/sheet", permission=READ)
    def download_sheet(request: Request) -> Reply:
        """The rows of a version (``?version=``, or the newest in force) as a workbook."""
        use, key = use_of(request), key_of(request)
        version = chosen(use, key, request.query.get("version", ""))
        file = use.sheets.write(f"{key}-{version.valid_from.isoformat()}", version.table)
        return file_reply(file)


def key_of(request: Request) -> str:
    """The table that the path names, also by the key of one of its rules."""
    try:
        key = read_key(request.path_values["key"])
    except Exception:
        raise NotFoundError("rule_unknown", "There is no such rule.") from None
    return use_of(request).scope.shipped.table_of(key)


def versions_of(use: Workflow, key: str) -> tuple[TableVersion, ...]:
    """Every version of a table. Raises: NotFoundError for a table that nobody has."""
    found = use.scope.catalogue(key).versions.get(key, ())
    if not found:
        raise NotFoundError("rule_unknown", "There is no such rule.")
    return found


def chosen(use: Workflow, key: str, version_id: str) -> TableVersion:
    """A version by its id; without one the version in force, else the newest there is."""
    if version_id:
        return use.scope.version(key, version_id)
    found = versions_of(use, key)
    deciding = [version for version in found if version.decides]
    now = use.scope.clock.now()
    current = in_force(deciding, Scopes().chain, use.scope.today, now)
    return current or max(found, key=lambda one: (one.valid_from, one.recorded_at))


def table_lines(use: Workflow, language: str) -> list[TableLine]:
    """Every table, those of the packs in the order of their rules, then the company's own."""
    scope, shipped = use.scope, use.scope.shipped
    grouped: dict[str, list[Rule]] = {}
    for rule in shipped.rules.values():
        grouped.setdefault(rule.table, []).append(rule)
    own = use.store.tables()
    now = scope.clock.now()
    lines = []
    for key in [*grouped, *sorted(set(own) - set(grouped))]:
        mine = use.store.versions(key) if key in own else []
        known = (*shipped.versions.get(key, ()), *mine)
        deciding = [version for version in known if version.decides]
        current = in_force(deciding, Scopes().chain, scope.today, now)
        words = (current or known[-1]).document.get("title") or {}
        lines.append(
            TableLine(
                key,
                ", ".join(f"R{rule.no}" for rule in grouped.get(key, ())),
                title_of(words, language) or key,
                current,
                sum(version.status in OPEN for version in mine),
            )
        )
    return lines


def title_of(words: Mapping[str, str], language: str) -> str:
    """A table's own words in the reader's language, or in any."""
    for other in (language, "en", "tr", "el"):
        if words.get(other):
            return words[other]
    return ""


def grid(table: Table, say: RuleSay, request: Request) -> dict[str, Any]:
    """A table to read: headings, a page of rows (``?rows=``), what counts when several hold."""
    notes = [name for name in EXTRAS if not name.startswith("reason_")]
    rows = []
    lines = lines_of(table)
    asked = request.query.get("rows", "1")
    count = max(1, -(-len(lines) // ROWS))
    at = min(max(int(asked), 1), count) if asked.isdecimal() and len(asked) < 6 else 1
    for line in lines[(at - 1) * ROWS : at * ROWS]:
        reasons = {name.removeprefix("reason_"): text for name, text in line.extras.items()}
        said = tuple((say.place(name), line.extras[name]) for name in notes if line.extras[name])
        rows.append(DrawnRow(line, title_of(reasons, say.words.code), said))
    return {
        "columns": [say.name(column.name) for column in table.columns],
        "outputs": [say.name(name) for name in table.outputs],
        "rows": rows,
        "total": len(lines),
        "first": (at - 1) * ROWS + 1,
        "pages": [
            (number, link(request.path, rows=str(number)), number == at)
            for number in range(1, count + 1)
        ],
        "policy": say.policy(table.hit_policy),
        "default": say.facts(table.to_dict()["default"]) if table.default is not None else "",
    }
