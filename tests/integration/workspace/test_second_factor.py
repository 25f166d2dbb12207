"""Second factor, sessions and fresh proofs through the real handlers, KMS included."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kernel.sensitive import Tckn
from tests.support.builders import Company, WorkspaceWorld
from tests.support.events import Answer
from tests.support.page_checks import assert_sound
from tests.support.pensions_builders import tckn
from tests.support.scanner import SCANNER
from toolkit.auth import Principal
from toolkit.entrypoints.http import principal_of
from workspace.domain.second_factor import code_at, secret_of, step_of

FACTOR = "/v1/me/second-factor"
STALE = "2026-06-01T08:00:00Z"


def _reader(world: WorkspaceWorld, cookie: str) -> Principal:
    context = world.authorize(cookies=(cookie,))
    return principal_of({"requestContext": {"authorizer": {"lambda": context}}})


def _code(world: WorkspaceWorld, secret: str, drift: int = 0) -> str:
    return code_at(secret_of(secret), step_of(world.clock.now()) + drift)


def _set_up(world: WorkspaceWorld, company: Company) -> tuple[str, Principal]:
    """A factor in force, by API; its secret and the session."""
    reader = _reader(world, world.sign_in(company.members["owner"]))
    made = world.call("POST", FACTOR, reader, shows="a secret, once")
    assert made.status == 201
    secret = SCANNER.secret(made.json()["secret"])
    assert made.json()["qr_svg"].startswith("<svg")
    body = {"code": _code(world, secret)}
    done = world.call("POST", f"{FACTOR}/confirm", reader, body=body, shows="codes, once")
    assert len(done.json()["recovery_codes"]) == 10
    return secret, reader


def _enter(world: WorkspaceWorld, company: Company, **more: Any) -> Answer:
    owner = company.members["owner"]
    body = {"email": owner.email, "password": owner.password}
    return world.call("POST", "/v1/sessions", body=body, shows="a step, once", **more)


def test_the_second_step_by_api(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    secret, reader = _set_up(world, company)
    assert world.call("GET", FACTOR, reader).json()["recovery_codes_left"] == 10
    step = _enter(world, company)
    assert (step.status, step.json()["method"], step.cookies) == (202, "totp", ())
    body = {"token": step.json()["token"], "code": _code(world, secret)}
    used = world.call("POST", "/v1/sessions/second-factor", body=body)
    assert (used.status, used.json()["errors"][0]["code"]) == (422, "code_wrong")
    body["code"] = _code(world, secret, 1)
    done = world.call("POST", "/v1/sessions/second-factor", body=body, shows="own name")
    assert (done.status, done.json()["roles"]) == (201, ["owner"])
    cookie = SCANNER.secret(done.cookies[0].partition(";")[0])
    assert world.authorize(cookies=(cookie,))["kind"] == "session"
    again = world.call("POST", "/v1/sessions/second-factor", body=body)
    assert (again.status, again.json()["code"]) == (404, "sign_in_step_gone")
    # The secret is stored as a ciphertext only.
    rows = str(world.aws.rows("core"))
    assert secret not in rows


def test_the_second_step_by_form(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    owner = company.members["owner"]
    reader = _reader(world, world.sign_in(owner))
    page = "/settings/second-factor"
    assert_sound(world.call("GET", page, reader).body, "tr")
    shown = world.call("POST", page, reader, form={}, shows="a secret, once")
    assert_sound(shown.body, "tr")
    secret = SCANNER.secret(re.findall(r">([A-Z2-7]{32})<", shown.body)[0])
    wrong = world.call("POST", f"{page}/confirm", reader, form={"code": "1"})
    assert wrong.status == 422
    form = {"code": _code(world, secret)}
    codes = world.call("POST", f"{page}/confirm", reader, form=form, shows="codes, once")
    assert_sound(codes.body, "tr")
    assert len(re.findall(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}", codes.body)) >= 10
    form = {"email": owner.email, "password": owner.password, "return_to": "/jobs"}
    step = world.call("POST", "/sign-in", form=form)
    assert step.location == "/sign-in/code?method=totp&return_to=%2Fjobs"
    cookie = SCANNER.secret(step.cookies[0].partition(";")[0])
    assert world.call("GET", "/sign-in/code").location == "/sign-in"
    assert world.call("GET", "/sign-in/code", cookies=(cookie,)).status == 200
    answer = {"code": "000000", "return_to": "/jobs"}
    refused = world.call("POST", "/sign-in/code", form=answer, cookies=(cookie,))
    assert refused.status == 422
    answer["code"] = _code(world, secret, 1)
    done = world.call("POST", "/sign-in/code", form=answer, cookies=(cookie,))
    assert done.location == "/jobs"
    session = SCANNER.secret(done.cookies[0].partition(";")[0])
    assert world.authorize(cookies=(session,))["kind"] == "session"
    gone = world.call("POST", "/sign-in/code", form=answer, cookies=(cookie,))
    assert gone.location == "/sign-in?done=step_gone"


def test_a_policy_closes_the_company_until_the_factor_is_there(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    cookie = world.sign_in(company.members["owner"])
    reader = _reader(world, cookie)
    changed = world.call(
        "PATCH",
        "/v1/tenants/me",
        reader,
        body={"second_factor_roles": ["owner"]},
        headers={"if-match": '"v2"'},
    )
    assert changed.json()["second_factor_roles"] == ["owner"]
    barred = _reader(world, cookie)
    answer = world.call("GET", "/v1/users", barred)
    assert (answer.status, answer.json()["code"]) == (403, "second_factor_required")
    assert world.call("GET", "/", barred).location == "/companies"
    companies = world.call("GET", "/companies", barred, shows="own companies")
    assert "/settings/second-factor" in companies.body


def test_sensitive_acts_ask_for_a_fresh_proof(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    owner = company.members["owner"]
    reader = _reader(world, world.sign_in(owner))
    stale = replace(reader, proved_at=STALE)
    body = {"name": "x", "scopes": ["pensions:*:read"]}
    refused = world.call("POST", "/v1/api-keys", stale, body=body)
    assert (refused.status, refused.json()["code"]) == (403, "proof_required")
    for path in ("/people/new", "/api-keys", "/settings/second-factor"):
        led = world.call("POST", path, stale, form={})
        assert led.location == f"/confirm?return_to={path}"
    assert_sound(world.call("GET", "/confirm", stale).body, "tr")
    assert world.call("POST", "/confirm", stale, form={"password": "x"}).status == 422
    form = {"password": owner.password, "return_to": "/api-keys"}
    assert world.call("POST", "/confirm", stale, form=form).location == "/api-keys?done=proved"
    proof = world.call(
        "POST", "/v1/sessions/current/proof", stale, body={"password": owner.password}
    )
    assert proof.status == 204
    # A program's key is its proof.
    made = world.call("POST", "/v1/api-keys", company.key_principal, body=body, shows="a key, once")
    assert made.status == 201


def test_sessions_are_listed_and_ended_one_by_one(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner", "viewer"))
    lost = world.sign_in(company.members["owner"])
    world.clock.advance(timedelta(seconds=1))
    reader = _reader(world, world.sign_in(company.members["owner"]))
    listed = world.call("GET", "/v1/sessions", reader).json()["items"]
    assert [each["current"] for each in listed] == [True, False]
    stranger = _reader(world, world.sign_in(company.members["viewer"]))
    path = f"/v1/sessions/{listed[1]['id']}"
    assert world.call("DELETE", path, stranger).status == 404
    assert world.call("DELETE", path, reader).status == 204
    assert world.authorize(cookies=(lost,))["kind"] == "anonymous"
    mine = world.call("POST", f"/settings/sessions/{listed[0]['id']}/end", reader, form={})
    assert mine.location == "/settings?done=session_ended"


def test_numbers_of_the_tax_office_and_a_mailed_code(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    owner = company.members["owner"]
    unit = world.app.store.unit("key:operator")
    unit.reserve_numbers(world.app.numbers("MHN12", Tckn(tckn(7))), owner.id)
    unit.commit()
    form = {"way": "numbers", "accountant_no": "mhn12", "password": owner.password}
    unknown = world.call("POST", "/sign-in", form={**form, "national_id": tckn(8)})
    assert unknown.status == 401
    assert tckn(8) not in unknown.body
    step = world.call("POST", "/sign-in", form={**form, "national_id": tckn(7)})
    assert step.location == "/sign-in/code?method=mail&return_to=%2F"
    cookie = SCANNER.secret(step.cookies[0].partition(";")[0])
    assert world.run_mail() == []
    code = re.findall(r"(?<![#0-9a-zA-Z])[0-9]{6}\b", world.aws.mails()[-1]["body"])[0]
    form = {"code": code, "method": "mail"}
    done = world.call("POST", "/sign-in/code", form=form, cookies=(cookie,))
    assert done.location == "/"
    session, device, _ = (SCANNER.secret(each.partition(";")[0]) for each in done.cookies)
    assert world.authorize(cookies=(session,))["kind"] == "session"
    body = {"accountant_no": "MHN12", "national_id": tckn(7), "password": owner.password}
    known = world.call("POST", "/v1/sessions", body=body, cookies=(device,), shows="own name")
    assert known.status == 201
    both = world.call("POST", "/v1/sessions", body={**body, "email": owner.email})
    assert both.json()["errors"][0]["code"] == "sign_in_name"
