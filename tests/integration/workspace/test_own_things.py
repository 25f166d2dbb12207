"""What belongs to a person: companies, views, the feed of deadlines, the second factor."""

import base64
import gzip
import re

from tests.support.builders import WorkspaceWorld
from tests.support.pensions_builders import tckn
from tests.support.scanner import SCANNER
from workspace.domain.second_factor import code_at, secret_of, step_of

FEED = "/v1/me/deadline-feed"
FACTOR = "/v1/me/second-factor"


def test_companies_of_a_person(world: WorkspaceWorld) -> None:
    owner = world.company().members["owner"].principal
    (shown,) = world.call("GET", "/v1/companies", owner, shows="own name").json()["items"]
    assert shown["id"] == owner.tenant_id


def test_a_view_of_ones_own_goes(world: WorkspaceWorld) -> None:
    owner = world.company().members["owner"].principal
    body = {"name": "Overdue", "url": "/incidents?state=open"}
    made = world.call("POST", "/v1/views", owner, body=body).json()
    assert world.call("DELETE", f"/v1/views/{made['id']}", owner).status == 204
    assert world.call("GET", "/v1/views", owner).json()["items"] == []


def test_the_feed_of_deadlines_is_shown_once_and_ends(world: WorkspaceWorld) -> None:
    owner = world.company().members["owner"].principal
    assert world.call("GET", FEED, owner).json() == {"configured": False}
    made = world.call("POST", FEED, owner, shows="a link, once")
    assert made.status == 201
    SCANNER.secret(made.json()["url"].rpartition("/")[2])
    assert world.call("GET", FEED, owner).json() == {"configured": True}
    assert world.call("DELETE", FEED, owner).status == 204
    assert world.call("GET", FEED, owner).json() == {"configured": False}


def test_recovery_codes_are_renewed_and_the_factor_goes(world: WorkspaceWorld) -> None:
    owner = world.company().members["owner"].principal
    made = world.call("POST", FACTOR, owner, shows="a secret, once")
    secret = SCANNER.secret(made.json()["secret"])
    body = {"code": code_at(secret_of(secret), step_of(world.clock.now()))}
    first = world.call("POST", f"{FACTOR}/confirm", owner, body=body, shows="codes, once").json()
    renewed = world.call("POST", f"{FACTOR}/recovery-codes", owner, shows="codes, once")
    assert renewed.status == 201
    assert not set(renewed.json()["recovery_codes"]) & set(first["recovery_codes"])
    assert world.call("DELETE", FACTOR, owner).status == 204
    assert world.call("GET", FACTOR, owner).json()["active"] is False


def test_an_invitation_is_accepted_and_a_sign_up_shown_by_api(world: WorkspaceWorld) -> None:
    company = world.company()
    wish = {"email": "yeni@ornek.example", "name": "Yeni Kişi", "roles": ["viewer"]}
    owner = company.members["owner"].principal
    assert world.call("POST", "/v1/users", owner, body=wish).status == 201
    world.run_mail()
    token = re.sub(r".*/", "", world.links()[-1])
    body = {"token": token, "password": "beş kırmızı balon uçtu"}
    assert world.call("POST", "/v1/invitations/accept", body=body).status == 204
    _, operator = world.operator()
    wish = {
        "company": "Başvuran Ltd",
        "tax_no": "4540536920",
        "email": "aday@ornek.example",
        "accountant_no": "MHN12",
        "national_id": tckn(7),
    }
    assert world.call("POST", "/v1/signups", body=wish).status == 202
    (waiting,) = world.call("GET", "/v1/signups", operator).json()["items"]
    shown = world.call("GET", f"/v1/signups/{waiting['id']}", operator)
    assert (shown.status, shown.json()["id"]) == (200, waiting["id"])


def test_a_new_company_has_nothing_to_do_today(world: WorkspaceWorld) -> None:
    today = world.call("GET", "/v1/today", world.company().key_principal).json()
    assert (today["exceptions"], today["tasks"], today["news_at"]) == ([], [], None)


def test_the_description_is_packed_for_whoever_reads_that(world: WorkspaceWorld) -> None:
    path = "/v1/openapi.json"
    plain = world.call("GET", path, shows="a description")
    packed = world.call("GET", path, headers={"accept-encoding": "gzip"}, shows="a description")
    assert packed.headers["content-encoding"] == "gzip"
    sent = base64.b64decode(packed.raw["body"])
    assert gzip.decompress(sent).decode() == plain.body
    assert len(sent) < len(plain.body) / 8
