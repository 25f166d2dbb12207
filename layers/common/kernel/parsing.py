"""Reading single values that people type, files hold and callers send.

Every reader takes what came in (``object``, because JSON may hold anything), returns one
canonical value and otherwise raises ``ParseError`` with a reason code. Nothing is guessed: what can
be read in two ways is refused with a question. Only ASCII digits count as digits.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kernel.errors import ParseError
from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate

__all__ = [
    "ParseError",
    "format_instant",
    "parse_amount_api",
    "parse_amount_tr",
    "parse_date_api",
    "parse_date_tr",
    "parse_instant",
    "parse_local_time",
    "parse_period",
    "parse_rate_api",
    "parse_rate_tr",
    "text_of",
]

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100

_WHOLE: Final = re.compile(r"(0|[1-9][0-9]*)(?:[.,]([0-9]{2}))?")
_GROUPED: Final = re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,([0-9]{2}))?")
_ONE_GROUP: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_MAX_INTEGER_DIGITS: Final = 13
_DATE_API: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DATE_TR: Final = re.compile(r"([0-9]{2})([./])([0-9]{2})\2([0-9]{4})")
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_LOCAL_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?"
)


def text_of(value: object) -> str:
    """The value as text, refusing numbers, booleans, null, lists and objects.

    Raises: ParseError("TYPE").
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the value must be text")
    return value


def parse_amount_api(value: object) -> Money:
    """Money as the JSON API writes it; positive.

    Shapes: ``{"amount": "1250.00", "currency": "TRY"}`` and nothing else.
    Raises: ParseError, see ``Money.from_api``.
    """
    return Money.from_api(value)


def parse_amount_tr(value: object, currency: str = "TRY") -> Money:
    """A non-negative amount typed on a page or read from a text cell, Turkish style.

    Accepted: ``1.042,00`` ``1042,00`` ``1042.00`` ``968`` ``1.234.567``. Blanks (U+0020) around it
    are dropped. One group without decimals is ambiguous: 1.042 may be 1042 or 1,042.
    Raises: ParseError("TYPE" | "AMOUNT" | "AMBIGUOUS" | "TOO_LARGE").
    """
    text = text_of(value).strip(" ")
    if _ONE_GROUP.fullmatch(text):
        thousands = text.replace(",", ".")
        raise ParseError(
            "AMBIGUOUS",
            "write the amount with two decimals, it can be read in two ways",
            suggestion=f"{thousands},00",
        )
    match = _WHOLE.fullmatch(text) or _GROUPED.fullmatch(text)
    if match is None:
        raise ParseError("AMOUNT", "the amount is written like 1.042,00")
    integer = match[1].replace(".", "")
    if len(integer) > _MAX_INTEGER_DIGITS:
        raise ParseError("TOO_LARGE", "the amount has more than 13 digits before the comma")
    return Money(int(integer) * 100 + int(match[2] or 0), currency)


def parse_rate_api(value: object) -> Rate:
    """A percentage as the JSON API writes it: text such as ``"3.00"``, at most 100.

    Raises: ParseError("TYPE" | "RATE").
    """
    return Rate.from_api(value)


def parse_rate_tr(value: object) -> Rate:
    """A percentage typed on a page: like the API form, with a comma.

    Raises: ParseError("TYPE" | "RATE").
    """
    text = text_of(value)
    if "." in text:
        raise ParseError("RATE", "write the decimals after a comma", text.replace(".", ","))
    return Rate.from_api(text.replace(",", "."))


def parse_date_api(value: object) -> date:
    """A date of the JSON API, ``YYYY-MM-DD``, a real day from 1900 to 2100.

    Raises: ParseError("TYPE" | "DATE").
    """
    match = _DATE_API.fullmatch(text_of(value))
    if match is None:
        raise ParseError("DATE", "the date is written YYYY-MM-DD")
    return _day(int(match[1]), int(match[2]), int(match[3]))


def parse_date_tr(value: object) -> date:
    """A date typed or read from a text cell: ``dd.mm.yyyy`` or ``dd/mm/yyyy``, day first.

    Raises: ParseError("TYPE" | "DATE").
    """
    match = _DATE_TR.fullmatch(text_of(value))
    if match is None:
        raise ParseError("DATE", "the date is written dd.mm.yyyy")
    return _day(int(match[4]), int(match[3]), int(match[1]))


def parse_instant(value: object) -> datetime:
    """An instant of the JSON API: RFC 3339 with offset and seconds, as UTC.

    Units: digits after the sixth of a fraction are cut.
    Raises: ParseError("TYPE" | "INSTANT" | "DATE").
    Source: RFC 3339, section 5.6, upper-case ``T`` and ``Z`` only.
    """
    match = _INSTANT.fullmatch(text_of(value))
    if match is None:
        raise ParseError("INSTANT", "the instant is written like 2026-01-31T22:30:00Z")
    day = parse_date_api(match[1])
    hours, minutes = int(match[7] or 0), int(match[8] or 0)
    if hours > 23 or minutes > 59:
        raise ParseError("INSTANT", "there is no such offset")
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if match[6] == "-" else 1)
    try:
        local = datetime(
            day.year,
            day.month,
            day.day,
            int(match[2]),
            int(match[3]),
            int(match[4]),
            int((match[5] or "")[:6].ljust(6, "0")),
            tzinfo=timezone(offset),
        )
    except ValueError:
        raise ParseError("INSTANT", "there is no such time of day") from None
    instant = local.astimezone(UTC)
    _check_year(instant.year)
    return instant


def format_instant(instant: datetime) -> str:
    """An instant as the API writes it: RFC 3339 in UTC, ``2026-01-31T22:30:00Z``."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def parse_local_time(value: object, zone: object) -> datetime:
    """A wall time (``YYYY-MM-DDTHH:MM``) in an IANA zone, as the UTC instant it means.

    Raises: ParseError("TYPE" | "LOCAL_TIME" | "DATE" | "ZONE"), ("NONEXISTENT_TIME") when the
    clocks jump over it, ("AMBIGUOUS_TIME") when they pass it twice.
    """
    match = _LOCAL_TIME.fullmatch(text_of(value))
    if match is None:
        raise ParseError("LOCAL_TIME", "the time is written like 2026-03-30T09:00")
    day = parse_date_api(match[1])
    try:
        tz = ZoneInfo(text_of(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParseError("ZONE", "there is no such time zone") from None
    try:
        wall = datetime(
            day.year,
            day.month,
            day.day,
            int(match[2]),
            int(match[3]),
            int(match[4] or 0),
            tzinfo=tz,
        )
    except ValueError:
        raise ParseError("LOCAL_TIME", "there is no such time of day") from None
    if wall.utcoffset() != wall.replace(fold=1).utcoffset():
        if wall.astimezone(UTC).astimezone(tz).replace(tzinfo=None) != wall.replace(tzinfo=None):
            raise ParseError("NONEXISTENT_TIME", "the clocks jump over this time on that day")
        raise ParseError("AMBIGUOUS_TIME", "this time comes twice on that day")
    return wall.astimezone(UTC)


def parse_period(value: object) -> Period:
    """A month, ``YYYY-MM`` from 1900 to 2099.

    Raises: ParseError("TYPE" | "PERIOD").
    """
    return Period.parse(value)


def _day(year: int, month: int, day: int) -> date:
    _check_year(year)
    try:
        return date(year, month, day)
    except ValueError:
        raise ParseError("DATE", "there is no such day") from None


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ParseError("DATE", "the year must be between 1900 and 2100")
