"""Signing in elsewhere: who an identity provider says somebody is, and the way there and back.

Everything the way back is checked with is derived from one random value that only the browser
holds, so nothing is stored meanwhile and a way begun in one browser ends in no other.
Source: RFC 7636 (proof key), OpenID Connect Core 1.0 section 3.1.2.1 (state, nonce).
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.errors import UnauthorizedError
from kernel.sensitive import Email, Secret

TRIP_LIFETIME: Final = timedelta(minutes=10)
CHALLENGE_METHOD: Final = "S256"


@dataclass(frozen=True, slots=True)
class ProvedIdentity:
    """Somebody as the provider knows them: who, never what they may do.

    Shapes: ``subject`` is the SHA-256 of issuer and subject, the same for ever. ``email`` is there
    only if the provider has verified it. ``proved_at`` is when the person last proved who they are,
    ``second_factor`` whether that took more than a password.
    """

    subject: str
    proved_at: datetime
    second_factor: bool
    email: Email | None = None


@dataclass(frozen=True, slots=True)
class Trip:
    """One way to the provider and back; ``token`` stays in the browser that began it."""

    token: Secret

    def _derived(self, label: str) -> bytes:
        key = self.token.reveal("derive the marks of a sign-in").encode()
        return hmac.new(key, label.encode(), hashlib.sha256).digest()

    @property
    def state(self) -> str:
        """What the provider hands back unseen."""
        return _text(self._derived("state"))

    @property
    def nonce(self) -> str:
        """What the ID token must repeat."""
        return _text(self._derived("nonce"))

    @property
    def verifier(self) -> Secret:
        """What proves, with the code, that we began."""
        return Secret(_text(self._derived("verifier")))

    @property
    def challenge(self) -> str:
        """Hash of the verifier, shown beforehand."""
        clear = self.verifier.reveal("hash the verifier")
        return _text(hashlib.sha256(clear.encode()).digest())

    def came_back(self, state: str) -> bool:
        """Whether a return belongs to this trip."""
        return hmac.compare_digest(self.state.encode(), state.encode("utf-8", "replace"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def hosted_refused() -> UnauthorizedError:
    """What everybody hears who comes back without being let in."""
    return UnauthorizedError(
        "hosted_sign_in_refused", "The account elsewhere opens nothing here. Begin again."
    )
