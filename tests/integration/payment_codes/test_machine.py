"""Machine 3 over the real handlers, moto and the simulated network, with faults at any call."""

from collections.abc import Iterator

import pytest

from tests.support.machine_runs import by_night, every_time
from tests.support.payment_world_desk import WorldMachine, machine_world


@pytest.fixture(scope="module", autouse=True)
def _world() -> Iterator[None]:
    with machine_world():
        yield


TestWorldMachine = WorldMachine.TestCase
TestWorldMachine.settings = every_time(examples=12, steps=12)


@pytest.mark.deep
def test_at_random_for_long() -> None:
    by_night(WorldMachine, examples=150, steps=40)
