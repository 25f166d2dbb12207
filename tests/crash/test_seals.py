"""The nightly seal under a fault at every call: one seal, complete, and it verifies.

Each schedule is (use case, mode, n), as for the other contexts. A part written twice is the same
bytes under the same name; a part whose row was never written is an orphan that nobody names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, AwsWorld, aws_world, platform_of
from tests.support.builders import Company, WorkspaceWorld, workspace_world
from tests.support.events import queue_event, schedule_event
from tests.support.fault_bench import StoringBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from workspace.application import seal_audit as sealing
from workspace.domain.seal import NO_SEAL

QUEUE = "workspace-seal-audit"


@dataclass
class Night:
    """The workspace at night."""

    aws: AwsWorld
    workspace: WorkspaceWorld

    def begin(self) -> bool:
        """The schedule fires; whether it came through."""
        from workspace.handlers import start_seals

        start_seals.handler(schedule_event(), LambdaContext())
        return True

    def seal(self, order: dict[str, Any]) -> bool:
        """One message to the worker; whether it is acknowledged."""
        from workspace.handlers import seal_audit

        answer = seal_audit.handler(queue_event(order), LambdaContext(remaining_ms=60_000))
        return answer == {"batchItemFailures": []}

    def minute(self) -> None:
        """Relay what a dead process left, and work off the queue."""
        from workspace.handlers import relay_outbox

        relay_outbox.handler(schedule_event(), LambdaContext())
        for _ in range(20):
            orders = self.aws.messages(QUEUE)
            if not orders:
                return
            for order in orders:
                assert self.seal(order)


@dataclass
class Bench(StoringBench[Night]):
    """The shared bench, and what must hold."""

    company: Company | None = None

    def sealed(self) -> None:
        """One seal of the day, with every chain in it, and it verifies to the end."""
        assert self.company is not None
        call = self.world.workspace.call
        (seal,) = call("GET", "/v1/audit/seals", self.company.owner).json()["items"]
        chains = {row["pk"] for row in self.world.aws.rows("audit")}
        own = [pk for pk in chains if f"#T#{self.company.id}#" in pk]
        assert (seal["status"], seal["previous"]) == ("complete", NO_SEAL)
        assert seal["entities"] == len(own)
        assert self._tallied() == (len(own), len(self._acts()))
        path = f"/v1/audit/seals/{seal['id']}/verify"
        query: dict[str, str] = {}
        while True:
            report = call("GET", path, self.company.owner, query=query).json()
            assert report["status"] == "intact", report
            if report["next_cursor"] is None:
                break
            query = {"cursor": report["next_cursor"]}
        assert report["complete"] is True
        flow = self.world.aws.rows("flow")
        assert [row for row in flow if "#OUT#" in row["pk"] and "due_pk" in row] == []

    def _acts(self) -> list[dict[str, Any]]:
        """What was audited of the company."""
        assert self.company is not None
        part = f"#T#{self.company.id}#"
        return [row for row in self.world.aws.rows("audit") if part in row["pk"]]

    def _tallied(self) -> tuple[int, int]:
        """Entities and acts that the seal counted: a part written twice is counted once."""
        assert self.company is not None
        begin = f"wsp#T#{self.company.id}#SEAL#"
        (row,) = [row for row in self.world.aws.rows("core") if row["pk"].startswith(begin)]
        counts = [(int(entities), int(acts)) for entities, acts in row["tally"].values()]
        return sum(each for each, _ in counts), sum(each for _, each in counts)


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One account for all schedules, with a company whose chains need two parts."""
    with aws_world() as aws, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "AT_ONCE", 2)
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        with workspace_world(aws, platform, clock) as workspace, switched_on(clock):
            company = workspace.company(roles=("owner", "viewer"))
            made = Bench(Night(aws, workspace), clock, company=company)
            made.remember()
            yield made


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


@pytest.mark.parametrize("mode", MODES)
def test_the_night_begins_one_seal_per_company(bench: Bench, mode: str) -> None:
    """The schedule itself; what it ordered is worked off afterwards."""
    assert bench.try_all(bench.world.begin, bench.sealed, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_parts_and_the_root_are_written_once(bench: Bench, mode: str) -> None:
    """The first part, and then the last one with the root."""
    world = bench.world
    world.begin()
    tried = 0
    while orders := world.aws.messages(QUEUE):
        (order,) = orders
        bench.remember()

        def act(order: dict[str, Any] = order) -> bool:
            return world.seal(order)

        assert bench.try_all(act, bench.sealed, mode) >= 5
        tried += 1
        bench.restore()
        assert act()
    assert tried >= 2
