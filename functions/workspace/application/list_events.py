"""The event log: what was published about a company's items, by all contexts."""

from dataclasses import dataclass

from kernel.events import Event
from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.ports import Page, SystemStore


@dataclass(frozen=True, slots=True)
class ListEvents:
    """Events of the last ninety days."""

    store: SystemStore

    def __call__(
        self, context: TenantContext, *, limit: int, after: Position | None
    ) -> Page[Event]:
        """Newest first."""
        return self.store.company(context).events(limit=limit, after=after)
