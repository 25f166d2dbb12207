"""Where a process stands, how it came there, and what its next step waits for (WFL-03)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from workflow.application.process_context import BUSINESS_ZONE, ProcessScope, opened
from workflow.domain.processes.definition import Definition, Step, Timer
from workflow.domain.processes.engine import look_at_step
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import Instance, Status
from workflow.domain.processes.judging import Obstacle
from workflow.domain.processes.timers import waiting_timers


@dataclass(frozen=True)
class Shown:
    """A process with everything a reader asks.

    Shapes: ``missing`` is what stands in the way of the present step apart from what its form asks
    for; ``timers`` are the moments that wait, in order.
    """

    head: Head
    definition: Definition
    instance: Instance
    step: Step | None
    missing: Sequence[Obstacle]
    timers: Sequence[tuple[datetime, Timer]]


class ShowProcess:
    """Read a process as it is now. Raises: NotFoundError."""

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(self, process_id: str) -> Shown:
        found = opened(self._scope, process_id)
        now = found.instance
        step = found.definition.steps[now.step] if now.step else None
        missing: Sequence[Obstacle] = ()
        if step is not None and now.status is Status.RUNNING:
            looked = look_at_step(found.definition, step, now.data, {}, found.judge)
            missing = [obstacle for obstacle in looked.obstacles if not obstacle.given]
        calendar = self._scope.rules.calendar
        timers = waiting_timers(found.definition, now, calendar, BUSINESS_ZONE)
        return Shown(found.head, found.definition, now, step, missing, timers)
