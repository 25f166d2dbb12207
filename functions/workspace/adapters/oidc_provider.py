"""``IdentityProvider`` over OpenID Connect, as Amazon Cognito speaks it.

Everything that is called stands in the settings of the stage: issuer, its keys, its token address.
Nothing inside a token chooses an address, a key or an algorithm: ``jku``, ``x5u`` and ``jwk`` of a
header are never read, ``alg`` must be RS256, and the key is one that the issuer publishes.
Signatures and times are checked by joserfc; what a claim must say is written here.
Source: security.md S14; RFC 8725 (best practice of JSON web tokens); RFC 7636.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from kernel.clock import Clock
from kernel.errors import ParseError, TransientGatewayError, UnknownOutcomeError
from kernel.sensitive import Email, Secret
from toolkit.http.client import HttpClient
from toolkit.observability import logger
from workspace.domain.hosted_sign_in import (
    CHALLENGE_METHOD,
    ProvedIdentity,
    Trip,
    hosted_refused,
)

ALGORITHM: Final = "RS256"
SMALLEST_KEY: Final = 2_048
MOST_KEYS: Final = 20
KEEP_KEYS: Final = timedelta(hours=1)
ASK_AGAIN: Final = timedelta(minutes=5)
LONGEST_TOKEN: Final = timedelta(hours=1)
"""A token cannot be taken back, so one that lives longer is not taken at all."""
LEEWAY_SECONDS: Final = 60
DEADLINE_SECONDS: Final = 3.0
MAX_ANSWER_BYTES: Final = 64 * 1024
_RETURN: Final = "/sign-in/hosted/return"

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The provider of a stage.

    Shapes: ``issuer`` and ``domain`` (of the hosted sign-in) are https addresses without a slash at
    the end; ``scope`` is what an access token must hold to speak to this API; ``second_factor``
    says that the provider lets nobody in with a password alone.
    """

    issuer: str
    client_id: str
    domain: str
    scope: str
    second_factor: bool = False


class TokenRefusedError(Exception):
    """A token is not good here; the code says why, for the log of the operator only."""


class IssuerKeys:
    """Public keys of the issuer by their ids.

    Kept for an hour. An id that is not among them asks again, once in five minutes at most: keys
    change without notice, and whoever invents ids must not make us call.
    """

    def __init__(self, client: HttpClient, address: str, clock: Clock) -> None:
        self._client = client
        self._address = address
        self._clock = clock
        self._keys: Mapping[str, RSAKey] = {}
        self._asked_at: datetime | None = None

    def find(self, key_id: str) -> RSAKey | None:
        """The key, or None for one the issuer does not publish.

        Raises: TransientGatewayError when the issuer is not reached and we know nothing yet.
        """
        age = None if self._asked_at is None else self._clock.now() - self._asked_at
        if age is None or age >= KEEP_KEYS or (key_id not in self._keys and age >= ASK_AGAIN):
            self._ask()
        return self._keys.get(key_id)

    def _ask(self) -> None:
        try:
            answer = self._client.exchange(
                "GET", self._address, deadline_seconds=DEADLINE_SECONDS, idempotent=True
            )
            if answer.status != 200:
                raise _not_reached(str(answer.status))
            found = _keys_in(answer.body)
        except TransientGatewayError:
            # Keys that were good an hour ago are better than nobody getting in.
            if not self._keys:
                raise
        else:
            self._keys = found
        self._asked_at = self._clock.now()


class OidcProvider:
    """One user pool, one client of it."""

    is_hosted = True

    def __init__(
        self, settings: OidcSettings, client: HttpClient, clock: Clock, base_url: str
    ) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock
        self._return_to = f"{base_url}{_RETURN}"
        self._keys = IssuerKeys(client, f"{settings.issuer}/.well-known/jwks.json", clock)

    def bearer(self, token: Secret) -> ProvedIdentity | None:
        try:
            claims = self._verified(token, "access")
            self._require(claims, "client_id", self._settings.client_id)
            if self._settings.scope not in str(claims.get("scope", "")).split(" "):
                raise TokenRefusedError("scope")
            if claims["exp"] - claims["iat"] > LONGEST_TOKEN.total_seconds():
                raise TokenRefusedError("lifetime")
            return self._identity(claims, None)
        except TokenRefusedError as error:
            logger("workspace").info("access token refused", extra={"why": str(error)})
            return None

    def departure(self, trip: Trip, *, again: bool) -> str:
        wish = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._return_to,
            "scope": "openid email",
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": trip.challenge,
            "code_challenge_method": CHALLENGE_METHOD,
            **({"prompt": "login"} if again else {}),
        }
        return f"{self._settings.domain}/oauth2/authorize?{urlencode(wish)}"

    def arrival(self, trip: Trip, code: Secret) -> ProvedIdentity:
        token = self._exchanged(trip, code)
        try:
            claims = self._verified(token, "id")
            self._require(claims, "aud", self._settings.client_id)
            self._require(claims, "nonce", trip.nonce)
            return self._identity(claims, _verified_email(claims))
        except TokenRefusedError as error:
            logger("workspace").warning("ID token refused", extra={"why": str(error)})
            raise hosted_refused() from None

    def _exchanged(self, trip: Trip, code: Secret) -> Secret:
        """The ID token for a code; the verifier proves that we began."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._return_to,
            "code": code.reveal("exchange a code"),
            "code_verifier": trip.verifier.reveal("exchange a code"),
        }
        try:
            answer = self._client.exchange(
                "POST",
                f"{self._settings.domain}/oauth2/token",
                deadline_seconds=DEADLINE_SECONDS,
                content=urlencode(form).encode(),
                headers={"content-type": "application/x-www-form-urlencoded"},
            )
        except UnknownOutcomeError as error:
            # The code may be used up, and nothing else: who signs in begins again.
            raise _not_reached(error.code) from None
        if answer.status >= 500:
            raise _not_reached(str(answer.status))
        token = _member(answer.body, "id_token") if answer.status == 200 else None
        if not isinstance(token, str):
            raise hosted_refused()
        return Secret(token)

    # ------------------------------------------------------------------ tokens

    def _verified(self, token: Secret, use: str) -> Claims:
        """Claims of a token of this issuer, for this use, that counts now.

        Raises: TokenRefusedError; TransientGatewayError when the issuer's keys are not to be had.
        """
        text = token.reveal("verify a token").encode("utf-8", "replace")
        key = self._keys.find(_key_id(text))
        if key is None:
            raise TokenRefusedError("key_unknown")
        try:
            claims = jwt.decode(text, key, algorithms=[ALGORITHM]).claims
            jwt.JWTClaimsRegistry(
                now=lambda: int(self._clock.now().timestamp()),
                leeway=LEEWAY_SECONDS,
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(claims)
        except JoseError as error:
            raise TokenRefusedError(error.error) from None
        except (ValueError, TypeError):
            raise TokenRefusedError("malformed") from None
        self._require(claims, "iss", self._settings.issuer)
        self._require(claims, "token_use", use)
        return claims

    @staticmethod
    def _require(claims: Claims, name: str, value: str) -> None:
        # Equal, not contained: a list that names us among others is not our token.
        if claims.get(name) != value:
            raise TokenRefusedError(name)

    def _identity(self, claims: Claims, email: Email | None) -> ProvedIdentity:
        name = f"{self._settings.issuer}\n{claims['sub']}"
        proved = claims.get("auth_time", claims["iat"])
        if not isinstance(proved, int) or isinstance(proved, bool) or proved > claims["exp"]:
            raise TokenRefusedError("auth_time")
        return ProvedIdentity(
            hashlib.sha256(name.encode()).hexdigest(),
            datetime.fromtimestamp(proved, UTC),
            self._settings.second_factor,
            email,
        )


def _key_id(text: bytes) -> str:
    """Which key a token says it is signed with; everything else of its header is judged here too.

    Raises: TokenRefusedError.
    """
    try:
        header = jws.extract_compact(text).headers()
    except (JoseError, ValueError, TypeError):
        raise TokenRefusedError("malformed") from None
    if header.get("alg") != ALGORITHM:
        raise TokenRefusedError("alg")
    key_id = header.get("kid")
    if "crit" in header or not isinstance(key_id, str):
        raise TokenRefusedError("header")
    return key_id


def _keys_in(body: bytes) -> Mapping[str, RSAKey]:
    """Signing keys of a key set; what is anything else is left out.

    Raises: TransientGatewayError for what is no key set.
    """
    listed = _member(body, "keys")
    if not isinstance(listed, list):
        raise _not_reached("no key set")
    found = {}
    for each in listed[:MOST_KEYS]:
        if not isinstance(each, dict) or not isinstance(each.get("kid"), str):
            continue
        if each.get("kty") != "RSA" or each.get("use", "sig") != "sig":
            continue
        if each.get("alg", ALGORITHM) != ALGORITHM:
            continue
        try:
            public: dict[str, str | list[str]] = {
                name: str(each[name]) for name in ("kty", "n", "e")
            }
            key = RSAKey.import_key(public)
        except (JoseError, ValueError, KeyError):
            continue
        raw = key.raw_value
        if isinstance(raw, RSAPublicKey) and raw.key_size >= SMALLEST_KEY:
            found[each["kid"]] = key
    return found


def _member(body: bytes, name: str) -> Any:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document.get(name) if isinstance(document, dict) else None


def _verified_email(claims: Claims) -> Email | None:
    """The address, if the provider says that it is this person's; some pools say so as text."""
    if claims.get("email_verified") not in (True, "true"):
        return None
    try:
        return Email(str(claims.get("email", "")))
    except ParseError:
        return None


def _not_reached(why: str) -> TransientGatewayError:
    return TransientGatewayError(
        "identity_provider_unreachable", "Signing in elsewhere does not work now.", detail=why
    )
