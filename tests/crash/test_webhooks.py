"""Events out under a fault at every call: every notification arrives, in order, known by its id.

Each schedule is (use case, mode, n), as for the other contexts. Sending twice is allowed where an
answer was lost; losing one, or overtaking within a subject, is not.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, aws_world, platform_of
from tests.support.builders import Company
from tests.support.faults import MODES, SWITCHBOARD, Faults, Killed, switched_on
from tests.support.webhook_world import WebhookWorld, webhook_world

ROUND = timedelta(seconds=400)


@dataclass
class Bench:
    """One world, put back to its start for every schedule."""

    world: WebhookWorld
    company: Company
    start: tuple[Any, ...] = ()

    def remember(self) -> None:
        """From here on every schedule begins like this."""
        self.start = (self.world.aws.tables(), self.world.clock.now())

    def restore(self) -> None:
        """Put everything back."""
        tables, now = self.start
        self.world.aws.restore(tables)
        self.world.aws.messages("workspace-deliver-webhooks")
        self.world.clock.set(now)
        self.world.receivers.calls.clear()
        self.world.receivers.taken.clear()

    def try_all(self, act: Callable[[], bool], check: Callable[[], None], mode: str) -> int:
        """Every attempt number of one use case in one mode; gives how many there were."""

        def deliver() -> bool:
            with SWITCHBOARD.actor():
                try:
                    return act()
                except Killed:
                    return False

        number = 0
        while True:
            number += 1
            self.restore()
            faults = Faults(number, mode, race=lambda: _quietly(deliver))
            SWITCHBOARD.faults = faults
            done = deliver()
            SWITCHBOARD.faults = None
            if not faults.fired:
                assert done
                return number - 1
            for _ in range(8):
                if done:
                    break
                self.world.clock.advance(ROUND)
                done = deliver()
            assert done, f"never acknowledged: {faults}"
            deliver()  # a plain duplicate
            self.world.work()
            for _ in range(3):
                self.world.clock.advance(ROUND)
                self.world.minute()
            try:
                check()
            except AssertionError as error:
                raise AssertionError(f"{error}\n{faults}") from error

    def settled(self) -> None:
        """Nothing waits any more, and every entity has as many audit rows as its version says."""
        rows = self.world.aws.rows("core")
        assert [
            r for r in self.world.aws.rows("flow") if "#OUT#" in r["pk"] and "due_pk" in r
        ] == []
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


def _quietly(deliver: Callable[[], bool]) -> None:
    with contextlib.suppress(Exception):
        deliver()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """One account for all schedules, with a company and a target."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with webhook_world(aws, platform, clock) as world, switched_on(clock):
            company = world.workspace.company()
            world.endpoint(company.owner)
            made = Bench(world, company)
            made.remember()
            yield made


@pytest.mark.parametrize("mode", MODES)
def test_an_event_reaches_its_targets_once(bench: Bench, mode: str) -> None:
    """From the bus into the lane, and from there to the receiver."""
    world = bench.world
    world.number = 0
    event = world.event(bench.company, "payment_code:A")

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
    before = bench.start
    bench.restore()
    world.number = 0
    world.happen(bench.company, "payment_code:A", "payment_code:A")
    (order,) = world.aws.messages("workspace-deliver-webhooks")
    bench.remember()

    def act() -> bool:
        return world.deliver(order)

    def check() -> None:
        bench.settled()
        bench.arrived(1, 2)

    try:
        assert bench.try_all(act, check, mode) >= 12
    finally:
        bench.start = before
