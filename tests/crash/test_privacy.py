"""Erasing a person under a fault at every call: nothing is left, nothing else is touched (I-19).

Each schedule is (use case, mode, n), as for the other contexts: the API that takes the request, the
worker of a context that looks and erases, the answer that comes home, the minute that asks again.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, AwsWorld, aws_world, platform_of
from tests.support.builders import Company, WorkspaceWorld, workspace_world
from tests.support.events import bus_event, queue_event, schedule_event
from tests.support.fault_bench import StoringBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.pensions_desk import Desk, open_desk, person_body
from tests.support.privacy_world import REQUESTED, stored_text
from workspace.domain import catalogue

NUMBER: Final = "12345678950"
SURNAME: Final = "Sessizoğlu"
PAIR: Final = ("workspace", "pensions")


@dataclass
class House:
    """The workspace and pensions with one person to forget."""

    aws: AwsWorld
    workspace: WorkspaceWorld
    desk: Desk
    company: Company

    def ask(self) -> bool:
        """The request by the API."""
        assert self.company.key_principal is not None
        answer = self.workspace.call(
            "POST",
            "/v1/privacy/erasures",
            self.company.key_principal,
            body={"person": NUMBER},
            headers={"idempotency-key": "erase-once"},
        )
        return answer.status == 202

    def keep(self, event: dict[str, Any]) -> bool:
        """One delivery to the worker of pensions; whether it is acknowledged."""
        from pensions.handlers import keep_privacy

        answer = keep_privacy.handler(event, LambdaContext(remaining_ms=60_000))
        return answer == {"batchItemFailures": []}

    def hear(self, event: dict[str, Any]) -> bool:
        """One answer that comes home; whether it is acknowledged."""
        from workspace.handlers import on_events

        answer = on_events.handler(event, LambdaContext(remaining_ms=60_000))
        return answer == {"batchItemFailures": []}

    def minute(self) -> None:
        """The minute schedules of both, and everything on the bus and in the queues."""
        from pensions.handlers import relay_outbox as of_pensions
        from workspace.handlers import relay_outbox as of_workspace

        of_pensions.handler(schedule_event(), LambdaContext())
        of_workspace.handler(schedule_event(), LambdaContext())
        self.work()

    def work(self) -> None:
        """Until nothing moves."""
        from workspace.handlers import keep_privacy as of_workspace

        for _ in range(20):
            events = self.aws.published()
            for event in events:
                if event["type"] == REQUESTED:
                    assert self.keep(queue_event(bus_event(event)))
                    of_workspace.handler(
                        queue_event(bus_event(event)), LambdaContext(remaining_ms=60_000)
                    )
                elif ".PrivacyAnswered." in event["type"]:
                    assert self.hear(queue_event(bus_event(event)))
            bodies = self.aws.messages("pensions-privacy")
            for body in bodies:
                assert self.keep(queue_event(body))
            if not events and not bodies:
                return

    def requests(self) -> list[dict[str, Any]]:
        """Requests as the API shows them."""
        answer = self.workspace.call("GET", "/v1/privacy/requests", self.company.key_principal)
        return list(answer.json()["items"])


@dataclass
class Bench(StoringBench[House]):
    """The shared bench, and what must hold."""

    def forgotten(self) -> None:
        """One request, done; the person nowhere, the neighbour as before, chains as long as
        versions.
        """
        (request,) = self.world.requests()
        assert request["status"] == "done", request
        assert request["records"] == 1
        rows = self.world.aws.rows("core")
        text = "".join(stored_text(row) for row in rows)
        assert NUMBER not in text
        assert SURNAME not in text
        assert text.count("98765432150") == 1
        audits = [row["pk"] for row in self.world.aws.rows("audit")]
        for row in rows:
            if row["sk"] == "META" and row.get("kind") in ("employee", "privacy_request"):
                chain = f"#ENT#{row['kind']}:{row['id']}"
                assert sum(pk.endswith(chain) for pk in audits) == row["version"]
        flow = self.world.aws.rows("flow")
        assert [row for row in flow if "#OUT#" in row["pk"] and "due_pk" in row] == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One account for all schedules, with a company, a person and a neighbour."""
    folder: Path = tmp_path_factory.mktemp("insurers")
    with ExitStack() as stack:
        enter = stack.enter_context
        patch = enter(pytest.MonkeyPatch.context())
        # Two contexts show every interleaving of asking and answering; six cost three times that.
        patch.setattr(catalogue, "CONTEXTS", PAIR)
        patch.setattr("workspace.domain.privacy.CONTEXTS", PAIR)
        aws = enter(aws_world())
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        workspace = enter(workspace_world(aws, platform, clock))
        company = workspace.company()
        desk = enter(open_desk(aws, platform, clock, folder, (), company.id))
        base = desk.registered("garanti")
        for number, surname in ((NUMBER, SURNAME), ("98765432150", "Yılmaz")):
            made = desk.call("POST", f"{base}/employees", person_body(number, last_name=surname))
            path = f"/v1/pensions/employees/{made['id']}/mark-done-elsewhere"
            desk.call("POST", path, {"note": "elle girildi"})
        aws.published()
        enter(switched_on(clock))
        made_bench = Bench(House(aws, workspace, desk, company), clock, minutes=1)
        made_bench.remember()
        yield made_bench


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


@pytest.mark.parametrize("mode", MODES)
def test_a_request_is_taken_once(bench: Bench, mode: str) -> None:
    """The API, asked again with the same key until it answers."""
    assert bench.try_all(bench.world.ask, bench.forgotten, mode) >= 3


def _asked(bench: Bench) -> dict[str, Any]:
    assert bench.world.ask()
    (event,) = bench.world.aws.published(REQUESTED)
    return queue_event(bus_event(event))


@pytest.mark.parametrize("mode", MODES)
def test_the_worker_forgets_the_person_whatever_dies(bench: Bench, mode: str) -> None:
    """From the event to the answer: look, erase, look again, answer."""
    event = _asked(bench)
    from workspace.handlers import keep_privacy as of_workspace

    of_workspace.handler(event, LambdaContext(remaining_ms=60_000))
    bench.world.work()
    bench.remember()

    def act() -> bool:
        return bench.world.keep(event)

    assert bench.try_all(act, bench.forgotten, mode) >= 12


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_comes_home_once(bench: Bench, mode: str) -> None:
    """The last answer closes the request and its job."""
    event = _asked(bench)
    from workspace.handlers import keep_privacy as of_workspace

    of_workspace.handler(event, LambdaContext(remaining_ms=60_000))
    bench.world.work()
    assert bench.world.keep(event)
    answers = [one for one in bench.world.aws.published() if ".PrivacyAnswered." in one["type"]]
    (answer,) = answers
    bench.remember()

    def act() -> bool:
        return bench.world.hear(queue_event(bus_event(answer)))

    def check() -> None:
        bench.forgotten()
        jobs = [r for r in bench.world.aws.rows("core") if r.get("kind") == "privacy_erasure"]
        assert [(job["status"], job["done"], job["total"]) for job in jobs] == [("succeeded", 2, 2)]

    assert bench.try_all(act, check, mode) >= 3
