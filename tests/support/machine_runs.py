"""How stateful machines run: the same short runs every time, long random ones at night."""

from contextlib import ExitStack

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, aws_world, platform_of

_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]


class MachineInAWorld(RuleBasedStateMachine):
    """A machine whose every run has an account, a clock and plumbing of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.aws = self.stack.enter_context(aws_world())
        self.clock = FixedClock(START)
        ids = SequenceIds(at=START)
        self.platform = platform_of(self.aws, clock=self.clock, ids=ids)

    def teardown(self) -> None:
        self.stack.close()


def every_time(examples: int, steps: int) -> settings:
    """Short runs, always the same."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        suppress_health_check=_SLOW,
    )


def by_night(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Long runs at random. Raises: what the machine finds."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=_SLOW,
        ),
    )
