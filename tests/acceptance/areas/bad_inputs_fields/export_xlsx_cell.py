"""Text cells of a workbook the product writes: string cells, exact values, no formula anywhere."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from tests.acceptance.inputs import decode
from toolkit.tabular.sheet_scan import parse_xml
from toolkit.tabular.xlsx_reader import read_xlsx
from toolkit.tabular.xlsx_writer import write_table


def run(case: dict[str, Any]) -> tuple[str, str]:
    """The text as it is read back from the written workbook."""
    given = decode(case["input"])
    output = io.BytesIO()
    write_table(output, ["a", "b"], [["x", given]])
    cell_type, formulas = _inspect(output.getvalue())
    if formulas or cell_type not in ("inlineStr", "s"):
        raise AssertionError(f"cell type {cell_type}, {formulas} formulas")
    (row,) = read_xlsx(output.getvalue()).rows()
    return ("accept" if row.texts[1] == given else "normalise"), row.texts[1]


def _inspect(workbook: bytes) -> tuple[str | None, int]:
    """Type of cell B2 and number of formulas in all sheets."""
    found: dict[str, str | None] = {}
    formulas = 0

    def on_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal formulas
        if name == "c" and attributes.get("r") == "B2":
            found["B2"] = attributes.get("t")
        formulas += name == "f"

    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                parse_xml(archive.read(name), on_start)
    return found.get("B2"), formulas
