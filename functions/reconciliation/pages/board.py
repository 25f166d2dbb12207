"""The info board: letters of a month by where they stand, live (REC-05, REC-07)."""

from typing import Final

from kernel.errors import ParseError
from kernel.money import Money
from kernel.periods import Period
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import LetterState
from reconciliation.domain.parameters import HOME
from reconciliation.pages.kit import Kit, use_of
from reconciliation.pages.words import LETTER, Say, words_of
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip
from webkit.urls import link

SECTION: Final = "reconciliation.board"
_READ: Final = "reconciliation:letter:read"
_HERE: Final = "/reconciliation"
_MONTHS: Final = 12


def month_in(request: Request) -> Period:
    """The month that the address names; the last one if it names none that can be read."""
    last = Period.of(use_of(request).scope.today()).prev()
    try:
        return Period.parse(request.query.get("period", "") or str(last))
    except ParseError:
        return last


def month_chips(request: Request, path: str, chosen: Period, **query: str) -> list[Chip]:
    """The last twelve months as links."""
    words = words_of(request)
    last = Period.of(use_of(request).scope.today()).prev()
    months = [last.shift(-back) for back in range(_MONTHS)]
    if chosen not in months:
        months.append(chosen)
    return [
        Chip(
            words.formats.month(month),
            link(path, period=str(month), **query),
            active=month == chosen,
        )
        for month in months
    ]


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the board."""

    def draw(request: Request, template: str) -> Reply:
        use = use_of(request)
        month, say = month_in(request), Say(words_of(request))
        board = use.store.letter_board(month)
        tiles = []
        for form in Form:
            group = [
                (
                    say.letter(state),
                    board.get((form, state), (0, 0))[0],
                    Money(board.get((form, state), (0, 0))[1], HOME),
                    link(
                        "/reconciliation/letters",
                        period=str(month),
                        form=form.value,
                        status=state.value,
                    ),
                )
                for state in LETTER
                if board.get((form, state), (0, 0))[0]
            ]
            tiles.append((say.form(form), group))
        numbers = {
            state: sum(board.get((f, state), (0, 0))[0] for f in Form) for state in LetterState
        }
        return kit.draw(
            request,
            template,
            SECTION,
            month=month,
            chips=month_chips(request, _HERE, month),
            tiles=tiles,
            letters=sum(numbers.values()),
            answered=numbers[LetterState.AGREED] + numbers[LetterState.DISAGREED],
            settings=use.store.mailing_settings(),
            poll_url=link("/reconciliation/board", period=str(month)),
            may_send=request.principal.may("reconciliation:letter:send"),
        )

    @app.page("GET", _HERE, permission=_READ)
    def show_board(request: Request) -> Reply:
        """Tiles by state for one month; each leads to its letters."""
        return draw(request, "board/board.html")

    @app.page("GET", "/reconciliation/board", permission=_READ)
    def show_board_part(request: Request) -> Reply:
        """The part of the board that asks again by itself."""
        return draw(request, "board/tiles.html")
