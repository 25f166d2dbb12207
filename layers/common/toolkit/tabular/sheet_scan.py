"""Looking at the XML of a workbook before a fast parser reads it.

The parser that reads the cells (calamine) builds one dense block from the first to the last used
cell and copies every shared text into every cell that uses it: a small file can ask for gigabytes.
The scan walks the same XML once with expat, keeps nothing but a few numbers, and answers what the
dense block would be, where formulas and errors stand, and whether a part declares a DTD.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from toolkit.tabular.table import MAX_COLUMNS, FileReason, TableRefusedError
from toolkit.tabular.zip_guard import damaged

_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_LAST_ROW: Final = 1_048_576
_LAST_COLUMN: Final = 16_384
_MAX_LISTED: Final = 100

MAX_SHARED_TEXTS: Final = 3_000_000
"""More entries than 50 MB can hold with any text in them; empty ones still cost memory."""

_MAX_NAMES: Final = 5_000
_CHUNK: Final = 64 * 1024
_ENCODINGS: Final = ("utf-8", "us-ascii", "ascii")


@dataclass(slots=True)
class SheetFacts:
    """What a sheet really contains.

    Units: rows and columns are 1-based; 0 means no used cell. ``text_length`` counts the characters
    of all shared texts as often as cells use them.
    Shapes: ``formulas`` and ``errors`` are (row, column) pairs, the first hundred of each.
    """

    last_row: int = 0
    last_column: int = 0
    text_length: int = 0
    formulas: list[tuple[int, int]] = field(default_factory=list)
    errors: list[tuple[int, int]] = field(default_factory=list)


def local_name(name: str) -> str:
    """An element's name without its prefix; the parser behind us ignores prefixes too."""
    return name.rpartition(":")[2]


def parse_xml(
    xml: bytes,
    on_start: Callable[[str, dict[str, str]], None],
    on_end: Callable[[str], None] | None = None,
    on_text: Callable[[str], None] | None = None,
) -> None:
    """Walk an XML part; names come without prefix.

    Raises: TableRefusedError(DTD) for a document type, (DAMAGED) for anything that is not
    well-formed UTF-8 XML.
    """
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: on_start(
        local_name(name) if ":" in name else name, attributes
    )
    if on_end is not None:
        parser.EndElementHandler = lambda name: on_end(local_name(name) if ":" in name else name)
    if on_text is not None:
        parser.CharacterDataHandler = on_text
    _feed(parser, xml)


class _RootReached(Exception):
    """The prolog is over; whatever follows cannot declare a DTD any more."""


def check_prolog(xml: bytes) -> None:
    """Refuse a part with a document type; the rest of the part is not looked at."""

    def stop(_name: str, _attributes: dict[str, str]) -> None:
        raise _RootReached

    parser = _parser()
    parser.StartElementHandler = stop
    try:
        _feed(parser, xml)
    except _RootReached:
        return


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse_dtd(*_arguments: object) -> None:
        raise TableRefusedError(FileReason.DTD, "The file declares a document type (DTD).")

    def check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise damaged()

    parser.StartDoctypeDeclHandler = refuse_dtd
    parser.XmlDeclHandler = check_declaration
    return parser


def _feed(parser: expat.XMLParserType, xml: bytes) -> None:
    if xml[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in xml[:4]:
        raise damaged()
    view = memoryview(xml)
    try:
        for start in range(0, len(xml), _CHUNK):
            parser.Parse(view[start : start + _CHUNK], False)
            # The parser keeps every name it has met; real parts know a few hundred.
            if len(parser.intern) > _MAX_NAMES:
                raise damaged()
        parser.Parse(b"", True)
    except (expat.ExpatError, UnicodeError) as error:
        raise damaged() from error


def shared_text_lengths(xml: bytes) -> list[int]:
    """The length of every shared text, by its index."""
    lengths: list[int] = []

    def on_start(name: str, _attributes: dict[str, str]) -> None:
        if name == "si":
            if len(lengths) >= MAX_SHARED_TEXTS:
                raise TableRefusedError(
                    FileReason.UNPACKED_TOO_LARGE,
                    f"The file has more than {MAX_SHARED_TEXTS} different texts.",
                )
            lengths.append(0)

    def on_text(text: str) -> None:
        if lengths:
            lengths[-1] += len(text)

    parse_xml(xml, on_start, on_text=on_text)
    return lengths


def scan_sheet(xml: bytes, text_lengths: list[int]) -> SheetFacts:
    """Walk the cells of a sheet; the declared dimension is not read."""
    scanner = _SheetScanner(text_lengths)
    parser = _parser()
    parser.StartElementHandler = scanner.on_start
    parser.EndElementHandler = scanner.on_end
    parser.CharacterDataHandler = scanner.on_text
    _feed(parser, xml)
    return scanner.facts


class _SheetScanner:
    """Keeps the position, because a cell may leave out its reference and then follows the last.

    Written for speed where every cell passes: names arrive with their prefix and are looked up as
    they are; only a name nobody knows is looked up again without it.
    """

    def __init__(self, text_lengths: list[int]) -> None:
        self.facts = SheetFacts()
        self._text_lengths = text_lengths
        self._row = 0
        self._row_text = ""
        self._column = 0
        self._in_cell = False
        self._type: str | None = None
        self._index: list[str] | None = None
        self._starts: dict[str, Callable[[dict[str, str]], None]] = {
            "c": self._open_cell,
            "v": self._value,
            "is": self._value,
            "row": self._open_row,
            "f": self._formula,
        }

    def on_start(self, name: str, attributes: dict[str, str]) -> None:
        """A row or cell begins, or a cell shows that it has a value or computes one."""
        handle = self._starts.get(name)
        if handle is None and ":" in name:
            handle = self._starts.get(local_name(name))
        if handle is not None:
            handle(attributes)

    def on_end(self, name: str) -> None:
        """A cell or the index of its shared text ends."""
        if name == "c" or name[-2:] == ":c":
            self._in_cell = False
        elif self._index is not None and local_name(name) == "v":
            self._count_shared("".join(self._index))
            self._index = None

    def on_text(self, text: str) -> None:
        """Text counts only where it is the index of a shared text."""
        if self._index is not None:
            self._index.append(text)

    def _open_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r")
        self._row = _number(number) if number is not None else self._row + 1
        if not 0 < self._row <= _LAST_ROW:
            raise damaged()
        self._row_text = str(self._row)
        self._column = 0

    def _open_cell(self, attributes: dict[str, str]) -> None:
        self._in_cell = True
        self._type = attributes.get("t")
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
        elif self._row and reference.endswith(self._row_text):
            self._column = _COLUMNS.get(reference[: -len(self._row_text)]) or self._place(reference)
        else:
            self._column = self._place(reference)
        if self._column > _LAST_COLUMN or not self._row:
            raise damaged()

    def _place(self, reference: str) -> int:
        """Column of a reference that names another row than its own, or an unusual column."""
        match = _REFERENCE.fullmatch(reference)
        if match is None or int(match.group(2)) > _LAST_ROW:
            raise damaged()
        self._row = int(match.group(2))
        self._row_text = match.group(2)
        return _column_number(match.group(1))

    def _value(self, _attributes: dict[str, str]) -> None:
        if self._in_cell:
            self._use_cell()
            if self._type == "s":
                self._index = []

    def _formula(self, _attributes: dict[str, str]) -> None:
        if self._in_cell:
            self._use_cell()
            _add(self.facts.formulas, (self._row, self._column))

    def _use_cell(self) -> None:
        facts = self.facts
        if self._row > facts.last_row:
            facts.last_row = self._row
        if self._column > facts.last_column:
            facts.last_column = self._column
        if self._type == "e" and (self._row, self._column) not in facts.errors[-1:]:
            _add(facts.errors, (self._row, self._column))

    def _count_shared(self, index: str) -> None:
        number = _number(index.strip())
        if number >= len(self._text_lengths):
            raise damaged()
        self.facts.text_length += self._text_lengths[number]


def _add(places: list[tuple[int, int]], place: tuple[int, int]) -> None:
    if len(places) < _MAX_LISTED:
        places.append(place)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise damaged()
    return int(text)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def column_letters(number: int) -> str:
    """``1`` → A, ``28`` → AB."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


_COLUMNS: Final = {column_letters(number): number for number in range(1, MAX_COLUMNS + 1)}
"""Numbers of the columns a sheet may use; others are computed, and refused later."""
