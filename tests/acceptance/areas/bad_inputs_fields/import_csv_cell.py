"""Text cells of an uploaded CSV, seen in what the product's reader hands out."""

from __future__ import annotations

from typing import Any

from tests.acceptance.inputs import decode
from toolkit.tabular.csv_reader import read_csv


def run(case: dict[str, Any]) -> tuple[str, str]:
    """The text of a cell between two harmless neighbours."""
    given = decode(case["input"])
    quoted = given.replace('"', '""')
    table = read_csv(f'a;b;c\r\nx;"{quoted}";y\r\n'.encode())
    (row,) = table.rows()
    return ("accept" if row.texts[1] == given else "normalise"), row.texts[1]
