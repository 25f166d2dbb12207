"""Raw bodies of ``PUT /v1/reconciliation/mailing-settings``: strict loader, the route's own model
and the rules of its settings.
"""

from __future__ import annotations

from typing import Any

from kernel.errors import ValidationError
from reconciliation.schemas import MailingSettingsIn
from tests.acceptance.inputs import decode
from toolkit.http.fields import parse_model
from toolkit.http.json_body import load_json_object


def run(case: dict[str, Any]) -> tuple[str, None]:
    """Accept, or raise what the route answers with 400, 413, 415 or 422."""
    given = case["input"]
    content_type = "application/json"
    if isinstance(given, dict) and "body" in given:
        content_type, given = given.get("content_type", content_type), given["body"]
    body = decode(given)
    raw = body if isinstance(body, bytes) else str(body).encode("utf-8", "surrogatepass")
    settings = parse_model(MailingSettingsIn, load_json_object(raw, content_type)).to_domain()
    if problems := settings.problems():
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
    return "accept", None
