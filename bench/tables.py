"""Tables of 10,000 rows: reading and checking against calamine alone, writing flat: P7."""

from __future__ import annotations

import importlib.util
import io
import os
import time
import tracemalloc
from collections.abc import Iterator
from typing import Final

from python_calamine import CalamineWorkbook

from bench.frame import Report, alternating
from kernel.files import XLSX, ExportCell, UploadedFile
from pensions.adapters.field_parsers import FILE_PARSERS
from pensions.adapters.import_files import TabularImportFiles
from pensions.domain.employee import check_fields
from tests.support.pensions_builders import tckn
from toolkit.tabular.xlsx_writer import write_table

ROWS: Final = 10_000
ROUNDS: Final = 5
PER_ROW: Final = 40e-6
HEADER: Final = (
    "TC Kimlik No",
    "Ad",
    "Soyad",
    "Doğum Tarihi",
    "Cep Telefonu",
    "E-posta",
    "İşe Giriş Tarihi",
    "Katkı Oranı",
)


def people(count: int) -> Iterator[tuple[ExportCell, ...]]:
    """Rows of a payroll file."""
    for number in range(1, count + 1):
        yield (
            tckn(number),
            "Çağrı",
            "Örnek",
            "01.02.1990",
            f"0532 {number:07d}",
            f"p{number}@example.com",
            "01.03.2024",
            "3,00",
        )


def workbook(count: int) -> bytes:
    """The file as bytes."""
    output = io.BytesIO()
    write_table(output, HEADER, people(count))
    return output.getvalue()


def checked(content: bytes, kind: str) -> int:
    """Rows of a payroll file that have no problem."""
    file = UploadedFile(content, kind, "payroll")
    table = TabularImportFiles().read("employees", file, remembered={}, language="tr")
    return sum(not check_fields(row.fields, FILE_PARSERS).problems for row in table.rows())


def measure(report: Report, rows: int = ROWS) -> None:
    """P7."""
    content = workbook(rows)

    def floor() -> int:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return len(book.get_sheet_by_index(0).to_python())

    def ours() -> int:
        return checked(content, XLSX)

    if ours() != rows or floor() != rows + 1:
        raise SystemExit("not every row was read as good, nothing is timed")
    mine, alone = alternating(ours, floor, rounds=ROUNDS)
    allowed = 2 * alone + rows * PER_ROW
    report.add(
        "P7",
        f"read and check {rows} rows of XLSX",
        f"{mine * 1e3:.0f} ms, {(mine - 2 * alone) / rows * 1e6:.0f} µs a row above 2 x calamine",
        peer=f"calamine alone {alone * 1e3:.0f} ms",
        goal=f"at most 2 x calamine + 40 µs a row ({allowed * 1e3:.0f} ms)",
        holds=mine <= allowed,
    )
    _openpyxl(report, content, mine)
    small, large = (_peak(rows * times) for times in (1, 4))
    report.add(
        "P7",
        f"memory of an export of {rows} and {4 * rows} rows",
        f"{small / 1e6:.1f} and {large / 1e6:.1f} MB beside the file itself",
        goal="flat: at most 1.3 x for 4 x the rows",
        holds=large <= 1.3 * small,
    )


def _peak(count: int) -> int:
    """Most bytes that writing takes, the written file itself left out."""
    tracemalloc.start()
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - the device, not a file
            write_table(nowhere, HEADER, people(count))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _openpyxl(report: Report, content: bytes, mine: float) -> None:
    if importlib.util.find_spec("openpyxl") is None:
        return
    library = importlib.import_module("openpyxl")
    started = time.process_time()
    book = library.load_workbook(io.BytesIO(content), read_only=True)
    count = sum(1 for _ in book.active.iter_rows(values_only=True))
    taken = time.process_time() - started
    report.add(
        "P7",
        "the same file read by openpyxl, unchecked",
        f"{taken * 1e3:.0f} ms, ours {mine / taken:.2f} x",
        peer=f"{count} rows",
        holds=None,
    )
