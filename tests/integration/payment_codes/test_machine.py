"""Machine 3 over the real handlers, moto and the simulated network, with faults at any call."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.payment_world_desk import WorldMachine, machine_world


@pytest.fixture(scope="module", autouse=True)
def _world() -> Iterator[None]:
    with machine_world():
        yield


TestWorldMachine = WorldMachine.TestCase
TestWorldMachine.settings = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.deep
def test_at_random_for_long() -> None:
    run_state_machine_as_test(
        WorldMachine,
        settings=settings(
            max_examples=150,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
