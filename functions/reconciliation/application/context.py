"""What every use case of this context is built from: the tenant's store, time, ids, calendar."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from kernel.business_days import Calendar
from kernel.clock import Clock
from kernel.ids import IdSource
from reconciliation.ports import ReconciliationStore

TRIES: Final = 4
ZONE: Final = "Europe/Istanbul"
"""Where a month begins."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The world of one use case, for one tenant."""

    tenant_id: str
    store: ReconciliationStore
    clock: Clock
    ids: IdSource
    calendar: Callable[[], Calendar]

    def today(self) -> date:
        """The present date."""
        return self.clock.today(ZONE)
