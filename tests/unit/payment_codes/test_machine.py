"""Machine 3 over the rules alone: a plain-dict book, thousands of steps in seconds."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.payment_plain_desk import PlainMachine

TestPlainMachine = PlainMachine.TestCase
TestPlainMachine.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.deep
def test_at_random_for_long() -> None:
    run_state_machine_as_test(
        PlainMachine,
        settings=settings(
            max_examples=3_000,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
