"""Paging cursors: sealed by the product's own key for one tenant and route, used by another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from tests.acceptance.inputs import decode
from toolkit.http.cursor import Cursors

_KEY: Final = b"an acceptance key of 32 bytes..."
_NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
_HOME: Final = {"tenant": "A", "route": "/v1/payment-codes"}


def run(case: dict[str, Any]) -> tuple[str, None]:
    """Accept when the position comes back as it was sealed, or raise the refusal."""
    given = decode(case["input"])
    cursors = Cursors(_KEY)
    position = {"pk": "x", "sk": "0001"}
    scope = dict(given.pop("issued_for", _HOME))
    user = dict(given.pop("used_by", _HOME))
    text = cursors.seal(position, **_arguments(scope))
    if "flip_byte" in given:
        text = _flipped(text, int(given.pop("flip_byte")))
    text = given.pop("raw", text)
    if given:
        raise ValueError(f"nobody knows what {sorted(given)} of a cursor means")
    if cursors.open(text, **_arguments(user)) != position:
        raise AssertionError("another position came back")
    return "accept", None


def _arguments(scope: dict[str, Any]) -> dict[str, Any]:
    return {
        "tenant_id": scope["tenant"],
        "route": scope["route"],
        "filters": scope.get("filters", {}),
        "now": _NOW,
    }


def _flipped(text: str, place: int) -> str:
    other = "A" if text[place] != "A" else "B"
    return text[:place] + other + text[place + 1 :]
