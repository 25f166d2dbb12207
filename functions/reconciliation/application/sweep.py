"""Minute work over all tenants: jobs whose message was lost get it again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from reconciliation.application.context import Scope
from reconciliation.ports import Due, DueWork

LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found; ``oldest_due`` is how many seconds a row waited past its time."""

    rows: int
    oldest_due: int = 0


class Sweep:
    """At most 200 rows a run, oldest first."""

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Swept:
        now = self._clock.now()
        due = self._due_work.due(now, LIMIT)
        failures: list[Exception] = []
        for item in due:
            try:
                self._one(item)
            except Exception as error:
                # One bad row must not starve the others: it is told after them.
                failures.append(error)
        if failures:
            raise ExceptionGroup("some due rows could not be given work", failures)
        oldest = max((int((now - item.due_at).total_seconds()) for item in due), default=0)
        return Swept(len(due), oldest)

    def _one(self, item: Due) -> None:
        unit = self._scope_of(item.tenant_id).store.unit()
        unit.enqueue("import", {"job_id": item.id})
        unit.commit()
