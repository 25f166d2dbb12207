"""Signing up through the real handlers: form and API, decision, activation, nobody enumerated."""

from typing import Any

from tests.support.builders import WorkspaceWorld
from tests.support.events import Answer
from tests.support.pensions_builders import tckn
from toolkit.auth import Principal

FRESH = "beş kırmızı balon uçtu"
BODY = {
    "company": "Başvuran Ltd",
    "tax_no": "4540536920",
    "email": "aday@ornek.example",
    "accountant_no": "MHN12",
    "national_id": tckn(7),
}


def _sign_up(world: WorkspaceWorld, **changes: Any) -> Answer:
    return world.call("POST", "/v1/signups", body={**BODY, **changes})


def _waiting(world: WorkspaceWorld, operator: Principal) -> list[dict[str, Any]]:
    query = {"state": "requested"}
    found = world.call("GET", "/v1/signups", operator, query=query).json()["items"]
    return list(found)


def test_from_the_agreement_to_the_first_sign_in(world: WorkspaceWorld) -> None:
    _, operator = world.operator()
    agreement = world.call("GET", "/v1/service-agreement", query={"language": "el"}).json()
    assert (agreement["language"], len(agreement["sha256"])) == ("el", 64)
    done = _sign_up(world, agreement_version=agreement["version"], language="el")
    assert (done.status, done.json()) == (202, {"status": "accepted"})
    (signup,) = _waiting(world, operator)
    assert signup["agreement"]["version"] == agreement["version"]
    assert signup["agreement"]["sha256"] == agreement["sha256"]
    assert signup["agreement"]["accepted_from"]
    assert tckn(7) not in str(signup)
    path = f"/v1/signups/{signup['id']}"
    approved = world.call("POST", f"{path}/approve", operator)
    assert (approved.status, approved.json()["state"]) == (200, "approved")
    again = world.call("POST", f"{path}/approve", operator)
    assert (again.status, again.json()["code"]) == (409, "signup_decided")
    assert world.call("POST", f"{path}/activations", operator).status == 202
    world.run_mail()
    link = world.links()[-1]
    assert link.startswith("/activations/")
    # Scanners open links; only the form acts.
    for _ in range(3):
        assert world.call("GET", link, shows="a link of a mail").status == 200
    token = link.rpartition("/")[2]
    body = {"token": token, "password": FRESH}
    assert world.call("POST", "/v1/signups/activate", body=body).status == 204
    assert world.call("POST", "/v1/signups/activate", body=body).status == 404
    entry = {"email": BODY["email"], "password": FRESH}
    signed_in = world.call("POST", "/v1/sessions", body=entry)
    assert (signed_in.status, signed_in.json()["roles"]) == (201, ["owner"])


def test_the_form_asks_for_the_mark_and_tells_all_that_is_wrong(world: WorkspaceWorld) -> None:
    shown = world.call("GET", "/sign-up", headers={"accept-language": "tr"})
    assert "Köprü hizmet sözleşmesi" in shown.body
    form = {**BODY, "tax_no": "1", "national_id": "2", "email": "x"}
    wrong = world.call("POST", "/sign-up", form=form)
    assert wrong.status == 422
    for field in ("tax_no", "national_id", "email", "accepted"):
        assert f'href="#{field}"' in wrong.body
    right = world.call("POST", "/sign-up", form={**BODY, "accepted": "1"})
    assert right.location == "/sign-up?sent=1"
    assert len(_waiting(world, world.operator()[1])) == 1


def test_known_and_unknown_people_get_the_same_answer_and_work(world: WorkspaceWorld) -> None:
    member = world.company(roles=("owner",)).members["owner"]
    calls = []
    for email in (member.email, "nobody@ornek.example"):
        world.aws.rules.requests.clear()
        answer = _sign_up(world, email=email)
        calls.append((answer.status, answer.body, list(world.aws.rules.requests)))
    assert calls[0] == calls[1]


def test_only_the_operator_decides(world: WorkspaceWorld) -> None:
    company = world.company(roles=("owner",))
    _sign_up(world)
    (signup,) = _waiting(world, world.operator()[1])
    for principal, status in ((company.owner, 403), (company.key_principal, 403), (None, 401)):
        path = f"/v1/signups/{signup['id']}"
        assert world.call("GET", path, principal).status == status
        assert world.call("POST", f"{path}/approve", principal).status == status
    rejected = world.call(
        "POST", f"/v1/signups/{signup['id']}/reject", world.operator()[1], body={"note": "Hayır."}
    )
    assert (rejected.status, rejected.json()["note"]) == (200, "Hayır.")
