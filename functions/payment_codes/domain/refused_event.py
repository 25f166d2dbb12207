"""A signed event of a document that could not be taken: kept whole, until a person decides."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.stamp import NEW, Stamp

MAX_PAYLOAD: Final = 65_536
"""Most characters of an event that are kept."""
MAX_PROBLEMS: Final = 50


class RefusedState(StrEnum):
    """Whether it waits, was taken after all, or needs nothing any more."""

    WAITING = "waiting"
    TAKEN = "taken"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """One refused event.

    Shapes: ``event_id`` is the sender's own id; ``payload`` is the text that was signed;
    ``document`` is what it calls its document, if that can be read; ``problems`` are pointers and
    codes, never values.
    """

    id: str
    event_id: str
    payload: str
    document: str
    reason: str
    problems: tuple[tuple[str, str], ...]
    stated_at: datetime
    received_at: datetime
    state: RefusedState = RefusedState.WAITING
    note: str = ""
    stamp: Stamp = NEW

    @property
    def waits(self) -> bool:
        """Whether a person has still to decide."""
        return self.state is RefusedState.WAITING
