"""The cash calendar as an iCalendar feed (RFC 5545): one all-day event per day and currency."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from card_contracts.domain.cash_calendar import CashCalendar, Landing

CONTENT_TYPE: Final = "text/calendar; charset=utf-8"
_WIDTH: Final = 75
_ONE_DAY: Final = timedelta(days=1)


def write_ics(
    calendar: CashCalendar, *, now: datetime, name: str, summary: Callable[[Landing], str]
) -> str:
    """The feed as text.

    Shapes: ``summary`` is what a day says, without line breaks of its own; the identity of an event
    is its day and currency, so that a calendar program replaces it when the amount changes.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Kopru//Card contracts//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",
    ]
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    for day, landing in calendar.days:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_compact(day)}-{landing.currency.lower()}@kopru.card-contracts",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{_compact(day)}",
            f"DTEND;VALUE=DATE:{_compact(day + _ONE_DAY)}",
            f"SUMMARY:{_escaped(summary(landing))}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _compact(day: date) -> str:
    return day.strftime("%Y%m%d")


def _escaped(text: str) -> str:
    """Source: RFC 5545, section 3.3.11."""
    for char in "\\;,":
        text = text.replace(char, f"\\{char}")
    return text.replace("\r", "").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Lines of at most 75 octets; a character is never cut (RFC 5545, section 3.1)."""
    piece = ""
    for char in line:
        if len((piece + char).encode()) > _WIDTH:
            yield piece
            piece = " "
        piece += char
    yield piece
