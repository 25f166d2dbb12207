"""The cash calendar for calendar programs: behind the API, and behind a secret address (CRD-06)."""

from datetime import datetime

from card_contracts.bootstrap import application
from card_contracts.domain.cash_calendar import CashCalendar, Landing
from card_contracts.pages.ics import CONTENT_TYPE, write_ics
from card_contracts.pages.words import words_of
from kernel.money import Money
from toolkit.entrypoints.http import HttpApp, Reply, Request


def calendar_reply(request: Request, calendar: CashCalendar, now: datetime) -> Reply:
    """The calendar as iCalendar, in the reader's language."""
    words = words_of(request)

    def summary(landing: Landing) -> str:
        net = Money(landing.net, landing.currency)
        return words.text("Card payments: %(net)s net", net=net)

    name = words.text("Card payments expected")
    body = write_ics(calendar, now=now, name=name, summary=summary)
    return Reply(body, 200, {"cache-control": "private, no-store"}, CONTENT_TYPE)


def declare(app: HttpApp) -> None:
    """Add the feed; it has a door of its own without any right to write."""

    @app.page("GET", "/cash-calendar/{token}", permission=None)
    def show_cash_feed(request: Request) -> Reply:
        """Days and amounts, nothing else of the company."""
        use = application().show_feed()
        calendar = use(request.path_values["token"])
        return calendar_reply(request, calendar, application().platform.clock.now())
