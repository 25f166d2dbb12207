"""Put decisions into the archive that nobody can change, then let the hot store forget them.

A decision is written once with the note that it is not archived yet. The archive takes each object
once, so a run that dies between the two steps repeats the first without effect. Only what is in
the archive ever gets a day on which the hot store forgets it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from kernel.clock import Clock
from kernel.sweeping import LIMIT, Swept, give_work
from workflow.ports import DecisionArchive, DueDecision, DueDecisions, RulesStore

HOT: Final = timedelta(days=400)
"""How long decisions are listed, replayed and tried again: a year and a month to close it."""


class ArchiveDecisions:
    """Decisions that are not in the archive yet, oldest first, at most 200 a run.

    Raises: ExceptionGroup after all of them if some failed; they come again.
    """

    def __init__(
        self,
        due: DueDecisions,
        archive: DecisionArchive,
        clock: Clock,
        store_of: Callable[[str], RulesStore],
    ) -> None:
        self._due = due
        self._archive = archive
        self._clock = clock
        self._store_of = store_of

    def __call__(self) -> Swept:
        """Archive what waits."""
        now = self._clock.now()
        return give_work(self._due.take(now, LIMIT), self._one, now)

    def _one(self, item: DueDecision) -> None:
        store = self._store_of(item.tenant_id)
        record = store.decision(item.id)
        self._archive.keep(item.tenant_id, record)
        store.archived(record.id, record.decided_at + HOT)
