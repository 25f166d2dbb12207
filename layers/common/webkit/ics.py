"""All-day events as an iCalendar feed (RFC 5545), for calendar programs to subscribe to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

CONTENT_TYPE: Final = "text/calendar; charset=utf-8"
_WIDTH: Final = 75
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayEvent:
    """One all-day event.

    Shapes: ``uid`` stays the same while the event is the same, so that a calendar program replaces
    it when its words change; ``summary`` is one line.
    """

    uid: str
    day: date
    summary: str


def write_calendar(events: Iterable[DayEvent], *, now: datetime, name: str, product: str) -> str:
    """The feed as text; ``product`` names its maker inside of ours."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//Kopru//{product}//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",
    ]
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{event.uid}",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{compact(event.day)}",
            f"DTEND;VALUE=DATE:{compact(event.day + _ONE_DAY)}",
            f"SUMMARY:{_escaped(event.summary)}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def compact(day: date) -> str:
    """A day as the format writes it."""
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
