"""One table from our errors to HTTP."""

import inspect

import pytest

from kernel import errors
from kernel.errors import (
    ConflictError,
    KopruError,
    NotFoundError,
    ParseError,
    Problem,
    TooManyRequestsError,
    TransientGatewayError,
    ValidationError,
)
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.http.problem import (
    internal_problem,
    problem_body,
    retry_headers,
    status_of,
    title_of,
)

EXPECTED = {
    "MalformedError": 400,
    "UnauthorizedError": 401,
    "ForbiddenError": 403,
    "NotFoundError": 404,
    "ConflictError": 409,
    "PreconditionFailedError": 412,
    "TooLargeError": 413,
    "UnsupportedMediaTypeError": 415,
    "ValidationError": 422,
    "ParseError": 422,
    "RuleViolationError": 422,
    "PreconditionRequiredError": 428,
    "TooManyRequestsError": 429,
    "PermanentGatewayError": 502,
    "TransientGatewayError": 503,
    "UnknownOutcomeError": 202,
}


def _concrete() -> dict[str, type[KopruError]]:
    found = inspect.getmembers(errors, inspect.isclass)
    families = {"KopruError", "GatewayError", "LaterError"}
    return {
        name: kind for name, kind in found if issubclass(kind, KopruError) and name not in families
    }


def test_every_error_has_a_status() -> None:
    assert {name: status_of(kind("c", "m")) for name, kind in _concrete().items()} == EXPECTED


def test_an_error_without_a_row_is_ours() -> None:
    assert status_of(KopruError("c", "m")) == 500
    assert title_of(KopruError("c", "m")) == "Internal error"
    assert status_of(TransactionRefusedError([])) == 409


def test_a_problem_says_all_there_is_and_no_private_detail() -> None:
    error = ValidationError(
        "invalid_input",
        "Some fields are wrong.",
        problems=[Problem("/iban", "iban_check", "Check digits."), Problem("/a", "b", "c")],
        detail="private",
    )
    body = problem_body(error, base_url="https://x.example", trace_id="t-1")
    assert body == {
        "type": "https://x.example/problems/invalid_input",
        "title": "Invalid input",
        "status": 422,
        "detail": "Some fields are wrong.",
        "code": "invalid_input",
        "errors": [
            {"pointer": "/iban", "code": "iban_check", "message": "Check digits."},
            {"pointer": "/a", "code": "b", "message": "c"},
        ],
        "trace_id": "t-1",
    }
    told = problem_body(error, base_url="", trace_id="", detail="Bazı alanlar yanlış.")
    assert told["detail"] == "Bazı alanlar yanlış."


def test_a_bug_of_ours_gives_only_its_number() -> None:
    body = internal_problem(base_url="https://x.example", trace_id="t-1")
    assert (body["status"], body["code"], body["errors"]) == (500, "internal_error", [])
    assert body["trace_id"] == "t-1"


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (TooManyRequestsError("c", "m", retry_after=9), {"retry-after": "9"}),
        (TransientGatewayError("c", "m", retry_after=30), {"retry-after": "30"}),
        (TooManyRequestsError("c", "m"), {}),
        (NotFoundError("c", "m"), {}),
        (ConflictError("c", "m"), {}),
        (ParseError("C", "m"), {}),
    ],
)
def test_who_knows_when_says_when(error: KopruError, headers: dict[str, str]) -> None:
    assert retry_headers(error) == headers
