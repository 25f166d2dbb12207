"""Machine 2 over the real handlers: approvals in any order, with faults at any call."""

import pytest

from tests.support.approval_machine import ApprovalMachine
from tests.support.machine_runs import by_night, every_time

TestApprovalMachine = ApprovalMachine.TestCase
TestApprovalMachine.settings = every_time(examples=4, steps=14)


@pytest.mark.deep
def test_at_random_for_long() -> None:
    by_night(ApprovalMachine, examples=150, steps=30)
