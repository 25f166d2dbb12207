"""From the news of a task to the page behind the link of its mail, with the real handlers."""

from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from kernel.parsing import format_instant
from tests.support.builders import Company, WorkspaceWorld
from tests.support.events import bus_event, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.page_checks import assert_sound

APPROVAL = "01JXQ60A1B2C3D4E5F6G7H8J9P"
OWN = "whoever holds the link sees what its mail said"


def hear(world: WorkspaceWorld, company: Company, what: str, **data: Any) -> None:
    """News of one task, as the bus brings it."""
    from workspace.handlers import on_events

    envelope = {
        "id": world.app.platform.ids.new(),
        "type": f"workflow.{what}.v1",
        "source": "kopru.workflow",
        "time": format_instant(world.clock.now()),
        "tenant_id": company.id,
        "subject": f"approval:{APPROVAL}",
        "data": {
            "key": f"approval:{APPROVAL}-0-1",
            "subject": f"approval:{APPROVAL}",
            **data,
        },
    }
    answer = on_events.handler(queue_event(bus_event(envelope)), LambdaContext())
    assert answer["batchItemFailures"] == []


@pytest.fixture
def link(world: WorkspaceWorld) -> tuple[Company, str]:
    """A company whose accountant has got a mail; the path of its link."""
    company = world.company(roles=("owner", "accountant"))
    hear(
        world,
        company,
        "AttentionRaised",
        code="approval_waiting",
        severity="medium",
        kind="purchase",
        due_on="2026-06-03",
        candidates=["role:accountant"],
        money_minor=150000,
        currency="TRY",
        mail={"why": "opened", "to": ["role:accountant"], "not_to": []},
    )
    assert world.run_mail() == []
    return company, world.links()[-1]


@pytest.mark.parametrize("language", ["tr", "el", "en"])
def test_the_page_shows_what_the_mail_said_and_decides_nothing(
    world: WorkspaceWorld, link: tuple[Company, str], language: str
) -> None:
    company, path = link
    before = world.aws.tables()
    for _ in range(20):
        answer = world.call("GET", path, query={"lang": language}, shows=OWN)
        assert answer.status == 200
    assert world.aws.tables() == before
    assert_sound(answer.body, language)
    text = unescape(answer.body)
    assert company.tenant.name in text
    assert "1.500,00" in text.replace("1,500.00", "1.500,00")
    assert f"/sign-in?return_to={path}" in text.replace("%2F", "/")
    # Nobody is led anywhere without signing in, and the link is still good afterwards.
    assert world.call("POST", path, form={}).location.startswith("/sign-in")
    assert world.call("GET", path, shows=OWN).status == 200


def test_its_reader_goes_on_to_the_task_once(
    world: WorkspaceWorld, link: tuple[Company, str]
) -> None:
    company, path = link
    stranger = world.call("POST", path, company.members["owner"].principal, form={}, shows=OWN)
    assert stranger.status == 422
    reader = company.members["accountant"].principal
    assert 'method="post"' in world.call("GET", path, reader, shows=OWN).body
    led = world.call("POST", path, reader, form={}, shows=OWN)
    assert (led.status, led.location) == (303, f"/workflow/approvals/{APPROVAL}")
    for principal in (reader, None):
        gone = world.call("GET", path, principal, shows=OWN)
        assert gone.status == 404
        assert_sound(gone.body, "tr" if principal else "en")


def test_a_decided_task_has_no_link(world: WorkspaceWorld, link: tuple[Company, str]) -> None:
    company, path = link
    world.clock.advance(timedelta(minutes=1))
    hear(world, company, "AttentionCleared")
    reader = replace(company.members["accountant"].principal, language="en")
    gone = world.call("GET", path, reader, shows=OWN)
    assert gone.status == 404
    assert "Nothing waits here" in gone.body
