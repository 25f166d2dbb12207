"""Signing in with the identity provider, by browser and by token: real handlers over moto."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.builders import Company, WorkspaceWorld
from tests.support.events import Answer
from tests.support.oidc import DOMAIN, Issuer
from toolkit.auth import Principal


@pytest.fixture
def issuer(world: WorkspaceWorld) -> Issuer:
    """The provider of this stage."""
    made = Issuer(world.clock)
    world.app.own_provider = made.provider()
    return made


def _cookie(answer: Answer, name: str) -> str:
    return next(each for each in answer.cookies if each.startswith(f"{name}-8000="))


def _pair(answer: Answer, name: str) -> str:
    return _cookie(answer, name).partition(";")[0]


def _depart(world: WorkspaceWorld, query: Mapping[str, str]) -> Answer:
    return world.call("GET", "/sign-in/hosted", None, query=query)


def _sign_in(world: WorkspaceWorld, issuer: Issuer, company: Company, target: str) -> Answer:
    away = _depart(world, {"return_to": target})
    back = issuer.grant(away.location, email=company.members["owner"].email)
    cookies = (_pair(away, "kopru_trip"),)
    return world.call("GET", "/sign-in/hosted/return", None, query=back, cookies=cookies)


def test_there_and_back_opens_a_session_of_ours(world: WorkspaceWorld, issuer: Issuer) -> None:
    company = world.company()
    form = world.call("GET", "/sign-in", None, query={"return_to": "/today"})
    assert "/sign-in/hosted?return_to=" in form.body
    away = _depart(world, {"return_to": "/people"})
    assert away.status == 303
    assert away.location.startswith(f"{DOMAIN}/oauth2/authorize?")
    wish = dict(parse_qsl(urlsplit(away.location).query))
    assert wish["response_type"] == "code"
    assert wish["code_challenge_method"] == "S256"
    trip = _cookie(away, "kopru_trip")
    assert "HttpOnly" in trip
    assert "SameSite=Lax" in trip
    # What the browser keeps is not in the address, nor the other way round.
    assert trip.partition("=")[2].partition(".")[0] not in away.location
    done = _sign_in(world, issuer, company, "/people")
    assert (done.status, done.location) == (303, "/people")
    assert "Max-Age=0" in _cookie(done, "kopru_trip")
    session = world.authorize(cookies=(_pair(done, "kopru"),))
    assert (session["kind"], session["tenant_id"]) == ("session", company.id)
    assert session["roles"] == "owner"


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil", "x"])
def test_the_way_back_leads_to_pages_of_ours_only(
    world: WorkspaceWorld, issuer: Issuer, target: str
) -> None:
    done = _sign_in(world, issuer, world.company(), target)
    assert (done.status, done.location) == (303, "/")


def test_a_return_without_its_browser_opens_nothing(world: WorkspaceWorld, issuer: Issuer) -> None:
    company = world.company()
    away = _depart(world, {})
    back = issuer.grant(away.location, email=company.members["owner"].email)
    for cookies in ((), ("kopru_trip-8000=",), ("kopru_trip-8000=another.%2Ftoday",)):
        answer = world.call("GET", "/sign-in/hosted/return", None, query=back, cookies=cookies)
        assert answer.status == 401
        assert not answer.cookies
        assert 'name="password"' in answer.body
    error = world.call("GET", "/sign-in/hosted/return", None, query={"error": "access_denied"})
    assert error.status == 401


def test_an_outage_is_said_and_no_refusal(world: WorkspaceWorld, issuer: Issuer) -> None:
    company = world.company()
    away = _depart(world, {})
    back = issuer.grant(away.location, email=company.members["owner"].email)
    issuer.down = True
    cookies = (_pair(away, "kopru_trip"),)
    answer = world.call("GET", "/sign-in/hosted/return", None, query=back, cookies=cookies)
    assert answer.status == 503


def test_without_a_provider_the_way_there_is_our_own_form(world: WorkspaceWorld) -> None:
    assert "/sign-in/hosted" not in world.call("GET", "/sign-in", None).body
    assert _depart(world, {}).location == "/sign-in"


def test_a_token_speaks_to_the_api(world: WorkspaceWorld, issuer: Issuer) -> None:
    company = world.company()
    _sign_in(world, issuer, company, "/today")
    token = issuer.sign(issuer.access_claims())
    asked = world.authorize(bearer=token, tenant=company.id)
    assert (asked["kind"], asked["tenant_id"], asked["roles"]) == ("token", company.id, "owner")
    person = company.members["owner"].id
    principal = Principal(
        "token", person, company.id, roles=("owner",), proved_at=asked["proved_at"]
    )
    # No cookie travels with it, so no other site can use it and no form token is asked for.
    body = {"name": "Yeni ad", "scopes": ["pensions:employee:read"]}
    made = world.call("POST", "/v1/api-keys", principal, body=body, shows="a key, once")
    assert made.status == 201, made.body
    assert world.call("GET", "/v1/me", principal).json()["id"] == person
    # What belongs to a browser is for browsers only.
    assert world.call("DELETE", "/v1/sessions/current", principal).status == 401
    foreign = world.company("Başka Ltd")
    assert world.authorize(bearer=token, tenant=foreign.id)["tenant_id"] == ""


def test_an_id_token_and_anothers_token_are_nobody(world: WorkspaceWorld, issuer: Issuer) -> None:
    company = world.company()
    _sign_in(world, issuer, company, "/today")
    bad = (
        issuer.sign(issuer.id_claims()),
        issuer.sign(issuer.access_claims(client_id="another-client")),
        issuer.confused(issuer.access_claims()),
    )
    for token in bad:
        assert world.authorize(bearer=token, tenant=company.id)["kind"] == "anonymous"


def test_without_a_provider_no_token_is_anybody(world: WorkspaceWorld) -> None:
    token = Issuer(world.clock).sign(Issuer(world.clock).access_claims())
    assert world.authorize(bearer=token)["kind"] == "anonymous"
