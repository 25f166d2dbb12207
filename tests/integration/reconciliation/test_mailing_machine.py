"""Machine 5 over the real handlers: window, addresses, reports and faults in any order."""

import pytest

from tests.support.letters_machine import MailingMachine
from tests.support.machine_runs import by_night, every_time

TestMailingMachine = MailingMachine.TestCase
TestMailingMachine.settings = every_time(examples=5, steps=12)


@pytest.mark.deep
def test_at_random_for_long() -> None:
    by_night(MailingMachine, examples=150, steps=30)
