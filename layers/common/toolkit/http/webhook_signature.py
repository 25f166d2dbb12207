"""Signatures of webhooks (Standard Webhooks 1.0): HMAC-SHA-256 over id, timestamp and raw body.

The raw bytes are signed, so a body that was parsed and written again does not verify. Comparison
takes constant time, a timestamp is good for five minutes, and several secrets and signatures count
during a rotation.
Source: security.md §9.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kernel.errors import UnauthorizedError
from kernel.sensitive import Secret

TOLERANCE_SECONDS: Final = 300
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  (the public first part of every such secret)
_ID: Final = re.compile(r"[!-~]{1,200}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Signed:
    """A notification whose signature held: its id, for the inbox."""

    id: str
    timestamp: int


def secret_text(key: bytes) -> Secret:
    """A key in the form people exchange."""
    return Secret(SECRET_PREFIX + base64.b64encode(key).decode())


def key_of(secret: Secret) -> bytes:
    """The key behind a secret; raises ValueError for one that is none."""
    text = secret.reveal("check a signature")
    if not text.startswith(SECRET_PREFIX):
        raise ValueError("a webhook secret begins with whsec_")
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a webhook secret is base64") from None


def sign(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """One signature as it stands in ``webhook-signature``."""
    digest = hmac.new(key, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(key: bytes, identity: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed notification."""
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key, identity, timestamp, body),
    }


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Iterable[bytes],
    *,
    now_seconds: int,
    oldest_seconds: int = TOLERANCE_SECONDS,
) -> Signed:
    """Check a notification; header names are lower case.

    ``oldest_seconds`` is more than five minutes only where messages wait in a queue, and where an
    inbox remembers their ids for longer than that.

    Raises: UnauthorizedError("webhook_signature"), one answer for every reason.
    """
    refusal = UnauthorizedError("webhook_signature", "The signature of this notification is wrong.")
    identity = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    if _ID.fullmatch(identity) is None or _TIMESTAMP.fullmatch(stamp) is None:
        raise refusal
    timestamp = int(stamp)
    if not -TOLERANCE_SECONDS <= now_seconds - timestamp <= oldest_seconds:
        raise refusal
    sent = headers.get("webhook-signature", "").split(" ")
    good = False
    for key in keys:
        expected = sign(key, identity, timestamp, body)
        for signature in sent:
            good |= hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode())
    if not good:
        raise refusal
    return Signed(identity, timestamp)
