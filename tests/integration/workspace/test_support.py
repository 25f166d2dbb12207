"""Support access end to end: real handlers and the real authorizer over moto."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from kernel.sensitive import Email, Secret
from tests.support.builders import Company, WorkspaceWorld
from tests.support.events import Answer, http_event
from tests.support.lambda_context import LambdaContext
from tests.support.page_checks import assert_sound, parse
from tests.support.scanner import CANARY_PASSWORD, SCANNER
from toolkit.auth import Principal
from toolkit.entrypoints.http import principal_of

GRANTS = "/v1/support-grants"
ALL = "/v1/operator/support-grants"
LANGUAGES = ("tr", "el", "en")
OWN = "whoever holds the link sees what its mail said"


@dataclass
class Visit:
    """A company with an owner and a viewer, two operators, and the cookie of the first."""

    world: WorkspaceWorld
    company: Company
    asker: Principal
    second: Principal
    cookie: str

    def ask(self, **changes: object) -> Answer:
        """The first operator asks."""
        body = {"tenant_id": self.company.id, "reason": "Tahsilat gelmiyor", "hours": 2}
        return self.operate("POST", ALL, self.asker, body={**body, **changes})

    def operate(self, method: str, path: str, principal: Principal, **event: Any) -> Answer:
        """What an operator does; they know the names of the companies they opened."""
        return self.world.call(method, path, principal, shows="names of companies", **event)

    def granted(self) -> str:
        """A grant in force, approved by the second operator."""
        made = self.ask()
        assert made.status == 201, made.body
        identity: str = made.json()["id"]
        done = self.operate("POST", f"{ALL}/{identity}/approve", self.second)
        assert (done.status, done.json()["state"]) == (200, "granted"), done.body
        return identity

    def visitor(self, path: str = "/v1/users", method: str = "GET") -> Principal:
        """Who the real authorizer says the first operator's browser is."""
        from workspace.handlers import authorizer

        headers = {"kopru-tenant": self.company.id}
        event = http_event(method, path, headers=headers, cookies=(self.cookie,))
        event["requestContext"].pop("authorizer")
        answer = authorizer.handler(event, LambdaContext())
        return principal_of({"requestContext": {"authorizer": {"lambda": answer["context"]}}})

    def uses(self, grant_id: str) -> list[str]:
        """What the company's audit chain says was looked at."""
        rows = [
            row
            for row in self.world.aws.rows("core")
            if row["pk"].endswith(f"HIST#support_grant:{grant_id}")
        ]
        return [row["detail"]["act"] for row in rows if row["action"] == "support_grant.used"]


def signed_in_operator(world: WorkspaceWorld, email: str) -> tuple[Principal, str]:
    person = world.app.install_operator()(
        email=Email(email), name="Destek Kişi", language="tr", password=Secret(CANARY_PASSWORD)
    )
    form = {"email": email, "password": CANARY_PASSWORD}
    cookie = SCANNER.secret(world.call("POST", "/sign-in", form=form).cookies[0].partition(";")[0])
    context = world.authorize(cookies=(cookie,))
    principal = principal_of({"requestContext": {"authorizer": {"lambda": context}}})
    assert (principal.id, principal.roles) == (person.id, ("operator",))
    return principal, cookie


@pytest.fixture
def visit(world: WorkspaceWorld) -> Visit:
    """Nobody has asked yet."""
    company = world.company(roles=("owner", "viewer"))
    asker, cookie = signed_in_operator(world, "bir@op.example")
    second, _ = signed_in_operator(world, "iki@op.example")
    return Visit(world, company, asker, second, cookie)


def test_an_operator_reads_with_a_second_persons_word_and_the_company_sees_it(
    visit: Visit,
) -> None:
    grant = visit.granted()
    visitor = visit.visitor("/v1/users/x@y.example/10000000146")
    assert (visitor.tenant_id, visitor.roles) == (visit.company.id, ("support",))
    assert visit.world.call("GET", "/v1/jobs", visitor).status == 200
    visit.visitor("/people")
    assert visit.uses(grant) == ["GET /v1/users/…/…", "GET /people"]
    owner = visit.company.owner
    shown = visit.world.call("GET", f"{GRANTS}/{grant}", owner).json()
    assert (shown["state"], shown["uses"], shown["reason"]) == ("granted", 2, "Tahsilat gelmiyor")
    assert shown["operator_name"] == "Destek Kişi"
    query = {"subject": f"support_grant:{grant}"}
    timeline = visit.world.call("GET", "/v1/timeline", owner, query=query)
    assert timeline.body.count("support_grant.used") == 2
    # Part of the company's chain, which is verified and sealed with all others.
    chain = [row for row in visit.world.aws.rows("audit") if grant in row["pk"]]
    assert [row["action"].rpartition(".")[2] for row in chain] == [
        "requested",
        "approved",
        "used",
        "used",
    ]
    assert visit.world.call("GET", "/v1/audit/verify", owner).json()["status"] == "intact"


def test_a_visit_changes_nothing(visit: Visit) -> None:
    visit.granted()
    visitor = visit.visitor()
    # Own saved views need no more than a right to read: not even those.
    view = {"name": "x", "url": "/jobs", "shared": True}
    refused = visit.world.call("POST", "/v1/views", visitor, body=view)
    assert (refused.status, refused.json()["code"]) == (403, "support_reads_only")
    for method, path in (
        ("POST", "/v1/users"),
        ("POST", "/v1/api-keys"),
        ("POST", f"{GRANTS}/01KT16JKM00000000000000001/approve"),
        ("POST", "/v1/privacy/exports"),
        ("GET", "/v1/api-keys"),
        ("GET", "/v1/tenants"),
    ):
        assert visit.world.call(method, path, visitor, body={}).status == 403, path


def test_it_ends_by_itself_and_by_the_owner(visit: Visit) -> None:
    first = visit.granted()
    assert visit.visitor().roles == ("support",)
    owner = visit.company.owner
    ended = visit.world.call("POST", f"{GRANTS}/{first}/revoke", owner)
    assert (ended.status, ended.json()["state"]) == (200, "revoked")
    assert (visit.visitor().tenant_id, visit.visitor().roles) == ("", ("operator",))
    second = visit.granted()
    for _ in range(6):
        assert visit.visitor().roles == ("support",)
        visit.world.clock.advance(timedelta(minutes=20))
    assert (visit.visitor().tenant_id, visit.visitor().roles) == ("", ("operator",))
    assert len(visit.uses(second)) == 6
    assert visit.world.call("GET", f"{GRANTS}/{second}", owner).json()["state"] == "ended"


def test_who_may_ask_and_who_may_decide(visit: Visit) -> None:
    world = visit.world
    owner, viewer = visit.company.owner, visit.company.members["viewer"].principal
    key, operator_key = visit.company.key_principal, world.operator()[1]
    grant = visit.ask().json()["id"]
    own = visit.operate("POST", f"{ALL}/{grant}/approve", visit.asker)
    assert (own.status, own.json()["code"]) == (403, "own_support_request")
    for principal in (viewer, None):
        assert world.call("POST", f"{GRANTS}/{grant}/approve", principal).status in (401, 403)
        assert world.call("GET", GRANTS, principal).status in (401, 403)
    # Programs neither ask nor decide.
    assert world.call("POST", f"{GRANTS}/{grant}/approve", key).status == 401
    body = {"tenant_id": visit.company.id, "reason": "Bakıyorum", "hours": 1}
    assert visit.operate("POST", ALL, operator_key, body=body).status == 401
    # Companies do not ask for themselves, nor see what others were asked.
    assert world.call("POST", ALL, owner, body=body).status == 403
    assert world.call("GET", ALL, owner).status == 403
    stale = replace(visit.second, proved_at="2026-01-01T00:00:00.000Z")
    answer = visit.operate("POST", f"{ALL}/{grant}/approve", stale)
    assert (answer.status, answer.json()["code"]) == (403, "proof_required")
    done = world.call("POST", f"{GRANTS}/{grant}/approve", owner)
    assert (done.status, done.json()["decided_by"]) == (200, owner.id)
    again = visit.operate("POST", f"{ALL}/{grant}/refuse", visit.second)
    assert (again.status, again.json()["code"]) == (409, "support_decided")


def test_everything_wrong_with_a_request_is_said(visit: Visit) -> None:
    for changes, status in (
        ({"hours": 9}, 422),
        ({"hours": "2"}, 422),
        ({"reason": ""}, 422),
        ({"reason": "Ayşe 10000000146"}, 422),
        ({"tenant_id": "x"}, 404),
        ({"until": "2030-01-01"}, 422),
        ({"state": "granted"}, 422),
    ):
        assert visit.ask(**changes).status == status, changes
    assert visit.operate("GET", ALL, visit.asker).json()["items"] == []


# ---------------------------------------------------------------------------- pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_both_sides_are_sound(visit: Visit, language: str) -> None:
    world = visit.world
    grant = visit.granted()
    visit.ask()
    owner = replace(visit.company.owner, language=language)
    asker = replace(visit.asker, language=language)
    company = world.call("GET", "/support-access", owner)
    operators = visit.operate("GET", "/operator/support", asker)
    visitor = world.call("GET", "/support-visit", replace(visit.visitor(), language=language))
    for page in (company, operators, visitor):
        assert page.status == 200
        assert_sound(page.body, language)
    assert f"/support-access/{grant}/revoke" in company.body
    assert f"/timeline/support_grant/{grant}" in company.body
    assert "/enter" not in company.body
    assert "/support-visit" not in company.body
    assert "/support-visit" not in operators.body
    assert world.call("GET", "/support-visit", owner).status == 403
    assert f"/operator/support/{grant}/enter" in operators.body
    assert 'name="reason"' in operators.body
    assert "/support-visit/end" in visitor.body


def test_a_visit_by_pages(visit: Visit) -> None:
    world = visit.world
    form = {"tenant_id": visit.company.id, "reason": "Tahsilat gelmiyor", "hours": "1"}
    asked = visit.operate("POST", "/operator/support", visit.asker, form=form)
    assert asked.location == "/operator/support?done=support_asked"
    wrong = visit.operate("POST", "/operator/support", visit.asker, form={**form, "hours": "x"})
    assert wrong.status == 422
    (grant,) = visit.operate("GET", ALL, visit.asker).json()["items"]
    base = f"/support-access/{grant['id']}"
    own = f"/operator/support/{grant['id']}/approve"
    assert visit.operate("POST", own, visit.asker, form={}).status == 422
    done = world.call("POST", f"{base}/approve", visit.company.owner)
    assert done.location == "/support-access?done=support_decided"
    session = world.app.sign_in()(
        "bir@op.example", Secret(CANARY_PASSWORD), source_ip="ip", user_agent=""
    )
    asker = replace(visit.asker, session_hash=session.session.digest)  # type: ignore[union-attr]
    entered = visit.operate("POST", f"/operator/support/{grant['id']}/enter", asker)
    assert entered.location == "/support-visit"
    token = session.token.reveal("test")
    context = world.authorize(cookies=(SCANNER.secret(f"kopru-8000={token}"),))
    assert (context["tenant_id"], context["roles"]) == (visit.company.id, "support")
    visitor = principal_of({"requestContext": {"authorizer": {"lambda": context}}})
    assert world.call("GET", "/jobs", visitor).status == 200
    left = world.call("POST", "/support-visit/end", visitor)
    assert left.location == "/operator/support?done=support_left"
    context = world.authorize(cookies=(f"kopru-8000={token}",))
    assert (context["tenant_id"], context["roles"]) == ("", "operator")


def test_either_side_turns_a_request_down_and_an_operator_ends_a_visit(visit: Visit) -> None:
    owner = visit.company.owner
    asked = [str(visit.ask(reason=text).json()["id"]) for text in ("bir", "iki")]
    by_company = visit.world.call("POST", f"{GRANTS}/{asked[0]}/refuse", owner)
    by_operator = visit.operate("POST", f"{ALL}/{asked[1]}/refuse", visit.second)
    for answer in (by_company, by_operator):
        assert (answer.status, answer.json()["state"]) == (200, "refused"), answer.body
    ended = visit.operate("POST", f"{ALL}/{visit.granted()}/revoke", visit.asker)
    assert (ended.status, ended.json()["state"]) == (200, "revoked")
    assert visit.visitor().tenant_id == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_owner_hears_of_it_by_mail_and_on_today_until_it_is_decided(
    visit: Visit, language: str
) -> None:
    world, owner = visit.world, replace(visit.company.owner, language=language)
    grant = visit.ask().json()["id"]
    assert world.run_mail() == []
    opened = world.call("GET", world.links()[-1], query={"lang": language}, shows=OWN)
    assert opened.status == 200
    assert_sound(opened.body, language)
    today = world.call("GET", "/", owner)
    assert_sound(today.body, language)
    assert 'href="/support-access"' in today.body.partition('id="tasks"')[2]
    api = world.call("GET", "/v1/today", owner).json()
    assert [task["code"] for task in api["tasks"]] == ["support_requested"]
    viewer = visit.company.members["viewer"].principal
    assert world.call("GET", "/v1/today", viewer).json()["tasks"] == []
    assert world.call("POST", f"{GRANTS}/{grant}/approve", owner).status == 200
    (task,) = world.call("GET", "/v1/today", owner).json()["tasks"]
    assert (task["code"], task["due_on"]) == ("support_in_force", None)
    assert_sound(world.call("GET", "/", owner).body, language)
    assert world.call("POST", f"{GRANTS}/{grant}/revoke", owner).status == 200
    assert world.call("GET", "/v1/today", owner).json()["tasks"] == []


def test_the_link_of_the_mail_leads_to_the_page_that_decides(visit: Visit) -> None:
    world, owner = visit.world, visit.company.owner
    visit.ask()
    assert world.run_mail() == []
    led = world.call("POST", world.links()[-1], owner)
    assert (led.status, led.location) == (303, "/support-access")


def test_every_state_says_what_can_be_done(visit: Visit) -> None:
    """Withdrawn by who asked, decided by others, ended by everybody; nothing once it is over."""

    def acts(principal: Principal, path: str) -> list[str]:
        page = parse(visit.operate("GET", path, replace(principal, language="en")).body)
        return [" ".join(each.text_content().split()) for each in page.xpath("//td//button[@type]")]

    grant = visit.ask().json()["id"]
    owner = visit.company.owner
    assert acts(visit.asker, "/operator/support") == ["Withdraw Destek Kişi"]
    both = ["Approve Destek Kişi", "Turn down Destek Kişi"]
    assert acts(visit.second, "/operator/support") == both
    assert acts(owner, "/support-access") == both
    assert visit.world.call("POST", f"{GRANTS}/{grant}/approve", owner).status == 200
    assert acts(owner, "/support-access") == ["End now Destek Kişi"]
    assert acts(visit.asker, "/operator/support") == [
        "Go to the company Destek Kişi",
        "End now Destek Kişi",
    ]
    assert visit.world.call("POST", f"{GRANTS}/{grant}/revoke", owner).status == 200
    for principal, path in ((owner, "/support-access"), (visit.asker, "/operator/support")):
        assert acts(principal, path) == []
