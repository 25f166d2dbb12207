"""What a list knows of a process without reading its events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.stamp import NEW, Stamp
from workflow.domain.processes.instance import OPEN, Status


@dataclass(frozen=True, slots=True)
class Head:
    """A process in short, derived from its events and written with them.

    Shapes: ``definition_id`` is the version it started with and keeps; ``subject`` is
    ``<kind>:<reference>``; ``cause`` the proposal it came from. Units: ``late_at`` is the moment
    from which the present step is late, ``due_at`` that of its next timer.
    """

    id: str
    definition_key: str
    definition_id: str
    subject: str
    status: Status
    step: str
    step_since: datetime | None
    round: int
    started_at: datetime
    events: int
    late_at: datetime | None = None
    due_at: datetime | None = None
    cause: str = ""
    stamp: Stamp = NEW

    @property
    def is_open(self) -> bool:
        """Whether it still runs."""
        return self.status in OPEN

    def is_late(self, now: datetime) -> bool:
        """Whether the present step took longer than it may."""
        return self.late_at is not None and now >= self.late_at
