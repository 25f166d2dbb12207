"""The execution that waits for a task: how often it was started, how many tokens it has given.

The table is the truth and Step Functions only waits (reliability.md §7): whatever happens to an
execution, the task goes on with another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

CHECK_AGAIN: Final = timedelta(hours=1)
"""How often the execution of an open task is looked at when nothing else is due."""
SOON: Final = timedelta(minutes=2)


class Answer(StrEnum):
    """What the machine said about a token or an execution."""

    TAKEN = "taken"
    GONE = "gone"
    """Timed out, ended or never there: compared with our own record, never an error of a person."""
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Wait:
    """What is known of the executions of one task.

    Shapes: ``number`` counts executions (0: none was started), ``tokens`` the tokens stored;
    ``started_at`` is when the newest was counted, a moment before it is started.
    """

    task_id: str
    number: int
    tokens: int
    closed: bool
    done: bool
    started_at: datetime | None = None

    @property
    def execution(self) -> str:
        """Name of the newest execution: ``<approval>-<stage>-<round>-<k>`` (≤ 80 characters)."""
        return f"{self.task_id}-{self.number}"

    def is_starting(self, now: datetime) -> bool:
        """Whether somebody may be about to start the execution that is counted already."""
        return self.started_at is not None and now < self.started_at + SOON


def look_again(now: datetime, deadline: datetime | None) -> datetime:
    """When an open task is looked at again."""
    latest = now + CHECK_AGAIN
    return latest if deadline is None else max(now + SOON, min(latest, deadline))


@dataclass(frozen=True, slots=True)
class DueTask:
    """A task whose execution must be looked after, since when."""

    task_id: str
    tenant_id: str
    due_at: datetime
