"""What moto does not check on presigned requests: signature, expiry and the policy of a form.

A browser talks to the files bucket only through links and forms that the product signed. Locally
the same limits must hold, or a form that AWS refuses would pass every test here.
Source: "Authenticating Requests: Browser-Based Uploads Using POST" and "Query Parameters" of the
S3 API reference, Signature Version 4.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, unquote

from infra.local.cloud.model import Json

SECRET_KEY: Final = "local"  # noqa: S105 (the one key pair of the local stack)
"""Secret key of everybody here."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_DATE: Final = "%Y%m%dT%H%M%SZ"
_MAX_SECONDS: Final = 604_800
_UNCHECKED_FIELDS: Final = frozenset({"file", "policy", "x-amz-signature"})
_SKEW: Final = timedelta(minutes=15)


class PresignedError(Exception):
    """A presigned request that S3 would refuse."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that a query signature covers. Shapes: header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


def check_link(request: SignedRequest, now: datetime) -> None:
    """Verify a presigned URL.

    Raises: PresignedError.
    """
    pairs = [pair.partition("=") for pair in request.query.split("&") if pair]
    parameters = {unquote(name): unquote(value) for name, _, value in pairs}
    if parameters.get("X-Amz-Algorithm") != _ALGORITHM:
        raise PresignedError(400, "AuthorizationQueryParametersError", "Unsupported algorithm.")
    try:
        signed_at = datetime.strptime(parameters["X-Amz-Date"], _DATE).replace(tzinfo=UTC)
        seconds = int(parameters["X-Amz-Expires"])
        scope = parameters["X-Amz-Credential"].split("/", 1)[1]
        names = parameters["X-Amz-SignedHeaders"].split(";")
        signature = parameters["X-Amz-Signature"]
    except (KeyError, ValueError, IndexError) as error:
        raise PresignedError(
            400, "AuthorizationQueryParametersError", f"Incomplete signature: {error}"
        ) from error
    if not 0 < seconds <= _MAX_SECONDS or signed_at > now + _SKEW:
        raise PresignedError(
            400, "AuthorizationQueryParametersError", "X-Amz-Expires or X-Amz-Date out of range."
        )
    if now > signed_at + timedelta(seconds=seconds):
        raise PresignedError(403, "AccessDenied", "Request has expired")
    canonical = "\n".join(
        [
            request.method,
            request.path,
            _canonical_query(pairs),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            ";".join(names),
            "UNSIGNED-PAYLOAD",
        ]
    )
    to_sign = "\n".join(
        [
            _ALGORITHM,
            parameters["X-Amz-Date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    _compare(signature, to_sign, scope)


def check_form(fields: Mapping[str, str], bucket: str, size: int, now: datetime) -> None:
    """Verify a POST form: signature, expiry and every condition of its policy.

    Shapes: ``fields`` by lower-case name, without the file; ``size`` in bytes.
    Raises: PresignedError.
    """
    for name in ("policy", "x-amz-credential", "x-amz-signature", "x-amz-date", "key"):
        if not fields.get(name):
            raise PresignedError(403, "AccessDenied", f"The form has no field {name}.")
    encoded = fields["policy"]
    _compare(fields["x-amz-signature"], encoded, fields["x-amz-credential"].split("/", 1)[-1])
    try:
        policy = json.loads(base64.b64decode(encoded, validate=True))
        expires = datetime.fromisoformat(policy["expiration"])
        conditions: Sequence[Json] = policy["conditions"]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise PresignedError(400, "InvalidPolicyDocument", f"Invalid Policy: {error}") from error
    if now > expires:
        raise PresignedError(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    given = {**fields, "bucket": bucket}
    covered: set[str] = set()
    for condition in conditions:
        covered.update(_check_condition(condition, given, size))
    for name in given.keys() - covered - _UNCHECKED_FIELDS:
        if not name.startswith("x-ignore-"):
            raise PresignedError(
                403,
                "AccessDenied",
                f"Invalid according to Policy: Extra input fields: {name}",
            )


def _check_condition(condition: Json, given: Mapping[str, str], size: int) -> set[str]:
    """Check one condition; returns the names of the fields it covers."""
    if isinstance(condition, dict):
        for name, value in condition.items():
            _demand(given.get(name.lower()) == str(value), condition)
        return {name.lower() for name in condition}
    operator, subject, value = condition
    match str(operator).lower():
        case "content-length-range":
            low, high = int(subject), int(value)
            if size < low:
                raise PresignedError(
                    400,
                    "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size",
                )
            if size > high:
                raise PresignedError(
                    400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"
                )
            return set()
        case "eq":
            _demand(given.get(subject.lstrip("$").lower()) == value, condition)
        case "starts-with":
            _demand(given.get(subject.lstrip("$").lower(), "").startswith(value), condition)
        case _:
            raise PresignedError(400, "InvalidPolicyDocument", f"Invalid condition {condition}")
    return {subject.lstrip("$").lower()}


def _demand(holds: bool, condition: Json) -> None:
    if not holds:
        raise PresignedError(
            403,
            "AccessDenied",
            f"Invalid according to Policy: Policy Condition failed: {json.dumps(condition)}",
        )


def _canonical_query(pairs: Sequence[tuple[str, str, str]]) -> str:
    encoded = [
        (quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~"))
        for name, _, value in pairs
        if name != "X-Amz-Signature"
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _compare(signature: str, text: str, scope: str) -> None:
    key = f"AWS4{SECRET_KEY}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise PresignedError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )
