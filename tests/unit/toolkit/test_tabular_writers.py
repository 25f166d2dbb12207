"""Writing files: nothing calculates, nothing loses a digit, and what went out can come back in."""

from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import ValidationError
from kernel.money import Money
from tests.acceptance.areas.bad_inputs_fields import (
    export_csv_cell,
    export_xlsx_cell,
    import_csv_cell,
)
from tests.acceptance.runner import CASES, load
from toolkit.tabular.columns import Column, ColumnSet
from toolkit.tabular.csv_reader import read_csv
from toolkit.tabular.csv_writer import machine_csv, people_csv
from toolkit.tabular.sheet_scan import scan_sheet
from toolkit.tabular.table import CellKind
from toolkit.tabular.values import ExportValue, machine_text, people_text
from toolkit.tabular.xlsx_reader import read_xlsx
from toolkit.tabular.xlsx_writer import (
    CellProblem,
    ReturnedRow,
    write_returned,
    write_table,
    write_template,
)

storable = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffe\uffff"), max_size=10
) | st.sampled_from(
    ["=1+1", "'=1", "''", "'", "+90", "-", "@x", "\t", "\r\n", " a ", "001", '"', ";"]
)

TYPED: tuple[ExportValue, ...] = (
    "=1+1",
    -5,
    Decimal("-1250.50"),
    Money(125050, "TRY"),
    date(2024, 3, 1),
    datetime(2024, 3, 1, 9, 5, tzinfo=UTC),
    True,
    None,
)


def book_of(output: io.BytesIO) -> Any:
    return openpyxl.load_workbook(io.BytesIO(output.getvalue()))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "tr",
            ["=1+1", "-5", "-1250,50", "1250,50", "01.03.2024", "01.03.2024 09:05", "Evet", ""],
        ),
        ("el", ["=1+1", "-5", "-1250,50", "1250,50", "1/3/2024", "1/3/2024 09:05", "Ναι", ""]),
        (
            "en",
            ["=1+1", "-5", "-1250.50", "1250.50", "01.03.2024", "01.03.2024 09:05", "Yes", ""],
        ),
    ],
)
def test_people_read_values_in_their_own_form(language: str, expected: list[str]) -> None:
    assert [people_text(value, language) for value in TYPED] == expected


def test_machines_read_iso_and_points() -> None:
    assert [machine_text(value) for value in TYPED] == [
        *("=1+1", "-5", "-1250.50", "1250.50", "2024-03-01", "2024-03-01T09:05:00+00:00"),
        *("true", ""),
    ]


def test_a_csv_for_people_has_a_mark_semicolons_and_guarded_texts_only() -> None:
    data = b"".join(people_csv(["a", "b"], [["=1", -1], ["ş;", Decimal("1.5")]]))
    assert data == '\ufeffa;b\r\n\'=1;-1\r\n"ş;";1,5\r\n'.encode()


def test_a_csv_for_machines_is_plain() -> None:
    data = b"".join(machine_csv(["a", "b"], [["=1", -1], ['x,"y"', date(2024, 3, 1)], ["", None]]))
    assert data == b'a,b\r\n=1,-1\r\n"x,""y""",2024-03-01\r\n,\r\n'


def test_a_row_of_another_width_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="header of 2"):
        list(people_csv(["a", "b"], [["1"]]))


@given(st.lists(st.lists(storable, min_size=2, max_size=2), max_size=5))
def test_export_and_import_of_texts_is_the_identity(rows: list[list[str]]) -> None:
    data = b"".join(people_csv(["anahtar", "a", "b"], [["x", *row] for row in rows]))
    table = read_csv(data)
    assert [list(row.texts[1:]) for row in table.rows()] == rows


@given(st.lists(st.lists(storable, min_size=2, max_size=2), max_size=5))
def test_machine_files_are_read_by_the_standard_reader(rows: list[list[str]]) -> None:
    text = b"".join(machine_csv(["a", "b"], rows)).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b"], *rows]


@given(st.lists(storable, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_texts_in_a_workbook_come_back_exactly(texts: list[str]) -> None:
    output = io.BytesIO()
    header = [f"k{i}" for i in range(len(texts) + 1)]
    write_table(output, header, [["x", *texts]])
    (row,) = read_xlsx(output.getvalue()).rows()
    assert row.texts == ("x", *texts)


def test_typed_cells_are_typed_and_nothing_is_a_formula() -> None:
    output = io.BytesIO()
    header = [f"k{i}" for i in range(9)]
    assert write_table(output, header, [[*TYPED, 10**20]], sheet="Nisan/2024: [x]") == 1
    sheet = book_of(output).worksheets[0]
    assert sheet.title == "Nisan 2024   x"
    assert [cell.data_type for cell in sheet[2]] == list("snnnddsns")
    (row,) = read_xlsx(output.getvalue()).rows()
    assert row.texts[2:5] == ("-1250.50", "1250.50", "2024-03-01")
    assert row.texts[8] == str(10**20)
    assert row.cell(3).kind is CellKind.NUMBER
    assert sheet.freeze_panes == "A2"


def test_the_same_rows_give_the_same_bytes() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    for output in (first, second):
        write_table(output, ["a"], [["1"], ["2"]])
    assert first.getvalue() == second.getvalue()


def test_a_text_no_cell_can_hold_is_refused_and_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    output = io.BytesIO()
    with pytest.raises(ValidationError, match=r"export\.cell_too_long"):
        write_table(output, ["a"], [["x" * 32_768]])
    assert output.getvalue() == b""
    assert list(tmp_path.iterdir()) == []
    write_table(output, ["a"], [["x" * 32_767]])


FORM = ColumnSet(
    "test.form",
    (
        Column(
            "national_id",
            {"tr": "T.C. Kimlik No", "en": "National id"},
            required=True,
            example="10000000146",
            note={"tr": "11 hane"},
        ),
        Column("first_name", {"tr": "Adı", "en": "First name"}, example="Ayşe"),
        Column("gender", {"tr": "Cinsiyet", "en": "Gender"}, choices=("K", "E")),
        Column("city", {"tr": "İl", "en": "City"}, choices=tuple(f"Şehir {i}" for i in range(81))),
    ),
)


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_template_is_read_back_without_its_example_and_titles(language: str) -> None:
    output = io.BytesIO()
    write_template(output, FORM, language=language)
    table = read_xlsx(output.getvalue(), known_headers=FORM.header_keys())
    mapping = FORM.map(table.header)
    assert mapping.fields == ("national_id", "first_name", "gender", "city")
    assert list(FORM.rows(table, mapping)) == []


def test_a_template_locks_its_header_and_offers_the_choices() -> None:
    output = io.BytesIO()
    write_template(output, FORM)
    book = book_of(output)
    sheet = book.worksheets[0]
    assert sheet.row_dimensions[1].hidden
    assert [cell.value for cell in sheet[2]] == ["T.C. Kimlik No *", "Adı", "Cinsiyet", "İl"]
    assert sheet["A2"].comment.text == "11 hane"
    assert sheet.protection.sheet
    assert sheet["A2"].protection.locked
    assert not sheet["A3"].protection.locked
    assert not sheet.column_dimensions["A"].protection.locked
    lists = {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert lists["C3:C5001"] == '"K,E"'
    assert lists["D3:D5001"] == "_lists!$A$1:$A$81"
    assert book["_lists"].sheet_state == "hidden"
    assert book["_lists"]["A81"].value == "Şehir 80"


def test_a_filled_template_is_imported_by_its_hidden_names() -> None:
    output = io.BytesIO()
    write_template(output, FORM)
    book = book_of(output)
    book.worksheets[0].append(["12345678950", "=Ali", "E", "Şehir 3"])
    book.worksheets[0]["B4"].data_type = "s"
    filled = io.BytesIO()
    book.save(filled)
    table = read_xlsx(filled.getvalue(), known_headers=FORM.header_keys())
    (row,) = FORM.rows(table, FORM.map(table.header))
    assert (row.number, row.text("national_id"), row.text("first_name")) == (
        4,
        "12345678950",
        "=Ali",
    )


def test_an_import_comes_back_with_its_errors_marked_and_can_be_sent_again() -> None:
    output = io.BytesIO()
    rows = [
        ReturnedRow(5, ("10000000146", "=1", "0532")),
        ReturnedRow(
            9,
            ("10000000147", "", "0212"),
            (
                CellProblem(0, "CHECK", "Kontrol hanesi yanlış."),
                CellProblem(2, "NOT_MOBILE", "Cep telefonu değil."),
                CellProblem(2, "SECOND", "İkinci sorun."),
                CellProblem(None, "DUPLICATE", "Bu kişi iki kez var."),
            ),
        ),
    ]
    assert write_returned(output, ("TCKN", "Ad", "Telefon"), rows) == 4
    book = book_of(output)
    data, errors = book.worksheets
    assert data["A3"].comment.text == "Kontrol hanesi yanlış.\nBu kişi iki kez var."
    assert data["C3"].comment.text == "Cep telefonu değil.\nİkinci sorun."
    assert data["A2"].comment is None
    assert data["A3"].fill.bgColor != data["A2"].fill.bgColor or data["A3"].fill != data["A2"].fill
    assert data.protection.sheet
    assert not data["A3"].protection.locked
    assert data["A1"].protection.locked
    assert errors.title == "Hatalar"
    assert [[cell.value for cell in line] for line in errors.iter_rows(min_row=2)] == [
        [3, 9, "TCKN", "CHECK", "Kontrol hanesi yanlış."],
        [3, 9, "Telefon", "NOT_MOBILE", "Cep telefonu değil."],
        [3, 9, "Telefon", "SECOND", "İkinci sorun."],
        [3, 9, None, "DUPLICATE", "Bu kişi iki kez var."],
    ]
    again = read_xlsx(output.getvalue())
    assert [row.texts for row in again.rows()] == [row.texts for row in rows]
    assert again.source.other_sheets == ("Hatalar",)


@pytest.mark.parametrize(
    ("language", "title"), [("tr", "Hatalar"), ("el", "Σφάλματα"), ("en", "Errors")]
)
def test_the_errors_sheet_speaks_the_readers_language(language: str, title: str) -> None:
    output = io.BytesIO()
    write_returned(output, ("a",), [], language=language)
    assert book_of(output).sheetnames[1] == title


def records(count: int) -> Iterator[Sequence[ExportValue]]:
    for number in range(count):
        yield (f"{number:011d}", "İsmail Işık", Money(number, "TRY"), date(2024, 3, 1))


def peak_of(work: Callable[[], object]) -> int:
    """Bytes Python held at most while working."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


RECORD = ("TCKN", "Ad", "Tutar", "Tarih")


@pytest.mark.slow
def test_memory_stays_flat_however_long_a_file_gets(tmp_path: Path) -> None:
    def as_csv(count: int) -> int:
        return peak_of(lambda: sum(len(piece) for piece in people_csv(RECORD, records(count))))

    def as_xlsx(count: int) -> int:
        with (tmp_path / f"{count}.xlsx").open("wb") as sink:
            return peak_of(lambda: write_table(sink, RECORD, records(count)))

    as_xlsx(10)
    assert as_csv(100_000) < 1_000_000
    assert as_xlsx(16_000) < as_xlsx(2_000) + 300_000


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_written_completely(tmp_path: Path) -> None:
    with (tmp_path / "a.xlsx").open("wb") as sink:
        assert write_table(sink, RECORD, records(100_000)) == 100_000
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert scan_sheet(sheet, []).last_row == 100_001


@pytest.mark.parametrize(
    ("field", "run"),
    [
        ("export_csv_cell", export_csv_cell.run),
        ("import_csv_cell", import_csv_cell.run),
        ("export_xlsx_cell", export_xlsx_cell.run),
    ],
)
def test_the_acceptance_cells_hold_in_whole_files(field: str, run: Any) -> None:
    cases = [case.raw for case in load(CASES, "bad_inputs") if case.raw["field"] == field]
    assert cases
    for case in cases:
        verdict, text = run(case)
        assert verdict == case["verdict"], case["id"]
        assert text == case.get("normalised", case["input"]), case["id"]
