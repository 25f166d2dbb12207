"""The API description is what the routes say, and says what api.md promises."""

import json
import re
from typing import Any

import pytest

from infra.tools import openapi


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document()


def test_committed_description_is_fresh() -> None:
    """Run ``make generate`` after a change of routes or edge models."""
    assert openapi.TARGET.read_text(encoding="utf-8") == openapi.text()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/([A-Za-z_.]+)"', json.dumps(document)))
    assert references
    assert references <= set(schemas)


def test_operations_have_names_of_their_own_and_a_sentence(document: dict[str, Any]) -> None:
    operations = [op for item in document["paths"].values() for op in item.values()]
    for operation in operations:
        assert operation["summary"].endswith("."), operation["operationId"]
        assert operation["responses"]["4XX"]


def test_writing_routes_name_their_body(document: dict[str, Any]) -> None:
    bare = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in {"put", "patch"} and "requestBody" not in operation
    }
    assert bare == set()


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v1/pensions/contracts/{id}/submissions", "post"),
        ("/v1/pensions/contracts/{id}/contribution-submissions", "post"),
        ("/v1/payment-codes", "post"),
        ("/v1/payment-codes/{id}/send", "post"),
    ],
)
def test_commands_that_send_need_a_key(document: dict[str, Any], path: str, method: str) -> None:
    names = {item["name"] for item in document["paths"][path][method]["parameters"]}
    assert "Idempotency-Key" in names


def test_public_routes_are_the_listed_ones(document: dict[str, Any]) -> None:
    public = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("security") == []
    }
    assert public == {
        "GET /health",
        "GET /v1/openapi.json",
        # The signature is the access.
        "POST /v1/payment-codes/notifications/{provider}",
        "POST /v1/sessions",
        "POST /v1/sessions/second-factor",
        # These act on the session of the caller and answer 401 without one.
        "DELETE /v1/sessions/current",
        "DELETE /v1/sessions/{session_id}",
        "GET /v1/companies",
        "DELETE /v1/me/deadline-feed",
        "GET /v1/me/deadline-feed",
        "POST /v1/me/deadline-feed",
        "GET /v1/sessions",
        "POST /v1/sessions/current/proof",
        "DELETE /v1/me/second-factor",
        "GET /v1/me/second-factor",
        "POST /v1/me/second-factor",
        "POST /v1/me/second-factor/confirm",
        "POST /v1/me/second-factor/recovery-codes",
        "GET /v1/me",
        "PATCH /v1/me",
        "POST /v1/invitations/accept",
        "POST /v1/password-resets",
        "POST /v1/password-resets/complete",
        "GET /v1/service-agreement",
        "POST /v1/signups",
        "POST /v1/signups/activate",
    }
