"""What a month cost: the card of a company, and all companies for the operator."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kernel.errors import ParseError
from kernel.periods import Period
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Chip, Column
from webkit.i18n import Language
from webkit.urls import link
from workspace.application.cost_cards import ZONE
from workspace.domain.cost_card import FINEST, CardFigures
from workspace.domain.seal import SEALED_AT
from workspace.pages.cost_words import cost_file, line_name, spoken, standing_name
from workspace.pages.kit import Kit, cursor_in, paging, use
from workspace.pages.spine import instant_of
from workspace.pages.words import actor_of, words_of

_OWN: Final = "/costs"
_ALL: Final = "/operator/costs"
_ROWS: Final = 25
_MONTHS: Final = 6


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the pages."""

    @app.page("GET", _OWN, permission="workspace:cost:read")
    def show_costs(request: Request) -> Reply:
        """The card of a month, this one first."""
        words = words_of(request)
        month = _month(request)
        card = use().read_cost_card()(request.tenant, month)
        file_format = request.query.get("format")
        if file_format in ("csv", "xlsx") and card.state is CardFigures.COUNTED:
            return cost_file(use().table_writer, card, words, file_format)
        lines = [line for line in card.lines if line.number]
        values = {
            "card": card,
            "lines": lines,
            "finest": FINEST,
            "name": {line.code: line_name(words, line.code) for line in lines},
            "why": {line.code: spoken(words, line.why) for line in lines},
            "columns": (
                Column("what", words.text("What")),
                Column("number", words.text("Number"), numeric=True),
                Column("usd", words.text("USD"), numeric=True),
                Column("thousand", words.text("USD for a thousand"), numeric=True),
            ),
            **_about(words, _OWN, month),
        }
        return kit.draw(request, "costs/card.html", "costs", values)

    @app.page("GET", _ALL, permission="operator:cost:read")
    def list_costs(request: Request) -> Reply:
        """Totals of all companies, and what the installation costs beside them."""
        words = words_of(request)
        month = _month(request)
        at = str(month)
        page = use().list_cost_cards()(
            actor_of(request), month, limit=_ROWS, after=cursor_in(request, month=at)
        )
        prices = use().price_list
        values = {
            "companies": page.items,
            "prices": prices,
            "standing": [(each, standing_name(words, each.code)) for each in prices.standing],
            "columns": (
                Column("company", words.text("Company")),
                Column("until", words.text("Counted until")),
                Column("usd", words.text("USD"), numeric=True),
            ),
            "standing_columns": (
                Column("what", words.text("What")),
                Column("number", words.text("Number"), numeric=True),
                Column("usd", words.text("USD a month"), numeric=True),
            ),
            "paging": paging(request, len(page.items), page.next, month=at),
            **_about(words, _ALL, month),
        }
        return kit.draw(request, "operator/costs.html", "operator.costs", values)


def _month(request: Request) -> Period:
    """The month of the address; the running one where there is none or no month at all."""
    try:
        return Period.parse(request.query.get("month", ""))
    except ParseError:
        return _this_month()


def _this_month() -> Period:
    return Period.of(use().platform.clock.today(ZONE))


def _about(words: Language, path: str, month: Period) -> dict[str, Any]:
    """What both pages say about the month, and the way to others."""
    now = use().platform.clock.now()
    running = _this_month()
    months = sorted({month, *(running.shift(-back) for back in range(_MONTHS))}, reverse=True)
    return {
        "month": month,
        "running": running,
        "counted": CardFigures.COUNTED,
        "no_base": CardFigures.NO_BASE,
        "chips": [
            Chip(words.formats.month(each), link(path, month=str(each)), active=each == month)
            for each in months
        ],
        "next_seal": _next_seal(now),
        "at": instant_of,
    }


def _next_seal(now: datetime) -> datetime:
    """When the schedule fires next."""
    today = datetime.combine(now.astimezone(UTC).date(), SEALED_AT, tzinfo=UTC)
    return today if now < today else today + timedelta(days=1)
