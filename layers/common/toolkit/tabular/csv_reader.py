"""CSV as people send it: unknown encoding, unknown separator, and every way to break a file.

The file is checked completely first, with all problems at once, and only then streamed: nothing is
imported from a file with a structural problem. What cannot be known is guessed in a fixed order
(byte order mark, UTF-8, then the code pages of the language) and reported, so that the preview can
show it and a person can override it.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from kernel.csv_cells import restore
from toolkit.tabular.columns import header_key
from toolkit.tabular.table import (
    HEADER_SEARCH_ROWS,
    MAX_COLUMNS,
    MAX_FILE_BYTES,
    MAX_LISTED_PROBLEMS,
    MAX_ROWS,
    FileReason,
    HeaderPlace,
    Row,
    Table,
    TableRefusedError,
    TableSource,
    field_too_long,
    header_problems,
    is_blank,
    locate_header,
    refuse_problems,
    row_problem,
)

SEPARATORS: Final = (";", "\t", "|", ",")
"""Candidates; a comma comes last because it also is the decimal sign."""

_FOREIGN_MARKS: Final = (
    codecs.BOM_UTF32_LE,
    codecs.BOM_UTF32_BE,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
)
_ARCHIVE_MARKS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"%PDF-")
# Every letter outside ASCII that Turkish text has in Windows-1254, with â î û of loan words.
_TURKISH_BYTES: Final = b"\xc7\xd0\xd6\xdc\xdd\xde\xe7\xf0\xf6\xfc\xfd\xfe\xe2\xee\xfb"
_NOT_LETTERS: Final = bytes(range(0xC0))
_GREEK_LETTER: Final = rb"[\xb8-\xba\xbc\xbe-\xd1\xd3-\xfe]"
# Capital alpha with tonos: the one frequent letter on which the two Greek code pages disagree.
_ALPHA_WINDOWS: Final = re.compile(rb"\xa2" + _GREEK_LETTER)
_ALPHA_ISO: Final = re.compile(rb"\xb6" + _GREEK_LETTER)
_CHUNK: Final = 64 * 1024
_MAX_SEPARATOR_LINE: Final = 8
# The first line by which spreadsheets are told the separator: sep=;
_SEPARATOR_LINE: Final = re.compile(r"sep=([;,\t|])\r?\n?")


@dataclass(frozen=True, slots=True)
class _Dialect:
    encoding: str
    separator: str
    skipped_lines: int


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]


def read_csv(
    data: bytes,
    *,
    language: str | None = None,
    known_headers: frozenset[str] = frozenset(),
    encoding: str | None = None,
    separator: str | None = None,
) -> Table:
    """A checked table from the bytes of a CSV file.

    Units: at most 10 000 000 bytes, 50 000 data rows, 256 columns, 64 KiB per field.
    Shapes: ``language`` (``tr``, ``el``) decides between code pages when the file is not UTF-8;
    ``known_headers`` (``ColumnSet.header_keys``) finds a header below title lines; ``encoding`` and
    ``separator`` override the guesses. Cells lose the one apostrophe our exports put before
    formulas. Blank lines are left out.
    Raises: TableRefusedError with a FileReason and the problems per line.
    Source: bad_inputs.json, field ``upload_csv``; ux.md, section 6, languages and formats.
    """
    _refuse_foreign(data)
    chosen = encoding or detect_encoding(data, language)
    dialect = _detect_dialect(data, chosen, separator, known_headers)
    place, header, header_line = _find_header(data, dialect, known_headers)
    count = _check(data, dialect, place, header, header_line)

    def rows() -> Iterator[Row]:
        for record in _data_records(data, dialect, place):
            yield Row(record.line, tuple(restore(cell) for cell in record.cells))

    return Table(
        header=header,
        header_line=header_line,
        row_count=count,
        source=TableSource("csv", encoding=dialect.encoding, separator=dialect.separator),
        open_rows=rows,
    )


def detect_encoding(data: bytes, language: str | None = None) -> str:
    """The encoding of a text file: mark, then UTF-8, then a code page.

    Raises: TableRefusedError(ENCODING) for UTF-16 and UTF-32, and for bytes no code page has.
    """
    if data.startswith(_FOREIGN_MARKS):
        raise TableRefusedError(
            FileReason.ENCODING, "The file is UTF-16 or UTF-32; please save it as CSV UTF-8."
        )
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return "utf-8" if _decodes(data, "utf-8") else _code_page(data, language)


def _code_page(data: bytes, language: str | None) -> str:
    """The Turkish or Greek code page.

    The ISO forms equal the Windows ones in all letters, apart from a few Greek ones, so they are
    named only when the bytes speak for them.
    """
    greek = language == "el" or (language != "tr" and not _looks_turkish(data))
    if not greek:
        return "cp1254"
    iso = len(_ALPHA_ISO.findall(data)) > len(_ALPHA_WINDOWS.findall(data))
    return "iso-8859-7" if iso else "cp1253"


def _looks_turkish(data: bytes) -> bool:
    """Whether most letters outside ASCII are Turkish ones; Greek text uses the whole upper half."""
    letters = data.translate(None, delete=_NOT_LETTERS)
    return len(letters.translate(None, delete=_TURKISH_BYTES)) * 2 <= len(letters)


def _refuse_foreign(data: bytes) -> None:
    if len(data) > MAX_FILE_BYTES:
        raise TableRefusedError(
            FileReason.TOO_LARGE, f"The file is larger than {MAX_FILE_BYTES} bytes."
        )
    if data.startswith(_ARCHIVE_MARKS):
        raise TableRefusedError(
            FileReason.NOT_A_CSV, "This is a workbook or another document, not a CSV file."
        )


def _detect_dialect(
    data: bytes, encoding: str, separator: str | None, known: frozenset[str]
) -> _Dialect:
    """Encoding and separator of the file, after checking that it is text at all.

    Shapes: the separator is the candidate that splits the header into most columns, among those
    that split the first rows alike if there are any; when two do it equally well a person has to
    say which one is meant.
    """
    first = _first_line(data, encoding)
    match = _SEPARATOR_LINE.fullmatch(first)
    skipped = 1 if match else 0
    if separator is not None:
        return _Dialect(encoding, separator, skipped)
    if match:
        return _Dialect(encoding, match.group(1), skipped)
    scores = {
        candidate: _score(_sample(data, _Dialect(encoding, candidate, skipped)), known)
        for candidate in SEPARATORS
    }
    best = max(scores.values())
    winners = [candidate for candidate, score in scores.items() if score == best]
    if best.columns > 1 and len(winners) > 1:
        raise TableRefusedError(
            FileReason.SEPARATOR,
            "The header can be split by more than one separator; please choose one of ; , tab |.",
        )
    return _Dialect(encoding, winners[0], skipped)


def _score(sample: list[list[str]], known: frozenset[str]) -> _Score:
    """How well a candidate splits the first rows."""
    place = locate_header(sample, header_key, known)
    if place is None:
        return _Score(False, 0)
    header = sample[place.index]
    if len(header) < 2 or any(cell.count('"') % 2 for cell in header):
        return _Score(False, 1)
    rows = [cells for cells in sample[place.data_index :] if not is_blank(cells)]
    return _Score(all(len(cells) == len(header) for cells in rows), len(header))


class _Score(NamedTuple):
    """Ordered: splitting all rows alike counts before the number of columns."""

    even: bool
    columns: int


def _first_line(data: bytes, encoding: str) -> str:
    """The first line; the whole file is decoded once, to meet wrong bytes and NUL early."""
    if b"\0" in data:
        raise TableRefusedError(
            FileReason.NUL, "The file contains NUL characters; please save it as CSV UTF-8."
        )
    if not _decodes(data, encoding):
        raise TableRefusedError(
            FileReason.ENCODING,
            "The letters of the file cannot be read; please save it as CSV UTF-8.",
        )
    with _text(data, encoding) as stream:
        return stream.readline(_MAX_SEPARATOR_LINE)


def _decodes(data: bytes, encoding: str) -> bool:
    """Whether every byte is a letter of the encoding, found without a decoded copy in memory."""
    try:
        with _text(data, encoding) as stream:
            while stream.read(_CHUNK):
                pass
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _text(data: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding=encoding, errors="strict", newline="")


def _sample(data: bytes, dialect: _Dialect) -> list[list[str]]:
    """The first records under a candidate separator, up to the first one that cannot be read."""
    sample: list[list[str]] = []
    try:
        for record in _records(data, dialect):
            sample.append(record.cells)
            if len(sample) >= HEADER_SEARCH_ROWS:
                break
    except _BrokenRecordError:
        pass
    return sample


def _find_header(
    data: bytes, dialect: _Dialect, known: frozenset[str]
) -> tuple[HeaderPlace, tuple[str, ...], int]:
    """Where the header is, its names, and its line.

    Raises: TableRefusedError(EMPTY | QUOTES | FIELD_TOO_LONG | TOO_MANY_COLUMNS | HEADER_...).
    """
    records: list[_Record] = []
    broken: _BrokenRecordError | None = None
    try:
        for record in _records(data, dialect):
            records.append(record)
            if len(records) >= HEADER_SEARCH_ROWS:
                break
    except _BrokenRecordError as error:
        broken = error
    place = locate_header([record.cells for record in records], header_key, known)
    if place is None:
        if broken is not None:
            raise broken.refusal()
        raise TableRefusedError(FileReason.EMPTY, "The file has no header and no rows.")
    found = records[place.index]
    if len(found.cells) > MAX_COLUMNS:
        raise TableRefusedError(
            FileReason.TOO_MANY_COLUMNS, f"The file has more than {MAX_COLUMNS} columns."
        )
    header = tuple(restore(cell).strip() for cell in found.cells)
    refuse_problems(header_problems(header, header_key))
    return place, header, found.line


def _check(
    data: bytes, dialect: _Dialect, place: HeaderPlace, header: Sequence[str], header_line: int
) -> int:
    """Read every row once; the number of rows, or all structural problems."""
    problems = []
    count = 0
    if any(field_too_long(name) for name in header):
        problems.append(
            row_problem(header_line, FileReason.FIELD_TOO_LONG, "A column name is too long.")
        )
    try:
        for record in _data_records(data, dialect, place):
            count += 1
            if count > MAX_ROWS:
                raise TableRefusedError(
                    FileReason.TOO_MANY_ROWS, f"The file has more than {MAX_ROWS} rows."
                )
            if len(problems) >= MAX_LISTED_PROBLEMS:
                break
            if len(record.cells) != len(header):
                problems.append(
                    row_problem(
                        record.line,
                        FileReason.ROW_LENGTH,
                        f"The header has {len(header)} columns, this row {len(record.cells)}.",
                    )
                )
            elif any(field_too_long(cell) for cell in record.cells):
                problems.append(
                    row_problem(
                        record.line, FileReason.FIELD_TOO_LONG, "A field is larger than 64 KiB."
                    )
                )
    except _BrokenRecordError as error:
        problems.append(row_problem(error.line, error.reason, error.message))
    refuse_problems(problems)
    return count


def _data_records(data: bytes, dialect: _Dialect, place: HeaderPlace) -> Iterator[_Record]:
    for index, record in enumerate(_records(data, dialect)):
        if index >= place.data_index and not is_blank(record.cells):
            yield record


class _BrokenRecordError(Exception):
    """A record that cannot be split; reading cannot go on behind it."""

    def __init__(self, line: int, reason: FileReason, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.reason = reason
        self.message = message

    def refusal(self) -> TableRefusedError:
        """The refusal of the whole file."""
        return TableRefusedError(
            self.reason, self.message, [row_problem(self.line, self.reason, self.message)]
        )


class _Lines:
    """Physical lines of the file, counting the quotes of the record that is being read."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self.quotes = 0
        self.length = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            self.quotes += line.count('"')
            self.length += len(line)
            yield line


def _records(data: bytes, dialect: _Dialect) -> Iterator[_Record]:
    """All records with the line they start on, lines without any text left out.

    The csv module lets a stray quote inside an unquoted field pass; a record whose quotes are not
    even is unbalanced by definition, because opening, closing and doubled quotes come in pairs.
    """
    with _text(data, dialect.encoding) as stream:
        for _ in range(dialect.skipped_lines):
            stream.readline()
        lines = _Lines(stream)
        reader = csv.reader(lines, delimiter=dialect.separator, strict=True)
        while True:
            start = dialect.skipped_lines + reader.line_num + 1
            lines.quotes = lines.length = 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _broken(start, lines) from error
            if lines.quotes % 2:
                raise _broken(start, lines)
            if cells:
                yield _Record(start, cells)


def _broken(line: int, lines: _Lines) -> _BrokenRecordError:
    if lines.quotes % 2:
        return _BrokenRecordError(
            line, FileReason.QUOTES, "A quotation mark is opened here and never closed."
        )
    if lines.length > csv.field_size_limit():
        return _BrokenRecordError(line, FileReason.FIELD_TOO_LONG, "A field is larger than 64 KiB.")
    return _BrokenRecordError(
        line, FileReason.QUOTES, "There is text behind a closing quotation mark."
    )
