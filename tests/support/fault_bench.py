"""A world that is put back to its start for every schedule of faults (reliability.md §10).

A schedule is (use case, mode, n): the actor meets a fault of the mode at its attempt ``n`` to
reach anything outside itself; then the faults stop, what was not acknowledged comes again, a plain
duplicate comes, and the minute schedules run. What must hold then is the test's ``check``.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, Protocol, Self, TypeVar

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.faults import SWITCHBOARD, Faults, Killed

# Longer than any lease and any visibility time-out of a queue of the template.
ROUND = timedelta(seconds=200)
DELIVERIES = 8


class World(Protocol):
    """What a context's world offers to the bench."""

    aws: AwsWorld

    def minute(self) -> object:
        """Run the schedules of one minute and what they put into queues."""


WorldT = TypeVar("WorldT", bound=World)


@dataclass
class FaultBench(Generic[WorldT]):
    """One world, its start, and the minutes that pass after the last delivery."""

    world: WorldT
    clock: FixedClock
    minutes: int = 4
    start: tuple[Any, ...] = ()

    def remember(self) -> None:
        """From here on every schedule begins like this."""
        self.start = (self.world.aws.tables(), self.clock.now())

    def restore(self) -> None:
        """Put everything back."""
        tables, now, *_ = self.start
        self.world.aws.restore(tables)
        self.clock.set(now)

    @contextlib.contextmanager
    def kept(self) -> Iterator[Self]:
        """From its start; what one test prepares and remembers is no start for the next."""
        start = self.start
        self.restore()
        yield self
        self.start = start

    def try_all(self, act: Callable[[], bool], check: Callable[[], None], mode: str) -> int:
        """Every attempt number of one use case in one mode; gives how many there were.

        ``act`` says whether the caller would count it as done (acknowledged message, 2xx).
        """

        def deliver() -> bool:
            with SWITCHBOARD.actor():
                try:
                    return act()
                except Killed:
                    return False

        def race() -> None:
            with contextlib.suppress(Exception):
                deliver()

        number = 0
        while True:
            number += 1
            self.restore()
            faults = Faults(number, mode, race=race)
            SWITCHBOARD.faults = faults
            done = deliver()
            SWITCHBOARD.faults = None
            if not faults.fired:
                assert done
                return number - 1
            for _ in range(DELIVERIES):
                if done:
                    break
                self.clock.advance(ROUND)
                done = deliver()
            assert done, f"never acknowledged: {faults}"
            act()  # a plain duplicate
            for _ in range(self.minutes):
                self.clock.advance(ROUND)
                self.world.minute()
            try:
                check()
            except AssertionError as error:
                raise AssertionError(f"{error}\n{faults}") from error


@dataclass
class StoringBench(FaultBench[WorldT]):
    """The bench for use cases that write objects: the buckets are put back as well."""

    objects: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)

    def remember(self) -> None:
        """From here on every schedule begins like this, objects too."""
        super().remember()
        self.objects = {bucket.name: dict(dict.items(bucket.keys)) for bucket in buckets()}

    def restore(self) -> None:
        """Put everything back."""
        super().restore()
        for bucket in buckets():
            dict.clear(bucket.keys)
            dict.update(bucket.keys, self.objects.get(bucket.name, {}))


def buckets() -> Iterator[Any]:
    """Every bucket as the emulation holds it."""
    from moto.s3.models import s3_backends

    for account in s3_backends.values():
        for backend in account.values():
            yield from backend.buckets.values()
