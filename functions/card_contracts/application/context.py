"""What every use case of this context is built from: the tenant's store, time, ids, calendars."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from card_contracts.domain.calendars import OverrideTable
from card_contracts.domain.contract import CalendarName
from card_contracts.domain.plan import Plan
from card_contracts.ports import CardsStore, Conditions
from kernel.business_days import Calendar
from kernel.clock import Clock
from kernel.ids import IdSource
from kernel.money import Money

TRIES: Final = 4
ZONE: Final = "Europe/Istanbul"
"""Where "today" is for calendars and feeds."""
CalendarOf = Callable[[str], Calendar]


@dataclass(frozen=True, slots=True)
class Scope:
    """The world of one use case, for one tenant."""

    tenant_id: str
    store: CardsStore
    clock: Clock
    ids: IdSource
    calendar_of: CalendarOf

    def today(self) -> date:
        """The present business date."""
        return self.clock.today(ZONE)

    def calendar(self, name: CalendarName, overrides: OverrideTable | None = None) -> Calendar:
        """A calendar with the days the company changed; they are read when not given."""
        table = overrides if overrides is not None else self.store.overrides(name)
        return self.calendar_of(name.value).with_overrides(table.days)

    def plan(self, conditions: Conditions, sold_on: date, amount: Money, instalments: int) -> Plan:
        """The plan of a sale under the revision that counts for its day."""
        contract = conditions.deciding
        calendar = self.calendar(contract.calendar, conditions.overrides[contract.calendar])
        return contract.plan(sold_on, amount, instalments, calendar)
