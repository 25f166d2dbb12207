"""Minute sweep: what is due, dead or forgotten gets its message again; the recovery from a lost
queue.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.clock import Clock
from kernel.sweeping import LIMIT, give_work
from pensions.application.context import Scope
from pensions.application.jobs import close_if_complete
from pensions.application.prepare_submission import Binder
from pensions.application.submissions import STATUS_REFRESH
from pensions.domain.transmission import TransmissionState
from pensions.ports import Due, DueWork

_QUEUE_OF: Final = {
    "employees_import": "import",
    "contributions_import": "import",
    STATUS_REFRESH: "refresh",
}


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found.

    Units: ``oldest_due`` is how many seconds the oldest row waited past its time,
    ``oldest_unknown`` how many seconds ago the oldest transmission was sent whose outcome is not
    known.
    """

    rows: int
    oldest_due: int = 0
    oldest_unknown: int = 0


class Sweep:
    """Over all tenants, at most 200 rows a run, oldest first."""

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Swept:
        """Give due rows their work; the ages feed the alarms on forgotten work."""
        now = self._clock.now()
        unknown = 0

        def one(item: Due) -> None:
            nonlocal unknown
            scope = self._scope_of(item.tenant_id)
            if item.kind == "transmission":
                unknown = max(unknown, self._transmission(scope, item, now))
            elif item.kind == "job":
                self._job(scope, item)

        swept = give_work(self._due_work.due(now, LIMIT), one, now)
        return Swept(swept.rows, swept.oldest_due, unknown)

    def _transmission(self, scope: Scope, item: Due, now: datetime) -> int:
        """Give one transmission its work; seconds since it was sent if its outcome is unknown."""
        transmission = scope.store.transmission(item.id)
        if transmission is None:
            return 0
        if transmission.state is TransmissionState.BINDING:
            Binder(scope).finish(transmission.id)
            return 0
        unit = scope.store.unit()
        unit.enqueue(f"send:{transmission.provider_code}", {"transmission_id": transmission.id})
        unit.commit()
        waiting = transmission.state is TransmissionState.UNKNOWN and transmission.sent_at
        return int((now - waiting).total_seconds()) if waiting else 0

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
