"""The minute sweep of a context: every row that is due gets its work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

LIMIT: Final = 200
"""Most rows of one sweep."""


class Waiting(Protocol):
    """A row that waits for its time."""

    @property
    def due_at(self) -> datetime:
        """Since when."""
        ...


Item = TypeVar("Item", bound=Waiting)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found; ``oldest_due`` is how many seconds a row waited past its time."""

    rows: int
    oldest_due: int = 0


def give_work(due: Sequence[Item], one: Callable[[Item], object], now: datetime) -> Swept:
    """Call ``one`` for every row. Raises: ExceptionGroup after all of them if some failed."""
    failures: list[Exception] = []
    for item in due:
        try:
            one(item)
        except Exception as error:
            # One bad row must not starve the others: it is told after them.
            failures.append(error)
    if failures:
        raise ExceptionGroup("some due rows could not be given work", failures)
    oldest = max((int((now - item.due_at).total_seconds()) for item in due), default=0)
    return Swept(len(due), oldest)
