"""Machine 5 over the real handlers: window, addresses, reports and faults in any order."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.letters_machine import MailingMachine

TestMailingMachine = MailingMachine.TestCase
TestMailingMachine.settings = settings(
    max_examples=5,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.deep
def test_at_random_for_long() -> None:
    run_state_machine_as_test(
        MailingMachine,
        settings=settings(
            max_examples=150,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
