"""Opaque paging cursors, sealed over tenant, route, filter and position, good for 24 hours
(security.md S9).
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.errors import MalformedError

_LIFETIME: Final = timedelta(hours=24)
_TAG_BYTES: Final = 16


class Cursors:
    """Seals and opens cursors with a key derived for this purpose."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _tag(self, payload: bytes, tenant_id: str, route: str, filters: Mapping[str, str]) -> bytes:
        scope = json.dumps([tenant_id, route, sorted(filters.items())], ensure_ascii=False)
        return hmac.new(self._key, scope.encode() + b"\0" + payload, hashlib.sha256).digest()[
            :_TAG_BYTES
        ]

    def seal(
        self,
        position: Mapping[str, Any],
        *,
        tenant_id: str,
        route: str,
        filters: Mapping[str, str],
        now: datetime,
    ) -> str:
        """Cursor text for a position; useless to another tenant, route or filter."""
        expires = int((now + _LIFETIME).timestamp())
        payload = json.dumps([expires, dict(position)], separators=(",", ":")).encode()
        # The tag is keyed, so flipping a byte or swapping the scope makes it worthless; the
        # content holds opaque keys only and need not be secret, yet nobody should build on it.
        sealed = self._tag(payload, tenant_id, route, filters) + payload
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(
        self, cursor: str, *, tenant_id: str, route: str, filters: Mapping[str, str], now: datetime
    ) -> dict[str, Any]:
        """Position behind a cursor.

        Raises: MalformedError("invalid_cursor"), one answer for every reason.
        """
        refusal = MalformedError(
            "invalid_cursor", "The cursor is not valid for this list any more."
        )
        if not cursor.isascii():
            raise refusal
        try:
            sealed = base64.b64decode(
                cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, ValueError):
            raise refusal from None
        tag, payload = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(payload, tenant_id, route, filters)):
            raise refusal
        expires, position = json.loads(payload)
        if now.timestamp() > expires:
            raise refusal
        return dict(position)
