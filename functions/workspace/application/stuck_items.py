"""What stands still in any context, for the operator."""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.clock import Clock
from workspace.domain.stuck_item import LATE, StuckItem
from workspace.ports import DueRows

MOST_A_LIST = 50


@dataclass(frozen=True, slots=True)
class ListStuckItems:
    """Rows that are due for more than a quarter of an hour, in every context."""

    due: DueRows
    clock: Clock

    def __call__(self) -> Sequence[StuckItem]:
        """Oldest first; at most 50 of each list of each context."""
        found = self.due.older_than(self.clock.now() - LATE, MOST_A_LIST)
        return sorted(found, key=lambda item: (item.since, item.context, item.id))
