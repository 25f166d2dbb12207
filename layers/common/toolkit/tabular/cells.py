"""Cells to values: the same column may hold typed cells in XLSX and texts in CSV.

A number cell is exact and has no locale; a text follows the Turkish and Greek way of writing; a
date cell is a date already. All contexts read amounts, dates and rates of files through these, so
that one spelling never means two things.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final

from kernel.errors import ParseError
from kernel.money import Money
from kernel.parsing import parse_amount_tr, parse_date_api, parse_date_tr, parse_rate_tr
from kernel.rates import Rate
from toolkit.tabular.table import Cell, CellKind

_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_amount(cell: Cell, currency: str = "TRY") -> Money:
    """A non-negative amount.

    Raises: ParseError("AMOUNT" | "AMBIGUOUS" | "TOO_LARGE").
    """
    if cell.kind is CellKind.TEXT:
        return parse_amount_tr(cell.text, currency)
    if cell.kind is not CellKind.NUMBER or cell.text.startswith("-"):
        raise ParseError("AMOUNT", "the cell holds no amount")
    return Money.from_decimal(Decimal(cell.text), currency)


def read_date(cell: Cell) -> date:
    """A day: a date cell, or text as dd.mm.yyyy, dd/mm/yyyy or yyyy-mm-dd.

    Raises: ParseError("DATE"); also for a bare number, which is a date only by its format.
    """
    text = cell.text.strip(" ")
    if cell.kind is CellKind.DATE or (cell.kind is CellKind.TEXT and _ISO.fullmatch(text)):
        return parse_date_api(text)
    if cell.kind is CellKind.TEXT:
        return parse_date_tr(text)
    raise ParseError("DATE", "the cell holds no date; format it as a date or as text")


def read_rate(cell: Cell) -> Rate:
    """A percentage such as 3 or 3,00.

    Raises: ParseError("RATE"), and ("AMBIGUOUS") for a number cell below 1: a cell formatted as
    3 % holds 0.03.
    """
    if cell.kind is CellKind.TEXT:
        return parse_rate_tr(cell.text.strip(" "))
    if cell.kind is not CellKind.NUMBER:
        raise ParseError("RATE", "the cell holds no percentage")
    if 0 < Decimal(cell.text) < 1:
        raise ParseError("AMBIGUOUS", "write the percentage as text, such as 3,00")
    return Rate.from_api(cell.text)
