"""Machine 3 over the rules alone: a plain-dict book, thousands of steps in seconds."""

import pytest

from tests.support.machine_runs import by_night, every_time
from tests.support.payment_plain_desk import PlainMachine

TestPlainMachine = PlainMachine.TestCase
TestPlainMachine.settings = every_time(examples=150, steps=30)


@pytest.mark.deep
def test_at_random_for_long() -> None:
    by_night(PlainMachine, examples=3_000, steps=50)
