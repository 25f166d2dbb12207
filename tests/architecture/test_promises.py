"""Every promise of the product is two steps from the README, with tests that exist."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CONTEXTS: Final = frozenset(path.name for path in (ROOT / "functions").iterdir())
PARTS: Final = {"PEN": 11, "WFL": 6, "CRD": 6, "PAY": 6, "REC": 7, "WSP": 6}
"""How many promises each part of the product has, in their order. Source: product.md."""
BEYOND: Final = tuple(f"N{number}" for number in range(1, 20) if number != 13)
"""What none of the others has; there is no N13. Source: product.md."""
DOCUMENT: Final = ROOT / "docs" / "promises.md"
ROWS: Final = [
    line.split("|")[1:-1]
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
][1:]


def _spread(text: str) -> Iterator[str]:
    """Braces hold alternatives, as a shell reads them."""
    parts = [part.split(",") for part in re.split(r"[{}]", text)]
    yield from ("".join(chosen) for chosen in itertools.product(*parts))


def _paths(cell: str) -> Iterator[str]:
    """Tests and benches that a cell names."""
    for text in re.findall(r"`((?:tests|bench)/[^`]+)`", cell):
        yield from _spread(text)


def _code(cell: str) -> Iterator[str]:
    """Places in the code; what begins with a layer belongs to the context named before it."""
    context = ""
    # `<context>/…` stands in every context; its own tests compare them.
    for text in re.findall(r"(?<!`)`([^`<>]+)`", re.sub(r"`<[^`]*`", "", cell)):
        first = text.split("/")[0].split("{")[0]
        if first in CONTEXTS:
            context = first
            yield from (f"functions/{path}" for path in _spread(text))
        elif first in ("kernel", "toolkit", "webkit"):
            yield from (f"layers/common/{path}" for path in _spread(text))
        elif (ROOT / "functions" / context / first).exists() and context:
            yield from (f"functions/{context}/{path}" for path in _spread(text))
        else:
            yield from _spread(text)


def test_every_promise_has_one_row_in_order() -> None:
    wanted = [f"{part}-{n:02}" for part, most in PARTS.items() for n in range(1, most + 1)]
    assert [row[0].strip() for row in ROWS] == [*wanted, *BEYOND]


def test_the_readme_leads_to_the_rows() -> None:
    assert "](docs/promises.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_row_says_what_and_where() -> None:
    assert [row[0] for row in ROWS if not (row[1].strip() and row[2].strip())] == []


def test_every_place_in_the_code_exists() -> None:
    missing = {path for row in ROWS for path in _code(row[3]) if not list(ROOT.glob(path))}
    assert missing == set()


def test_every_row_names_a_test_and_every_test_exists() -> None:
    for row in ROWS:
        paths = list(_paths(row[4]))
        assert paths, row[0]
        assert [path for path in paths if not list(ROOT.glob(path))] == []
