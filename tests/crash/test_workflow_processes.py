"""Processes and time-driven starts under a fault at every call (reliability.md §10).

Each schedule is (use case, mode, n). After the faults stop, what was not acknowledged comes again
and the schedules run; then a process has every event once and in order, an approval is asked for
once, a timer went off once, and work is proposed and started once.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, AwsWorld, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.processes import PURCHASE, REQUEST, command, connection, purchase, read, work
from tests.support.rules_world import TENANT, RulesWorld, rules_world

METER: Final[dict[str, Any]] = {
    "kind": "meter",
    "subjects": [{"reference": "S-1", "facts": {"consecutive_unread": 2}}],
}


@dataclass
class World:
    """Workflow with the schedules of a minute."""

    rules: RulesWorld
    aws: AwsWorld

    def minute(self) -> None:
        """The schedule of a minute and the work it asks for."""
        work(self.rules)


@pytest.fixture(scope="module")
def bench() -> Iterator[FaultBench[World]]:
    """One account for all schedules."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with rules_world(aws, platform, clock) as world, switched_on(clock):
            made = FaultBench(World(world, aws), clock)
            made.remember()
            yield made


def events(world: RulesWorld, process_id: str = "") -> list[str]:
    """Kinds of the events of the only process, checked to stand in order without a gap."""
    found = [
        row
        for row in world.aws.rows("core")
        if "#PROCESS#" in row["pk"] and row["sk"] != "META" and process_id in row["pk"]
    ]
    found.sort(key=lambda row: row["sk"])
    assert [row["seq"] for row in found] == list(range(1, len(found) + 1))
    return [row["kind"] for row in found]


def quiet(world: RulesWorld) -> None:
    """No news waits, and every entity has as many audit rows as its version says."""
    rows = world.aws.rows("flow")
    assert [row for row in rows if "#OUT#" in row["pk"] and "due_pk" in row] == []
    audits = Counter(row["pk"] for row in world.aws.rows("audit"))
    for row in world.aws.rows("core"):
        if row["sk"] == "META" and "audit_hash" in row:
            chain = f"wfl#T#{TENANT}#ENT#{row['kind']}:{row['id']}"
            assert audits[chain] == row["version"]


def published(world: RulesWorld, kind: str) -> int:
    """How many different pieces of news of one kind went out."""
    return sum(
        row.get("detail_type") == f"workflow.{kind}.v1"
        for row in world.aws.rows("flow")
        if "#OUT#" in row["pk"]
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_process_starts_once(bench: FaultBench[World], mode: str) -> None:
    world = bench.world.rules
    body = {"definition": "purchase", "subject": "purchase:S-5", "data": PURCHASE}

    def act() -> bool:
        return world.call("POST", "/processes", body, key="k-1").status == 201

    def check() -> None:
        quiet(world)
        assert events(world) == ["started", "step_started"]
        assert published(world, "ProcessStarted") == 1

    with bench.kept():
        bench.remember()
        assert bench.try_all(act, check, mode) >= 3


@pytest.mark.parametrize("mode", MODES)
def test_a_step_is_completed_and_its_approval_asked_for_once(
    bench: FaultBench[World], mode: str
) -> None:
    world = bench.world.rules
    with bench.kept():
        made = purchase(world)
        bench.remember()
        path, body = f"/processes/{made['id']}/commands", {"command": "REQUEST", "data": REQUEST}

        def act() -> bool:
            answer = world.call("POST", path, body)
            # Somebody whose answer was lost hears that it is done already.
            return answer.status == 200 or answer.json().get("code") == "approval_pending"

        def check() -> None:
            quiet(world)
            assert events(world)[2:] == ["step_completed", "approval_requested"]
            assert published(world, "ApprovalRequested") == 1

        assert bench.try_all(act, check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_a_decision_moves_a_process_once(bench: FaultBench[World], mode: str) -> None:
    world = bench.world.rules
    with bench.kept():
        made = command(world, purchase(world), "REQUEST", REQUEST)
        bench.remember()
        request = made["timeline"][-1]["detail"]["request_id"]
        data = {
            "approval_id": "01JXQ60A1B2C3D4E5F6G7H8J9S",
            "request_id": request,
            "subject": f"process:{made['id']}",
            "outcome": "approved",
            "decided_by": "user:01JXQ60A1B2C3D4E5F6G7H8J9R",
        }

        def act() -> bool:
            try:
                world.app.approval_decided(TENANT, data)
            except Exception:
                return False
            return True

        def check() -> None:
            quiet(world)
            assert events(world)[4:] == ["approved", "step_started"]

        assert bench.try_all(act, check, mode) >= 3


def delivery(body: Any) -> Callable[[], bool]:
    def act() -> bool:
        from workflow.handlers import do_work

        answer = do_work.handler(queue_event(body), LambdaContext(remaining_ms=300_000))
        return bool(answer["batchItemFailures"] == [])

    return act


@pytest.mark.parametrize("mode", MODES)
def test_a_timer_goes_off_once(bench: FaultBench[World], mode: str) -> None:
    world = bench.world.rules
    with bench.kept():
        made = connection(world, applied_on="2026-05-30")
        world.clock.advance(timedelta(days=40))
        bench.remember()
        act = delivery({"v": 1, "tenant_id": TENANT, "process_id": made["id"], "hops": 0})

        def check() -> None:
            quiet(world)
            assert events(world)[2:] == ["reminded", "escalated"]
            assert published(world, "AttentionRaised") == 1

        assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_a_run_proposes_everything_once(bench: FaultBench[World], mode: str) -> None:
    world = bench.world.rules
    with bench.kept():
        world.ok("POST", "/subjects", METER)
        run = world.ok("POST", "/trigger-runs")
        world.aws.messages("workflow-work")
        bench.remember()
        act = delivery({"v": 1, "tenant_id": TENANT, "run_id": run["id"], "hops": 0})

        def check() -> None:
            quiet(world)
            found = world.ok("GET", "/proposals")["items"]
            assert Counter(item["action"] for item in found) == {
                "CUT_GAS": 1,
                "PROPOSE_READING_WORK_ORDER": 1,
            }
            assert published(world, "ProposalMade") == 2
            assert world.ok("GET", f"/trigger-runs/{run['id']}")["status"] == "done"

        assert bench.try_all(act, check, mode) >= 8


@pytest.mark.parametrize("mode", MODES)
def test_an_accepted_proposal_starts_one_process(bench: FaultBench[World], mode: str) -> None:
    world = bench.world.rules
    with bench.kept():
        world.ok("POST", "/subjects", METER)
        world.ok("POST", "/trigger-runs")
        work(world)
        bench.remember()
        one = world.ok("GET", "/proposals")["items"][0]

        def act() -> bool:
            answer = world.call("POST", f"/proposals/{one['id']}/accept", {})
            return answer.status == 200 or answer.json().get("code") == "proposal_decided"

        def check() -> None:
            quiet(world)
            assert events(world) == ["started", "step_started"]
            done = world.ok("GET", f"/proposals/{one['id']}")
            assert read(world, {"id": done["process_id"]})["cause"] == one["id"]

        assert bench.try_all(act, check, mode) >= 4
