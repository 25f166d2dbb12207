"""Signed notifications of institutions: the product's own check over headers and raw body."""

from __future__ import annotations

import base64
from typing import Any

from kernel.sensitive import Secret
from tests.acceptance.inputs import decode
from toolkit.http.webhook_signature import key_of, verify


def run(case: dict[str, Any]) -> tuple[str, None]:
    """Accept, or raise what the door answers with 401."""
    given = case["input"]
    body = decode(given["body"])
    raw = body if isinstance(body, bytes) else str(body).encode("utf-8", "surrogatepass")
    if given.get("is_base64"):
        raw = base64.b64decode(raw)
    now = int(given["now"])
    keys = [
        key_of(Secret(secret["value"]))
        for secret in given["secrets"]
        if secret.get("retired_at") is None or now < secret["retired_at"]
    ]
    headers = {name.lower(): value for name, value in given["headers"].items()}
    verify(headers, raw, keys, now_seconds=now)
    return "accept", None
