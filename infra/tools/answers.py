"""What the API answers, as ``events/answers`` keeps it: schemas, examples, problems.

Recorded from answers that the integration tests got (``make answers``, ``answer_shapes.py``), put
into the description by ``infra.tools.openapi``, and compared with every answer of the same tests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "events" / "answers"
PROBLEM: Final = "application/problem+json"
JSON: Final = "application/json"
NEVER_FILLED: Final[Mapping[str, Any]] = {"type": "null"}
# Its answer is the description itself.
ITSELF: Final = "GET /v1/openapi.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it was given; ``body`` is plain data, text of other formats or None."""

    operation: str
    status: int
    content_type: str
    body: Any


def strict(schema: Any) -> Any:
    """The schema for our own tests: nothing undescribed. Clients must ignore what they know not."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(member) for key, member in schema.items()}
    if "properties" in closed and isinstance(closed.get("type"), str | list):
        closed["additionalProperties"] = False
    return closed


def told(schema: Any) -> Any:
    """The schema for clients: a member that was always null may well be something else one day."""
    if isinstance(schema, list):
        return [told(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema == NEVER_FILLED:
        return {"description": "Null in every answer that was recorded."}
    return {
        key: [one if one == NEVER_FILLED else told(one) for one in member]
        if key == "anyOf"
        else told(member)
        for key, member in schema.items()
    }


class Description:
    """Schemas and examples of all contexts.

    Shapes: ``schemas`` by name; ``answers`` by operation (``GET /v1/…``), status and content type
    ("" for no body); ``refusals`` the problem codes that an operation answered; ``problems`` an
    example per code.
    """

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self.answers: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
        self.refusals: dict[str, list[str]] = {}
        self.problems: dict[str, Any] = {}
        self._closed: dict[str, Any] | None = None
        self._checks: dict[tuple[str, int], Any] = {}

    @classmethod
    def read(cls) -> Description:
        """What is committed."""
        found = cls()
        for path in sorted(FOLDER.glob("*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            for part in ("schemas", "answers", "refusals", "problems"):
                getattr(found, part).update(content.get(part, {}))
        return found

    def differences(self, answer: Answer) -> list[str]:
        """How an answer differs from its description; empty when it fits.

        Shapes: place and broken rule, never a value, which could be one that logs must not hold.
        """
        expected = self.answers.get(answer.operation, {}).get(str(answer.status))
        if expected is None:
            return [f"status {answer.status} is not described"]
        if answer.content_type not in expected:
            return [f"content type {answer.content_type!r} is not described"]
        if answer.content_type != JSON or answer.operation == ITSELF:
            return []
        check = self._check(answer.operation, answer.status, expected[JSON]["schema"])
        return [
            "/".join(map(str, error.instance_path)) + ": " + "/".join(map(str, error.schema_path))
            for error in check.iter_errors(answer.body)
        ]

    def _check(self, operation: str, status: int, schema: Mapping[str, Any]) -> Any:
        key = operation, status
        if key not in self._checks:
            if self._closed is None:
                self._closed = {"schemas": strict(self.schemas)}
            whole = {**strict(schema), "components": self._closed}
            self._checks[key] = jsonschema_rs.Draft202012Validator(whole)
        return self._checks[key]
