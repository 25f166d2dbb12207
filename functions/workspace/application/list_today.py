"""The first page of the day: exceptions by age and money, deadlines, health of connections."""

from dataclasses import dataclass

from kernel.clock import Clock
from toolkit.auth import TenantContext
from workspace.domain.attention import Today, today_of
from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class ListToday:
    """Sorts what the contexts have raised."""

    store: SystemStore
    clock: Clock

    def __call__(self, context: TenantContext) -> Today:
        """See ``domain.attention.today_of``."""
        return today_of(self.store.company(context).attention(), self.clock.now())
