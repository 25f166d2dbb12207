"""Which tokens of an identity provider are good here (security.md S14): one, and no other."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.errors import TransientGatewayError
from kernel.sensitive import Secret
from tests.support.aws import START
from tests.support.oidc import CLIENT, ISSUER, SCOPE, SETTINGS, Issuer, private_key, unsigned
from toolkit.settings import SettingsError
from workspace.adapters.own_sign_in import OwnSignIn
from workspace.settings import checked_provider


@pytest.fixture
def issuer() -> Issuer:
    """The provider this morning."""
    return Issuer(FixedClock(START))


def test_a_good_access_token_says_who_and_nothing_else(issuer: Issuer) -> None:
    token = issuer.sign(issuer.access_claims(**{"cognito:groups": ["operator"], "role": "owner"}))
    identity = issuer.provider().bearer(Secret(token))
    assert identity is not None
    assert len(identity.subject) == 64
    assert identity.proved_at == datetime.fromtimestamp(issuer.now - 60, UTC)
    assert identity.second_factor
    assert identity.email is None


def test_the_same_account_is_the_same_subject_and_another_issuers_is_not(issuer: Issuer) -> None:
    provider = issuer.provider()
    first, again, other = (
        provider.bearer(Secret(issuer.sign(issuer.access_claims(sub=sub))))
        for sub in ("one", "one", "two")
    )
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.subject == again.subject != other.subject


# One change each: a member to another value, None leaves it out.
CLAIMS: list[dict[str, Any]] = [
    {"token_use": "id"},
    {"token_use": None},
    {"token_use": ["access", "id"]},
    {"client_id": "another-client"},
    {"client_id": None},
    {"client_id": [CLIENT, "another"]},
    {"client_id": None, "aud": CLIENT},
    {"iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_other"},
    {"iss": f"{ISSUER}/"},
    {"iss": [ISSUER]},
    {"iss": None},
    {"sub": None},
    {"sub": ""},
    {"sub": 5},
    {"scope": "openid"},
    {"scope": f"{SCOPE}.other x{SCOPE}"},
    {"scope": None},
    {"exp": int(START.timestamp()) - 61},
    {"exp": int(START.timestamp()) - 60},
    {"exp": None},
    {"exp": "tomorrow"},
    {"exp": True},
    {"exp": int(START.timestamp()) + 3_541},
    {"nbf": int(START.timestamp()) + 61},
    {"iat": None},
    {"iat": int(START.timestamp()) + 120},
    {"auth_time": "now"},
    {"auth_time": True},
    {"auth_time": int(START.timestamp()) + 90_000},
]


@pytest.mark.parametrize("changes", CLAIMS)
def test_a_signed_token_that_is_not_for_us_is_nobodys(
    issuer: Issuer, changes: dict[str, Any]
) -> None:
    token = issuer.sign(issuer.access_claims(**changes))
    assert issuer.provider().bearer(Secret(token)) is None


def test_a_clock_that_differs_by_less_than_a_minute_is_forgiven(issuer: Issuer) -> None:
    for changes in ({"exp": issuer.now - 30}, {"nbf": issuer.now + 30}):
        token = issuer.sign(issuer.access_claims(**changes))
        assert issuer.provider().bearer(Secret(token)) is not None


def _flipped(issuer: Issuer) -> str:
    head, body, signature = issuer.sign(issuer.access_claims()).split(".")
    return ".".join((head, body, ("A" if signature[0] != "A" else "B") + signature[1:]))


def _other_claims(issuer: Issuer) -> str:
    head, _, signature = issuer.sign(issuer.access_claims()).split(".")
    _, body, _ = issuer.sign(issuer.access_claims(sub="somebody-else")).split(".")
    return ".".join((head, body, signature))


FORGED: dict[str, Callable[[Issuer], str]] = {
    "alg none": lambda issuer: unsigned({"alg": "none"}, issuer.access_claims()),
    "alg None": lambda issuer: unsigned({"alg": "None", "kid": "key-1"}, issuer.access_claims()),
    "none with kid": lambda i: unsigned({"alg": "none", "kid": "key-1"}, i.access_claims()),
    "no alg": lambda issuer: unsigned({"kid": "key-1"}, issuer.access_claims(), "AAAA"),
    "HS256 with the public key": lambda issuer: issuer.confused(issuer.access_claims()),
    "unknown kid": lambda issuer: issuer.sign(issuer.access_claims(), key="key-9"),
    "kid of ours, key of another": lambda issuer: issuer.sign(
        issuer.access_claims(), key="key-9", kid="key-1"
    ),
    "no kid": lambda i: unsigned({"alg": "RS256"}, i.access_claims(), "AAAA"),
    "kid is a number": lambda i: unsigned({"alg": "RS256", "kid": 1}, i.access_claims(), "AAAA"),
    "own key in the header": lambda i: i.sign(
        i.access_claims(), key="key-9", jwk=private_key("key-9").as_dict(private=False)
    ),
    "address of keys in the header": lambda i: i.sign(
        i.access_claims(), key="key-9", jku="https://evil.example/jwks.json"
    ),
    "critical header": lambda i: unsigned(
        {"alg": "RS256", "kid": "key-1", "crit": ["exp"]}, i.access_claims(), "AAAA"
    ),
    "no signature": lambda i: unsigned({"alg": "RS256", "kid": "key-1"}, i.access_claims()),
    "flipped signature": _flipped,
    "signature of other claims": _other_claims,
    "claims are a list": lambda _: unsigned({"alg": "RS256", "kid": "key-1"}, [], "AAAA"),  # type: ignore[arg-type]
    "two parts": lambda _: "a.b",
    "five parts": lambda _: "a.b.c.d.e",
    "dots": lambda _: "..",
    "empty": lambda _: "",
    "not base64": lambda _: "é.ö.ü",
    "header is a list": lambda i: unsigned([], i.access_claims(), "AAAA"),  # type: ignore[arg-type]
    "deep": lambda _: "W1" * 800 + ".e30.AA",
}


@pytest.mark.parametrize("name", list(FORGED))
def test_a_forged_token_is_nobodys(issuer: Issuer, name: str) -> None:
    assert issuer.provider().bearer(Secret(FORGED[name](issuer))) is None
    assert all("evil" not in address for address in issuer.asked)


def test_own_sign_in_knows_no_tokens(issuer: Issuer) -> None:
    assert OwnSignIn().bearer(Secret(issuer.sign(issuer.access_claims()))) is None


# ---------------------------------------------------------------------------- keys of the issuer


def _good(issuer: Issuer, key: str = "key-1") -> Secret:
    return Secret(issuer.sign(issuer.access_claims(), key=key))


def test_keys_are_asked_for_once_an_hour(issuer: Issuer) -> None:
    provider = issuer.provider()
    for _ in range(3):
        assert provider.bearer(_good(issuer)) is not None
    assert len(issuer.asked) == 1
    issuer.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    assert provider.bearer(_good(issuer)) is not None
    assert len(issuer.asked) == 2


def test_a_new_key_is_found_and_invented_ones_do_not_make_us_ask(issuer: Issuer) -> None:
    provider = issuer.provider()
    assert provider.bearer(_good(issuer)) is not None
    for _ in range(5):
        assert provider.bearer(_good(issuer, "key-2")) is None
    assert len(issuer.asked) == 1
    issuer.published.append("key-2")
    issuer.clock.advance(timedelta(minutes=5))  # type: ignore[attr-defined]
    assert provider.bearer(_good(issuer, "key-2")) is not None
    assert provider.bearer(_good(issuer, "key-9")) is None
    assert len(issuer.asked) == 2


def test_an_outage_is_an_error_and_no_refusal_until_we_know_keys(issuer: Issuer) -> None:
    issuer.down = True
    provider = issuer.provider()
    with pytest.raises(TransientGatewayError):
        provider.bearer(_good(issuer))
    issuer.down = False
    assert provider.bearer(_good(issuer)) is not None
    issuer.down = True
    issuer.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]
    assert provider.bearer(_good(issuer)) is not None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": 5}', b"\xff", b"<html>"])
def test_what_is_no_key_set_is_an_outage(issuer: Issuer, body: bytes) -> None:
    issuer.key_set = body or b" "
    with pytest.raises(TransientGatewayError):
        issuer.provider().bearer(_good(issuer))


def test_only_signing_keys_of_a_sound_size_are_taken(issuer: Issuer) -> None:
    good = private_key("key-1").as_dict(private=False)
    weak = [
        {**good, "kty": "oct", "k": "AAAA"},
        {**good, "use": "enc"},
        {**good, "alg": "RS1"},
        {**good, "n": "AQAB"},
        {**good, "kid": 7},
        {"kid": "key-1"},
        "key-1",
    ]
    for each in weak:
        issuer.key_set = json.dumps({"keys": [each]}).encode()
        assert issuer.provider().bearer(_good(issuer)) is None, each


# ---------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://cognito-idp.eu-central-1.amazonaws.com/x"},
        {"issuer": f"{ISSUER}/"},
        {"domain": "https://user@host.example"},
        {"domain": "https://10.0.0.1:8080"},
        {"client_id": ""},
        {"scope": "a b"},
        {"second_factor": "maybe"},
        {"algorithm": "none"},
    ],
)
def test_half_a_provider_does_not_start(changes: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="KOPRU_IDENTITY_PROVIDER"):
        checked_provider({**SETTINGS, **changes})
    with pytest.raises(SettingsError):
        checked_provider({"issuer": ISSUER})
    assert checked_provider({}) == {}
    assert checked_provider(SETTINGS) == SETTINGS


def test_a_function_without_a_provider_loads_no_library_for_tokens() -> None:
    code = (
        "import sys; import workspace.handlers.authorizer;"
        "assert not {'joserfc', 'cryptography', 'httpx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
