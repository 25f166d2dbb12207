"""Reading workbooks: typed cells without loss, every bomb and liar refused for its own reason."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from functools import partial
from typing import Any

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.acceptance.areas.bad_inputs_fields._workbook_builder import build
from toolkit.tabular.sheet_scan import column_letters, scan_sheet
from toolkit.tabular.table import CellKind, FileReason, TableRefusedError
from toolkit.tabular.xlsx_reader import read_xlsx
from toolkit.tabular.zip_guard import GuardedArchive

HEADER = ["TCKN", "Ad", "Tarih", "Tutar"]


def written(fill: Callable[[Any, Any], None], **options: Any) -> bytes:
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, options)
    fill(book, book.add_worksheet("Personel"))
    book.close()
    return output.getvalue()


def one_cell(write: Callable[[Any, Any], None], **options: Any) -> tuple[str, CellKind]:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["anahtar", "değer"])
        sheet.write_string(1, 0, "x")
        write(book, sheet)

    (row,) = read_xlsx(written(fill, **options)).rows()
    return row.cell(1).text, row.cell(1).kind


def _write_text(text: str, _book: Any, sheet: Any) -> None:
    sheet.write_string(1, 1, text)


def refusal(data: bytes) -> TableRefusedError:
    with pytest.raises(TableRefusedError) as caught:
        read_xlsx(data)
    return caught.value


def repacked(data: bytes, change: dict[str, Callable[[bytes], bytes]]) -> bytes:
    """The same archive with some parts changed."""
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(output, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change[name](content) if name in change else content)
    return output.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10000000146, "10000000146"),
        (0, "0"),
        (-0.0, "0"),
        (1250.5, "1250.50"),
        (1250.25, "1250.25"),
        (0.1 + 0.2, "0.30"),
        (1.234, "1.234"),
        (-5, "-5"),
        (999999999999999, "999999999999999"),
        (1e-7, "0.0000001"),
    ],
)
def test_numbers_come_out_as_exact_digits(value: float, text: str) -> None:
    assert one_cell(lambda _, sheet: sheet.write_number(1, 1, value)) == (text, CellKind.NUMBER)


@given(st.integers(-(10**15) + 1, 10**15 - 1))
@settings(max_examples=25, deadline=None)
def test_every_whole_number_of_fifteen_digits_is_exact(value: int) -> None:
    text, _ = one_cell(lambda _, sheet: sheet.write_number(1, 1, value))
    assert text == str(value)


@pytest.mark.parametrize(
    ("value", "form", "text", "kind"),
    [
        (date(2024, 3, 1), "dd.mm.yyyy", "2024-03-01", CellKind.DATE),
        (datetime(2024, 3, 1), "dd/mm/yyyy", "2024-03-01", CellKind.DATE),  # noqa: DTZ001
        (datetime(2024, 3, 1, 9, 30), "d.m.yy hh:mm", "2024-03-01T09:30:00", CellKind.DATE),  # noqa: DTZ001
        (time(9, 30), "hh:mm", "09:30:00", CellKind.TIME),
    ],
)
def test_dates_come_out_as_iso(value: Any, form: str, text: str, kind: CellKind) -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_datetime(1, 1, value, book.add_format({"num_format": form}))

    assert one_cell(write) == (text, kind)


def test_dates_of_a_1904_workbook_are_not_four_years_off() -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_datetime(1, 1, date(2024, 3, 1), book.add_format({"num_format": "dd.mm.yyyy"}))

    assert one_cell(write, date_1904=True) == ("2024-03-01", CellKind.DATE)


def test_texts_stay_as_they_are_and_booleans_are_words() -> None:
    for text in ("001", "01.03.2024", "1.042,00", "=1+1", " a ", "TRUE"):
        write: Callable[[Any, Any], None] = partial(_write_text, text)
        found = one_cell(write)
        assert found == (text, CellKind.TEXT)
    assert one_cell(lambda _, sheet: sheet.write_boolean(1, 1, True)) == ("TRUE", CellKind.BOOLEAN)


def test_titles_blank_rows_and_unnamed_empty_columns_are_left_out() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write(1, 1, "ÖRNEK TEKSTİL A.Ş.")
        sheet.write_formula(2, 1, "=TODAY()", None, 45000)
        sheet.write_row(4, 1, ["TCKN", "", "Ad"])
        sheet.write_row(5, 1, ["10000000146", "", "Ali"])
        sheet.write_row(7, 1, ["12345678950", " ", "Ayşe"])

    table = read_xlsx(written(fill), known_headers=frozenset({"tckn", "ad"}))
    assert (table.header, table.header_line, table.row_count) == (("TCKN", "Ad"), 5, 2)
    assert [(row.number, row.texts) for row in table.rows()] == [
        (6, ("10000000146", "Ali")),
        (8, ("12345678950", "Ayşe")),
    ]


def test_hidden_sheets_are_ignored_and_named_and_another_sheet_can_be_chosen() -> None:
    output = io.BytesIO()
    with xlsxwriter.Workbook(output) as book:
        hidden = book.add_worksheet("Gizli")
        hidden.write(0, 0, "gizli")
        hidden.write_formula(1, 0, "=1+1")
        for name in ("Nisan", "Mayıs"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, [f"Ad {name}"])
        book.worksheets()[1].activate()
        book.worksheets()[1].set_first_sheet()
        hidden.hide()
        book.add_worksheet("Çok gizli").very_hidden()
    table = read_xlsx(output.getvalue())
    assert table.header == ("Ad Nisan",)
    assert (table.source.sheet, table.source.other_sheets) == ("Nisan", ("Mayıs",))
    assert table.source.hidden_sheets == ("Gizli", "Çok gizli")
    assert read_xlsx(output.getvalue(), sheet="Mayıs").header == ("Ad Mayıs",)
    with pytest.raises(TableRefusedError) as caught:
        read_xlsx(output.getvalue(), sheet="Gizli")
    assert caught.value.reason is FileReason.NO_VISIBLE_SHEET


def test_a_hyperlink_is_no_external_link() -> None:
    def write(_: Any, sheet: Any) -> None:
        sheet.write_url(1, 1, "mailto:ali@example.org", string="ali@example.org")

    assert one_cell(write) == ("ali@example.org", CellKind.TEXT)


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ({"sheet_bytes": 200_000_000, "file_bytes": 194_550}, FileReason.UNPACKED_TOO_LARGE),
        ({"sheet_bytes": 50_100_000, "file_bytes": 9_000_000}, FileReason.UNPACKED_TOO_LARGE),
        ({"ratio": 101}, FileReason.UNPACKED_TOO_LARGE),
        ({"shared_strings": [12_000, 5_000]}, FileReason.UNPACKED_TOO_LARGE),
        ({"shared_strings": [1, 60_000], "rows": 2_000}, FileReason.UNPACKED_TOO_LARGE),
        ({"file_bytes": 10_000_001}, FileReason.TOO_LARGE),
        ({"members": 1_001}, FileReason.TOO_MANY_MEMBERS),
        ({"rows": 50_001}, FileReason.TOO_MANY_ROWS),
        ({"columns": 257}, FileReason.TOO_MANY_COLUMNS),
        ({"member_names": ["../../evil.xml"]}, FileReason.UNSAFE_MEMBER),
        ({"member_names": ["/etc/evil.xml"]}, FileReason.UNSAFE_MEMBER),
        ({"member_names": ["xl\\evil.xml"]}, FileReason.UNSAFE_MEMBER),
        ({"member_names": ["C:evil.xml"]}, FileReason.UNSAFE_MEMBER),
        ({"member_names": ["xl/Workbook.xml"]}, FileReason.UNSAFE_MEMBER),
        ({"nested": True}, FileReason.NESTED_ARCHIVE),
        ({"vba": True}, FileReason.MACROS),
        ({"external_link": True}, FileReason.EXTERNAL_LINK),
        ({"encrypted": True}, FileReason.ENCRYPTED),
        ({"password": True}, FileReason.ENCRYPTED),
        ({"formula": "=A1*2"}, FileReason.FORMULA),
        ({"field_bytes": 65_537}, FileReason.FIELD_TOO_LONG),
        ({"header": ["a", "A"]}, FileReason.HEADER_NAME_TWICE),
        ({"header": ["a", ""]}, FileReason.ROW_LENGTH),
        ({"doctype_in": "xl/sharedStrings.xml"}, FileReason.DTD),
        ({"doctype_in": SHEET}, FileReason.DTD),
        ({"doctype_in": "docProps/custom.xml"}, FileReason.DTD),
        ({"doctype_in": "[Content_Types].xml"}, FileReason.DTD),
        ({"doctype_in": "xl/_rels/workbook.xml.rels"}, FileReason.DTD),
        (
            {"declared_size": 100, "real_size": 2_000_000, "file_mb": 1},
            FileReason.SIZE_LIES,
        ),
        (
            {"declared_size": 9_000_000, "real_size": 2_000_000, "file_mb": 1},
            FileReason.SIZE_LIES,
        ),
        ({"rename_from": "csv"}, FileReason.NOT_A_WORKBOOK),
        ({"rename_from": "pdf"}, FileReason.NOT_A_WORKBOOK),
        ({"rename_from": "zip"}, FileReason.NOT_A_WORKBOOK),
        ({"rename_from": "empty"}, FileReason.NOT_A_WORKBOOK),
        ({"rename_from": "xls"}, FileReason.ENCRYPTED),
        ({"rename_from": "xlsm"}, FileReason.MACROS),
    ],
    ids=str,
)
def test_dangerous_workbooks_are_refused_for_their_own_reason(
    description: dict[str, Any], reason: FileReason
) -> None:
    assert refusal(build(description)).reason is reason


@pytest.mark.parametrize(
    "description",
    [
        {"rows": 50_000},
        {"columns": 256},
        {"members": 1_000},
        {"file_bytes": 10_000_000},
        {"ratio": 95},
        {"sheet_bytes": 49_000_000, "file_bytes": 900_000},
        {"field_bytes": 65_536},
        {"rows": 10, "dimension": "A1:XFD1048576"},
        {"hidden_sheets": ["gizli"]},
    ],
    ids=str,
)
def test_the_limits_themselves_are_accepted(description: dict[str, Any]) -> None:
    table = read_xlsx(build(description))
    assert sum(1 for _ in table.rows()) == table.row_count


def test_the_builder_refuses_what_it_does_not_understand() -> None:
    with pytest.raises(ValueError, match="does not know"):
        build({"no_such_key": 1})


def test_formulas_are_listed_by_cell() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["1", "Ali", "", 5])
        sheet.write_formula(1, 3, "=1+1", None, 2)
        sheet.write_formula(2, 3, "=1+1", None, 2)
        sheet.write(2, 0, "2")

    error = refusal(written(fill))
    assert [problem.pointer for problem in error.problems] == ["/rows/2", "/rows/3"]
    assert "D2" in error.problems[0].message


def test_error_values_and_numbers_that_lost_digits_are_problems_not_blanks() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["IBAN", "Ad"])
        sheet.write_number(1, 0, 470000100100000350930001)
        sheet.write_string(1, 1, "Ali")
        sheet.write_string(2, 1, "Ayşe")

    assert refusal(written(fill)).reason is FileReason.NUMBER_TOO_LONG
    data = repacked(
        build({}),
        {
            SHEET: lambda xml: xml.replace(
                b'<c t="inlineStr"><is><t>1</t></is></c>', b'<c t="e"><v>#N/A</v></c>', 1
            )
        },
    )
    error = refusal(data)
    assert error.reason is FileReason.ERROR_CELL
    assert "B2" in error.problems[0].message


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="XFD1048576"><v>1</v></c>',
        b'<c r="A1048576"><v>1</v></c>',
        b'<c r="XFD2"><v>1</v></c>',
        b'<x:c xmlns:x="urn:x" r="A1048576"><x:v>1</x:v></x:c>',
        b'</row><row r="60000"><c><v>1</v></c>',
        b'</row><row r="1"><c r="A11111"><v>1</v></c><c r="A111111"><v>1</v></c>',
    ],
)
def test_one_far_cell_cannot_ask_for_a_huge_block(cell: bytes) -> None:
    end = b"</row></sheetData>"
    data = repacked(build({}), {SHEET: lambda xml: xml.replace(end, cell + end)})
    assert refusal(data).reason in {FileReason.TOO_MANY_ROWS, FileReason.TOO_MANY_COLUMNS}


def test_formatted_cells_without_a_value_cost_nothing() -> None:
    far = b'</row><row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'
    data = repacked(build({}), {SHEET: lambda xml: xml.replace(b"</row></sheetData>", far)})
    assert read_xlsx(data).row_count == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"</sheetData>", b""),
        (b"<sheetData>", b"<sheetData><row r='0'/>"),
        (b'<row r="2">', b'<row r="2"><c r="1A"><v>1</v></c>'),
        (b'<row r="2">', b'<row r="2"><c r="A0"><v>1</v></c>'),
        (b'<row r="2">', b'<row r="2"><c r="ZZZ2"><v>1</v></c>'),
        (b'<row r="2">', b'<row r="2"><c t="s"><v>99</v></c>'),
        (b'<row r="2">', b'<row r="2"><c t="s"><v>-1</v></c>'),
        (b'encoding="UTF-8"', b'encoding="ISO-8859-9"'),
        (b'encoding="UTF-8"', b'encoding="UTF-7"'),
    ],
)
def test_broken_sheets_are_damaged_files(old: bytes, new: bytes) -> None:
    data = repacked(build({}), {SHEET: lambda xml: xml.replace(old, new, 1)})
    assert refusal(data).reason is FileReason.DAMAGED


@pytest.mark.parametrize("form", ["dd.mm.yyyy", "[h]:mm"])
@pytest.mark.parametrize("value", [-1e300, 1e300, 1e10, -1, 2_958_466])
def test_numbers_no_date_can_be_never_end_in_another_error(value: float, form: str) -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_number(1, 1, value, book.add_format({"num_format": form}))

    try:
        text, kind = one_cell(write)
    except TableRefusedError as error:
        # Read as a number it has too many digits; read as a date the parser gives up.
        assert error.reason in {FileReason.DAMAGED, FileReason.NUMBER_TOO_LONG}  # noqa: PT017
        return
    assert kind is not CellKind.DATE
    assert text


def test_a_sheet_of_ever_new_names_does_not_fill_the_memory() -> None:
    names = b"".join(b"<n%d/>" % number for number in range(60_000))
    data = repacked(build({}), {SHEET: lambda xml: xml.replace(b"<sheetData>", names, 1)})
    assert refusal(data).reason is FileReason.DAMAGED


def test_a_sheet_in_utf_16_is_refused_because_the_parser_would_see_nothing() -> None:
    def encode(xml: bytes) -> bytes:
        return xml.decode().replace("UTF-8", "UTF-16").encode("utf-16")

    assert refusal(repacked(build({}), {SHEET: encode})).reason is FileReason.DAMAGED


def test_cut_and_overwritten_files_never_end_in_another_error() -> None:
    data = build({"rows": 20})
    for cut in range(0, len(data), 37):
        with pytest.raises(TableRefusedError):
            read_xlsx(data[:cut])


@given(st.lists(st.tuples(st.integers(0, 1700), st.integers(0, 255)), min_size=1, max_size=4))
@example([(1462, 64)])  # a version of the format that zipfile does not know
@settings(max_examples=150, deadline=None)
def test_flipped_bytes_end_in_a_table_or_a_refusal(flips: list[tuple[int, int]]) -> None:
    data = bytearray(build({}))
    for place, value in flips:
        data[place % len(data)] = value
    try:
        table = read_xlsx(bytes(data))
    except TableRefusedError:
        return
    assert sum(1 for _ in table.rows()) == table.row_count


def test_all_members_are_charged_to_one_budget() -> None:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "abc":
            archive.writestr(name, b"x" * 15_000)
    guarded = GuardedArchive(output.getvalue())
    assert 30_000 < 100 * len(output.getvalue()) < 45_000
    guarded.skip("a")
    guarded.skip("b")
    with pytest.raises(TableRefusedError) as caught:
        guarded.read("c")
    assert caught.value.reason is FileReason.UNPACKED_TOO_LARGE


def test_the_scan_counts_shared_texts_as_often_as_they_are_used() -> None:
    rows = b"<row><c t='s'><v>0</v></c></row>" * 7
    sheet = b"<worksheet><sheetData>" + rows + b"</sheetData></worksheet>"
    facts = scan_sheet(sheet, [11])
    assert (facts.last_row, facts.last_column, facts.text_length) == (7, 1, 77)


@pytest.mark.parametrize(
    ("number", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (256, "IV"), (16384, "XFD")]
)
def test_columns_have_their_letters(number: int, letters: str) -> None:
    assert column_letters(number) == letters


@pytest.mark.slow
def test_bombs_are_refused_inside_a_small_memory() -> None:
    """A child process with 300 MB of address space above its start survives every bomb."""
    script = """
import resource, sys
from tests.acceptance.areas.bad_inputs_fields._workbook_builder import build
from toolkit.tabular.xlsx_reader import read_xlsx
from toolkit.tabular.table import TableRefusedError
import python_calamine
bombs = [build({"sheet_bytes": 120_000_000, "file_bytes": 1_500_000}),
         build({"shared_strings": [1, 60_000], "rows": 49_000}),
         build({"shared_strings": [12_000, 5_000]})]
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 300_000_000, size + 300_000_000))
for bomb in bombs:
    try:
        read_xlsx(bomb)
    except TableRefusedError as error:
        print(error.reason)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": "layers/common:."},
    )
    assert done.stdout.split() == ["file.unpacked_too_large"] * 3, done.stderr
