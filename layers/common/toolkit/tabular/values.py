"""Values of exported cells: texts are text, numbers and dates are typed and shown per format.

The writers share this one list of types, so that a column looks the same in CSV and XLSX and a text
(an identity number, an IBAN, a phone) can never turn into a number on the way.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeAlias

from kernel.money import Money

ExportValue: TypeAlias = str | int | Decimal | Money | date | datetime | bool | None
"""What a cell may hold: text, whole number, decimal, amount, day, moment, yes/no, nothing."""

_YES_NO: Final = {"tr": ("Evet", "Hayır"), "el": ("Ναι", "Όχι"), "en": ("Yes", "No")}


def people_text(value: ExportValue, language: str) -> str:
    """A typed value as people of a language read it; a text stays as it is.

    Units: decimals with a comma in Turkish and Greek, no grouping; dates ``dd.MM.yyyy``
    (``d/M/yyyy`` in Greek); a moment is shown in the zone it carries.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return yes_no(value, language)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return f"{_day(value, language)} {value:%H:%M}"
    if isinstance(value, date):
        return _day(value, language)
    number = value.amount_text if isinstance(value, Money) else f"{value:f}"
    return number if language == "en" else number.replace(".", ",")


def machine_text(value: ExportValue) -> str:
    """A typed value for programs: decimal point, ISO 8601, true and false."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return value.amount_text
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return str(value)
    return value.isoformat()


def yes_no(value: bool, language: str) -> str:
    """The word for a yes/no value."""
    return _YES_NO.get(language, _YES_NO["en"])[0 if value else 1]


def _day(value: date, language: str) -> str:
    if language == "el":
        return f"{value.day}/{value.month}/{value.year:04d}"
    return f"{value.day:02d}.{value.month:02d}.{value.year:04d}"
