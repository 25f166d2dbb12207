"""One shape for every uploaded table, whatever the file was, and one way to refuse a file.

An import must not care whether a payroll product wrote CSV or XLSX. Both readers check the whole
file first (nothing is imported from a file with a structural problem) and then stream rows with the
line a person finds in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kernel.errors import Problem, ValidationError

MAX_FILE_BYTES: Final = 10_000_000
MAX_ROWS: Final = 50_000
MAX_COLUMNS: Final = 256
MAX_FIELD_BYTES: Final = 64 * 1024
MAX_LISTED_PROBLEMS: Final = 100
HEADER_SEARCH_ROWS: Final = 25
"""Real payroll exports carry a company name and a period above the header."""

MACHINE_PREFIX: Final = "kopru:"
"""Cells of the hidden machine row of our own templates: ``kopru:national_id``."""


class FileReason(StrEnum):
    """Why a file, or one of its lines, is refused: the stable codes shown with their own words."""

    EMPTY = "file.empty"
    TOO_LARGE = "file.too_large"
    NOT_A_WORKBOOK = "file.not_a_workbook"
    NOT_A_CSV = "file.not_a_csv"
    ENCRYPTED = "file.encrypted"
    DAMAGED = "file.damaged"
    TOO_MANY_MEMBERS = "file.too_many_members"
    UNPACKED_TOO_LARGE = "file.unpacked_too_large"
    SIZE_LIES = "file.size_lies"
    UNSAFE_MEMBER = "file.unsafe_member"
    NESTED_ARCHIVE = "file.nested_archive"
    MACROS = "file.macros"
    EXTERNAL_LINK = "file.external_link"
    DTD = "file.dtd"
    NO_VISIBLE_SHEET = "file.no_visible_sheet"
    FORMULA = "file.formula"
    ERROR_CELL = "file.error_cell"
    NUMBER_TOO_LONG = "file.number_too_long"
    ENCODING = "file.encoding"
    NUL = "file.nul"
    SEPARATOR = "file.separator"
    QUOTES = "file.quotes"
    HEADER_MISSING = "file.header_missing"
    HEADER_NAME_MISSING = "file.header_name_missing"
    HEADER_NAME_TWICE = "file.header_name_twice"
    ROW_LENGTH = "file.row_length"
    TOO_MANY_ROWS = "file.too_many_rows"
    TOO_MANY_COLUMNS = "file.too_many_columns"
    FIELD_TOO_LONG = "file.field_too_long"


class TableRefusedError(ValidationError):
    """The file cannot be read as a table; nothing of it may be imported.

    Shapes: ``code`` is the first :class:`FileReason`; ``problems`` point at ``/rows/<line>`` or
    ``/header/<position>``, at most 100 of them, in file order.
    """

    def __init__(self, reason: FileReason, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(reason.value, message, problems=problems[:MAX_LISTED_PROBLEMS])
        self.reason = reason


class CellKind(StrEnum):
    """What the file said a cell is; a CSV knows texts only."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    BOOLEAN = "boolean"


_NO_KINDS: Final[Mapping[int, CellKind]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as text, with the kind it had in the file.

    Units: NUMBER has a decimal point, no grouping and either no or at least two decimals; DATE is
    ISO 8601; a TEXT is exactly what stood there.
    """

    text: str
    kind: CellKind = CellKind.TEXT


EMPTY_CELL: Final = Cell("")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Shapes: ``number`` is the 1-based line of the file (CSV) or row of the sheet (XLSX); ``texts``
    has one entry per header name; ``kinds`` names only the positions that are not text.
    """

    number: int
    texts: tuple[str, ...]
    kinds: Mapping[int, CellKind] = field(default_factory=lambda: _NO_KINDS)

    def cell(self, position: int) -> Cell:
        """The cell at a 0-based position."""
        return Cell(self.texts[position], self.kinds.get(position, CellKind.TEXT))


@dataclass(frozen=True, slots=True)
class TableSource:
    """Where a table came from, for the preview that lets a person override a wrong guess."""

    format: str
    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    hidden_sheets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A checked table: names, size, origin, and its rows as often as they are asked for."""

    header: tuple[str, ...]
    header_line: int
    row_count: int
    source: TableSource
    open_rows: Callable[[], Iterator[Row]]

    def rows(self) -> Iterator[Row]:
        """The data rows in file order, streamed; blank rows are left out."""
        return self.open_rows()


@dataclass(frozen=True, slots=True)
class HeaderPlace:
    """Where the header stands among the first rows.

    Shapes: ``index`` is 0-based in the rows looked at; ``data_index`` is where data starts (one
    further when our template repeats the names for people below its machine row).
    """

    index: int
    data_index: int


def locate_header(
    rows: Sequence[Sequence[str]], key_of: Callable[[str], str], known: frozenset[str]
) -> HeaderPlace | None:
    """The header row: the one of the first rows with the most known names, else the first row.

    Shapes: ``known`` holds normalised names; at least two of them (or the only one) must stand in a
    row for it to win over the first non-blank row. ``None`` when every row is blank.
    """
    first: int | None = None
    best, best_score = None, min(2, len(known)) or 1
    for index, cells in enumerate(rows[:HEADER_SEARCH_ROWS]):
        if first is None and not is_blank(cells):
            first = index
        score = len({key_of(cell) for cell in cells} & known)
        if score > best_score or (best is None and score == best_score):
            best, best_score = index, score
    place = best if best is not None else first
    if place is None:
        return None
    return HeaderPlace(place, place + (2 if is_machine_row(rows[place]) else 1))


def is_blank(cells: Sequence[str]) -> bool:
    """Whether a row holds nothing but blanks."""
    return not any(cell and not cell.isspace() for cell in cells)


def is_machine_row(cells: Sequence[str]) -> bool:
    """Whether a row is the hidden machine row of our own template."""
    named = [cell for cell in cells if cell]
    return bool(named) and all(cell.startswith(MACHINE_PREFIX) for cell in named)


def header_problems(header: Sequence[str], key_of: Callable[[str], str]) -> list[Problem]:
    """Names that are missing or stand twice (also when they differ only in case or accents)."""
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for position, name in enumerate(header):
        pointer = f"/header/{position + 1}"
        key = key_of(name)
        if not key:
            problems.append(
                Problem(pointer, FileReason.HEADER_NAME_MISSING, "This column has no name.")
            )
        elif key in seen:
            problems.append(
                Problem(
                    pointer,
                    FileReason.HEADER_NAME_TWICE,
                    f"This column has the same name as column {seen[key] + 1}.",
                )
            )
        else:
            seen[key] = position
    return problems


def row_problem(line: int, reason: FileReason, message: str) -> Problem:
    """A problem of one line of the file."""
    return Problem(f"/rows/{line}", reason.value, message)


def field_too_long(text: str) -> bool:
    """Whether a cell is larger than 64 KiB in UTF-8."""
    if len(text) * 3 <= MAX_FIELD_BYTES:
        return False
    return len(text.encode("utf-8", "surrogatepass")) > MAX_FIELD_BYTES


def refuse_problems(problems: Sequence[Problem]) -> None:
    """Raise when there is any problem, with the first one as the reason."""
    if problems:
        reason = FileReason(problems[0].code)
        raise TableRefusedError(
            reason, f"The file has {len(problems)} structural problem(s).", problems
        )
