"""Text cells of CSV files for people: an exported text must not calculate, and must come back.

A spreadsheet runs a cell that starts with = + - @ (also full-width). One apostrophe in front stops
that; the importer removes exactly one, so that export followed by import is the identity. Typed
numbers and dates are not text cells and never pass here.
"""

from __future__ import annotations

from typing import Final

_DANGEROUS: Final = tuple("=+-@\t\r\n'＝＋－＠")
_QUOTED: Final = frozenset(';"\r\n\t')


def neutralise(text: str) -> str:
    """The text with one apostrophe in front when a spreadsheet would act on its first character."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def restore(text: str) -> str:
    """The reverse of ``neutralise``: one apostrophe before such a character is removed."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_DANGEROUS) else text


def csv_cell(text: str) -> str:
    """The cell as written to a semicolon-separated file: neutralised, quoted where needed."""
    cell = neutralise(text)
    if cell != cell.strip(" ") or not _QUOTED.isdisjoint(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell
