"""Tokens of links, derived from a key: opaque parts and a keyed 128-bit tag.

Nothing of them is stored, so a database that leaks holds no link, and the same link can be written
again at any time. What ends a link early (use, renewal, revocation) is one of its parts, compared
with the row it speaks of.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

_TAG: Final = 16
_LONGEST: Final = 300
_SEPARATOR: Final = b"\0"


class SealedTokens:
    """Seals the parts of one purpose; tokens of two purposes never open each other."""

    def __init__(self, key: bytes, purpose: str) -> None:
        self._key = key
        self._purpose = purpose.encode()

    def _tag(self, payload: bytes) -> bytes:
        message = self._purpose + _SEPARATOR + payload
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_TAG]

    def seal(self, *parts: str) -> str:
        """A token of these parts, URL-safe. Raises: ValueError for a part with a zero byte."""
        if any("\0" in part for part in parts):
            message = "a part of a token has a zero byte"
            raise ValueError(message)
        payload = _SEPARATOR.join(part.encode() for part in parts)
        return base64.urlsafe_b64encode(self._tag(payload) + payload).decode().rstrip("=")

    def open(self, token: str) -> tuple[str, ...] | None:
        """The parts, or None for anything that was not sealed here for this purpose."""
        if not token.isascii() or len(token) > _LONGEST:
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
        parts = tuple(part.decode() for part in payload.split(_SEPARATOR))
        # Another spelling of the same bytes is another text in logs and counters: refuse it.
        return parts if hmac.compare_digest(self.seal(*parts), token) else None
