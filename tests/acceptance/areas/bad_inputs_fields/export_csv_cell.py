"""Text cells of a CSV for people, seen in the bytes of a whole file the product writes."""

from __future__ import annotations

from typing import Any

from tests.acceptance.inputs import decode
from toolkit.tabular.csv_writer import people_csv


def run(case: dict[str, Any]) -> tuple[str, str]:
    """The cell as written between two harmless neighbours."""
    given = decode(case["input"])
    written = b"".join(people_csv(["a", "b", "c"], [["x", given, "y"]])).decode("utf-8-sig")
    cell = written.removeprefix("a;b;c\r\nx;").removesuffix(";y\r\n")
    return ("accept" if cell == given else "normalise"), cell
