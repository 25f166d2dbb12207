"""The committed table of fault points: which calls each use case makes, in order.

A new AWS call in a use case shows up in review as a changed line of ``fault_points.json``; write it
anew with ``python -m tests.budgets``.
"""

import json
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("fault_points.json")


def committed() -> dict[str, list[str]]:
    """Labels of the calls by use case."""
    table: dict[str, list[str]] = json.loads(FILE.read_text())
    return table


def write(table: dict[str, list[str]]) -> None:
    """Replace the committed table."""
    FILE.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
