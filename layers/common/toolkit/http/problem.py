"""Problem answers (RFC 9457): one table from our errors to HTTP, all problems of a request at
once.
"""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import (
    ConflictError,
    ForbiddenError,
    KopruError,
    MalformedError,
    NotFoundError,
    PermanentGatewayError,
    PreconditionFailedError,
    PreconditionRequiredError,
    RuleViolationError,
    TooLargeError,
    TooManyRequestsError,
    TransientGatewayError,
    UnauthorizedError,
    UnknownOutcomeError,
    UnsupportedMediaTypeError,
    ValidationError,
)

PROBLEM_TYPE: Final = "application/problem+json"
_STATUS: Final[tuple[tuple[type[KopruError], int, str], ...]] = (
    (MalformedError, 400, "Malformed request"),
    (UnauthorizedError, 401, "Not signed in"),
    (ForbiddenError, 403, "Not allowed"),
    (NotFoundError, 404, "Not found"),
    (ConflictError, 409, "Conflict"),
    (PreconditionFailedError, 412, "Changed in the meantime"),
    (TooLargeError, 413, "Too large"),
    (UnsupportedMediaTypeError, 415, "Unsupported media type"),
    (ValidationError, 422, "Invalid input"),
    (RuleViolationError, 422, "Not permitted by a rule"),
    (PreconditionRequiredError, 428, "Version required"),
    (TooManyRequestsError, 429, "Too many requests"),
    (PermanentGatewayError, 502, "Refused by the third party"),
    (TransientGatewayError, 503, "Third party not reachable"),
    (UnknownOutcomeError, 202, "Awaiting confirmation"),
)


def status_of(error: KopruError) -> int:
    """HTTP status of an error; 500 for one without a row."""
    return next((status for kind, status, _ in _STATUS if isinstance(error, kind)), 500)


def title_of(error: KopruError) -> str:
    """Short, stable title of an error's class."""
    return next((title for kind, _, title in _STATUS if isinstance(error, kind)), "Internal error")


def problem_body(
    error: KopruError, *, base_url: str, trace_id: str, detail: str | None = None
) -> dict[str, Any]:
    """Members of the problem answer; ``type`` is the page that explains the code."""
    return {
        "type": f"{base_url}/problems/{error.code}",
        "title": title_of(error),
        "status": status_of(error),
        "detail": detail or error.message,
        "code": error.code,
        "errors": [
            {"pointer": item.pointer, "code": item.code, "message": item.message}
            for item in error.problems
        ],
        "trace_id": trace_id,
    }


def internal_problem(*, base_url: str, trace_id: str) -> dict[str, Any]:
    """What a caller learns of a bug of ours: nothing but the id to quote."""
    return {
        "type": f"{base_url}/problems/internal_error",
        "title": "Internal error",
        "status": 500,
        "detail": "Something went wrong on our side. Quote the trace id to support.",
        "code": "internal_error",
        "errors": [],
        "trace_id": trace_id,
    }


def retry_headers(error: KopruError) -> Mapping[str, str]:
    """``Retry-After`` for errors that know when to come back."""
    seconds = getattr(error, "retry_after", None)
    return {"retry-after": str(seconds)} if isinstance(seconds, int) else {}
