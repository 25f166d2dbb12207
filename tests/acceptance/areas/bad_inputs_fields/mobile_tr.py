"""Mobile numbers: the product's parser decides, and what it stores is E.164."""

from __future__ import annotations

from typing import Any

from kernel.parsing import text_of
from tests.acceptance.inputs import decode
from toolkit.phones import parse_mobile


def run(case: dict[str, Any]) -> tuple[str, str | None]:
    """Verdict and stored form of one typed number."""
    given = text_of(decode(case["input"]))
    stored = parse_mobile(given)
    return ("accept" if stored == given else "normalise"), stored
