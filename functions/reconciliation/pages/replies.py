"""Answers as they come in: who agreed, who did not, what their figures tell (REC-05)."""

from collections.abc import Sequence
from typing import Final

from kernel.errors import ParseError
from kernel.periods import Period
from kernel.storing import Position
from reconciliation.domain.answer import Answer
from reconciliation.pages.difference_words import RoomWords
from reconciliation.pages.kit import Kit, paging_of, position_in, use_of
from reconciliation.pages.words import words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column

SECTION: Final = "reconciliation.replies"
_READ: Final = "reconciliation:reply:read"
_PATH: Final = "/reconciliation/replies"
_ROWS: Final = 50


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages of answers."""

    def draw(
        request: Request, period: Period, found: Sequence[Answer], following: Position | None
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        letters = use.store.letters([one.letter_id for one in found])
        findings = {
            one.id: one.judged(letters[one.letter_id].edition)
            for one in found
            if one.letter_id in letters
        }
        columns = (
            Column("who", words.text("Counterparty")),
            Column("said", words.text("Answer")),
            Column("at", words.text("When")),
            Column("count", words.text("Their documents"), numeric=True),
            Column("total", words.text("Their amount"), numeric=True),
            Column("finding", words.text("What their figures tell")),
            Column("note", words.text("Note")),
        )
        return kit.draw(
            request,
            "replies/list.html",
            SECTION,
            period=period,
            answers=found,
            letters=letters,
            findings=findings,
            cards=use.store.counterparties([one.counterparty_id for one in found]),
            room=RoomWords(words),
            columns=columns,
            paging=paging_of(request, len(found), following, period=str(period)),
        )

    @app.page("GET", f"{_PATH}/{{id}}", permission=_READ)
    def show_reply(request: Request) -> Reply:
        """One answer; the way to it leads from its history."""
        answer = use_of(request).store.answer(request.id())
        return draw(request, answer.period, [answer], None)

    @app.page("GET", _PATH, permission=_READ)
    def show_replies(request: Request) -> Reply:
        """Answers about a month, newest first; the table looks for new ones by itself."""
        use = use_of(request)
        try:
            period = Period.parse(request.query.get("period", ""))
        except ParseError:
            period = Period.of(use.scope.today()).prev()
        after = position_in(request, period=str(period))
        found, following = use.store.answer_page(period, limit=_ROWS, after=after)
        return draw(request, period, found, following)
