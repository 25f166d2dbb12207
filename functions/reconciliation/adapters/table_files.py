"""Tables of account cards and ledger lines (CSV, XLSX) as domain values."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from kernel.errors import KopruError, ParseError, Problem, ValidationError
from kernel.files import UploadedFile
from kernel.identifiers import ledger_party
from kernel.money import API_CURRENCIES, Money
from kernel.sensitive import Email
from kernel.text import clean_company_title, fold
from reconciliation.domain.counterparty import CounterpartyFields
from reconciliation.domain.ledger import Direction, EntryFields
from reconciliation.domain.parameters import HOME, EntryKind
from reconciliation.domain.values import parse_code, parse_document_no, parse_line
from toolkit.tabular.cells import read_amount, read_date
from toolkit.tabular.columns import Column, ColumnSet, MappedRow
from toolkit.tabular.table import Cell, CellKind, Table
from toolkit.tabular.zip_guard import GuardedArchive

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)
MAX_EMAILS: Final = 10

COUNTERPARTY_COLUMNS: Final = ColumnSet(
    key="reconciliation.counterparties",
    columns=(
        Column(
            "code",
            {"tr": "Cari Kodu", "el": "Κωδικός", "en": "Code"},
            ("Hesap Kodu", "Cari Kod", "Kod"),
            required=True,
            example="120.01.001",
        ),
        Column(
            "title",
            {"tr": "Unvan", "el": "Επωνυμία", "en": "Title"},
            ("Cari Adı", "Ünvan", "Cari Unvan", "Ad Soyad"),
            required=True,
            example="Deneme Yedek Parça A.Ş.",
        ),
        Column(
            "tax_no",
            {"tr": "Vergi No", "el": "ΑΦΜ", "en": "Tax no"},
            ("VKN", "Vergi Kimlik No", "VKN/TCKN", "TCKN", "Vergi/TC No"),
            required=True,
            example="1234567890",
        ),
        Column(
            "tax_office",
            {"tr": "Vergi Dairesi", "el": "ΔΟΥ", "en": "Tax office"},
            ("VD",),
            example="Kadıköy",
        ),
        Column(
            "emails",
            {"tr": "E-posta", "el": "E-mail", "en": "E-mail"},
            ("Mail", "Mutabakat E-posta", "Eposta Adresi"),
            example="muhasebe@deneme.example; mali@deneme.example",
        ),
        Column(
            "language",
            {"tr": "Dil", "el": "Γλώσσα", "en": "Language"},
            example="tr",
            choices=("tr", "el", "en"),
        ),
    ),
)

ENTRY_COLUMNS: Final = ColumnSet(
    key="reconciliation.ledger_entries",
    columns=(
        Column(
            "counterparty_code",
            {"tr": "Cari Kodu", "el": "Κωδικός συναλλασσομένου", "en": "Counterparty code"},
            ("Hesap Kodu", "Cari Kod"),
            required=True,
            example="120.01.001",
        ),
        Column(
            "document_no",
            {"tr": "Belge No", "el": "Αριθμός παραστατικού", "en": "Document no"},
            ("Fatura No", "Evrak No", "Fiş No"),
            required=True,
            example="FTR2026000001",
        ),
        Column(
            "document_date",
            {"tr": "Belge Tarihi", "el": "Ημερομηνία παραστατικού", "en": "Document date"},
            ("Fatura Tarihi", "Evrak Tarihi", "Tarih"),
            required=True,
            example="15.01.2026",
        ),
        Column("due_on", {"tr": "Vade", "el": "Λήξη", "en": "Due on"}, ("Vade Tarihi",)),
        Column(
            "kind",
            {"tr": "Tür", "el": "Είδος", "en": "Kind"},
            ("Hareket Türü", "Belge Türü"),
            required=True,
            example="fatura",
        ),
        Column(
            "direction",
            {"tr": "Yön", "el": "Κατεύθυνση", "en": "Direction"},
            ("Alış/Satış", "Alım/Satım"),
            required=True,
            example="alış",
        ),
        Column(
            "net",
            {"tr": "KDV Hariç Tutar", "el": "Καθαρή αξία", "en": "Net amount"},
            ("Matrah", "Net Tutar", "net_amount"),
            required=True,
            example="3.000,00",
        ),
        Column("vat", {"tr": "KDV", "el": "ΦΠΑ", "en": "VAT"}, ("KDV Tutarı",), example="600,00"),
        Column(
            "total",
            {"tr": "Toplam", "el": "Σύνολο", "en": "Total"},
            ("Genel Toplam", "KDV Dahil Tutar", "Brüt Tutar"),
            example="3.600,00",
        ),
        Column(
            "currency",
            {"tr": "Para Birimi", "el": "Νόμισμα", "en": "Currency"},
            ("Döviz",),
            example="TRY",
            choices=tuple(sorted(API_CURRENCIES)),
        ),
        Column(
            "net_home",
            {"tr": "KDV Hariç TL Tutarı", "el": "Καθαρή αξία σε TRY", "en": "Net amount in TRY"},
            ("TL Matrah", "net_amount_try"),
        ),
        Column(
            "is_electronic",
            {"tr": "E-Belge", "el": "Ηλεκτρονικό", "en": "Electronic"},
            ("E-Fatura", "E-Arşiv"),
            example="hayır",
        ),
        Column(
            "source_id",
            {"tr": "Kayıt No", "el": "Αριθμός εγγραφής", "en": "Record no"},
            ("Satır No", "Referans"),
        ),
        Column("cancelled", {"tr": "İptal", "el": "Ακυρωμένο", "en": "Cancelled"}),
    ),
)

# Words files use for a closed list; compared without case and accents.
_KINDS: Final = {
    EntryKind.INVOICE: ("fatura", "τιμολόγιο"),
    EntryKind.RENT: ("kira", "ενοίκιο"),
    EntryKind.INSURANCE_POLICY: ("sigorta poliçesi", "poliçe", "ασφαλιστήριο"),
    EntryKind.PAYMENT: ("ödeme", "tahsilat", "πληρωμή", "είσπραξη"),
    EntryKind.OPENING_BALANCE: ("açılış", "devir", "υπόλοιπο έναρξης"),
    EntryKind.OTHER: ("diğer", "άλλο"),
}
_DIRECTIONS: Final = {
    Direction.SALES: ("satış", "satım", "bs", "πωλήσεις", "πώληση"),
    Direction.PURCHASE: ("alış", "alım", "ba", "αγορές", "αγορά"),
}
_YES: Final = frozenset(map(fold, ("evet", "e", "1", "true", "yes", "x", "ναι", "doğru")))
_NO: Final = frozenset(map(fold, ("", "hayır", "h", "0", "false", "no", "όχι", "yanlış")))


class TabularFiles:
    """``TableFiles`` over CSV and XLSX."""

    def counterparties(
        self, file: UploadedFile, *, language: str
    ) -> Iterator[tuple[int, Callable[[], CounterpartyFields]]]:
        """Rows of account cards."""
        for row in mapped_rows(file, language, COUNTERPARTY_COLUMNS):
            yield row.number, lambda row=row: _counterparty(row)  # type: ignore[misc]

    def ledger_entries(
        self, file: UploadedFile, *, language: str
    ) -> Iterator[tuple[int, Callable[[], EntryFields]]]:
        """Rows of ledger lines."""
        for row in mapped_rows(file, language, ENTRY_COLUMNS):
            yield row.number, lambda row=row: _entry(row)  # type: ignore[misc]

    def documents(self, file: UploadedFile) -> Iterator[bytes]:
        """The documents of a file: itself, or the members of an archive that are XML."""
        if file.content[:2] != b"PK":
            yield file.content
            return
        archive = GuardedArchive(file.content)
        for name in archive.names:
            if name.lower().endswith(".xml"):
                yield archive.read(name)

    def returned(
        self,
        job_kind: str,
        file: UploadedFile,
        problems: Sequence[tuple[int, Problem]],
        *,
        language: str,
    ) -> bytes:
        """The table as a workbook, with what is wrong beside every row."""
        from toolkit.tabular.xlsx_writer import CellProblem, ReturnedRow, write_returned

        columns = COUNTERPARTY_COLUMNS if job_kind.startswith("counterparty") else ENTRY_COLUMNS
        table = _table(file, language, columns)
        named = columns.map(table.header).fields
        marked: dict[int, list[CellProblem]] = {}
        for line, problem in problems:
            field = problem.pointer.rpartition("/")[2]
            place = named.index(field) if field in named else None
            marked.setdefault(line, []).append(CellProblem(place, problem.code, problem.message))
        output = io.BytesIO()
        rows = (
            ReturnedRow(row.number, row.texts, marked.get(row.number, ())) for row in table.rows()
        )
        write_returned(output, table.header, rows, language=language)
        return output.getvalue()


def mapped_rows(file: UploadedFile, language: str, columns: ColumnSet) -> Iterator[MappedRow]:
    """Rows of a table by canonical field. Raises: ValidationError for a file that is no such
    table.
    """
    table = _table(file, language, columns)
    mapping = columns.map(table.header)
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
    yield from columns.rows(table, mapping)


def _table(file: UploadedFile, language: str, columns: ColumnSet) -> Table:
    # By content, not by name: a workbook is a zip archive.
    known = columns.header_keys({})
    if file.content[:2] == b"PK":
        from toolkit.tabular.xlsx_reader import read_xlsx

        return read_xlsx(file.content, known_headers=known)
    from toolkit.tabular.csv_reader import read_csv

    return read_csv(file.content, language=language, known_headers=known)


class CellReader:
    """Reads the cells of a row and collects what is wrong."""

    def __init__(self, row: MappedRow) -> None:
        self._row = row
        self.problems: list[Problem] = []

    def cell(self, name: str) -> Cell:
        """A cell; one of a column that is not there is empty."""
        return self._row.cells.get(name, Cell(""))

    def typed(self, name: str) -> str:
        """Its text without blanks around it."""
        return self.cell(name).text.strip(" ")

    def read(self, name: str, read: Callable[[], Value], otherwise: Value) -> Value:
        """A value, or ``otherwise`` and a problem."""
        try:
            return read()
        except KopruError as error:
            self.problems.append(Problem(f"/{name}", error.code.lower(), error.message))
            return otherwise

    def number(self, name: str) -> str:
        """A number that is a name, such as a tax number: a number cell without decimals counts."""
        cell = self.cell(name)
        text = cell.text.strip(" ")
        return text.partition(".")[0] if cell.kind is CellKind.NUMBER else text

    def check(self) -> None:
        """Raises: ValidationError with everything that is wrong."""
        if self.problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=self.problems)


_NOBODY: Final = ledger_party.LedgerParty(ledger_party.PartyKind.SPECIAL, "", None)


def _counterparty(row: MappedRow) -> CounterpartyFields:
    cells = CellReader(row)
    fields = CounterpartyFields(
        code=cells.read("code", lambda: parse_code(cells.typed("code")), ""),
        title=cells.read("title", lambda: clean_company_title(cells.typed("title")), ""),
        party=cells.read("tax_no", lambda: ledger_party.parse(cells.number("tax_no")), _NOBODY),
        tax_office=cells.read("tax_office", lambda: parse_line(cells.typed("tax_office"), 100), ""),
        emails=cells.read("emails", lambda: read_emails(cells.typed("emails")), ()),
        language=cells.read("language", lambda: _language(cells.typed("language")), "tr"),
    )
    cells.check()
    return fields


def read_emails(text: str) -> tuple[Email, ...]:
    """Addresses between commas or semicolons, in order, each once. Raises: ParseError."""
    parts = [part.strip() for part in text.replace(",", ";").split(";")]
    emails = tuple(dict.fromkeys(Email(part) for part in parts if part))
    if len(emails) > MAX_EMAILS:
        raise ParseError("LENGTH", f"at most {MAX_EMAILS} addresses")
    return emails


def _language(text: str) -> str:
    if text.lower() not in ("", "tr", "el", "en"):
        raise ParseError("CHOICE", "choose one of: tr, el, en")
    return text.lower() or "tr"


def _entry(row: MappedRow) -> EntryFields:
    cells = CellReader(row)
    currency = cells.read("currency", lambda: _currency(cells.typed("currency")), HOME)
    zero = Money.zero(currency)

    def money(name: str, otherwise: Money, unit: str = currency) -> Money:
        if not cells.typed(name):
            return otherwise
        return cells.read(name, lambda: read_amount(cells.cell(name), unit), otherwise)

    if not cells.typed("net"):
        cells.problems.append(Problem("/net", "required", "A line has a net amount."))
    net, vat = money("net", zero), money("vat", zero)
    home = money("net_home", Money.zero(HOME), HOME) if cells.typed("net_home") else None
    due = cells.typed("due_on")
    fields = EntryFields(
        counterparty_code=cells.read(
            "counterparty_code", lambda: parse_code(cells.typed("counterparty_code")), ""
        ),
        document_no=cells.read(
            "document_no", lambda: parse_document_no(cells.number("document_no")), ""
        ),
        document_date=cells.read(
            "document_date", lambda: read_date(cells.cell("document_date")), date.max
        ),
        due_on=cells.read("due_on", lambda: read_date(cells.cell("due_on")), None) if due else None,
        kind=cells.read("kind", lambda: _choice(cells.typed("kind"), _KINDS), EntryKind.OTHER),
        direction=cells.read(
            "direction", lambda: _choice(cells.typed("direction"), _DIRECTIONS), Direction.SALES
        ),
        net=net,
        vat=vat,
        total=money("total", net + vat),
        is_electronic=cells.read(
            "is_electronic", lambda: _yes(cells.typed("is_electronic")), False
        ),
        net_home=home,
        source_id=cells.read("source_id", lambda: parse_line(cells.number("source_id"), 64), ""),
        cancelled=cells.read("cancelled", lambda: _yes(cells.typed("cancelled")), False),
    )
    cells.check()
    return fields


def _currency(text: str) -> str:
    named = {"": HOME, "TL": HOME}.get(text.upper(), text.upper())
    if named not in API_CURRENCIES:
        raise ParseError("CURRENCY", "the currency is TRY or EUR")
    return named


def _choice(text: str, words: Mapping[Choice, tuple[str, ...]]) -> Choice:
    wanted = fold(text)
    for choice, names in words.items():
        if wanted in {choice.value, *map(fold, names)}:
            return choice
    raise ParseError("CHOICE", "choose one of: " + ", ".join(words))


def _yes(text: str) -> bool:
    word = fold(text)
    if word not in _YES | _NO:
        raise ParseError("CHOICE", "write yes or no")
    return word in _YES
