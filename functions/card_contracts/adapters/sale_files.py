"""Files of sales (CSV, XLSX) as rows by field, and one row as a sale."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from card_contracts.domain.sale import SaleFields
from card_contracts.ports import SaleRow
from kernel.errors import KopruError, ParseError, Problem, ValidationError
from kernel.files import UploadedFile
from kernel.identifiers.contract_no import parse_card_contract_code
from kernel.money import Money
from kernel.parsing import parse_amount_tr, parse_date_api, parse_date_tr
from kernel.text import clean_mail_header
from toolkit.tabular.columns import Column, ColumnSet
from toolkit.tabular.table import Table

_CURRENCIES: Final = ("TRY", "EUR")
_MAX_DOCUMENT: Final = 64

SALE_COLUMNS: Final = ColumnSet(
    key="card_contracts.sales",
    columns=(
        Column(
            "document_no",
            {"tr": "Belge No", "el": "Αριθμός παραστατικού", "en": "Document no"},
            ("Fatura No", "Evrak No", "Fiş No"),
            required=True,
            example="FTR2026000001",
        ),
        Column(
            "contract_code",
            {"tr": "Sözleşme Kodu", "el": "Κωδικός σύμβασης", "en": "Contract code"},
            ("Sözleşme", "Banka Sözleşme Kodu"),
            required=True,
            example="AXESS-26",
        ),
        Column(
            "sold_on",
            {"tr": "Satış Tarihi", "el": "Ημερομηνία πώλησης", "en": "Sold on"},
            ("İşlem Tarihi", "Fatura Tarihi", "Tarih"),
            required=True,
            example="28.04.2026",
        ),
        Column(
            "amount",
            {"tr": "Tutar", "el": "Ποσό", "en": "Amount"},
            ("Brüt Tutar", "Satış Tutarı", "Brüt"),
            required=True,
            example="1.000,00",
        ),
        Column(
            "currency",
            {"tr": "Para Birimi", "el": "Νόμισμα", "en": "Currency"},
            ("Döviz",),
            example="TRY",
            choices=_CURRENCIES,
        ),
        Column(
            "instalments",
            {"tr": "Taksit Sayısı", "el": "Δόσεις", "en": "Instalments"},
            ("Taksit", "Taksit Adedi"),
            required=True,
            example="3",
        ),
    ),
)


class TabularSaleFiles:
    """``SaleFiles`` over CSV and XLSX."""

    def read(self, file: UploadedFile, *, language: str) -> Iterator[SaleRow]:
        table = _table(file, language)
        mapping = SALE_COLUMNS.map(table.header)
        if not mapping.complete:
            missing = [
                Problem(f"/header/{name}", "column_missing", "This column is missing.")
                for name in mapping.missing
            ]
            ambiguous = [
                Problem(f"/header/{one.field}", "column_ambiguous", "Several could be this one.")
                for one in mapping.conflicts
            ]
            raise ValidationError(
                "columns_missing",
                "Some columns could not be recognised.",
                problems=[*missing, *ambiguous],
            )
        for row in SALE_COLUMNS.rows(table, mapping):
            fields = {name: cell.text.strip(" ") for name, cell in row.cells.items()}
            yield SaleRow(row.number, fields)


def _table(file: UploadedFile, language: str) -> Table:
    # By content, not by name: a workbook is a zip archive.
    known = SALE_COLUMNS.header_keys({})
    if file.content[:2] == b"PK":
        from toolkit.tabular.xlsx_reader import read_xlsx

        return read_xlsx(file.content, known_headers=known)
    from toolkit.tabular.csv_reader import read_csv

    return read_csv(file.content, language=language, known_headers=known)


def parse_document_no(value: object) -> str:
    """Number of a document in the books: 1 to 64 characters of one line.

    Raises: ParseError("TYPE" | "LENGTH" | …).
    """
    text = clean_mail_header(value)
    if not text or text != text.strip() or len(text) > _MAX_DOCUMENT:
        raise ParseError("LENGTH", "the number has 1 to 64 characters, no blanks around it")
    return text


def parse_instalments(value: object) -> int:
    """Number of instalments in a file: digits only, 0 for points. Raises: ParseError."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 2:
        raise ParseError("INSTALMENTS", "the instalments are a whole number from 0 to 99")
    return int(value)


def _date(value: object) -> Any:
    text = str(value)
    return parse_date_api(text) if text[4:5] == "-" else parse_date_tr(text)


def _currency(value: object) -> str:
    text = str(value or "TRY").upper()
    if text not in _CURRENCIES:
        raise ParseError("CURRENCY", "the currency is TRY or EUR")
    return text


def parse_row(fields: Mapping[str, str]) -> SaleFields:
    """One row as a sale.

    Raises: ValidationError with everything that is wrong with the row.
    """
    problems: list[Problem] = []

    def value(name: str, parse: Callable[[object], Any]) -> Any:
        try:
            return parse(fields.get(name, ""))
        except KopruError as error:
            problems.append(Problem(f"/{name}", error.code.lower(), error.message))
            return None

    document_no = value("document_no", parse_document_no)
    contract_code = value("contract_code", parse_card_contract_code)
    sold_on = value("sold_on", _date)
    currency = value("currency", _currency) or "TRY"
    amount = value("amount", lambda text: parse_amount_tr(text, currency))
    instalments = value("instalments", parse_instalments)
    if isinstance(amount, Money) and not amount:
        problems.append(Problem("/amount", "zero", "the amount must not be zero"))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return SaleFields(document_no, sold_on, amount, instalments, contract_code=contract_code)
