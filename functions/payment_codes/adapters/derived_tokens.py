"""Tokens of payer pages, derived from the application secret.

Nothing of them is stored: a token is opaque ids and a keyed 128-bit tag, so a database that leaks
holds no link, and the same link can be sent again at any time.
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
Derive = Callable[[str, str], bytes]


class DerivedPayLinks:
    """``PayLinks`` of the ports."""

    def __init__(self, derive: Derive) -> None:
        self._derive = derive

    def _tag(self, payload: bytes) -> bytes:
        return hmac.new(self._derive("pay-link", ""), payload, hashlib.sha256).digest()[:_TAG]

    def token(self, tenant_id: str, code_id: str) -> str:
        payload = f"{tenant_id}{code_id}".encode()
        return base64.urlsafe_b64encode(self._tag(payload) + payload).decode().rstrip("=")

    def read(self, token: str) -> tuple[str, str] | None:
        if not token.isascii() or len(token) > 200:
            return None
        try:
            raw = base64.b64decode(
                token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, ValueError):
            return None
        tag, payload = raw[:_TAG], raw[_TAG:]
        if not hmac.compare_digest(tag, self._tag(payload)) or len(payload) != 2 * _ID:
            return None
        if self.token(payload[:_ID].decode(), payload[_ID:].decode()) != token:
            return None  # another spelling of the same bytes
        tenant_id, code_id = payload[:_ID].decode(), payload[_ID:].decode()
        return (tenant_id, code_id) if is_id(tenant_id) and is_id(code_id) else None
