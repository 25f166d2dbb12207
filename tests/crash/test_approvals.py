"""Approvals under a fault at every call: submit, start, decide, wake, escalate (A1–A6, I-10…I-15).

After the faults stop, what was not acknowledged comes again, a duplicate comes, and some minutes
pass. Then every decision stands once, the asker was told once per outcome, open tasks have exactly
one execution that waits and ended tasks none.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.approvals_world import (
    CHIEF,
    CHIEF_2,
    REQUESTER,
    ApprovalsWorld,
    FakeMachine,
    approvals_world,
)
from tests.support.aws import START, aws_world, platform_of
from tests.support.events import queue_event
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.rules_world import TENANT

PURCHASE = {
    "kind": "purchase",
    "rule": "approval.purchase_chain",
    "subject": "purchase:P-1",
    "request_id": "R-1",
    "facts": {"amount": "1500.00"},
    "content": {"title": "Printer", "amount": {"amount": "1500.00", "currency": "TRY"}},
}


class Settling(ApprovalsWorld):
    """A minute also lets started executions reach their wait."""

    def minute(self) -> None:
        super().minute()
        self.give_tokens()
        self.drive()


@dataclass
class ApprovalBench(FaultBench[Settling]):
    """The machine is put back to its start with the tables."""

    def remember(self) -> None:
        super().remember()
        self.start = (*self.start, copy.deepcopy(vars(self.world.machine)))

    def restore(self) -> None:
        super().restore()
        vars(self.world.machine).update(copy.deepcopy(self.start[2]))


@pytest.fixture(scope="module")
def bench() -> Iterator[ApprovalBench]:
    """One account for all schedules."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with approvals_world(aws, platform, clock) as world, switched_on(clock):
            made = ApprovalBench(Settling(world.rules, world.machine), clock)
            made.remember()
            yield made


def _approvals(world: ApprovalsWorld) -> list[dict[str, Any]]:
    return [row for row in world.aws.rows("core") if row.get("kind") == "approval"]


def _told(world: ApprovalsWorld, event: str) -> int:
    rows = [row for row in world.aws.rows("flow") if "#OUT#" in row["pk"]]
    return sum(row.get("detail_type") == f"workflow.{event}.v1" for row in rows)


def _holds(world: ApprovalsWorld, open_task: str = "") -> None:
    """Nothing is on its way, and executions are those of what is open."""
    waiting = [row for row in world.aws.rows("flow") if "#OUT#" in row["pk"] and "due_pk" in row]
    assert waiting == []
    machine: FakeMachine = world.machine
    assert {str(task["task"]) for task in machine.running.values()} == (
        {open_task} if open_task else set()
    )
    assert len(machine.running) == (1 if open_task else 0)
    history = [row for row in world.aws.rows("core") if "#HIST#approval:" in row["pk"]]
    audit = [row for row in world.aws.rows("audit") if "#ENT#approval:" in row["pk"]]
    assert len(history) == len(audit) == sum(row["version"] for row in _approvals(world))


def _drive(approval: str, task: str) -> bool:
    from workflow.handlers import drive_approvals

    body = {"v": 1, "tenant_id": TENANT, "approval_id": approval, "task": task, "hops": 0}
    answer = drive_approvals.handler(queue_event(body), LambdaContext())
    return not answer["batchItemFailures"]


def _asked(bench: ApprovalBench, *, waiting: bool = True) -> dict[str, Any]:
    """An approval whose first task is open; its execution waits for the token it has stored."""
    made: dict[str, Any] = bench.world.ok("POST", "/approvals", PURCHASE, who=REQUESTER)
    if waiting:
        bench.world.settle()
    bench.world.aws.messages("workflow-approvals")
    bench.remember()
    return made


@pytest.mark.parametrize("mode", MODES)
def test_submitting(bench: ApprovalBench, mode: str) -> None:
    world = bench.world
    with bench.kept():

        def act() -> bool:
            return world.call("POST", "/approvals", PURCHASE, who=REQUESTER).status < 300

        def check() -> None:
            (row,) = _approvals(world)
            assert (row["state"], row["round"]) == ("pending", 1)
            assert _told(world, "ApprovalOpened") == 1
            _holds(world, f"{row['id']}-0-1")

        assert bench.try_all(act, check, mode) >= 3


@pytest.mark.parametrize("mode", MODES)
def test_starting_the_execution(bench: ApprovalBench, mode: str) -> None:
    world = bench.world
    with bench.kept():
        made = _asked(bench, waiting=False)

        def act() -> bool:
            return _drive(made["id"], made["task"]["id"])

        assert bench.try_all(act, lambda: _holds(world, made["task"]["id"]), mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_two_persons_deciding(bench: ApprovalBench, mode: str) -> None:
    """The race is the other approver: whoever comes second hears what was decided."""
    world = bench.world
    with bench.kept():
        made = _asked(bench)
        path = f"/tasks/{made['task']['id']}/decision"
        calls = iter(range(10_000))

        def act() -> bool:
            approve = next(calls) % 2 == 0
            body = {"outcome": "approve" if approve else "reject", "reason": "so"}
            who = CHIEF if approve else CHIEF_2
            return world.call("POST", path, body, who=who).status in (200, 409)

        def check() -> None:
            (row,) = _approvals(world)
            after = world.read(made["id"])
            assert len(after["tasks"][0]["decisions"]) == 1
            approved = after["tasks"][0]["decisions"][0]["outcome"] == "approve"
            assert row["state"] == ("pending" if approved else "returned")
            assert _told(world, "ApprovalDecided") == (0 if approved else 1)
            _holds(world, f"{made['id']}-1-1" if approved else "")

        assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_waking_the_execution(bench: ApprovalBench, mode: str) -> None:
    world = bench.world
    with bench.kept():
        made = _asked(bench)
        task = made["task"]["id"]
        body = {"outcome": "reject", "reason": "no"}
        assert world.call("POST", f"/tasks/{task}/decision", body, who=CHIEF).status == 200
        world.aws.messages("workflow-approvals")
        bench.remember()

        def check() -> None:
            _holds(world)
            assert [outcome["status"] for _, outcome in world.machine.woken] == ["REJECTED"]

        assert bench.try_all(lambda: _drive(made["id"], task), check, mode) >= 5


@pytest.mark.parametrize("mode", MODES)
def test_escalating_and_expiring(bench: ApprovalBench, mode: str) -> None:
    world = bench.world
    with bench.kept():
        made = _asked(bench)
        task = made["task"]["id"]
        for days in (5, 16):
            bench.restore()
            bench.clock.set(bench.clock.now())
            bench.world.clock.advance(_days(days))
            if days == 16:
                world.minute()
                world.clock.advance(_days(days))
                world.aws.messages("workflow-approvals")
            bench.remember()

            def check(last: bool = days == 16) -> None:
                actions = [
                    row["action"]
                    for row in world.aws.rows("core")
                    if "#HIST#approval:" in row["pk"]
                ]
                assert actions.count("approval.escalated") == 1
                assert actions.count("approval.expired") == int(last)
                assert _told(world, "ApprovalDecided") == int(last)
                _holds(world, "" if last else task)

            assert bench.try_all(lambda: _drive(made["id"], task), check, mode) >= 5


def _days(days: int) -> Any:
    from datetime import timedelta

    return timedelta(days=days)
