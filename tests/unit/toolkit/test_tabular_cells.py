"""Cells to values, the same for typed cells and for texts; and the one door for uploads."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date

import pytest

from kernel.errors import ParseError
from tests.acceptance.areas.bad_inputs_fields._workbook_builder import OTHER_FORMATS, build
from toolkit.tabular.cells import read_amount, read_date, read_rate
from toolkit.tabular.reader import read_table
from toolkit.tabular.table import Cell, CellKind, FileReason, TableRefusedError
from toolkit.tabular.xlsx_writer import write_table

TEXT, NUMBER, DATE = CellKind.TEXT, CellKind.NUMBER, CellKind.DATE


@pytest.mark.parametrize(
    ("cell", "minor"),
    [
        (Cell("1.042,00"), 104200),
        (Cell("120,00"), 12000),
        (Cell("120.00"), 12000),
        (Cell("968"), 96800),
        (Cell("1250.50", NUMBER), 125050),
        (Cell("1042", NUMBER), 104200),
        (Cell("0", NUMBER), 0),
    ],
)
def test_amounts_mean_the_same_in_every_file(cell: Cell, minor: int) -> None:
    assert read_amount(cell).minor == minor


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (Cell("01.03.2024"), date(2024, 3, 1)),
        (Cell(" 17/02/2024 "), date(2024, 2, 17)),
        (Cell("2024-03-01"), date(2024, 3, 1)),
        (Cell("2024-03-01", DATE), date(2024, 3, 1)),
    ],
)
def test_dates_mean_the_same_in_every_file(cell: Cell, day: date) -> None:
    assert read_date(cell) == day


@pytest.mark.parametrize(
    ("cell", "rate"),
    [
        (Cell("3"), "3"),
        (Cell("3,00"), "3.00"),
        (Cell("3", NUMBER), "3"),
        (Cell("3.50", NUMBER), "3.50"),
    ],
)
def test_rates_mean_the_same_in_every_file(cell: Cell, rate: str) -> None:
    assert read_rate(cell).to_api() == rate


@pytest.mark.parametrize(
    ("read", "cell", "code"),
    [
        (read_amount, Cell("1.042"), "AMBIGUOUS"),
        (read_amount, Cell("1.2345", NUMBER), "AMOUNT"),
        (read_amount, Cell("-5", NUMBER), "AMOUNT"),
        (read_amount, Cell("2024-03-01", DATE), "AMOUNT"),
        (read_amount, Cell(""), "AMOUNT"),
        (read_date, Cell("45352", NUMBER), "DATE"),
        (read_date, Cell("2024-03-01T09:30:00", DATE), "DATE"),
        (read_date, Cell("1.3.2024"), "DATE"),
        (read_date, Cell("31.02.2024"), "DATE"),
        (read_date, Cell("TRUE", CellKind.BOOLEAN), "DATE"),
        (read_rate, Cell("0.03", NUMBER), "AMBIGUOUS"),
        (read_rate, Cell("3.00"), "RATE"),
        (read_rate, Cell("101", NUMBER), "RATE"),
        (read_rate, Cell("TRUE", CellKind.BOOLEAN), "RATE"),
    ],
)
def test_what_can_mean_two_things_is_refused(
    read: Callable[[Cell], object], cell: Cell, code: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(cell)
    assert caught.value.code == code


def test_the_content_decides_how_an_upload_is_read() -> None:
    output = io.BytesIO()
    write_table(output, ["kod"], [["ş"]])
    assert read_table(output.getvalue()).source.format == "xlsx"
    assert read_table("kod\nş\n".encode("cp1254"), language="tr").source.encoding == "cp1254"
    assert read_table(b"a,b;c\n1,2;3\n", separator=";").header == ("a,b", "c")
    assert read_table(build({"hidden_sheets": ["x"]}), sheet="Personel").row_count == 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("xls", FileReason.ENCRYPTED),
        ("pdf", FileReason.NOT_A_CSV),
        ("png", FileReason.NUL),
        ("empty", FileReason.EMPTY),
    ],
)
def test_other_documents_are_refused_with_their_own_reason(name: str, reason: FileReason) -> None:
    with pytest.raises(TableRefusedError) as caught:
        read_table(OTHER_FORMATS[name])
    assert caught.value.reason is reason
