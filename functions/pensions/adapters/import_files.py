"""Payroll files as rows by field, and the corrected workbook that goes back to the user (N11)."""

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from kernel.errors import Problem, ValidationError
from kernel.files import UploadedFile
from pensions.ports import FileColumn, FileColumns, ImportRow, ImportTable, RowProblem
from toolkit.tabular.columns import Column, ColumnMapping, ColumnSet
from toolkit.tabular.table import Table

EMPLOYEE_COLUMNS: Final = ColumnSet(
    key="pensions.employees",
    columns=(
        Column(
            "national_id",
            {"tr": "T.C. Kimlik No", "el": "Αριθμός ταυτότητας", "en": "National id"},
            ("TCKN", "TC No", "Kimlik No", "TC Kimlik Numarası", "Vatandaşlık No"),
            required=True,
            example="10000000146",
        ),
        Column(
            "first_name",
            {"tr": "Ad", "el": "Όνομα", "en": "First name"},
            ("Adı", "İsim"),
            example="Ayşe",
        ),
        Column(
            "last_name",
            {"tr": "Soyad", "el": "Επώνυμο", "en": "Last name"},
            ("Soyadı", "Soyisim"),
            example="Yılmaz",
        ),
        Column("full_name", {"tr": "Ad Soyad", "en": "Full name"}, ("Adı Soyadı", "Personel")),
        Column(
            "birth_date",
            {"tr": "Doğum Tarihi", "el": "Ημερομηνία γέννησης", "en": "Birth date"},
            ("Doğum Tar", "Dogum Tarihi"),
            example="17.02.1990",
        ),
        Column(
            "gender",
            {"tr": "Cinsiyet", "el": "Φύλο", "en": "Gender"},
            example="K",
            choices=("K", "E"),
        ),
        Column(
            "mobile",
            {"tr": "Cep Telefonu", "el": "Κινητό", "en": "Mobile"},
            ("Telefon No", "Telefon", "Cep Tel", "GSM", "Cep No", "Cep"),
            example="0532 123 45 67",
        ),
        Column(
            "email",
            {"tr": "E-posta", "el": "E-mail", "en": "Email"},
            ("Eposta", "Mail", "E-mail adresi", "E-Posta Adresi"),
            example="ayse@example.com",
        ),
        Column("iban", {"tr": "IBAN", "en": "IBAN"}, ("IBAN No", "Banka Hesap No (IBAN)")),
        Column(
            "hired_on",
            {"tr": "İşe Giriş Tarihi", "el": "Ημερομηνία πρόσληψης", "en": "Hired on"},
            ("Giriş Tarihi", "İşe Giriş", "İşe Başlama Tarihi"),
            example="01.03.2024",
        ),
        Column(
            "left_on",
            {"tr": "İşten Çıkış Tarihi", "el": "Ημερομηνία αποχώρησης", "en": "Left on"},
            ("Çıkış Tarihi", "İşten Ayrılış Tarihi", "Ayrılış Tarihi"),
        ),
        Column(
            "fund_preference",
            {"tr": "Fon Tercihi", "el": "Προτίμηση κεφαλαίου", "en": "Fund preference"},
            example="Faizsiz",
            choices=("Faizli", "Faizsiz"),
        ),
        Column(
            "contribution_rate",
            {"tr": "Katkı Oranı", "el": "Ποσοστό εισφοράς", "en": "Contribution rate"},
            ("Katkı Payı Oranı", "Kesinti Oranı", "Katkı Oranı (%)"),
            example="3,00",
        ),
    ),
)
CONTRIBUTION_COLUMNS: Final = ColumnSet(
    key="pensions.contributions",
    columns=(
        Column(
            "national_id",
            {"tr": "T.C. Kimlik No", "el": "Αριθμός ταυτότητας", "en": "National id"},
            ("TCKN", "TC No", "Kimlik No", "TC Kimlik Numarası"),
            required=True,
            example="10000000146",
        ),
        Column(
            "earnings",
            {
                "tr": "Prime Esas Kazanç",
                "el": "Ασφαλιστέες αποδοχές",
                "en": "Pensionable earnings",
            },
            ("PEK", "SGK Matrahı", "Matrah", "Prime Esas Kazanç (PEK)"),
            example="33.030,00",
        ),
        Column(
            "amount",
            {"tr": "Katkı Payı Tutarı", "el": "Ποσό εισφοράς", "en": "Amount"},
            ("Katkı Payı", "Tutar", "BES Kesintisi"),
        ),
        Column(
            "rate",
            {"tr": "Katkı Payı Oranı", "el": "Ποσοστό εισφοράς", "en": "Rate"},
            ("Oran", "Katkı Oranı"),
        ),
        Column(
            "paid_on",
            {"tr": "Ödeme Tarihi", "el": "Ημερομηνία πληρωμής", "en": "Paid on"},
            ("Ücret Ödeme Günü", "Ücret Ödeme Tarihi", "Maaş Ödeme Tarihi"),
            example="05.07.2026",
        ),
    ),
)
COLUMNS: Final[Mapping[str, ColumnSet]] = {
    "employees": EMPLOYEE_COLUMNS,
    "contributions": CONTRIBUTION_COLUMNS,
}

_SAMPLE_ROWS: Final = 3


class TabularImportFiles:
    """``ImportFiles`` over CSV and XLSX."""

    def read(
        self, kind: str, file: UploadedFile, *, remembered: Mapping[str, str], language: str
    ) -> ImportTable:
        """Rows of a payroll file by field.

        Raises: ValidationError for a file that is not a table or lacks a required column.
        """
        columns = COLUMNS[kind]
        table = _read(file, columns.header_keys(remembered), language)
        mapping = columns.map(table.header, remembered)
        if not mapping.complete:
            raise ValidationError(
                "columns_missing",
                "Some columns could not be recognised.",
                problems=[
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
                ],
            )
        return ImportTable(
            header=table.header,
            row_count=table.row_count,
            mapping=mapping.remember(),
            fields=mapping.fields,
            source=table.source.format,
            encoding=table.source.encoding,
            sheet=table.source.sheet,
            other_sheets=table.source.other_sheets,
            hidden_sheets=table.source.hidden_sheets,
            rows=lambda: _rows(columns, table, mapping),
        )

    def columns(
        self, kind: str, file: UploadedFile, *, remembered: Mapping[str, str], language: str
    ) -> FileColumns:
        """The columns of a payroll file and what we take them for; see the port."""
        columns = COLUMNS[kind]
        table = _read(file, columns.header_keys(remembered), language)
        mapping = columns.map(table.header, remembered)
        samples = list(islice(table.rows(), _SAMPLE_ROWS))
        return FileColumns(
            columns=[
                FileColumn(
                    name,
                    target or "",
                    [text for row in samples if (text := row.cell(position).text.strip())],
                )
                for position, (name, target) in enumerate(
                    zip(mapping.header, mapping.fields, strict=True)
                )
            ],
            fields={column.field: column.title(language) for column in columns.columns},
            missing=mapping.missing,
            conflicts=[conflict.field for conflict in mapping.conflicts],
            row_count=table.row_count,
        )

    def returned(
        self, table: ImportTable, problems: Sequence[RowProblem], *, language: str
    ) -> bytes:
        """The imported file as a workbook with every problem marked, ready to be corrected."""
        from toolkit.tabular.xlsx_writer import CellProblem, ReturnedRow, write_returned

        by_line: dict[int, list[CellProblem]] = {}
        for problem in problems:
            column = table.fields.index(problem.field) if problem.field in table.fields else None
            by_line.setdefault(problem.line, []).append(
                CellProblem(column, problem.code, problem.message)
            )
        output = io.BytesIO()
        write_returned(
            output,
            table.header,
            (ReturnedRow(row.line, row.texts, by_line.get(row.line, ())) for row in table.rows()),
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


def _rows(columns: ColumnSet, table: Table, mapping: ColumnMapping) -> Iterator[ImportRow]:
    """Rows by field, without the example row of our own template."""
    for mapped in columns.rows(table, mapping):
        fields = {name: cell.text.strip(" ") for name, cell in mapped.cells.items()}
        full_name = fields.pop("full_name", "")
        if full_name and not fields.get("last_name"):
            first, _, last = full_name.rpartition(" ")
            fields["first_name"], fields["last_name"] = first or last, last if first else ""
        yield ImportRow(mapped.number, fields, mapped.texts)
