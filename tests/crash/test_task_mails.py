"""Mails about tasks under a fault at every call: taken from the news, sent, and followed.

Whatever dies in between, everybody who is asked has one mail, it left at most once, its link is
stored as a hash, and it is used once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.parsing import format_instant
from tests.crash.test_entrance import Door
from tests.support.aws import START, aws_world, platform_of
from tests.support.builders import Member, workspace_world
from tests.support.events import bus_event, queue_event
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext

APPROVAL = "01JXQ60A1B2C3D4E5F6G7H8J9P"
TASK = f"approval:{APPROVAL}-0-1"


@dataclass
class Office(Door):
    """A company with an accountant who is asked, through the role or by name."""

    tenant_id: str = ""
    reader: Member | None = None

    def mails(self) -> list[dict[str, Any]]:
        """Mails about tasks."""
        return [row for row in self.kinds("message") if row["mail"] == "task"]

    def links(self) -> list[dict[str, Any]]:
        """Links to tasks."""
        return [row for row in self.aws.rows("edge") if row.get("purpose") == "task"]


Bench = FaultBench[Office]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One account for all schedules."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with workspace_world(aws, platform, clock) as world, switched_on(clock):
            company = world.company(roles=("owner", "accountant"))
            office = Office(aws, world, world.operator()[1])
            office.tenant_id, office.reader = company.id, company.members["accountant"]
            bench = Bench(office, clock)
            bench.remember()
            yield bench


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


def _news(office: Office, clock: FixedClock) -> dict[str, Any]:
    return {
        "id": "01JXQ60A1B2C3D4E5F6G7H8J9R",
        "type": "workflow.AttentionRaised.v1",
        "source": "kopru.workflow",
        "time": format_instant(clock.now()),
        "tenant_id": office.tenant_id,
        "subject": f"approval:{APPROVAL}",
        "data": {
            "key": TASK,
            "subject": f"approval:{APPROVAL}",
            "code": "approval_waiting",
            "severity": "medium",
            "kind": "purchase",
            "candidates": ["role:accountant"],
            "mail": {"why": "opened", "to": ["role:accountant"], "not_to": []},
        },
    }


def _heard(envelope: dict[str, Any]) -> bool:
    from workspace.handlers import on_events

    answer = on_events.handler(queue_event(bus_event(envelope)), LambdaContext())
    return not answer["batchItemFailures"]


@pytest.mark.parametrize("mode", MODES)
def test_news_becomes_one_mail(bench: Bench, mode: str) -> None:
    office = bench.world
    envelope = _news(office, bench.clock)

    def check() -> None:
        office.quiet()
        assert office.reader is not None
        assert [mail["person_id"] for mail in office.mails()] == [office.reader.id]
        assert office.mails()[0]["state"] == "sent"
        assert len(office.links()) == 1

    assert bench.try_all(lambda: _heard(envelope), check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_a_mail_leaves_at_most_once(bench: Bench, mode: str) -> None:
    office = bench.world
    assert _heard(_news(office, bench.clock))
    (body,) = office.aws.messages("workspace-send-mail")
    bench.remember()

    def act() -> bool:
        from workspace.handlers import send_mail

        answer = send_mail.handler(queue_event(body), LambdaContext(remaining_ms=30_000))
        return not answer["batchItemFailures"]

    def check() -> None:
        office.quiet()
        (mail,) = office.mails()
        assert mail["state"] in ("sent", "unknown")
        assert office.letters() == 1 if mail["state"] == "sent" else office.letters() <= 1

    assert bench.try_all(act, check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_a_link_is_used_once(bench: Bench, mode: str) -> None:
    office = bench.world
    assert _heard(_news(office, bench.clock))
    office.world.run_mail()
    path = f"/task-links/{office.world.links()[-1].rpartition('/')[2]}"
    reader = office.reader
    assert reader is not None
    bench.remember()

    def act() -> bool:
        answer = office.world.call("POST", path, reader.principal, form={}, shows="own link")
        return answer.status in (303, 404)

    def check() -> None:
        (link,) = office.links()
        assert link["used"] is True
        again = office.world.call("POST", path, reader.principal, form={}, shows="own link")
        assert again.status == 404

    assert bench.try_all(act, check, mode) >= 3
