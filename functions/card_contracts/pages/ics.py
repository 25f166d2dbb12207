"""The cash calendar as an iCalendar feed: one all-day event per day and currency."""

from collections.abc import Callable
from datetime import datetime

from card_contracts.domain.cash_calendar import CashCalendar, Landing
from webkit.ics import CONTENT_TYPE, DayEvent, compact, write_calendar

__all__ = ["CONTENT_TYPE", "write_ics"]


def write_ics(
    calendar: CashCalendar, *, now: datetime, name: str, summary: Callable[[Landing], str]
) -> str:
    """The feed as text.

    Shapes: ``summary`` is what a day says, without line breaks of its own; the identity of an event
    is its day and currency, so that a calendar program replaces it when the amount changes.
    """
    events = (
        DayEvent(
            f"{compact(day)}-{landing.currency.lower()}@kopru.card-contracts",
            day,
            summary(landing),
        )
        for day, landing in calendar.days
    )
    return write_calendar(events, now=now, name=name, product="Card contracts")
