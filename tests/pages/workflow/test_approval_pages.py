"""Pages of approvals: inbox, one approval with its forms, substitutes, report."""

from collections.abc import Iterator
from html import unescape

import pytest

from kernel.clock import FixedClock
from tests.support.approvals_world import (
    CHIEF,
    MANAGER,
    REQUESTER,
    ApprovalsWorld,
    approvals_world,
)
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke
from tests.support.page_checks import assert_sound
from toolkit.platform import Platform


class Pages(ApprovalsWorld):
    """Approvals as people see them."""

    def page(self, path: str, who: str, language: str = "en", role: str = "owner") -> str:
        """The text of a page that must be sound."""
        answer = self.draw("GET", path, who, language, role)
        assert answer.status == 200, answer.body
        assert_sound(answer.body, language)
        return unescape(answer.body)

    def post(self, path: str, who: str, role: str = "owner", **form: str) -> Answer:
        """A posted form."""
        from workflow.handlers.http.app import app

        token = app.csrf_token(self.person(who, role))
        return self.draw("POST", path, who, "en", role, {"csrf_token": token, **form})

    def draw(
        self, method: str, path: str, who: str, language: str, role: str, form: object = None
    ) -> Answer:
        from dataclasses import replace

        from workflow.handlers import api

        path, _, asked = path.partition("?")
        query = dict(part.split("=") for part in asked.split("&") if part)
        reader = replace(self.person(who, role), language=language)
        event = http_event(method, path, principal=reader, query=query, form=form)  # type: ignore[arg-type]
        return invoke(api.handler, event)


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[Pages]:
    with approvals_world(aws, platform, clock) as made:
        yield Pages(made.rules, made.machine)


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_pages_are_sound_in_every_language(world: Pages, language: str) -> None:
    made = world.ask()
    world.ask("900.00")
    world.post(f"/workflow/approvals/{made['id']}/decision", CHIEF, task=made["task"]["id"])
    world.decide(made, CHIEF, "reject", "no")
    for path in (
        "/workflow/tasks",
        "/workflow/tasks?whose=mine",
        "/workflow/tasks?whose=all",
        "/workflow/approvals",
        "/workflow/approvals?status=closed",
        f"/workflow/approvals/{made['id']}",
        "/workflow/delegations",
        "/workflow/reports/approvals",
    ):
        world.page(path, MANAGER, language)


def test_an_approver_finds_a_task_reads_why_and_decides(world: Pages) -> None:
    made = world.ask()
    inbox = world.page("/workflow/tasks", CHIEF, role="accountant")
    assert "Purchase: Printer" in inbox
    here = f"/workflow/approvals/{made['id']}"
    shown = world.page(here, CHIEF, role="accountant")
    assert "1,500.00" in shown
    assert "Why?" in shown
    assert "Deneme Ltd." in shown
    refused = world.post(
        f"{here}/decision", CHIEF, "accountant", task=made["task"]["id"], outcome="reject"
    )
    assert refused.status == 422
    done = world.post(
        f"{here}/decision",
        CHIEF,
        "accountant",
        task=made["task"]["id"],
        outcome="reject",
        reason="cheaper",
    )
    assert (done.status, done.location) == (303, f"{here}?done=decided")
    after = world.page(f"{here}?done=decided", CHIEF, role="accountant")
    assert "Your decision is recorded." in after
    assert "“cheaper”" in after


def test_who_asked_sees_why_somebody_else_decides(world: Pages) -> None:
    made = world.ask("900.00")
    here = f"/workflow/approvals/{made['id']}"
    assert "somebody else decides" in world.page(here, REQUESTER)
    world.post(f"{here}/withdraw", REQUESTER, reason="not needed")
    assert "withdrawn" in world.page(here, REQUESTER)


def test_reading_decides_nothing(world: Pages) -> None:
    made = world.ask("900.00")
    before = world.aws.tables()
    for _ in range(100):
        for path in (f"/workflow/approvals/{made['id']}", "/workflow/tasks"):
            assert world.draw("GET", path, CHIEF, "en", "accountant").status == 200
    assert world.aws.tables() == before
    answer = world.draw(
        "GET", f"/workflow/approvals/{made['id']}/decision", CHIEF, "en", "accountant"
    )
    assert answer.status == 404


def test_question_answer_delegation_and_substitutes(world: Pages) -> None:
    made = world.ask("900.00")
    here, task = f"/workflow/approvals/{made['id']}", made["task"]["id"]
    world.post("/workflow/delegations/join", MANAGER)
    asked = world.post(f"{here}/question", CHIEF, "accountant", task=task, question="why?")
    assert asked.status == 303
    shown = world.page(here, REQUESTER)
    assert "the clock stands still" in shown
    assert world.post(f"{here}/answer", REQUESTER, task=task, answer="spare").status == 303
    given = world.post(f"{here}/delegate", CHIEF, "accountant", task=task, to=f"user:{MANAGER}")
    assert given.status == 303
    assert "on behalf of" in world.page(here, MANAGER, role="payroll")
    away = {"substitute": f"user:{MANAGER}", "first": "2026-06-02", "last": "2026-06-05"}
    assert world.post("/workflow/delegations", CHIEF, "accountant", **away).status == 303
    wrong = world.post("/workflow/delegations", CHIEF, "accountant", first="x", last="")
    assert wrong.status == 422
    assert "Deniz M" in world.page("/workflow/delegations", CHIEF, role="accountant")


def test_the_report_names_stages_and_reasons(world: Pages) -> None:
    made = world.ask("900.00")
    world.decide(made, CHIEF, "reject", "no money")
    world.ask("10.00")
    shown = world.page("/workflow/reports/approvals", MANAGER)
    assert "no money" in shown
    assert "accountants" in shown
