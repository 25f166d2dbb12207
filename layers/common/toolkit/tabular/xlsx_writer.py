"""XLSX out: exports, templates, and the workbook that returns an import with its errors marked.

Written with XlsxWriter in constant memory: a row leaves memory when the next one begins. Every text
is forced to be a string cell (libraries turn a leading = into a formula and 001 into 1), typed
numbers and dates are typed, and no cell of any workbook is a formula.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any, Final

from kernel.errors import ValidationError
from kernel.money import Money
from toolkit.tabular.columns import ColumnSet
from toolkit.tabular.sheet_scan import column_letters
from toolkit.tabular.values import ExportValue, yes_no

MAX_CELL_CHARACTERS: Final = 32_767
"""What a cell of a spreadsheet can hold, in UTF-16 units."""

MAX_COMMENTS: Final = 5_000
"""Marked cells of a returned workbook; the Errors sheet lists all problems anyway."""

_MAX_EXACT_INTEGER: Final = 10**15
_MAX_INLINE_CHOICES: Final = 255
_TEMPLATE_ROWS: Final = 5_000
_COLUMN_WIDTH: Final = 18
_WIDE_COLUMN: Final = 60
_CREATED: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_PROTECTION: Final = {
    "format_columns": True,
    "format_rows": True,
    "sort": True,
    "autofilter": True,
    "insert_rows": True,
    "delete_rows": True,
}


@dataclass(frozen=True, slots=True)
class SheetWords:
    """Words of a returned workbook in the reader's language.

    Shapes: ``sheet`` names the Errors sheet; the others head its columns.
    """

    sheet: str
    row: str
    original_line: str
    column: str
    code: str
    message: str


WORDS: Final[Mapping[str, SheetWords]] = {
    "tr": SheetWords("Hatalar", "Satır", "Dosyadaki satır", "Sütun", "Kod", "Açıklama"),
    "el": SheetWords("Σφάλματα", "Γραμμή", "Γραμμή αρχείου", "Στήλη", "Κωδικός", "Περιγραφή"),
    "en": SheetWords("Errors", "Row", "Line of the file", "Column", "Code", "Explanation"),
}


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One problem to mark: ``column`` is the 0-based position, None for the whole row."""

    column: int | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ReturnedRow:
    """One row of a returned workbook: the line it had in the file, its texts, what is wrong."""

    line: int
    texts: Sequence[str]
    problems: Sequence[CellProblem] = ()


def write_table(
    output: IO[bytes],
    header: Sequence[str],
    rows: Iterable[Sequence[ExportValue]],
    *,
    sheet: str = "Köprü",
    language: str = "tr",
) -> int:
    """An export with one sheet; the number of rows written.

    Raises: ValidationError("export.cell_too_long") for a text no spreadsheet can hold.
    """
    with _Book(output, language) as book:
        page = book.add_sheet(sheet)
        page.set_column(0, max(len(header) - 1, 0), _COLUMN_WIDTH)
        _write_header(book, page, 0, header)
        page.freeze_panes(1, 0)
        count = 0
        for count, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                book.write(page, count, column, value)
        if count and header:
            page.autofilter(0, 0, count, len(header) - 1)
    return count


def write_template(
    output: IO[bytes], columns: ColumnSet, *, language: str = "tr", sheet: str = "Köprü"
) -> None:
    """An empty form for one kind of file.

    Shapes: row 1 is hidden and names the fields for the reader, row 2 names them for people with
    the notes as comments, row 3 is an example the reader leaves out. All cells below the header are
    text and unlocked; fields with choices have a list.
    """
    with _Book(output, language) as book:
        page = book.add_sheet(sheet)
        lists = _ChoiceLists(book)
        last = len(columns.columns) - 1
        page.set_column(0, last, _COLUMN_WIDTH, book.open_text)
        page.set_row(0, None, None, {"hidden": True})
        for position, column in enumerate(columns.columns):
            book.text(page, 0, position, column.machine_name, book.header)
        for position, column in enumerate(columns.columns):
            title = column.title(language) + (" *" if column.required else "")
            book.text(page, 1, position, title, book.header)
            if note := column.note.get(language):
                page.write_comment(1, position, note)
        for position, column in enumerate(columns.columns):
            book.text(page, 2, position, column.example, book.example)
            if column.choices:
                lists.attach(page, position, column.choices)
        page.freeze_panes(2, 0)
        page.protect("", _PROTECTION)
        lists.write()


def write_returned(
    output: IO[bytes],
    header: Sequence[str],
    rows: Iterable[ReturnedRow],
    *,
    language: str = "tr",
    sheet: str = "Köprü",
) -> int:
    """The imported file with its problems marked, ready to be corrected and sent again (N11).

    Shapes: the first sheet is the data with a locked header, wrong cells coloured and commented;
    the second one lists every problem with the row here and the line of the original file. The
    number of problems is returned.
    """
    words = WORDS.get(language, WORDS["en"])
    listed: list[tuple[int, int, str, CellProblem]] = []
    with _Book(output, language) as book:
        page = book.add_sheet(sheet)
        page.set_column(0, max(len(header) - 1, 0), _COLUMN_WIDTH, book.open_text)
        _write_header(book, page, 0, header)
        page.freeze_panes(1, 0)
        comments = 0
        for index, row in enumerate(rows, start=1):
            messages = _by_column(row.problems, len(header))
            for column, text in enumerate(row.texts):
                wrong = column in messages
                book.text(page, index, column, text, book.wrong if wrong else book.open_text)
                if wrong and comments < MAX_COMMENTS:
                    page.write_comment(index, column, "\n".join(messages[column]))
                    comments += 1
            for problem in row.problems:
                name = "" if problem.column is None else header[problem.column]
                listed.append((index + 1, row.line, name, problem))
        page.protect("", _PROTECTION)
        errors = book.add_sheet(words.sheet)
        errors.set_column(0, 3, _COLUMN_WIDTH)
        errors.set_column(4, 4, _WIDE_COLUMN)
        _write_header(
            book,
            errors,
            0,
            (words.row, words.original_line, words.column, words.code, words.message),
        )
        errors.freeze_panes(1, 0)
        for place, (here, line, name, problem) in enumerate(listed, start=1):
            values: tuple[ExportValue, ...] = (here, line, name, problem.code, problem.message)
            for column, value in enumerate(values):
                book.write(errors, place, column, value)
    return len(listed)


def _by_column(problems: Sequence[CellProblem], width: int) -> dict[int, list[str]]:
    """Messages by the column they are shown at; those of the whole row stand at the first cell."""
    messages: dict[int, list[str]] = {}
    for problem in problems:
        column = 0 if problem.column is None else problem.column
        if column < width:
            messages.setdefault(column, []).append(problem.message)
    return messages


def _write_header(book: _Book, page: Any, row: int, names: Sequence[str]) -> None:
    for column, name in enumerate(names):
        book.text(page, row, column, name, book.header)


class _Book:
    """An open workbook with its formats; closing it writes the file."""

    def __init__(self, output: IO[bytes], language: str) -> None:
        import xlsxwriter

        self._language = language
        self._book = xlsxwriter.Workbook(
            output,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
            },
        )
        # A fixed moment: the same rows give the same bytes, and no clock is asked here.
        self._book.set_properties({"created": _CREATED})
        day = "d/m/yyyy" if language == "el" else "dd.mm.yyyy"
        add = self._book.add_format
        self.header = add({"bold": True, "bg_color": "#E6EAF0", "num_format": "@", "locked": True})
        self.open_text = add({"num_format": "@", "locked": False})
        self.example = add(
            {"num_format": "@", "locked": False, "italic": True, "font_color": "#5C6B7A"}
        )
        self.wrong = add({"num_format": "@", "locked": False, "bg_color": "#FFD9D6"})
        self._text = add({"num_format": "@"})
        self._integer = add({"num_format": "0"})
        self._amount = add({"num_format": "#,##0.00"})
        self._day = add({"num_format": day})
        self._moment = add({"num_format": f"{day} hh:mm"})

    def __enter__(self) -> _Book:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is not None:
            # Nobody may read half a workbook, but only closing removes the temporary files.
            self._book.filename = io.BytesIO()
        self._book.close()

    def add_sheet(self, name: str) -> Any:
        """A new sheet; characters a sheet name cannot have are replaced."""
        safe = "".join(" " if char in "[]:*?/\\" else char for char in name).strip("' ")
        return self._book.add_worksheet(safe[:31] or "Köprü")

    def hidden_sheet(self, name: str) -> Any:
        """A sheet people do not see."""
        page = self._book.add_worksheet(name)
        page.hide()
        return page

    def text(self, page: Any, row: int, column: int, text: str, style: Any = None) -> None:
        """A string cell with exactly this text."""
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_CELL_CHARACTERS:
            raise ValidationError(
                "export.cell_too_long",
                f"A text of more than {MAX_CELL_CHARACTERS} characters does not fit in a cell.",
            )
        if text:
            page.write_string(row, column, text, style or self._text)
        else:
            page.write_blank(row, column, None, style or self._text)

    def write(self, page: Any, row: int, column: int, value: ExportValue) -> None:
        """A cell of the type of the value."""
        if value is None or isinstance(value, str):
            self.text(page, row, column, value or "")
        elif isinstance(value, bool):
            self.text(page, row, column, yes_no(value, self._language))
        elif isinstance(value, int):
            if abs(value) < _MAX_EXACT_INTEGER:
                page.write_number(row, column, value, self._integer)
            else:
                self.text(page, row, column, str(value))
        elif isinstance(value, datetime):
            page.write_datetime(row, column, value.replace(tzinfo=None), self._moment)
        elif isinstance(value, date):
            page.write_datetime(row, column, value, self._day)
        else:
            self._decimal(page, row, column, value.amount if isinstance(value, Money) else value)

    def _decimal(self, page: Any, row: int, column: int, value: Decimal) -> None:
        """A number cell when a spreadsheet can hold it exactly, else its digits as text."""
        if value.is_finite() and len(value.as_tuple().digits) <= 15:
            page.write_number(row, column, value, self._amount)
        else:
            self.text(page, row, column, f"{value:f}")


class _ChoiceLists:
    """Lists of allowed values; long ones live on a hidden sheet, as a rule holds 255 letters."""

    def __init__(self, book: _Book) -> None:
        self._book = book
        self._long: list[tuple[str, ...]] = []

    def attach(self, page: Any, column: int, choices: tuple[str, ...]) -> None:
        """Allow only these values in the rows of a template."""
        inline = len(",".join(choices)) <= _MAX_INLINE_CHOICES
        inline = inline and not any("," in choice for choice in choices)
        if inline:
            source: object = list(choices)
        else:
            self._long.append(choices)
            letter = column_letters(len(self._long))
            source = f"=_lists!${letter}$1:${letter}${len(choices)}"
        page.data_validation(
            2, column, _TEMPLATE_ROWS, column, {"validate": "list", "source": source}
        )

    def write(self) -> None:
        """Write the long lists, row by row."""
        if not self._long:
            return
        page = self._book.hidden_sheet("_lists")
        for row in range(max(len(choices) for choices in self._long)):
            for column, choices in enumerate(self._long):
                if row < len(choices):
                    self._book.text(page, row, column, choices[row])
