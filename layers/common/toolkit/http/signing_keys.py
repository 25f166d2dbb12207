"""Secrets that other systems sign with, derived from the application secret: nothing is stored."""

from collections.abc import Callable, Sequence
from datetime import datetime

from kernel.sensitive import Secret
from kernel.signed_events import SignedMessage
from toolkit.http.webhook_signature import TOLERANCE_SECONDS, key_of, secret_text, verify

Derive = Callable[[str, str], bytes]


class DerivedSigningKeys:
    """``SigningKeys`` for one purpose: secrets of two never agree."""

    def __init__(
        self, derive: Derive, purpose: str, *, oldest_seconds: int = TOLERANCE_SECONDS
    ) -> None:
        self._derive = derive
        self._purpose = purpose
        self._oldest = oldest_seconds

    def secret(self, tenant_id: str, version: int) -> Secret:
        return secret_text(self._derive(self._purpose, f"{tenant_id}/{version}"))

    def check(
        self, tenant_id: str, versions: Sequence[int], signed: SignedMessage, now: datetime
    ) -> None:
        keys = [key_of(self.secret(tenant_id, version)) for version in versions]
        verify(
            signed.headers,
            signed.body,
            keys,
            now_seconds=int(now.timestamp()),
            oldest_seconds=self._oldest,
        )
