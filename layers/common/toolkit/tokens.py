"""Tokens from the operating system's randomness, and the hash under which they are stored."""

import base64
import hashlib
import os
from collections.abc import Callable
from typing import Final

from kernel.sensitive import Secret
from toolkit.http.webhook_signature import secret_text

_BYTES: Final = 32


class RandomTokens:
    """``Tokens`` of the ports: 256 bits, 43 URL-safe characters."""

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes

    def new(self) -> Secret:
        raw = self._random_bytes(_BYTES)
        return Secret(base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii"))

    def raw(self, count: int) -> bytes:
        return self._random_bytes(count)

    def digits(self) -> str:
        # The rest of a division of 2^64 makes some codes likelier by less than one in 10^13.
        return f"{int.from_bytes(self._random_bytes(8), 'big') % 10**6:06d}"


def webhook_secret(random_bytes: Callable[[int], bytes] = os.urandom) -> Secret:
    """A new secret that signs webhooks: 256 bits as ``whsec_…``."""
    return secret_text(random_bytes(_BYTES))


def digest(token: str) -> str:
    """SHA-256 of a token; it has 256 random bits, so no salt and no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
