"""Amounts, dates and small texts as statements write them. No floats and nothing guessed."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from kernel.errors import ParseError, ValidationError
from kernel.money import Money

MAX_BYTES: Final = 100_000_000
"""Largest statement file."""

_POINT: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{0,5})?")
_COMMA: Final = re.compile(r"[0-9]{1,15},[0-9]{0,5}")
_NOTHING: Final = frozenset({"NOTPROVIDED", "NONREF", "NOTAVAILABLE", "N/A", "NOREF"})


class StatementReason(StrEnum):
    """Why a whole file is refused."""

    EMPTY = "statement.empty"
    TOO_LARGE = "statement.too_large"
    ENCODING = "statement.encoding"
    NOT_A_STATEMENT = "statement.not_a_statement"
    VERSION = "statement.version"
    SYNTAX = "statement.syntax"
    DTD = "statement.dtd"
    ENTRY_TOO_LARGE = "statement.entry_too_large"
    PROFILE_MISSING = "statement.profile_missing"
    HEADER_MISSING = "statement.header_missing"


class StatementRefusedError(ValidationError):
    """The file cannot be read as a statement; nothing of it may be used. ``line`` is 0 if unknown.

    The message never quotes the file.
    """

    def __init__(self, reason: StatementReason, message: str, *, line: int = 0) -> None:
        super().__init__(reason.value, message)
        self.reason = reason
        self.line = line


def point_amount(text: str, currency: str) -> Money:
    """An amount with a decimal point, as ISO 20022 writes it; not negative.

    Raises: ParseError("AMOUNT" | "CURRENCY").
    """
    if _POINT.fullmatch(text) is None:
        raise ParseError("AMOUNT", "an amount is digits with a decimal point")
    return Money.from_decimal(Decimal(text), currency)


def comma_amount(text: str, currency: str) -> Money:
    """An amount with a decimal comma, as SWIFT writes it: ``1250,`` or ``1250,5``; not negative.

    Raises: ParseError("AMOUNT" | "CURRENCY").
    """
    if _COMMA.fullmatch(text) is None:
        raise ParseError("AMOUNT", "an amount is digits with a decimal comma")
    return Money.from_decimal(Decimal(text.replace(",", ".")), currency)


def short_date(text: str) -> date:
    """A SWIFT date YYMMDD; two digits are a year from 1980 to 2079.

    Raises: ParseError("DATE").
    """
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        raise ParseError("DATE", "a date is written YYMMDD")
    year = int(text[:2])
    return _day((1900 if year >= 80 else 2000) + year, int(text[2:4]), int(text[4:]))


def entry_date(month_day: str, value: date) -> date:
    """The day MMDD that is nearest to the value date: statements leave the year out.

    Raises: ParseError("DATE").
    """
    month, day = int(month_day[:2]), int(month_day[2:])
    found = []
    for year in (value.year - 1, value.year, value.year + 1):
        try:
            found.append(_day(year, month, day))
        except ParseError:
            continue  # 29 February, or no such day at all
    if not found:
        raise ParseError("DATE", "there is no such day")
    return min(found, key=lambda each: abs(each - value))


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise ParseError("DATE", "there is no such day") from None


def reference(text: str | None) -> str:
    """A reference without blanks around it; a placeholder for "none" is empty."""
    found = words(text)
    return "" if found.upper() in _NOTHING else found


def words(text: str | None) -> str:
    """Free text with single blanks."""
    return " ".join((text or "").split())
