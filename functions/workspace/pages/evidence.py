"""The seals of the audit chains, whose roots a company may keep where it trusts."""

from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column
from workspace.pages.kit import Kit, cursor_in, paging, use
from workspace.pages.spine import instant_of
from workspace.pages.words import words_of

_ROWS = 50


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of seals."""

    @app.page("GET", "/evidence", permission="workspace:audit:verify")
    def show_seals(request: Request) -> Reply:
        """Daily seals, newest first."""
        words = words_of(request)
        page = use().list_seals()(request.tenant, limit=_ROWS, after=cursor_in(request))
        columns = (
            Column("day", words.text("Day")),
            Column("chains", words.text("Histories"), numeric=True),
            Column("sealed", words.text("Sealed")),
            Column("root", words.text("Root")),
        )
        values = {
            "columns": columns,
            "seals": page.items,
            "at": instant_of,
            "paging": paging(request, len(page.items), page.next),
        }
        return kit.draw(request, "evidence/list.html", "evidence", values)
