"""CSV out, in two dialects: one a spreadsheet opens correctly, one a program reads exactly.

For people: UTF-8 with a byte order mark, semicolons, and an apostrophe before texts a spreadsheet
would execute; reading such a file back gives the same texts. For programs: plain UTF-8, commas,
RFC 4180 quoting, ISO values and no apostrophes, which would be data there.
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from kernel.csv_cells import csv_cell
from toolkit.tabular.values import ExportValue, machine_text, people_text

_CHUNK: Final = 64 * 1024
_LINE_END: Final = "\r\n"
_MACHINE_QUOTED: Final = frozenset('",\r\n')


def people_csv(
    header: Sequence[str], rows: Iterable[Sequence[ExportValue]], *, language: str = "tr"
) -> Iterator[bytes]:
    """A CSV file for people, in pieces of about 64 KiB.

    Shapes: texts follow the apostrophe rule; typed numbers and dates do not: -5,00 is a number.
    Source: bad_inputs.json, fields ``export_csv_cell`` and ``import_csv_cell``.
    """

    def cell(value: ExportValue) -> str:
        text = people_text(value, language)
        if isinstance(value, str):
            return csv_cell(text)
        return f'"{text}"' if ";" in text else text

    yield codecs.BOM_UTF8
    yield from _lines(header, rows, cell, ";")


def machine_csv(header: Sequence[str], rows: Iterable[Sequence[ExportValue]]) -> Iterator[bytes]:
    """A CSV file for programs, in pieces of about 64 KiB."""

    def cell(value: ExportValue) -> str:
        text = machine_text(value)
        if _MACHINE_QUOTED.isdisjoint(text):
            return text
        return '"' + text.replace('"', '""') + '"'

    yield from _lines(header, rows, cell, ",")


def _lines(
    header: Sequence[str],
    rows: Iterable[Sequence[ExportValue]],
    cell: Callable[[ExportValue], str],
    separator: str,
) -> Iterator[bytes]:
    """Header and rows as encoded pieces; only one piece is in memory."""
    width = len(header)
    pending: list[str] = []
    size = 0
    for row in itertools.chain([header], rows):
        if len(row) != width:
            raise ValueError(f"a row of {len(row)} cells under a header of {width}")
        line = separator.join([cell(value) for value in row]) or '""'
        pending.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield _encode(pending)
            pending, size = [], 0
    if pending:
        yield _encode(pending)


def _encode(lines: Sequence[str]) -> bytes:
    return "".join(line + _LINE_END for line in lines).encode("utf-8")
