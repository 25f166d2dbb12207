"""Which use cases a budget goes through, committed in ``use_cases.json``.

A use case is a module of an application layer. Whoever writes a budget anew
(``KOPRU_WRITE_BUDGETS=1``) also notes which modules were at work while it was counted; a test asks
that every module has such a budget.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from infra.local.settings import ROOT

FILE: Final = Path(__file__).with_name("use_cases.json")
_USE_CASE: Final = re.compile(r"[a-z_]+\.application\.[a-z_.]+")
_seen: set[str] = set()


@contextmanager
def watched() -> Iterator[None]:
    """Watch which use cases are at work inside, while budgets are written; costs nothing else."""
    if not os.environ.get("KOPRU_WRITE_BUDGETS"):
        yield
        return

    def entered(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            module = str(frame.f_globals.get("__name__", ""))
            if _USE_CASE.fullmatch(module):
                _seen.add(module)

    sys.setprofile(entered)
    try:
        yield
    finally:
        sys.setprofile(None)


def note(budget: str) -> None:
    """Write down that ``budget`` covers what was seen since the last note."""
    table = committed()
    covered = {
        module: [each for each in budgets if each != budget]
        for module, budgets in table["covered"].items()
    }
    for module in _seen:
        covered[module] = sorted([*covered.get(module, []), budget])
    _seen.clear()
    table["covered"] = {module: covered[module] for module in sorted(covered) if covered[module]}
    text = json.dumps(table, indent=1, ensure_ascii=False)
    FILE.write_text(f"{text}\n", encoding="utf-8")


def committed() -> dict[str, Any]:
    """``covered`` maps a module to its budgets."""
    if not FILE.exists():
        return {"covered": {}}
    table: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return table


def modules() -> set[str]:
    """Every use case there is: modules of the application layers, by their import names."""
    files = (ROOT / "functions").glob("*/application/**/*.py")
    return {
        ".".join(file.relative_to(ROOT / "functions").with_suffix("").parts)
        for file in files
        if file.stem != "__init__"
    }
