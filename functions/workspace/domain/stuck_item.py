"""Items whose time has passed although a sweep looks every minute: what stands still, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LATE: Final = timedelta(minutes=15)
"""As long as the alarm on due work waits (infra/observability.yaml)."""


@dataclass(frozen=True, slots=True)
class StuckItem:
    """One row that nobody takes.

    Shapes: ``kind`` and ``id`` are those of its key, ``tenant_id`` is empty for a row of the
    system; ``since`` is when it should have been dealt with: its due time, or for what leaves
    through the outbox when it was written.
    """

    context: str
    kind: str
    id: str
    tenant_id: str
    since: datetime

    def late_seconds(self, now: datetime) -> int:
        """How late it is."""
        return max(0, int((now - self.since).total_seconds()))


def by_context(items: Iterable[StuckItem]) -> dict[str, list[StuckItem]]:
    """Items by context, oldest first."""
    found: dict[str, list[StuckItem]] = {}
    for item in sorted(items, key=lambda item: (item.context, item.since, item.id)):
        found.setdefault(item.context, []).append(item)
    return found
