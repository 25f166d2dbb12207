"""An identity provider in memory that speaks like Amazon Cognito, and the tokens it would sign."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from kernel.clock import Clock
from toolkit.http.client import HttpClient
from workspace.adapters.oidc_provider import OidcProvider, OidcSettings

ISSUER: Final = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_kopru"
DOMAIN: Final = "https://kopru.auth.eu-central-1.amazoncognito.com"
CLIENT: Final = "kopru-client"
SCOPE: Final = "kopru/access"
SETTINGS: Final = {
    "issuer": ISSUER,
    "client_id": CLIENT,
    "domain": DOMAIN,
    "scope": SCOPE,
    "second_factor": "yes",
}


@cache
def private_key(name: str) -> RSAKey:
    """A key pair of this name; making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any], signature: str = "") -> str:
    """A token written by hand."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, claims)
    ]
    return ".".join((*parts, signature))


@dataclass
class Issuer:
    """What the provider publishes, what it is asked, and what goes wrong with it."""

    clock: Clock
    published: list[str] = field(default_factory=lambda: ["key-1"])
    more_keys: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    key_set: bytes | None = None

    def provider(self, *, second_factor: bool = True) -> OidcProvider:
        """Our adapter, talking to it."""
        settings = OidcSettings(ISSUER, CLIENT, DOMAIN, SCOPE, second_factor)
        client = HttpClient(transport=httpx.MockTransport(self.answer))
        return OidcProvider(settings, client, self.clock, "http://localhost:8000")

    @property
    def now(self) -> int:
        """Seconds."""
        return int(self.clock.now().timestamp())

    def access_claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good access token; a change to None leaves one out."""
        claims = {
            "iss": ISSUER,
            "sub": "b2f6-subject",
            "token_use": "access",
            "client_id": CLIENT,
            "scope": f"openid {SCOPE}",
            "auth_time": self.now - 60,
            "iat": self.now - 60,
            "exp": self.now + 3_000,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def id_claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good ID token."""
        about = {"email": "owner@ornek.example", "email_verified": True, "aud": CLIENT}
        return self.access_claims(
            **{"token_use": "id", "client_id": None, "scope": None, **about, **changes}
        )

    def sign(self, claims: Mapping[str, Any], *, key: str = "key-1", **header: Any) -> str:
        """A token signed with a key of the provider's."""
        head = {"alg": "RS256", "kid": key, **header}
        return jwt.encode(head, dict(claims), private_key(key), algorithms=["RS256"])

    def confused(self, claims: Mapping[str, Any]) -> str:
        """A token signed by HS256 with the public key as its secret."""
        text = unsigned({"alg": "HS256", "kid": "key-1"}, claims).rpartition(".")[0]
        secret = private_key("key-1").as_pem(private=False)
        made = hmac.new(secret, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"

    def grant(self, departure: str, **claims: Any) -> dict[str, str]:
        """Somebody signs in there; what their browser comes back with."""
        wish = dict(parse_qsl(urlsplit(departure).query))
        code = f"code-{len(self.codes)}"
        self.codes[code] = {"wish": wish, "claims": claims}
        return {"code": code, "state": wish["state"]}

    # ------------------------------------------------------------------ what it answers

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        address = str(request.url)
        self.asked.append(f"{request.method} {address}")
        if self.down:
            raise httpx.ConnectError("down")
        if address == f"{ISSUER}/.well-known/jwks.json":
            return httpx.Response(200, content=self.key_set or self._keys())
        if (request.method, address) == ("POST", f"{DOMAIN}/oauth2/token"):
            return self._token(dict(parse_qsl(request.content.decode())))
        raise AssertionError(address)

    def _keys(self) -> bytes:
        listed = [private_key(name).as_dict(private=False) for name in self.published]
        return json.dumps({"keys": [*listed, *self.more_keys]}).encode()

    def _token(self, form: Mapping[str, str]) -> httpx.Response:
        known = self.codes.pop(form.get("code", ""), None)
        if known is None or not self._began(known["wish"], form):
            return httpx.Response(400, json={"error": "invalid_grant"})
        claims = {"nonce": known["wish"]["nonce"], **known["claims"]}
        answer = {
            "id_token": self.sign(self.id_claims(**claims)),
            "access_token": self.sign(self.access_claims()),
        }
        return httpx.Response(200, json=answer)

    @staticmethod
    def _began(wish: Mapping[str, str], form: Mapping[str, str]) -> bool:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return (
            wish["code_challenge"] == challenge
            and wish["code_challenge_method"] == "S256"
            and wish["redirect_uri"] == form["redirect_uri"]
            and wish["client_id"] == form["client_id"]
            and form["grant_type"] == "authorization_code"
        )
