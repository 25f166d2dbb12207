"""Workbook uploads: the described file is built for real, then read to its last row."""

from __future__ import annotations

from typing import Any

from tests.acceptance.areas.bad_inputs_fields._workbook_builder import build
from tests.acceptance.inputs import decode
from toolkit.tabular.xlsx_reader import read_xlsx


def run(case: dict[str, Any]) -> tuple[str, None]:
    """Accept when every row can be read, or raise the refusal."""
    given = decode(case["input"])
    data = given if isinstance(given, bytes) else build(given)
    table = read_xlsx(data)
    count = sum(1 for _ in table.rows())
    if count != table.row_count:
        raise AssertionError(f"{count} rows read, {table.row_count} announced")
    return "accept", None
