"""Tokens of cash calendar feeds, derived from the application secret: nothing of them is stored.

A token is opaque ids and a keyed 128-bit tag. It counts only while its version is the company's
present one, so that a new address makes the old one worthless.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from kernel.ids import is_id

_TAG: Final = 16
_ID: Final = 26
_MAX: Final = 120
Derive = Callable[[str, str], bytes]


class DerivedFeedTokens:
    """``FeedTokens`` of the ports."""

    def __init__(self, derive: Derive) -> None:
        self._derive = derive

    def token(self, tenant_id: str, version: int) -> str:
        payload = f"{tenant_id}{version}".encode()
        return base64.urlsafe_b64encode(self._tag(payload) + payload).decode().rstrip("=")

    def read(self, token: str) -> tuple[str, int] | None:
        if not token.isascii() or len(token) > _MAX:
            return None
        try:
            raw = base64.b64decode(
                token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, ValueError):
            return None
        tag, payload = raw[:_TAG], raw[_TAG:]
        if not hmac.compare_digest(tag, self._tag(payload)):
            return None
        tenant_id, version = payload[:_ID].decode(), payload[_ID:].decode()
        if not is_id(tenant_id) or self.token(tenant_id, int(version)) != token:
            return None  # another spelling of the same bytes
        return tenant_id, int(version)

    def _tag(self, payload: bytes) -> bytes:
        return hmac.new(self._derive("cash-feed", ""), payload, hashlib.sha256).digest()[:_TAG]
