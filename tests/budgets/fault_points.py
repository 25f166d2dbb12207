"""The committed table of fault points: which calls each use case makes, in order.

A new AWS call in a use case shows up in review as a changed line of ``fault_points.json``;
``KOPRU_WRITE_BUDGETS=1 pytest tests/crash/test_every_call.py -k single`` writes it anew.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("fault_points.json")


def check(name: str, trace: Sequence[str]) -> None:
    """Fail when a use case makes other calls than the committed ones, or write them.

    Which shard of the due index a row falls in follows from its id, so the order may differ.
    """
    known: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))
    if os.environ.get("KOPRU_WRITE_BUDGETS"):
        text = json.dumps({**known, name: list(trace)}, indent=1, ensure_ascii=False)
        FILE.write_text(f"{text}\n", encoding="utf-8")
        return
    assert sorted(trace) == sorted(known[name])
