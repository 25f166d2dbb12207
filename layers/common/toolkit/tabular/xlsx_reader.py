"""XLSX as people send it: numbers without locale, dates without text, and cells that compute.

The file is inspected completely by :mod:`workbook` before calamine reads a cell of it; the rows are
checked once with all problems, and only then streamed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from kernel.errors import Problem
from toolkit.tabular.columns import header_key
from toolkit.tabular.sheet_scan import SheetFacts, column_letters
from toolkit.tabular.table import (
    HEADER_SEARCH_ROWS,
    MAX_LISTED_PROBLEMS,
    MAX_ROWS,
    CellKind,
    FileReason,
    HeaderPlace,
    Row,
    Table,
    TableRefusedError,
    TableSource,
    field_too_long,
    header_problems,
    locate_header,
    refuse_problems,
    row_problem,
)
from toolkit.tabular.workbook import inspect_workbook
from toolkit.tabular.zip_guard import damaged

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

MAX_EXACT_DIGITS: Final = 15
"""A spreadsheet keeps fifteen digits of a number; a longer one lost its end before we see it."""
_FIRST_INEXACT: Final = 10**MAX_EXACT_DIGITS

Value: TypeAlias = int | float | str | bool | time | date | datetime | timedelta
"""What calamine hands out for one cell."""


def read_xlsx(
    data: bytes,
    *,
    known_headers: frozenset[str] = frozenset(),
    sheet: str | None = None,
) -> Table:
    """A checked table from the bytes of a workbook: its first visible sheet, or the named one.

    Units: 10 000 000 bytes, 1 000 parts, 50 000 000 bytes unpacked, ratio 100, 50 000 data rows,
    256 columns, 64 KiB per field.
    Shapes: whole numbers come out as their digits, other numbers with a point and at least two
    decimals, dates as ISO, TRUE and FALSE as words; ``Row.kinds`` says which. Hidden sheets are
    ignored and named; columns without a name and without data are left out.
    Raises: TableRefusedError with a FileReason and the problems per row.
    Source: bad_inputs.json, field ``upload_xlsx``; security.md, section 8.
    """
    inspected = inspect_workbook(data, sheet)
    opened = _open(inspected.archive)
    start = opened.start
    if start is None:
        raise TableRefusedError(FileReason.EMPTY, "The sheet has no header and no rows.")
    grid = _Grid(opened, start[1])
    place, header, columns = _find_header(grid, known_headers)
    header_line = grid.line(place.index)
    count = _check(grid, place, header, columns, inspected.facts)

    def rows() -> Iterator[Row]:
        for line, values in grid.data_rows(place):
            yield _row(line, values, columns)

    return Table(
        header=header,
        header_line=header_line,
        row_count=count,
        source=TableSource(
            "xlsx",
            sheet=inspected.sheet.name,
            other_sheets=inspected.others,
            hidden_sheets=inspected.hidden,
        ),
        open_rows=rows,
    )


class _Grid:
    """The used block of the sheet.

    calamine leaves out unused columns on the left but hands out unused rows on top, so rows count
    from the top of the sheet; a test holds it to that.
    """

    def __init__(self, sheet: CalamineSheet, first_column: int) -> None:
        self._sheet = sheet
        self.first_column = first_column

    def line(self, index: int) -> int:
        """Row number of the sheet for a 0-based row of the block."""
        return index + 1

    def rows(self) -> Iterator[Sequence[Value]]:
        """All rows of the block.

        Raises: TableRefusedError(DAMAGED) for a number no date or duration can be.
        """
        try:
            yield from self._sheet.iter_rows()
        except BaseException as error:
            if isinstance(error, OverflowError | ValueError) or _is_panic(error):
                raise damaged() from error
            raise

    def data_rows(self, place: HeaderPlace) -> Iterator[tuple[int, Sequence[Value]]]:
        """Rows below the header that hold anything, with their numbers."""
        for index, values in enumerate(self.rows()):
            if index < place.data_index:
                continue
            for value in values:
                if value != "" and not (isinstance(value, str) and value.isspace()):
                    yield self.line(index), values
                    break


def _open(archive: bytes) -> CalamineSheet:
    """The sheet as calamine reads it."""
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(archive))
        return workbook.get_sheet_by_index(0)
    except BaseException as error:
        known = (python_calamine.CalamineError, ValueError, OverflowError, OSError)
        if isinstance(error, known) or _is_panic(error):
            raise damaged() from error
        raise


def _is_panic(error: BaseException) -> bool:
    """Whether the parser gave up: a panic arrives as a BaseException of a class without a home."""
    return type(error).__name__ == "PanicException"


def _find_header(
    grid: _Grid, known: frozenset[str]
) -> tuple[HeaderPlace, tuple[str, ...], tuple[int, ...]]:
    """Where the header is, its names, and the positions of its columns in the block.

    Raises: TableRefusedError(EMPTY | HEADER_NAME_TWICE).
    """
    sample: list[list[str]] = []
    for values in grid.rows():
        sample.append([_header_text(value) for value in values])
        if len(sample) >= HEADER_SEARCH_ROWS:
            break
    place = locate_header(sample, header_key, known)
    if place is None:
        raise TableRefusedError(FileReason.EMPTY, "The sheet has no header and no rows.")
    names = sample[place.index]
    columns = tuple(position for position, name in enumerate(names) if name)
    header = tuple(names[position] for position in columns)
    refuse_problems(header_problems(header, header_key))
    return place, header, columns


def _header_text(value: Value) -> str:
    text, _ = _text(value)
    return " ".join((text or "").split())


def _check(
    grid: _Grid,
    place: HeaderPlace,
    header: Sequence[str],
    columns: Sequence[int],
    facts: SheetFacts,
) -> int:
    """Look at every row once; the number of data rows, or all structural problems."""
    first_line = grid.line(place.index)
    problems = _place_problems(facts.formulas, first_line, FileReason.FORMULA)
    problems += _place_problems(facts.errors, first_line, FileReason.ERROR_CELL)
    if any(field_too_long(name) for name in header):
        problems.append(
            row_problem(first_line, FileReason.FIELD_TOO_LONG, "A column name is too long.")
        )
    named = frozenset(columns)
    count = 0
    for line, values in grid.data_rows(place):
        count += 1
        if count > MAX_ROWS:
            raise TableRefusedError(
                FileReason.TOO_MANY_ROWS, f"The sheet has more than {MAX_ROWS} rows."
            )
        if len(problems) >= MAX_LISTED_PROBLEMS:
            break
        problems.extend(_row_problems(line, values, named, grid.first_column))
    refuse_problems(problems)
    return count


def _place_problems(
    places: Sequence[tuple[int, int]], first_line: int, reason: FileReason
) -> list[Problem]:
    words = (
        "contains a formula; please paste values only"
        if reason is FileReason.FORMULA
        else "contains an error value"
    )
    return [
        row_problem(row, reason, f"Cell {column_letters(column)}{row} {words}.")
        for row, column in places
        if row >= first_line
    ]


def _row_problems(
    line: int, values: Sequence[Value], named: frozenset[int], first_column: int
) -> list[Problem]:
    problems: list[Problem] = []
    for position, value in enumerate(values):
        if isinstance(value, str) and (not value or (position in named and len(value) < 1000)):
            continue
        letters = column_letters(first_column + position + 1)
        if position not in named:
            if not isinstance(value, str) or not value.isspace():
                problems.append(
                    row_problem(
                        line,
                        FileReason.ROW_LENGTH,
                        f"Cell {letters}{line} stands in a column without a name.",
                    )
                )
        elif isinstance(value, str):
            if field_too_long(value):
                problems.append(
                    row_problem(
                        line,
                        FileReason.FIELD_TOO_LONG,
                        f"Cell {letters}{line} is larger than 64 KiB.",
                    )
                )
        elif isinstance(value, int | float) and not abs(value) < _FIRST_INEXACT:
            problems.append(
                row_problem(
                    line,
                    FileReason.NUMBER_TOO_LONG,
                    f"Cell {letters}{line} is a number of more than {MAX_EXACT_DIGITS} digits; "
                    "format the column as text and enter it again.",
                )
            )
    return problems


def _row(line: int, values: Sequence[Value], columns: Sequence[int]) -> Row:
    texts: list[str] = []
    kinds: dict[int, CellKind] = {}
    for position, column in enumerate(columns):
        value = values[column]
        if isinstance(value, str):
            texts.append(value)
            continue
        text, kinds[position] = _text(value)
        texts.append(text or "")
    return Row(line, tuple(texts), kinds) if kinds else Row(line, tuple(texts))


def _text(value: Value) -> tuple[str | None, CellKind]:
    """A cell as text with its kind; None when the number has lost digits."""
    if isinstance(value, str):
        return value, CellKind.TEXT
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), CellKind.BOOLEAN
    if isinstance(value, int | float):
        return _number_text(value), CellKind.NUMBER
    if isinstance(value, datetime):
        at_midnight = value.time() == time()
        return (value.date() if at_midnight else value).isoformat(), CellKind.DATE
    if isinstance(value, date):
        return value.isoformat(), CellKind.DATE
    if isinstance(value, time):
        return value.isoformat(), CellKind.TIME
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}", CellKind.TIME


def _number_text(value: float) -> str | None:
    """Digits of a number: whole numbers as they are, others with at least two decimals.

    A spreadsheet stores 15 significant digits, so 0.1 + 0.2 is 0.3 to the person who typed it.
    """
    if not abs(value) < _FIRST_INEXACT:
        return None
    whole = int(value)
    if whole == value:
        return str(whole)
    exact = Decimal(f"{value:.15g}")
    if exact == exact.to_integral_value():
        return str(int(exact))
    text = f"{exact.normalize():f}"
    decimals = len(text.partition(".")[2])
    return text + "0" if decimals == 1 else text
