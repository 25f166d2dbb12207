"""Minute sweep: what is due, dead or forgotten gets its message again; the recovery from a lost
queue.
"""

from collections.abc import Callable
from typing import Final

from kernel.clock import Clock
from pensions.application.context import Scope
from pensions.application.jobs import close_if_complete
from pensions.application.prepare_submission import Binder
from pensions.domain.transmission import TransmissionState
from pensions.ports import Due, DueWork

LIMIT: Final = 200
_QUEUE_OF: Final = {
    "employees_import": "import",
    "contributions_import": "import",
    "status_refresh": "refresh",
}


class Sweep:
    """Over all tenants, at most 200 rows a run, oldest first."""

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> int:
        """Number of rows that were given work."""
        due = self._due_work.due(self._clock.now(), LIMIT)
        failures: list[Exception] = []
        for item in due:
            scope = self._scope_of(item.tenant_id)
            try:
                if item.kind == "transmission":
                    self._transmission(scope, item)
                elif item.kind == "job":
                    self._job(scope, item)
            except Exception as error:
                # One bad row must not starve the others: it is told after them.
                failures.append(error)
        if failures:
            raise ExceptionGroup("some due rows could not be given work", failures)
        return len(due)

    def _transmission(self, scope: Scope, item: Due) -> None:
        transmission = scope.store.transmission(item.id)
        if transmission is None:
            return
        if transmission.state is TransmissionState.BINDING:
            Binder(scope).finish(transmission.id)
            return
        unit = scope.store.unit()
        unit.enqueue(f"send:{transmission.provider_code}", {"transmission_id": transmission.id})
        unit.commit()

    def _job(self, scope: Scope, item: Due) -> None:
        job = scope.store.job(item.id)
        if job is None:
            return
        queue = _QUEUE_OF.get(job.kind, "prepare")
        if queue != "prepare" or not job.prepared:
            unit = scope.store.unit()
            unit.enqueue(queue, {"job_id": job.id, "contract_id": str(job.private["contract_id"])})
            unit.commit()
        else:
            close_if_complete(scope, job.id)
