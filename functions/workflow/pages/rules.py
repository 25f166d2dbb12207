"""All rules and tables of a company: what decides, for whom and since when (WFL-01)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from toolkit.entrypoints import HttpApp, Reply, Request
from webkit.components import Column
from workflow.bootstrap import Workflow
from workflow.domain.rules.bitemporal import in_force
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.versions import OPEN, TableVersion
from workflow.pages.kit import Kit, use_of
from workflow.pages.words import words_of

SECTION: Final = "workflow.rules"
READ: Final = "workflow:rule:read"


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


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the list of rules."""

    @app.page("GET", "/workflow/rules", permission=READ)
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
            request, "rules/list.html", SECTION, lines=lines, columns=columns, asked=asked
        )


def table_lines(use: Workflow, language: str) -> list[TableLine]:
    """Every table, those of the packs in the order of their rules, then the company's own."""
    scope, shipped = use.scope, use.scope.shipped
    grouped: dict[str, list[int]] = {}
    for rule in shipped.rules.values():
        grouped.setdefault(rule.table, []).append(rule.no)
    own = use.store.tables()
    now = scope.clock.now()
    lines = []
    for key in [*grouped, *sorted(set(own) - set(grouped))]:
        mine = use.store.versions(key) if key in own else []
        known = shipped.plus(mine)
        deciding = [version for version in known.versions[key] if version.decides]
        current = in_force(deciding, Scopes().chain, scope.today, now)
        words = (current or known.versions[key][-1]).document.get("title") or {}
        lines.append(
            TableLine(
                key,
                ", ".join(f"R{number}" for number in grouped.get(key, ())),
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
