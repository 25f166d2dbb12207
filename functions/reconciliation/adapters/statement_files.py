"""Statements of counterparties as files: CSV and XLSX in, lists of differences out and in.

A statement has a debit and a credit column, or one signed amount; each in the writer's own books.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, Final

from kernel.errors import Problem
from kernel.files import UploadedFile
from kernel.money import Money
from kernel.text import fold
from kernel.why import Why
from reconciliation.adapters.table_files import CellReader, mapped_rows
from reconciliation.domain.account import Statement
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.parameters import HOME
from reconciliation.domain.statement_match import Category, Match, StatementLine
from reconciliation.domain.values import MAX_DOCUMENT
from toolkit.tabular.cells import read_amount, read_date
from toolkit.tabular.columns import Column, ColumnSet, MappedRow
from toolkit.tabular.export_files import TabularExportFiles

COLUMNS: Final = ColumnSet(
    key="reconciliation.statement",
    columns=(
        Column(
            "on",
            {"tr": "Tarih", "el": "Ημερομηνία", "en": "Date"},
            ("Belge Tarihi", "Fatura Tarihi", "Evrak Tarihi", "İşlem Tarihi", "Document date"),
            required=True,
            example="15.01.2026",
        ),
        Column(
            "document_no",
            {"tr": "Belge No", "el": "Παραστατικό", "en": "Document"},
            ("Evrak No", "Fatura No", "Fiş No", "Αριθμός παραστατικού", "Document no"),
            example="FTR2026000001",
        ),
        Column(
            "debit",
            {"tr": "Borç", "el": "Χρέωση", "en": "Debit"},
            ("Borç Tutarı", "Debit (you owe)", "Borç (sizin borcunuz)"),
            example="3.600,00",
        ),
        Column(
            "credit",
            {"tr": "Alacak", "el": "Πίστωση", "en": "Credit"},
            ("Alacak Tutarı", "Credit (in your favour)"),
        ),
        Column("amount", {"tr": "Tutar", "el": "Ποσό", "en": "Amount"}, ("İşlem Tutarı",)),
        Column(
            "kind",
            {"tr": "Açıklama", "el": "Περιγραφή", "en": "Description"},
            ("İşlem", "Hareket", "İşlem Türü", "Tür", "Kind", "Είδος"),
        ),
    ),
)

# Rows that are no movement: sums, and balances carried forward.
_NO_MOVEMENT: Final = frozenset(
    map(
        fold,
        (
            "devir",
            "açılış",
            "toplam",
            "genel toplam",
            "bakiye",
            "önceki bakiye",
            "από μεταφορά",
            "σύνολο",
            "υπόλοιπο",
            "balance before",
            "balance carried forward",
            "total",
            "balance",
        ),
    )
)


class TabularStatements:
    """``StatementReader`` over CSV and XLSX."""

    def lines(self, file: UploadedFile) -> Iterator[tuple[int, Callable[[], StatementLine | None]]]:
        """Rows; reading one gives None for a sum or a balance carried forward."""
        for row in mapped_rows(file, "tr", COLUMNS):
            yield row.number, lambda row=row: _statement_line(row)  # type: ignore[misc]


def _statement_line(row: MappedRow) -> StatementLine | None:
    cells = CellReader(row)
    words = {fold(cells.typed("kind")), fold(cells.typed("document_no"))}
    if words & _NO_MOVEMENT:
        return None
    zero = Money.zero(HOME)

    def money(name: str) -> Money:
        if not cells.typed(name):
            return zero
        return cells.read(name, lambda: read_amount(cells.cell(name), HOME), zero)

    if not any(cells.typed(name) for name in ("debit", "credit", "amount")):
        if not cells.typed("on"):
            return None  # an empty row, or the title of a part
        cells.problems.append(Problem("/amount", "required", "A line has a debit or a credit."))
    amount = money("amount") + money("debit") - money("credit")
    number = cells.number("document_no")
    if len(number) > MAX_DOCUMENT:
        text = f"at most {MAX_DOCUMENT} characters"
        cells.problems.append(Problem("/document_no", "length", text))
    on = cells.read("on", lambda: read_date(cells.cell("on")), date.max)
    cells.check()
    return StatementLine(str(row.number), number, on, amount)


# ---------------------------------------------------------------------------- results


class GzipMatches:
    """``MatchFiles``: one JSON text per line of the list, packed; equal lists give equal bytes."""

    def write(self, matches: Iterable[Match]) -> bytes:
        """The list as a file."""
        lines = (
            json.dumps(_match_row(match), ensure_ascii=False, separators=(",", ":"))
            for match in matches
        )
        return gzip.compress("\n".join(lines).encode(), compresslevel=6, mtime=0)

    def read(self, content: bytes) -> Iterator[Match]:
        """The list behind a file."""
        text = gzip.decompress(content).decode()
        for line in text.split("\n"):
            if line:
                yield _match_from(json.loads(line))


def _side(line: StatementLine | None) -> list[Any] | None:
    if line is None:
        return None
    amount = line.amount
    return [line.id, line.document_no, line.on.isoformat(), amount.minor, amount.currency]


def _side_from(row: list[Any] | None) -> StatementLine | None:
    if row is None:
        return None
    identity, number, on, minor, currency = row
    return StatementLine(identity, number, date.fromisoformat(on), Money(minor, currency))


def _match_row(match: Match) -> list[Any]:
    gap = match.difference
    whys = [[why.key, dict(why.params)] for why in match.why]
    ours, theirs = _side(match.ours), _side(match.theirs)
    return [ours, theirs, match.category.value, gap.minor, gap.currency, whys]


def _match_from(row: list[Any]) -> Match:
    ours, theirs, category, minor, currency, whys = row
    return Match(
        _side_from(ours),
        _side_from(theirs),
        Category(category),
        Money(minor, currency),
        tuple(Why(key, params) for key, params in whys),
    )


# ---------------------------------------------------------------------------- our statement


class StatementFiles:
    """Writes our statement as a workbook. ``renderer`` is a ``webkit.render.Renderer``."""

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer

    def write(self, found: Statement, counterparty: Counterparty) -> UploadedFile:
        """All lines of the period in the language of the counterparty."""
        words = self._renderer.language(counterparty.fields.language)
        header = (
            words.text("Date"),
            words.text("Document"),
            words.text("Debit (you owe)"),
            words.text("Credit (in your favour)"),
            words.text("Balance"),
        )
        rows = (
            (
                line.entry.fields.document_date,
                line.entry.fields.document_no,
                line.debit,
                line.credit,
                line.balance,
            )
            for one in found.currencies
            for line in one.lines
        )
        name = f"{found.first}-{found.last}"
        return TabularExportFiles().write("xlsx", name, header, rows)
