"""Pages of account cards: who the company reconciles with, and where letters go (REC-01)."""

from typing import Final

from reconciliation.application.counterparties import Search
from reconciliation.pages.kit import Kit, paging_of, position_in, use_of
from reconciliation.pages.words import words_of
from toolkit.entrypoints import HttpApp, Reply, Request
from webkit.components import Column

SECTION: Final = "reconciliation.counterparties"
_READ: Final = "reconciliation:counterparty:read"
_ROWS: Final = 50
_REACHABLE: Final = {"yes": True, "no": False}


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of account cards."""

    @app.page("GET", "/reconciliation/counterparties", permission=_READ)
    def show_counterparties(request: Request) -> Reply:
        """All account cards, oldest first, by any fragment of code or title."""
        use, words = use_of(request), words_of(request)
        text = request.query.get("q", "")[:100]
        reachable = request.query.get("reachable", "")
        after = position_in(request, q=text, reachable=reachable)
        found, following = use.list_counterparties()(
            Search(text, reachable=_REACHABLE.get(reachable)), limit=_ROWS, after=after
        )
        columns = (
            Column("title", words.text("Title")),
            Column("code", words.text("Code")),
            Column("number", words.text("Tax or identity number")),
            Column("emails", words.text("Addresses for letters")),
        )
        return kit.draw(
            request,
            "counterparties/list.html",
            SECTION,
            counterparties=found,
            columns=columns,
            paging=paging_of(request, len(found), following, q=text, reachable=reachable),
        )
