"""What an operator looks after: dead letters and rows that wait."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workspace.domain.dead_letter import DeadLetter
from workspace.domain.stuck_item import StuckItem


@dataclass(frozen=True, slots=True)
class WaitingLetters:
    """How many messages a dead-letter queue holds, as far as the queue service knows."""

    queue: str
    count: int


class DeadLetterDesk(Protocol):
    """The dead-letter queues of the stack, named like ``pensions-import``."""

    def waiting(self) -> Sequence[WaitingLetters]:
        """Every queue with its count, by name."""
        ...

    def require(self, queue: str) -> None:
        """Raises NotFoundError for an unknown queue."""
        ...

    def look(self, queue: str, most: int) -> Sequence[DeadLetter]:
        """At most ``most`` letters of a queue; they stay there. Raises NotFoundError."""
        ...

    def send_back(
        self,
        queue: str,
        wanted: Collection[str] | None,
        redrive_id: str,
        most: int,
        *,
        keep: bool = False,
    ) -> int:
        """Send letters of these ids, or all, back to where they came from; says how many went.

        With ``keep`` copies go and the letters stay. What no queue wants back stays.
        Raises NotFoundError.
        """
        ...


class DueRows(Protocol):
    """What waits for its time in any context: ids and times only."""

    def older_than(self, instant: datetime, most: int) -> Sequence[StuckItem]:
        """Rows whose time passed before ``instant``, at most ``most`` of each list."""
        ...
