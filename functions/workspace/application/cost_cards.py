"""The cost card of a company and month, and those of all companies for the operator."""

from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.periods import Period
from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.domain.cost_card import CostCard, PriceList, card_of
from workspace.domain.tenant import Tenant
from workspace.ports import Page, SealDesk, SystemStore

ZONE: Final = "UTC"
"""Months of the card are those of the seals, which are made after midnight in UTC."""


@dataclass(frozen=True, slots=True)
class ReadCostCard:
    """Two seals of a company, and what lies between them."""

    desk: SealDesk
    price_list: PriceList
    clock: Clock

    def __call__(self, context: TenantContext, month: Period | None = None) -> CostCard:
        """The card of ``month``, the running one where none is named; it ends at the last seal."""
        period = month or Period.of(self.clock.today(ZONE))
        seals = self.desk.company(context)
        end = seals.last_complete(period.next().first_day)
        base = seals.last_complete(period.first_day) if end is not None else None
        return card_of(period, base, end, self.price_list)


@dataclass(frozen=True, slots=True)
class ListCostCards:
    """The cards of all companies for one month."""

    store: SystemStore
    read: ReadCostCard

    def __call__(
        self, actor: str, month: Period | None, *, limit: int, after: Position | None
    ) -> Page[tuple[Tenant, CostCard]]:
        """Oldest company first."""
        page = self.store.tenants(limit=limit, after=after)
        cards = tuple(
            (tenant, self.read(TenantContext(tenant.id, actor), month)) for tenant in page.items
        )
        return Page(cards, page.next)
