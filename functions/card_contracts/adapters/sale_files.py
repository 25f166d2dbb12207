"""Files of sales (CSV, XLSX) as rows by field, and one row as a sale, a refund or a cancellation.

The kind of a row may be missing: then it is a sale, as in every file before there were others.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from card_contracts.domain.sale import RefundFields, Returned, SaleFields
from card_contracts.domain.sale_event import SaleEvent, SaleEventKind
from card_contracts.ports import SaleRow
from kernel.errors import KopruError, ParseError, Problem, ValidationError
from kernel.files import UploadedFile
from kernel.identifiers.contract_no import parse_card_contract_code
from kernel.money import Money
from kernel.parsing import parse_amount_tr, parse_date_api, parse_date_tr
from kernel.text import clean_mail_header
from toolkit.tabular.columns import Column, ColumnSet, header_key
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
        Column(
            "kind",
            {"tr": "İşlem", "el": "Κίνηση", "en": "Kind"},
            ("İşlem Türü", "İşlem Tipi", "Hareket"),
            example="Satış",
        ),
        Column(
            "sale_document_no",
            {
                "tr": "Satış Belge No",
                "el": "Παραστατικό πώλησης",
                "en": "Document of the sale",
            },
            ("İade Edilen Belge", "Asıl Belge No"),
            example="FTR2026000001",
        ),
        Column(
            "deductions",
            {"tr": "Kesinti İadesi", "el": "Επιστροφή κρατήσεων", "en": "Deductions"},
            ("Kesintiler",),
            example="Oransal",
        ),
    ),
)
_KINDS: Final = {
    SaleEventKind.CLOSED: ("", "sale", "Satış", "Πώληση"),
    SaleEventKind.REFUNDED: ("refund", "İade", "Επιστροφή"),
    SaleEventKind.CANCELLED: ("cancellation", "İptal", "Ακύρωση"),
}
_RETURNED: Final = {
    Returned.PROPORTIONAL: ("proportional", "Oransal", "Αναλογικά"),
    Returned.KEPT: ("kept", "Kalır", "Παραμένουν"),
}
_Word = TypeVar("_Word", SaleEventKind, Returned)


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


def _word(words: Mapping[_Word, tuple[str, ...]], value: object) -> _Word:
    """What one of a few words means in any of our languages. Raises: ParseError("CHOICE")."""
    wanted = header_key(str(value))
    for meaning, names in words.items():
        if wanted in {header_key(name) for name in names}:
            return meaning
    known = ", ".join(name for names in words.values() for name in names[:2] if name)
    raise ParseError("CHOICE", f"one of: {known}")


class _Reading:
    """One row, field by field, with everything that is wrong on the way."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self.problems: list[Problem] = []

    def value(self, name: str, parse: Callable[[object], Any]) -> Any:
        """A field as what it is; None and a problem when it is wrong."""
        try:
            return parse(self._fields.get(name, ""))
        except KopruError as error:
            self.problems.append(Problem(f"/{name}", error.code.lower(), error.message))
            return None

    def money(self) -> Any:
        """The amount with its currency; not zero."""
        currency = self.value("currency", _currency) or "TRY"
        amount = self.value("amount", lambda text: parse_amount_tr(text, currency))
        if isinstance(amount, Money) and not amount:
            self.problems.append(Problem("/amount", "zero", "the amount must not be zero"))
        return amount

    def nothing(self, *names: str) -> None:
        """These must be empty: the sale says them, and a file that says other things is wrong."""
        for name in names:
            if self._fields.get(name, ""):
                message = "leave this empty: the sale says it"
                self.problems.append(Problem(f"/{name}", "unexpected", message))


def parse_row(fields: Mapping[str, str]) -> SaleEvent:
    """One row as what it tells: a sale, or the refund or cancellation of one.

    Raises: ValidationError with everything that is wrong with the row.
    """
    row = _Reading(fields)
    kind = row.value("kind", lambda text: _word(_KINDS, text))
    if row.problems:
        event = None  # which of the other fields are right depends on it
    elif kind is SaleEventKind.REFUNDED:
        event = _refund(row)
    elif kind is SaleEventKind.CANCELLED:
        row.nothing("contract_code", "sold_on", "amount", "instalments")
        row.nothing("sale_document_no", "deductions")
        event = SaleEvent(kind, row.value("document_no", parse_document_no))
    else:
        event = _sale(row)
    if event is None or row.problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=row.problems)
    return event


def _sale(row: _Reading) -> SaleEvent:
    row.nothing("sale_document_no", "deductions")
    document_no = row.value("document_no", parse_document_no)
    contract_code = row.value("contract_code", parse_card_contract_code)
    sold_on = row.value("sold_on", _date)
    amount = row.money()
    instalments = row.value("instalments", parse_instalments)
    sale = SaleFields(document_no, sold_on, amount, instalments, contract_code=contract_code)
    return SaleEvent(SaleEventKind.CLOSED, document_no, sale=sale)


def _refund(row: _Reading) -> SaleEvent:
    row.nothing("contract_code", "instalments")
    own = row.value("document_no", parse_document_no)
    of = row.value("sale_document_no", parse_document_no)
    day = row.value("sold_on", _date)
    amount = row.money()
    returned = row.value("deductions", lambda text: _word(_RETURNED, text))
    refund = RefundFields(own, day, amount, returned)
    return SaleEvent(SaleEventKind.REFUNDED, of, refund=refund)
