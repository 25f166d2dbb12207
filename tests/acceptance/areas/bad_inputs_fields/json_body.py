"""Raw bodies of ``PUT /v1/reconciliation/mailing-settings``: strict loader, then a strict schema.

The members of that route are spelled out here as the rule states them; the days and the sender pass
the kernel's own readers.
"""

from __future__ import annotations

from typing import Any

import pydantic

from kernel.errors import ValidationError
from kernel.periods import DayWindow
from kernel.text import clean_mail_header
from tests.acceptance.inputs import decode
from toolkit.http.json_body import load_json_object


class MailingSettings(pydantic.BaseModel):
    """The body of the route; nothing is coerced and nothing unknown is taken."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid")

    starts_day: int
    ends_day: int
    reminder_days: list[int]
    sender_name: str
    letter_templates: dict[str, Any] | None = None


def run(case: dict[str, Any]) -> tuple[str, None]:
    """Accept, or raise what the route answers with 400, 413, 415 or 422."""
    given = case["input"]
    content_type = "application/json"
    if isinstance(given, dict) and "body" in given:
        content_type, given = given.get("content_type", content_type), given["body"]
    body = decode(given)
    raw = body if isinstance(body, bytes) else str(body).encode("utf-8", "surrogatepass")
    members = load_json_object(raw, content_type)
    try:
        settings = MailingSettings.model_validate(members)
    except pydantic.ValidationError as error:
        raise ValidationError("validation_failed", "The body is not valid.") from error
    DayWindow(settings.starts_day, settings.ends_day)
    for day in settings.reminder_days:
        DayWindow(day, day)
    clean_mail_header(settings.sender_name)
    return "accept", None
