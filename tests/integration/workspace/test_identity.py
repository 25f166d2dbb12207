"""Authorizer, sessions, sign-in by form and API, links of mails: real handlers over moto."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kernel.sensitive import Secret
from tests.support.builders import WorkspaceWorld
from tests.support.events import http_event
from tests.support.lambda_context import LambdaContext
from tests.support.scanner import CANARY_PASSWORD, SCANNER
from toolkit.auth import TenantContext
from toolkit.entrypoints.http import principal_of
from workspace.handlers.http.app import app

EVENTS = Path(__file__).parents[3] / "events" / "workspace"
FRESH = "beş kırmızı balon uçtu"


# ---------------------------------------------------------------------------- authorizer


def test_the_example_event_of_a_bad_key_is_nobody(world: WorkspaceWorld) -> None:
    from workspace.handlers import authorizer

    event = json.loads((EVENTS / "authorizer.json").read_text(encoding="utf-8"))
    answer = authorizer.handler(event, LambdaContext())
    assert answer == {
        "isAuthorized": True,
        "context": {
            "kind": "anonymous",
            **dict.fromkeys(
                (
                    "tenant_id",
                    "principal_id",
                    "roles",
                    "scopes",
                    "session_id_hash",
                    "language",
                    "theme",
                    "zone",
                    "name",
                    "email",
                    "tenant_name",
                    "barred",
                    "proved_at",
                ),
                "",
            ),
            "tenants": "[]",
        },
    }


def test_a_key_a_session_and_an_operator_are_recognised(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    key = world.authorize(bearer=company.key)
    assert (key["kind"], key["tenant_id"]) == ("api_key", company.id)
    scopes = (
        "workspace",
        "pensions",
        "payment_codes",
        "card_contracts",
        "workflow",
        "reconciliation",
    )
    assert key["scopes"].split(",") == [f"{context}:*:*" for context in scopes]
    member = company.members["owner"]
    cookie = world.sign_in(member)
    session = world.authorize(cookies=(cookie,))
    assert (session["kind"], session["principal_id"], session["roles"]) == (
        "session",
        member.id,
        "owner",
    )
    assert session["email"] == member.email
    assert json.loads(session["tenants"]) == [[company.id, company.tenant.name]]
    operator, _ = world.operator()
    free = world.authorize(bearer=operator)
    assert (free["kind"], free["tenant_id"], free["roles"]) == ("api_key", "", "operator")
    assert world.authorize(bearer=operator, tenant=company.id)["tenant_id"] == company.id


def test_whatever_is_wrong_is_nobody(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    cookie = world.sign_in(company.members["owner"])
    name = cookie.partition("=")[0]
    proofs: tuple[dict[str, Any], ...] = (
        {"bearer": ""},
        {"bearer": "x" * 5_000},
        {"bearer": company.key[:-1]},
        {"bearer": company.key + "x"},
        {"bearer": company.key.upper()},
        {"cookies": (f"{name}=",)},
        {"cookies": (f"{name}={'A' * 43}",)},
        {"cookies": (f"other={cookie.partition('=')[2]}",)},
        {"cookies": ("=", "x", "")},
        {},
    )
    for proof in proofs:
        assert world.authorize(**proof)["kind"] == "anonymous"


def test_a_bad_key_is_not_saved_by_a_good_cookie(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    cookie = world.sign_in(company.members["owner"])
    assert world.authorize(bearer="kopru_test_bad", cookies=(cookie,))["kind"] == "anonymous"


def test_an_outage_is_an_error_and_not_a_revoked_key(
    world: WorkspaceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workspace.handlers import authorizer

    company = world.company(roles=("owner",))

    def fail(*_: object) -> None:
        raise RuntimeError("table gone")

    monkeypatch.setattr(world.app.store, "key_owner", fail)
    event = http_event("GET", "/v1/jobs", headers={"authorization": f"Bearer {company.key}"})
    with pytest.raises(RuntimeError):
        authorizer.handler(event, LambdaContext())


def test_a_person_of_two_companies_names_one_per_request(world: WorkspaceWorld) -> None:
    first, second = world.company("Birinci", roles=("owner",)), world.company("İkinci", roles=())
    member = first.members["owner"]
    world.app.install_user()(
        second.context(),
        email=world.app.store.person(member.id).email,
        name="Deniz Owner",
        roles=["viewer"],
        language="tr",
        password=Secret(CANARY_PASSWORD),
    )
    cookie = world.sign_in(member)
    assert world.authorize(cookies=(cookie,))["tenant_id"] == first.id
    other = world.authorize(cookies=(cookie,), tenant=second.id)
    assert (other["tenant_id"], other["roles"]) == (second.id, "viewer")
    stranger = world.company("Yabancı", roles=())
    refused = world.authorize(cookies=(cookie,), tenant=stranger.id)
    assert (refused["kind"], refused["tenant_id"], refused["roles"]) == ("session", "", "")


# ---------------------------------------------------------------------------- sign-in


def test_signing_in_sets_one_guarded_cookie_and_leads_on(world: WorkspaceWorld) -> None:
    member = world.company(roles=("owner",)).members["owner"]
    form = {"email": member.email, "password": member.password, "return_to": "/people?x=1"}
    answer = world.call("POST", "/sign-in", form=form)
    assert (answer.status, answer.location) == (303, "/people?x=1")
    (cookie,) = answer.cookies
    SCANNER.secret(cookie.partition(";")[0].partition("=")[2])
    assert cookie.startswith("kopru-8000=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")
    for target in ("https://evil.example/", "//evil.example", "/\\evil", "javascript:alert(1)"):
        answer = world.call("POST", "/sign-in", form={**form, "return_to": target})
        SCANNER.secret(answer.cookies[0].partition(";")[0].partition("=")[2])
        assert answer.location == "/"


def test_in_a_deployed_stage_the_cookie_is_bound_to_host_and_https(
    world: WorkspaceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = world.company(roles=("owner",)).members["owner"]
    monkeypatch.setattr(type(world.app), "secure", True)
    form = {"email": member.email, "password": member.password}
    (cookie,) = world.call("POST", "/sign-in", form=form).cookies
    SCANNER.secret(cookie.partition(";")[0].partition("=")[2])
    assert cookie.startswith("__Host-kopru=")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")


def test_wrong_unknown_and_malformed_get_the_same_page(world: WorkspaceWorld) -> None:
    member = world.company(roles=("owner",)).members["owner"]
    pages = set()
    calls = []
    for number, (email, password) in enumerate(
        ((member.email, "wrong password 1"), ("nobody@ornek.example", "wrong password 1"))
    ):
        world.aws.rules.requests.clear()
        answer = world.call(
            "POST",
            "/sign-in",
            form={"email": email, "password": password},
            source_ip=f"203.0.113.{number}",
        )
        assert answer.status == 401
        assert answer.cookies == ()
        assert password not in answer.body
        pages.add(answer.body.replace(email, "EMAIL"))
        calls.append(list(world.aws.rules.requests))
    assert len(pages) == 1
    assert calls[0] == calls[1], "the same number of calls for known and unknown"
    malformed = world.call("POST", "/sign-in", form={"email": "x", "password": ""})
    assert malformed.status == 401


def test_too_many_tries_are_told_to_wait(world: WorkspaceWorld) -> None:
    member = world.company(roles=("owner",)).members["owner"]
    form = {"email": member.email, "password": "wrong password 1"}
    statuses = [world.call("POST", "/sign-in", form=form).status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    right = {"email": member.email, "password": member.password}
    assert world.call("POST", "/sign-in", form=right).status == 429
    world.clock.advance(timedelta(minutes=15))
    answer = world.call("POST", "/sign-in", form=right)
    SCANNER.secret(answer.cookies[0].partition(";")[0])
    assert answer.status == 303


def test_a_form_of_another_site_is_refused(world: WorkspaceWorld) -> None:
    member = world.company(roles=("owner",)).members["owner"]
    form = {"email": member.email, "password": member.password}
    for path in ("/sign-in", "/forgotten-password"):
        answer = world.call("POST", path, form=form, headers={"sec-fetch-site": "cross-site"})
        assert answer.status == 403


def test_signing_out_kills_the_session_on_the_server(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    cookie = world.sign_in(company.members["owner"])
    digest = world.authorize(cookies=(cookie,))["session_id_hash"]
    principal = replace(company.owner, session_hash=digest)
    answer = world.call("POST", "/sign-out", principal, form={})
    assert (answer.status, answer.location) == (303, "/sign-in?done=signed_out")
    assert "Max-Age=0" in answer.cookies[0]
    assert world.authorize(cookies=(cookie,))["kind"] == "anonymous"


def test_a_program_signs_a_person_in_by_api(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    member = company.members["owner"]
    answer = world.call(
        "POST",
        "/v1/sessions",
        body={"email": member.email, "password": member.password},
        shows="the own account",
    )
    assert answer.status == 201
    cookie = SCANNER.secret(answer.cookies[0].partition(";")[0])
    body = answer.json()
    assert (body["tenant_id"], body["roles"]) == (company.id, ["owner"])
    session = world.authorize(cookies=(cookie,))
    principal = principal_of({"requestContext": {"authorizer": {"lambda": session}}})
    assert body["csrf_token"] == app.csrf_token(principal)
    me = world.call("GET", "/v1/me", principal)
    assert me.json()["email"] == member.email
    changed = world.call("PATCH", "/v1/me", principal, body={"language": "el", "theme": "dark"})
    assert (changed.json()["language"], changed.json()["theme"]) == ("el", "dark")
    assert world.call("PATCH", "/v1/me", principal, body={"language": "xx"}).status == 422
    ended = world.call("DELETE", "/v1/sessions/current", principal, query={"everywhere": "true"})
    assert ended.status == 204
    assert world.authorize(cookies=(cookie,))["kind"] == "anonymous"
    assert world.call("GET", "/v1/me", company.key_principal).status == 401


# ---------------------------------------------------------------------------- links of mails


def test_an_invitation_by_mail_becomes_an_account(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    answer = world.call(
        "POST",
        "/v1/users",
        company.key_principal,
        body={"email": "yeni@ornek.example", "name": "Yeni Kişi", "roles": ["payroll"]},
    )
    assert answer.status == 201
    assert world.run_mail() == []
    (path,) = world.links()
    token = SCANNER.secret(path.rpartition("/")[2])
    for _ in range(100):
        shown = world.call("GET", path, shows="a link of a mail")
        assert shown.status == 200
    assert company.tenant.name in shown.body
    short = world.call("POST", path, form={"password": "kısa"}, shows="a link of a mail")
    assert short.status == 422
    assert 'href="#password"' in short.body
    done = world.call("POST", path, form={"password": FRESH}, shows="a link of a mail")
    assert (done.status, done.location) == (303, "/sign-in?done=password")
    again = world.call("POST", path, form={"password": FRESH}, shows="a link of a mail")
    dead = world.call("GET", path, shows="a link of a mail")
    never = world.call("GET", "/invitations/" + "x" * 43)
    assert (again.status, dead.status, never.status) == (404, 404, 404)
    assert dead.body.replace(token, "x" * 43) == never.body
    user = world.call("GET", answer.headers["location"], company.key_principal).json()
    assert user["state"] == "active"


def test_a_reset_by_mail_changes_the_password(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    member = company.members["owner"]
    cookie = world.sign_in(member)
    bodies = []
    for email in (member.email.upper(), "nobody@ornek.example"):
        world.aws.rules.requests.clear()
        answer = world.call("POST", "/v1/password-resets", body={"email": email})
        bodies.append((answer.status, answer.body, list(world.aws.rules.requests)))
    assert bodies[0] == bodies[1]
    assert bodies[0][0] == 202
    assert world.run_mail() == []
    (path,) = world.links()
    assert world.call("GET", path, shows="a link of a mail").status == 200
    token = SCANNER.secret(path.rpartition("/")[2])
    done = world.call(
        "POST", "/v1/password-resets/complete", body={"token": token, "password": FRESH}
    )
    assert done.status == 204
    assert world.authorize(cookies=(cookie,))["kind"] == "anonymous"
    old = world.call("POST", "/sign-in", form={"email": member.email, "password": member.password})
    assert old.status == 401
    new = world.call("POST", "/sign-in", form={"email": member.email, "password": FRESH})
    SCANNER.secret(new.cookies[0].partition(";")[0])
    assert new.status == 303
    again = world.call(
        "POST", "/v1/password-resets/complete", body={"token": token, "password": FRESH}
    )
    assert (again.status, again.json()["code"]) == (404, "link_invalid")


def test_a_wish_by_form_says_the_same_to_everybody(world: WorkspaceWorld) -> None:
    member = world.company(roles=("owner",)).members["owner"]
    for email in (member.email, "nobody@ornek.example"):
        answer = world.call("POST", "/forgotten-password", form={"email": email})
        assert (answer.status, answer.location) == (303, "/forgotten-password?sent=1")
    wrong = world.call("POST", "/forgotten-password", form={"email": "x"})
    assert wrong.status == 422
    assert 'href="#email"' in wrong.body


def test_no_token_and_no_password_is_stored_or_queued(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    world.call(
        "POST",
        "/v1/users",
        company.key_principal,
        body={"email": "yeni@ornek.example", "name": "Yeni Kişi", "roles": ["payroll"]},
    )
    world.run_mail()
    (path,) = world.links()
    SCANNER.secret(path.rpartition("/")[2])
    rows = json.dumps(
        [world.aws.rows(role) for role in ("core", "flow", "audit", "edge")], default=str
    )
    assert path.rpartition("/")[2] not in rows
    assert CANARY_PASSWORD not in rows
    assert "argon2id" in rows
    assert world.app.store.company(TenantContext(company.id, "system:test")).tenant()
