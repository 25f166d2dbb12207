"""Events out under a fault at every call: every notification arrives, in order, known by its id.

Each schedule is (use case, mode, n), as for the other contexts. Sending twice is allowed where an
answer was lost; losing one, or overtaking within a subject, is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, aws_world, platform_of
from tests.support.builders import Company
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.webhook_world import WebhookWorld, webhook_world


@dataclass
class Bench(FaultBench[WebhookWorld]):
    """The shared bench with receivers that forget, and a company with a target."""

    minutes: int = 3
    company: Company | None = None

    @property
    def ours(self) -> Company:
        """The company."""
        assert self.company is not None
        return self.company

    def restore(self) -> None:
        """Put everything back, what receivers remember and what waits in the queue too."""
        super().restore()
        self.world.aws.messages("workspace-deliver-webhooks")
        self.world.receivers.calls.clear()
        self.world.receivers.taken.clear()

    def settled(self) -> None:
        """Nothing waits any more, and every entity has as many audit rows as its version says."""
        rows, flow = self.world.aws.rows("core"), self.world.aws.rows("flow")
        assert [row for row in flow if "#OUT#" in row["pk"] and "due_pk" in row] == []
        lanes = [row for row in rows if "#WEBHOOK-LANE#" in row["pk"]]
        assert [lane for lane in lanes if lane["waiting"] or "due_pk" in lane] == []
        audits = [row["pk"] for row in self.world.aws.rows("audit")]
        for row in rows:
            if row["sk"] == "META" and "#WEBHOOK-" in row["pk"] and "audit_hash" in row:
                chain = f"#ENT#{row['kind']}:{row['id']}"
                assert sum(pk.endswith(chain) for pk in audits) == row["version"]
                assert row["state"] in {"enabled", "delivered"}

    def arrived(self, *numbers: int) -> None:
        """Exactly these events were taken, in this order; a repeated one is its own duplicate."""
        found: list[int] = []
        for call in self.world.receivers.taken:
            number = call.body["data"]["number"]
            if not found or found[-1] != number:
                found.append(number)
        assert found == list(numbers)


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One account for all schedules, with a company and a target."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with webhook_world(aws, platform, clock) as world, switched_on(clock):
            company = world.workspace.company()
            world.endpoint(company.owner)
            made = Bench(world, clock, company=company)
            made.remember()
            yield made


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


@pytest.mark.parametrize("mode", MODES)
def test_an_event_reaches_its_targets_once(bench: Bench, mode: str) -> None:
    """From the bus into the lane, and from there to the receiver."""
    world = bench.world
    world.number = 0
    event = world.event(bench.ours, "payment_code:A")

    def act() -> bool:
        return world.arrive(event) == []

    def check() -> None:
        bench.settled()
        bench.arrived(1)
        deliveries = [
            row for row in world.aws.rows("core") if row.get("kind") == "webhook_delivery"
        ]
        assert len(deliveries) == 1

    assert bench.try_all(act, check, mode) >= 8


@pytest.mark.parametrize("mode", MODES)
def test_a_lane_is_sent_in_order_and_nothing_is_lost(bench: Bench, mode: str) -> None:
    """Two of one subject wait; whatever dies, they arrive as 1, 2."""
    world = bench.world
    world.number = 0
    world.happen(bench.ours, "payment_code:A", "payment_code:A")
    (order,) = world.aws.messages("workspace-deliver-webhooks")
    bench.remember()

    def act() -> bool:
        return world.deliver(order)

    def check() -> None:
        bench.settled()
        bench.arrived(1, 2)

    assert bench.try_all(act, check, mode) >= 12
