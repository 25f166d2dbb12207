"""Tokens that prove a form was drawn by us for this session.

A token is a nonce and an HMAC over nonce and session id hash, keyed with the session's own secret.
The nonce makes every rendering different, so compressed pages do not leak the token byte by byte.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Final

FIELD: Final = "csrf_token"
"""Name of the hidden form field."""

HEADER: Final = "x-csrf-token"
"""Name of the request header that htmx requests carry instead of the field."""

_NONCE_BYTES: Final = 16
_PURPOSE: Final = b"kopru.csrf.v1\0"


def issue(
    session_id_hash: str, secret: bytes, random_bytes: Callable[[int], bytes] = os.urandom
) -> str:
    """A fresh token for the session; URL-safe text without padding."""
    nonce = random_bytes(_NONCE_BYTES)
    return _encode(nonce + _mac(nonce, session_id_hash, secret))


def verify(token: str | None, session_id_hash: str, secret: bytes) -> bool:
    """Whether the token belongs to this session; constant time over the compared bytes."""
    if not token or not session_id_hash or not secret:
        return False
    try:
        raw = _decode(token)
    except (ValueError, binascii.Error):
        return False
    nonce, mac = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    return hmac.compare_digest(mac, _mac(nonce, session_id_hash, secret))


def _mac(nonce: bytes, session_id_hash: str, secret: bytes) -> bytes:
    # The nonce has a fixed length, so nonce and hash cannot be shifted against each other.
    return hmac.new(secret, _PURPOSE + nonce + session_id_hash.encode(), hashlib.sha256).digest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(token: str) -> bytes:
    raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
    if _encode(raw) != token:
        raise ValueError("not the canonical form")
    return raw
