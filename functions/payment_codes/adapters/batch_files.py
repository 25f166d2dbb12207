"""Files of batches, CSV or XLSX, as documents by row; and the file back with its problems."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.files import UploadedFile
from kernel.identifiers import email as email_rule
from kernel.money import Money
from kernel.parsing import parse_amount_tr, parse_date_api, parse_date_tr
from kernel.sensitive import Email
from kernel.text import clean_free_text, clean_mail_header, fold
from payment_codes.domain.batch import BatchDocument, RowProblem
from payment_codes.domain.payment import CURRENCY
from payment_codes.domain.payment_code import Customer
from payment_codes.domain.source import Source, SourceKind
from payment_codes.ports import BatchColumn, BatchColumns, BatchRow, BatchTable
from toolkit.tabular.columns import Column, ColumnMapping, ColumnSet, MappedRow
from toolkit.tabular.table import Table

COLUMNS: Final = ColumnSet(
    key="payment_codes.batch",
    columns=(
        Column(
            "document",
            {"tr": "Belge No", "el": "Αριθμός παραστατικού", "en": "Document"},
            ("Παραστατικό", "Αξιόγραφο", "Αρ. αξιογράφου", "Αριθμός αξιογράφου", "Fatura No",
             "Çek No", "Senet No", "Document no", "Document number"),
            required=True,
            example="ΑΞ-000123",
        ),
        Column(
            "customer_id",
            {"tr": "Müşteri Kodu", "el": "Κωδικός πελάτη", "en": "Customer code"},
            ("Cari Kodu", "Κωδ. πελάτη", "Customer id"),
            required=True,
            example="30.00.001",
        ),
        Column(
            "customer_name",
            {"tr": "Müşteri", "el": "Πελάτης", "en": "Customer"},
            ("Müşteri Adı", "Unvan", "Επωνυμία", "Όνομα πελάτη", "Customer name", "Name"),
            required=True,
            example="Μαρία Δοκιμαστική",
        ),
        Column(
            "amount",
            {"tr": "Tutar", "el": "Ποσό", "en": "Amount"},
            ("Αξία", "Meblağ", "Bedel", "Amount EUR", "Ποσό (€)"),
            example="1.250,00",
        ),
        Column(
            "email",
            {"tr": "E-posta", "el": "E-mail", "en": "Email"},
            ("Eposta", "Mail", "Ηλεκτρονική διεύθυνση"),
            example="maria@customer.example",
        ),
        Column(
            "language",
            {"tr": "Dil", "el": "Γλώσσα", "en": "Language"},
            choices=("el", "en", "tr"),
        ),
        Column(
            "description",
            {"tr": "Açıklama", "el": "Αιτιολογία", "en": "Description"},
            ("Περιγραφή", "Σχόλια", "Purpose"),
        ),
        Column(
            "valid_until",
            {"tr": "Son Gün", "el": "Ισχύει έως", "en": "Valid until"},
            ("Vade", "Λήξη", "Ημερομηνία λήξης", "Due date"),
            example="31.12.2026",
        ),
        Column(
            "kind",
            {"tr": "Belge Türü", "el": "Είδος παραστατικού", "en": "Kind of document"},
            ("Tür", "Είδος", "Kind"),
        ),
    ),
)  # fmt: skip
_KINDS: Final[Mapping[str, SourceKind]] = {
    fold(word): kind
    for kind, words in {
        SourceKind.REPAIR_ORDER: ("repair_order", "εντολή επισκευής", "servis emri"),
        SourceKind.COUNTER_INVOICE: ("counter_invoice", "τιμολόγηση πάγκου", "tezgah faturası"),
        SourceKind.VEHICLE_ORDER: ("vehicle_order", "παραγγελία αυτοκινήτου", "araç siparişi"),
        SourceKind.BILL_BATCH: ("bill_batch", "αξιόγραφο", "πινάκιο", "çek", "senet"),
    }.items()
    for word in words
}
_LANGUAGES: Final = frozenset({"tr", "el", "en"})
_SAMPLE_ROWS: Final = 3


def _reference(text: str) -> str:
    cleaned = clean_mail_header(text)
    if not cleaned or cleaned != cleaned.strip() or len(cleaned) > 64:
        raise ParseError("LENGTH", "the identifier has 1 to 64 characters, no blanks around it")
    return cleaned


def _name(text: str) -> str:
    cleaned = clean_free_text(text, 200).strip()
    if not cleaned or "\n" in cleaned:
        raise ParseError("LENGTH", "the name is one line of 1 to 200 characters")
    return cleaned


def _amount(text: str) -> Money:
    if text.isascii() and text.isdigit() and len(text) <= 13:
        text = f"{text}.00"  # a typed cell without cents
    amount = parse_amount_tr(text, CURRENCY)
    if not amount:
        raise ParseError("AMOUNT", "the amount is more than zero; leave it empty for an open one")
    return amount


def _day(text: str) -> date:
    return parse_date_api(text) if text[4:5] == "-" else parse_date_tr(text)


def _language(text: str) -> str:
    found = text.lower()
    if found not in _LANGUAGES:
        raise ParseError("CHOICE", "choose one of: el, en, tr")
    return found


def _kind(text: str) -> SourceKind:
    found = _KINDS.get(fold(text))
    if found is None:
        raise ParseError("CHOICE", "there is no such kind of document")
    return found


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "document": _reference,
    "customer_id": _reference,
    "customer_name": _name,
    "amount": _amount,
    "email": lambda text: Email(email_rule.parse(text)),
    "language": _language,
    "description": lambda text: clean_free_text(text, 140),
    "valid_until": _day,
    "kind": _kind,
}
_REQUIRED: Final = tuple(column.field for column in COLUMNS.columns if column.required)


class TabularBatchFiles:
    """``BatchFiles`` over CSV and XLSX."""

    def read(
        self, file: UploadedFile, *, kind: SourceKind, remembered: Mapping[str, str], language: str
    ) -> BatchTable:
        """Documents by row; ``kind`` counts for rows that name none. See the port."""
        table = _read(file, COLUMNS.header_keys(remembered), language)
        mapping = COLUMNS.map(table.header, remembered)
        if not mapping.complete:
            problems = [
                *(
                    Problem(f"/header/{name}", "column_missing", "This column is missing.")
                    for name in mapping.missing
                ),
                *(
                    Problem(
                        f"/header/{conflict.field}",
                        "column_ambiguous",
                        "Several columns could be this one; choose.",
                    )
                    for conflict in mapping.conflicts
                ),
            ]
            message = "Some columns could not be recognised."
            raise ValidationError("columns_missing", message, problems=problems)
        return BatchTable(
            table.header, mapping.fields, table.row_count, lambda: _rows(table, mapping, kind)
        )

    def columns(
        self, file: UploadedFile, *, remembered: Mapping[str, str], language: str
    ) -> BatchColumns:
        """The columns of a file and what we take them for."""
        table = _read(file, COLUMNS.header_keys(remembered), language)
        mapping = COLUMNS.map(table.header, remembered)
        samples = list(islice(table.rows(), _SAMPLE_ROWS))
        return BatchColumns(
            columns=[
                BatchColumn(
                    name,
                    target or "",
                    [text for row in samples if (text := row.cell(position).text.strip())],
                )
                for position, (name, target) in enumerate(
                    zip(mapping.header, mapping.fields, strict=True)
                )
            ],
            fields={column.field: column.title(language) for column in COLUMNS.columns},
            missing=mapping.missing,
            conflicts=[conflict.field for conflict in mapping.conflicts],
            row_count=table.row_count,
        )

    def returned(
        self, table: BatchTable, problems: Sequence[RowProblem], *, language: str
    ) -> bytes:
        """The file as a workbook with every problem marked, ready to be corrected."""
        from toolkit.tabular.xlsx_writer import CellProblem, ReturnedRow, write_returned

        by_row: dict[int, list[CellProblem]] = {}
        for problem in problems:
            column = table.fields.index(problem.field) if problem.field in table.fields else None
            by_row.setdefault(problem.row, []).append(
                CellProblem(column, problem.code, problem.message)
            )
        output = io.BytesIO()
        write_returned(
            output,
            table.header,
            (
                ReturnedRow(row.number, row.texts, by_row.get(row.number, ()))
                for row in table.rows()
            ),
            language=language,
        )
        return output.getvalue()


def _read(file: UploadedFile, known: frozenset[str], language: str) -> Table:
    # By content, not by name: a workbook is a zip archive.
    if file.content[:2] == b"PK":
        from toolkit.tabular.xlsx_reader import read_xlsx

        return read_xlsx(file.content, known_headers=known)
    from toolkit.tabular.csv_reader import read_csv

    return read_csv(file.content, language=language, known_headers=known)


def _rows(table: Table, mapping: ColumnMapping, kind: SourceKind) -> Iterator[BatchRow]:
    for mapped in COLUMNS.rows(table, mapping):
        document, problems = _document(mapped, kind)
        yield BatchRow(mapped.number, document, problems, mapped.texts)


def _document(
    row: MappedRow, kind: SourceKind
) -> tuple[BatchDocument | None, tuple[RowProblem, ...]]:
    values: dict[str, Any] = {}
    problems = []
    for name, parse in _PARSERS.items():
        text = row.text(name).strip()
        if not text:
            if name in _REQUIRED:
                message = "This field is required."
                problems.append(RowProblem(row.number, name, "required", message))
            continue
        try:
            values[name] = parse(text)
        except ParseError as error:
            problems.append(RowProblem(row.number, name, error.code.lower(), error.message))
    if problems:
        return None, tuple(problems)
    customer = Customer(
        values["customer_id"],
        values["customer_name"],
        values.get("email"),
        values.get("language", ""),
    )
    source = Source(values.get("kind", kind), values["document"])
    document = BatchDocument(
        row.number,
        source,
        customer,
        values.get("amount"),
        values.get("description", ""),
        values.get("valid_until"),
    )
    return document, ()
