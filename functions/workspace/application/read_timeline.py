"""What happened to one item, in order, whichever context it belongs to (N1)."""

from dataclasses import dataclass

from kernel.errors import NotFoundError
from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.domain.subject import Subject
from workspace.ports import HistoryView, Page, SystemStore


@dataclass(frozen=True, slots=True)
class ReadTimeline:
    """Reads the shared history rows."""

    store: SystemStore

    def __call__(
        self, context: TenantContext, subject: Subject, *, limit: int, after: Position | None
    ) -> Page[HistoryView]:
        """Oldest first.

        Raises: NotFoundError for an item without history: unknown and foreign look the same.
        """
        page = self.store.shared(context).history(str(subject), limit=limit, after=after)
        if not page.items and after is None:
            raise NotFoundError("not_found", "There is no such item.")
        return page
