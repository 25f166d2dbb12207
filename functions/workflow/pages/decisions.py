"""Decisions that were made: the list of a rule, and one of them explained (WFL-02)."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column, Option
from webkit.i18n import mark
from workflow.domain.rules.record import DecisionRecord, explain
from workflow.pages.kit import Kit, paging_of, position_in, use_of
from workflow.pages.rule_words import RuleSay
from workflow.pages.rules import table_lines, title_of
from workflow.pages.words import words_of
from workflow.schemas import read_key

SECTION: Final = "workflow.decisions"
HERE: Final = "/workflow/decisions"
_SEE: Final = "workflow:decision:read"
_ROWS: Final = 50
_DONE: Final[Mapping[str, str]] = {
    "decided": mark("Decided and kept."),
}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of decisions."""

    @app.page("GET", HERE, permission=_SEE)
    def show_decisions(request: Request) -> Reply:
        """Decisions of one rule, newest first."""
        use, words = use_of(request), words_of(request)
        say, rule = RuleSay(words, request.tenant.actor), request.query.get("rule", "")
        found: list[DecisionRecord] = []
        paging = None
        if rule:
            table = use.scope.shipped.table_of(read_key(rule))
            after = position_in(request, rule=rule)
            found, following = use.store.decisions(table, limit=_ROWS, after=after)
            paging = paging_of(request, len(found), following, rule=rule)
        return kit.draw(
            request,
            "decisions/list.html",
            SECTION,
            say=say,
            rule=rule,
            rules=[
                Option(line.key, f"{line.numbers} {line.title}".strip())
                for line in table_lines(use, words.code)
            ],
            rows=[
                {
                    "id": one.id,
                    "record": one,
                    "status": say.outcome(one.outcome),
                    "result": say.result(one.result),
                }
                for one in found
            ],
            columns=(
                Column("at", words.text("Decided")),
                Column("valid", words.text("For the day")),
                Column("state", words.text("How")),
                Column("result", words.text("Result")),
                Column("who", words.text("Asked by")),
            ),
            paging=paging,
        )

    def draw(request: Request, again: str = "", error: KopruError | None = None) -> Reply:
        use, words = use_of(request), words_of(request)
        say = RuleSay(words, request.tenant.actor)
        record = use.store.decision(request.id())
        version = use.scope.version(record.table, record.version_id)
        title = title_of(version.document.get("title") or {}, words.code) or record.table
        whys = explain(
            version.table,
            rule=title,
            valid_on=record.valid_on,
            outcome=record.outcome,
            rows=record.rows,
            hits=record.hits,
            parameters=record.parameters,
        )
        return kit.draw(
            request,
            "decisions/decision.html",
            SECTION,
            done=_DONE,
            error=error,
            say=say,
            record=record,
            version=version,
            title=title,
            outcome=say.outcome(record.outcome),
            result=_pairs(record.result or {}, say),
            facts=_pairs(record.facts, say),
            derived=_pairs(record.derived, say),
            reasons=[say.why(one) for one in whys],
            again=again,
        )

    @app.page("GET", f"{HERE}/{{id}}", permission=_SEE)
    def show_decision_page(request: Request) -> Reply:
        """One decision with the fate of every row."""
        return draw(request)

    @app.page("POST", f"{HERE}/{{id}}/replay", permission=_SEE)
    def replay_page(request: Request) -> Reply:
        """Make the decision again with what was known then, and say whether it is the same."""
        try:
            made = use_of(request).replay_decision()(request.id())
        except NotFoundError:
            raise
        except KopruError as error:
            return draw(request, error=error)
        return draw(request, "same" if made.same else "other")


def _pairs(values: Mapping[str, Any], say: RuleSay) -> list[tuple[str, str]]:
    return [(say.name(name), say.value(value)) for name, value in values.items()]
