"""Minute work over all tenants: jobs and matches whose work was lost get it again."""

from collections.abc import Callable
from typing import Final

from card_contracts.application.context import Scope
from card_contracts.ports import Due, DueWork
from kernel.clock import Clock
from kernel.sweeping import LIMIT, Swept, give_work

MATCH: Final = "card-match"


class Sweep:
    """At most 200 rows a run, oldest first."""

    def __init__(self, due_work: DueWork, clock: Clock, scope_of: Callable[[str], Scope]) -> None:
        self._due_work = due_work
        self._clock = clock
        self._scope_of = scope_of

    def __call__(self) -> Swept:
        now = self._clock.now()
        return give_work(self._due_work.due(now, LIMIT), self._one, now)

    def _one(self, item: Due) -> None:
        unit = self._scope_of(item.tenant_id).store.unit()
        name = "match_id" if item.kind == MATCH else "job_id"
        unit.enqueue("import", {name: item.id})
        unit.commit()
