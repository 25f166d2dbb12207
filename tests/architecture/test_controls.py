"""Every control of the product's security is found in docs, with tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CONTROLS: Final = 48
"""How many attacks were thought through. Source: security.md, section 1."""
DOCUMENT: Final = ROOT / "docs" / "security-controls.md"
ROWS: Final = [
    line.split("|")[1:-1]
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
    if line.startswith("| S")
]


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _missing(name: str) -> bool:
    path, _, function = name.partition("::")
    file = ROOT / path
    if not file.is_file():
        return True
    tests = _tests_of(file)
    return function not in tests if function else not any(t.startswith("test_") for t in tests)


def test_every_control_has_one_row_in_order() -> None:
    assert [row[0].strip() for row in ROWS] == [f"S{n}" for n in range(1, CONTROLS + 1)]


def test_every_row_names_a_test_and_every_test_exists() -> None:
    for row in ROWS:
        names = re.findall(r"`(tests/[^`]+)`", row[3])
        assert names, row[0]
        assert [name for name in names if _missing(name)] == [], row[0]


def test_no_control_is_open() -> None:
    assert [row[0].strip() for row in ROWS if "**open**" in row[2]] == []
