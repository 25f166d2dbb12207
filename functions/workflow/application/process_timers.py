"""Let the timers of processes go off, and find those whose time has come."""

from collections.abc import Callable

from kernel.clock import Clock
from kernel.sweeping import LIMIT, Swept, give_work
from workflow.application.correct_process import withdraw_request
from workflow.application.process_context import BUSINESS_ZONE, ProcessScope, opened
from workflow.domain.processes.definition import TimerKind
from workflow.domain.processes.engine import fire
from workflow.domain.processes.timers import waiting_timers
from workflow.ports import DueWork, Waiting


class FireTimers:
    """Everything of one process whose time has come, in order, in one write.

    A reminder and an escalation cancel nothing; an expiry ends the process and nothing after it
    goes off. Done twice it does nothing the second time: what went off is part of the history.
    """

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(self, process_id: str) -> int:
        """How many timers went off. Raises: NotFoundError; WriteRefusedError."""
        found = opened(self._scope, process_id)
        waiting = waiting_timers(
            found.definition, found.instance, self._scope.rules.calendar, BUSINESS_ZONE
        )
        fired = 0
        for due, timer in waiting:
            if due > self._scope.now:
                break
            fire(found.definition, found.instance, timer, due, found.journal)
            fired += 1
            if timer.kind is TimerKind.EXPIRY:
                withdraw_request(found, timer.text["tr"])
                break
        if fired:
            found.save("process.timers_fired")
            found.unit.commit()
        return fired


class Sweep:
    """The minute sweep: at most 200 rows, oldest first; what is due gets its message."""

    def __init__(
        self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], ProcessScope]
    ) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Swept:
        now = self._clock.now()
        return give_work(self._due_work.due(now, LIMIT), self._one, now)

    def _one(self, item: Waiting) -> None:
        unit = self._scope_of(item.tenant_id).store.unit()
        unit.enqueue({f"{item.kind}_id": item.id})
        unit.commit()
