"""Counts that are committed beside a test: compared, or written anew on demand."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.budgets import use_cases


def check_committed(file: Path, name: str, counts: Mapping[str, Any]) -> None:
    """Fail when the counts of ``name`` are not the committed ones; ``KOPRU_WRITE_BUDGETS=1``
    writes them, and which use cases were at work.
    """
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if os.environ.get("KOPRU_WRITE_BUDGETS"):
        text = json.dumps({**known, name: dict(counts)}, indent=2, ensure_ascii=False)
        file.write_text(f"{text}\n", encoding="utf-8")
        use_cases.note(f"{file.stem}: {name}")
        return
    assert counts == known[name], (counts, known[name])
