"""Statements as tables, by a profile: every bank's columns are data, not code.

A profile names encoding, delimiter, decimal sign, date format and the header of each column. The
header is looked for below title lines; rows are streamed. A file of fixed width has no header: its
profile names the characters of each field instead. With a column of running balances every
row must follow from the one before, in whichever direction of time the file runs.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO, Final, TextIO

from kernel.bank_statement import (
    Direction,
    Place,
    StatementEntry,
    StatementItem,
    StatementProblem,
    StatementSummary,
)
from kernel.csv_cells import restore
from kernel.errors import ParseError, Problem, ValidationError
from kernel.money import Money
from toolkit.statements.values import (
    MAX_BYTES,
    StatementReason,
    StatementRefusedError,
    reference,
    words,
)
from toolkit.tabular.columns import header_key

FIELDS: Final = (
    "booking_date",
    "value_date",
    "amount",
    "debit",
    "credit",
    "direction",
    "currency",
    "balance",
    "account",
    "reversal",
    "entry_reference",
    "bank_reference",
    "end_to_end_id",
    "creditor_reference",
    "remittance",
    "counterparty",
    "counterparty_bank",
    "transaction_code",
)
ENCODINGS: Final = ("utf-8", "cp1253", "iso-8859-7", "cp1254", "iso-8859-9", "cp1252")
DELIMITERS: Final = (";", ",", "\t", "|")
DATE_FORMATS: Final = {
    "dd/mm/yyyy": "%d/%m/%Y",
    "dd.mm.yyyy": "%d.%m.%Y",
    "dd-mm-yyyy": "%d-%m-%Y",
    "yyyy-mm-dd": "%Y-%m-%d",
    "yyyymmdd": "%Y%m%d",
}
STYLES: Final[Mapping[str, Sequence[str]]] = {
    "encoding": ENCODINGS,
    "delimiter": DELIMITERS,
    "decimal": (",", "."),
    "date_format": tuple(DATE_FORMATS),
}
"""What a profile may say of how a table is written."""
_HEADER_LINES: Final = 25
_MAX_FIELD: Final = 64 * 1024
_MAX_WIDTH: Final = 2_000
_AMOUNT: Final = re.compile(r"([+-]?)([0-9]{1,15})(?:\.([0-9]{1,5}))?(-?)")
_GROUPS: Final = re.compile(r"[+-]?[0-9]{1,3}(?:x[0-9]{3})+(?:[.,][0-9]+)?-?")
_DIGITS: Final = re.compile(r"[+-]?[0-9]{3,15}-?")
_IMPLIED: Final = re.compile(r"([0-9]+)([0-9]{2})(?=-?$)")
_YES: Final = frozenset({"1", "y", "yes", "true", "ναι", "ν", "evet", "e", "x"})


@dataclass(frozen=True, slots=True)
class CsvProfile:
    """How one bank's CSV is written.

    Shapes: ``columns`` maps a name of FIELDS to headers, the first one found counts; an amount is
    one signed column, or ``amount`` with ``direction``, or ``debit`` and ``credit``.
    ``credit_marks`` and ``debit_marks`` are the values of ``direction``. ``currency`` counts where
    no column says another one. The other decimal sign and blanks group thousands. A file of fixed
    width has ``characters`` instead of ``columns``: the first and last one of each field, from 1;
    ``skip_lines`` is how many lines its head has, and with ``implied_decimals`` amounts are digits
    without a sign for decimals, the last two of which are decimals.
    """

    name: str
    columns: Mapping[str, Sequence[str]]
    encoding: str = "utf-8"
    delimiter: str = ";"
    decimal: str = ","
    date_format: str = "dd/mm/yyyy"
    currency: str = "EUR"
    credit_marks: tuple[str, ...] = ("C", "CR", "CRDT", "Π", "ΠΙΣΤΩΣΗ", "A", "ALACAK", "+")
    debit_marks: tuple[str, ...] = ("D", "DR", "DBIT", "Χ", "ΧΡΕΩΣΗ", "B", "BORÇ", "-")
    characters: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    skip_lines: int = 0
    implied_decimals: bool = False


_GREEK: Final = {
    "booking_date": ("Ημερομηνία", "Ημ/νία", "Ημερομηνία κίνησης", "Ημ. κίνησης"),
    "value_date": ("Valeur", "Ημερομηνία valeur", "Ημ/νία Valeur", "Αξία"),
    "amount": ("Ποσό", "Ποσό κίνησης"),
    "debit": ("Χρέωση",),
    "credit": ("Πίστωση",),
    "direction": ("Χ/Π", "Πρόσημο", "Είδος"),
    "currency": ("Νόμισμα",),
    "balance": ("Υπόλοιπο", "Νέο υπόλοιπο"),
    "account": ("Λογαριασμός", "IBAN"),
    "bank_reference": ("Αριθμός συναλλαγής", "Αρ. συναλλαγής", "Κωδικός συναλλαγής"),
    "creditor_reference": ("Κωδικός πληρωμής", "Κωδικός RF", "RF"),
    "remittance": ("Περιγραφή", "Αιτιολογία"),
    "counterparty": ("Αντισυμβαλλόμενος", "Εντολέας"),
}
_TURKISH: Final = {
    "booking_date": ("Tarih", "İşlem Tarihi"),
    "value_date": ("Valör", "Valör Tarihi"),
    "amount": ("Tutar", "İşlem Tutarı"),
    "debit": ("Borç",),
    "credit": ("Alacak",),
    "direction": ("B/A",),
    "currency": ("Döviz", "Para Birimi"),
    "balance": ("Bakiye",),
    "account": ("IBAN", "Hesap"),
    "bank_reference": ("Dekont No", "Fiş No", "Referans"),
    "remittance": ("Açıklama",),
    "counterparty": ("Karşı Taraf", "Gönderen"),
}
_ENGLISH: Final = {
    "booking_date": ("Booking date", "Date", "Transaction date"),
    "value_date": ("Value date",),
    "amount": ("Amount",),
    "debit": ("Debit",),
    "credit": ("Credit",),
    "direction": ("Credit/Debit", "D/C"),
    "currency": ("Currency",),
    "balance": ("Balance",),
    "account": ("Account", "IBAN"),
    "reversal": ("Reversal",),
    "bank_reference": ("Bank reference", "Reference"),
    "end_to_end_id": ("End-to-end id",),
    "creditor_reference": ("Creditor reference",),
    "remittance": ("Description", "Details", "Remittance"),
    "counterparty": ("Counterparty",),
}

PROFILES: Final[Mapping[str, CsvProfile]] = {
    profile.name: profile
    for profile in (
        CsvProfile("greek", _GREEK),
        CsvProfile("greek_cp1253", _GREEK, encoding="cp1253"),
        CsvProfile("turkish", _TURKISH, date_format="dd.mm.yyyy", currency="TRY"),
        CsvProfile(
            "turkish_cp1254",
            _TURKISH,
            encoding="cp1254",
            date_format="dd.mm.yyyy",
            currency="TRY",
        ),
        CsvProfile("english", _ENGLISH, delimiter=",", decimal=".", date_format="yyyy-mm-dd"),
    )
}
"""Ready-made profiles with common headers; a bank's own is given with the import."""


def profile_from(data: Mapping[str, Any]) -> CsvProfile:
    """A profile as it is sent: ``columns`` and any of the other fields.

    Raises: ValidationError("profile_invalid") with every problem.
    """
    problems: list[Problem] = []

    def chosen(name: str, other: str) -> str:
        known, value = STYLES[name], data.get(name, other)
        if value not in known:
            message = f"One of: {', '.join(repr(each) for each in known)}."
            problems.append(Problem(f"/{name}", "choice", message))
            return other
        return str(value)

    encoding = chosen("encoding", "utf-8")
    delimiter = chosen("delimiter", ";")
    decimal = chosen("decimal", ",")
    date_format = chosen("date_format", "dd/mm/yyyy")
    currency = data.get("currency", "EUR")
    if not isinstance(currency, str) or re.fullmatch(r"[A-Z]{3}", currency) is None:
        problems.append(Problem("/currency", "currency", "A currency has three capitals."))
        currency = "EUR"
    columns: dict[str, tuple[str, ...]] = {}
    given = data.get("columns", {})
    for name, headers in given.items() if isinstance(given, Mapping) else ():
        names = (headers,) if isinstance(headers, str) else headers
        if name not in FIELDS:
            problems.append(Problem(f"/columns/{name}", "unknown", "There is no such field."))
        elif (
            not isinstance(names, list | tuple)
            or not names
            or not all(isinstance(each, str) and each.strip() for each in names)
        ):
            problems.append(Problem(f"/columns/{name}", "header", "Name the header of the column."))
        else:
            columns[name] = tuple(names)
    characters: dict[str, tuple[int, int]] = {}
    ranges = data.get("characters", {})
    for name, pair in ranges.items() if isinstance(ranges, Mapping) else ():
        if name not in FIELDS:
            problems.append(Problem(f"/characters/{name}", "unknown", "There is no such field."))
        elif (
            not isinstance(pair, list | tuple)
            or len(pair) != 2
            or not all(isinstance(each, int) for each in pair)
            or not 1 <= pair[0] <= pair[1] <= _MAX_WIDTH
        ):
            message = f"The first and the last character, from 1 to {_MAX_WIDTH}."
            problems.append(Problem(f"/characters/{name}", "characters", message))
        else:
            characters[name] = (pair[0], pair[1])
    if characters and columns:
        problems.append(Problem("/characters", "either", "Name columns or characters, not both."))
    skip_lines = data.get("skip_lines", 0)
    if not isinstance(skip_lines, int) or not 0 <= skip_lines <= _HEADER_LINES:
        message = f"A number from 0 to {_HEADER_LINES}."
        problems.append(Problem("/skip_lines", "range", message))
        skip_lines = 0
    fields = characters or columns
    if "booking_date" not in fields and "value_date" not in fields:
        problems.append(Problem("/columns/booking_date", "required", "A date is needed."))
    if "amount" not in fields and not {"debit", "credit"} <= set(fields):
        problems.append(Problem("/columns/amount", "required", "An amount is needed."))
    unknown = set(data) - {
        "columns",
        "encoding",
        "delimiter",
        "decimal",
        "date_format",
        "currency",
        "credit_marks",
        "debit_marks",
        "characters",
        "skip_lines",
        "implied_decimals",
    }
    problems += [Problem(f"/{name}", "unknown", "Not known.") for name in sorted(unknown)]
    marks: dict[str, Any] = {}
    for name in ("credit_marks", "debit_marks"):
        if name not in data:
            continue
        value = data[name]
        if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
            marks[name] = tuple(value)
        else:
            problems.append(Problem(f"/{name}", "marks", "A list of texts."))
    if problems:
        raise ValidationError("profile_invalid", "The profile is wrong.", problems=problems)
    return CsvProfile(
        "own",
        columns,
        encoding,
        delimiter,
        decimal,
        date_format,
        currency,
        characters=characters,
        skip_lines=skip_lines,
        implied_decimals=data.get("implied_decimals") is True,
        **marks,
    )


class _Bounded(io.RawIOBase):
    """A stream that refuses to be longer than a statement may be."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.total = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read(len(buffer))
        self.total += len(chunk)
        if self.total > MAX_BYTES:
            raise StatementRefusedError(
                StatementReason.TOO_LARGE, "A statement file has at most 100 MB."
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _FixedRows:
    """Lines of fixed width as rows of cells; a line that ends too early is a row without cells."""

    def __init__(self, text: TextIO, profile: CsvProfile) -> None:
        self._text = text
        self._profile = profile
        self.positions = {name: number for number, name in enumerate(profile.characters)}
        self.line_num = 0

    def __iter__(self) -> Iterator[list[str]]:
        fields = self._profile.characters
        # What is on the right may be cut off with its blanks; dates and amounts may not.
        needed = {"booking_date", "value_date", "amount"} & set(fields)
        least = max((fields[name][1] for name in needed), default=1)
        while line := self._text.readline(_MAX_WIDTH + 2):
            self.line_num += 1
            if len(line.rstrip("\r\n")) > _MAX_WIDTH:
                raise StatementRefusedError(
                    StatementReason.ENTRY_TOO_LARGE, "A line is too long.", line=self.line_num
                )
            if self.line_num <= self._profile.skip_lines:
                continue
            line = line.rstrip("\r\n")
            if not line.strip():
                yield []
            elif len(line) < least:
                yield [line]
            else:
                yield [line[first - 1 : last] for first, last in fields.values()]
        if not self.line_num:
            raise StatementRefusedError(StatementReason.EMPTY, "The file is empty.")


def read_csv_statement(stream: BinaryIO, profile: CsvProfile) -> Iterator[StatementItem]:
    """Entries, problems and the summary of a CSV statement; ``stream`` must be seekable.

    Raises: StatementRefusedError.
    """
    bounded = _Bounded(stream)
    encoding = "utf-8-sig" if profile.encoding == "utf-8" else profile.encoding
    text = io.TextIOWrapper(io.BufferedReader(bounded), encoding, newline="")
    rows: Any = (
        _FixedRows(text, profile)
        if profile.characters
        else csv.reader(text, delimiter=profile.delimiter)
    )
    try:
        positions = rows.positions if profile.characters else _header(rows, profile)
        yield from _Rows(profile, positions).read(rows)
    except UnicodeDecodeError:
        raise StatementRefusedError(
            StatementReason.ENCODING,
            "The file is not in the encoding of the profile.",
            line=_undecodable_line(stream, profile.encoding),
        ) from None
    except csv.Error:
        raise StatementRefusedError(
            StatementReason.SYNTAX, "A row of the file cannot be read.", line=rows.line_num
        ) from None
    finally:
        text.detach()


def _undecodable_line(stream: BinaryIO, encoding: str) -> int:
    """The first line that is not in an encoding; all of them keep the bytes of line ends."""
    stream.seek(0)
    number = 1
    while raw := stream.readline(_MAX_FIELD):
        try:
            raw.decode(encoding)
        except UnicodeDecodeError as error:
            # A very long line comes in pieces, which may cut a character of several bytes.
            if error.end < len(raw) or raw.endswith(b"\n"):
                return number
        number += raw.endswith(b"\n")
    return number


def _header(rows: Any, profile: CsvProfile) -> dict[str, int]:
    """Positions of the fields in the first row that has a date and an amount."""
    seen = False
    for row in islice(rows, _HEADER_LINES):
        seen = True
        keys = [header_key(cell) for cell in row]
        found = {}
        for name, headers in profile.columns.items():
            for header in headers:
                if header_key(header) in keys:
                    found[name] = keys.index(header_key(header))
                    break
        has_date = "booking_date" in found or "value_date" in found
        if has_date and ("amount" in found or {"debit", "credit"} <= set(found)):
            return found
    if not seen:
        raise StatementRefusedError(StatementReason.EMPTY, "The file is empty.")
    raise StatementRefusedError(
        StatementReason.HEADER_MISSING,
        "No row of the file has the column names of the profile.",
    )


@dataclass(slots=True)
class _Rows:
    """Rows to entries, with the running balance beside."""

    profile: CsvProfile
    positions: Mapping[str, int]
    entries: int = 0
    account: str = ""
    previous: tuple[Money, Money] | None = None
    newest_first: bool | None = None
    edges: list[tuple[Money, Money]] = field(default_factory=list)

    def read(self, rows: Any) -> Iterator[StatementItem]:
        first_line = rows.line_num
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            place = Place(rows.line_num, "row")
            if any(len(cell) > _MAX_FIELD for cell in row):
                raise StatementRefusedError(
                    StatementReason.ENTRY_TOO_LARGE, "A cell is too long.", line=place.line
                )
            self.entries += 1
            try:
                entry, balance = self._entry(row, place)
            except ParseError as error:
                self.previous = None  # the chain of balances starts again
                yield StatementProblem(place, error.code.lower(), error.message)
                continue
            if balance is not None:
                yield from self._chain(entry, balance)
            yield entry
        yield self._summary(Place(first_line, "header"))

    def _cell(self, row: Sequence[str], name: str) -> str:
        position = self.positions.get(name)
        if position is None or position >= len(row):
            return ""
        return restore(row[position]).strip()

    def _entry(self, row: Sequence[str], place: Place) -> tuple[StatementEntry, Money | None]:
        """Raises: ParseError."""
        profile = self.profile
        if len(row) <= max(self.positions.values()):
            raise ParseError("ROW_LENGTH", "the row has fewer cells than the header")
        currency = self._cell(row, "currency").upper() or profile.currency
        signed = self._signed(row, currency)
        booking = self._date(row, "booking_date")
        value = self._date(row, "value_date")
        known = booking or value
        if known is None:
            raise ParseError("DATE", "there is no date")
        self.account = self._cell(row, "account").replace(" ", "") or self.account
        balance = self._cell(row, "balance")
        entry = StatementEntry(
            place=place,
            account=self.account,
            direction=Direction.CREDIT if signed.minor >= 0 else Direction.DEBIT,
            amount=abs(signed),
            booking_date=known,
            value_date=value or known,
            reversal=self._cell(row, "reversal").casefold() in _YES,
            entry_reference=reference(self._cell(row, "entry_reference")),
            bank_reference=reference(self._cell(row, "bank_reference")),
            end_to_end_id=reference(self._cell(row, "end_to_end_id")),
            creditor_references=_some(reference(self._cell(row, "creditor_reference"))),
            remittance=_some(words(self._cell(row, "remittance"))),
            counterparty=words(self._cell(row, "counterparty")),
            counterparty_bank=reference(self._cell(row, "counterparty_bank")),
            transaction_code=words(self._cell(row, "transaction_code")),
        )
        return entry, self._number(balance, currency) if balance else None

    def _signed(self, row: Sequence[str], currency: str) -> Money:
        """The amount as it moves the balance."""
        if "amount" not in self.positions:
            credit, debit = self._cell(row, "credit"), self._cell(row, "debit")
            into = self._number(credit, currency) if credit else Money.zero(currency)
            out = self._number(debit, currency) if debit else Money.zero(currency)
            if (into and out) or not (credit or debit):
                raise ParseError("AMOUNT", "a row has either a debit or a credit")
            # Some banks write debits with a minus, some without: the column says the direction.
            return into if into else -abs(out)
        amount = self._number(self._cell(row, "amount"), currency)
        if "direction" not in self.positions:
            return amount
        mark = self._cell(row, "direction").upper()
        if mark in self.profile.credit_marks:
            return abs(amount)
        if mark in self.profile.debit_marks:
            return -abs(amount)
        raise ParseError("DIRECTION", "there is no known credit or debit mark")

    def _number(self, text: str, currency: str) -> Money:
        """An amount with the profile's decimal sign; the other sign and blanks group thousands."""
        other = "." if self.profile.decimal == "," else ","
        compact = text.replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
        if other in compact:
            if _GROUPS.fullmatch(compact.replace(other, "x")) is None:
                raise ParseError("AMOUNT", "the amount is not written as the profile says")
            compact = compact.replace(other, "")
        if self.profile.implied_decimals:
            compact = _IMPLIED.sub(r"\1.\2", compact) if _DIGITS.fullmatch(compact) else "?"
        match = _AMOUNT.fullmatch(compact.replace(",", "."))
        if match is None or (match[1] and match[4]):
            raise ParseError("AMOUNT", "the amount is not written as the profile says")
        money = Money.from_decimal(Decimal(f"{match[2]}.{match[3] or '0'}"), currency)
        return -money if "-" in (match[1], match[4]) else money

    def _date(self, row: Sequence[str], name: str) -> date | None:
        text = self._cell(row, name)
        if not text:
            return None
        return _day(text.partition(" ")[0], DATE_FORMATS[self.profile.date_format])

    def _chain(self, entry: StatementEntry, balance: Money) -> Iterator[StatementProblem]:
        """The balance after each entry follows from its neighbour; the first pair tells the order.

        Oldest first: balance = previous + amount. Newest first: previous = balance + its amount.
        """
        before, self.previous = self.previous, (entry.signed, balance)
        if not self.edges:
            self.edges = [(entry.signed, balance)]
        self.edges = [self.edges[0], (entry.signed, balance)]
        if before is None:
            return
        amount, previous = before
        if len({amount.currency, previous.currency, entry.amount.currency, balance.currency}) > 1:
            yield StatementProblem(
                entry.place, "currency_mixed", "The currency changes in the file."
            )
            return
        oldest = previous + entry.signed == balance
        newest = previous - amount == balance
        if self.newest_first is None and oldest != newest:
            self.newest_first = newest
        fits = newest if self.newest_first else oldest
        if self.newest_first is None:
            fits = oldest or newest
        if not fits:
            yield StatementProblem(
                entry.place, "balance_mismatch", "The balance does not follow from the row before."
            )

    def _summary(self, place: Place) -> StatementSummary:
        opening = closing = None
        if self.edges:
            first, last = self.edges[0], self.edges[-1]
            if self.newest_first:
                first, last = last, first
            opening, closing = first[1] - first[0], last[1]
        return StatementSummary(place, self.account, "", opening, closing, self.entries)


@lru_cache(maxsize=1_024)
def _day(text: str, pattern: str) -> date:
    """A day; a file has few of them and names each many times. Raises: ParseError("DATE")."""
    try:
        return datetime.strptime(text, pattern).date()  # noqa: DTZ007
    except ValueError:
        raise ParseError("DATE", "the date is not written as the profile says") from None


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()
