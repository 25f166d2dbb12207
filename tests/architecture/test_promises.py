"""Every promise of the product is found in ARCHITECTURE.md §7, with tests that exist."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CONTEXTS: Final = frozenset(path.name for path in (ROOT / "functions").iterdir())
PROMISES: Final = {"PEN": 11, "WFL": 6, "CRD": 6, "PAY": 6, "REC": 7, "WSP": 6}
"""How many promises each part of the product has. Source: product.md."""
TABLE: Final = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## 7.")[1]
ROWS: Final = [line.split("|")[1:-1] for line in TABLE.splitlines() if line.startswith("| ")][1:]


def _named(cell: str) -> Iterator[str]:
    """Ids of promises in a cell: `CRD-01 … 03` is three, `WFL-03, WFL-04` two."""
    for match in re.finditer(r"([A-Z]{3})-(\d\d)(?: … (\d\d))?", cell):
        for number in range(int(match[2]), int(match[3] or match[2]) + 1):
            yield f"{match[1]}-{number:02}"


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


def test_every_promise_has_a_row() -> None:
    wanted = {f"{part}-{n:02}" for part, most in PROMISES.items() for n in range(1, most + 1)}
    assert wanted - {name for row in ROWS for name in _named(row[0])} == set()


def test_every_place_in_the_code_exists() -> None:
    missing = {path for row in ROWS for path in _code(row[1]) if not list(ROOT.glob(path))}
    assert missing == set()


def test_every_row_names_a_test_and_every_test_exists() -> None:
    for row in ROWS:
        paths = list(_paths(row[2]))
        assert paths, row[0]
        assert [path for path in paths if not list(ROOT.glob(path))] == []
