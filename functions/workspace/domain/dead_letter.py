"""Dead letters: messages that failed for good, what sending them back would do, and who did it.

A message holds ids only, so sending it back starts the same work over the same item: the item's own
state decides what is left to do, and nothing happens twice (reliability.md Q8).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.errors import NotFoundError
from kernel.stamp import NEW, Stamp

KILLED: Final = "no_answer"
"""The error of a message whose worker never said one: it was killed or timed out."""
MOST_IN_ONE_REDRIVE: Final = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message in a dead-letter queue.

    Shapes: ``id`` is the message id; ``subject`` is ``<kind>:<id>`` or empty where the message
    names no item; ``facts`` are the ids and words it carries, never a value somebody typed;
    ``redrives`` counts how often it was sent back before; ``returns`` is False where no queue wants
    it back (the payload of a schedule); ``state`` is that of its item now, empty if unknown.
    """

    id: str
    queue: str
    error: str
    sent_at: datetime
    tenant_id: str = ""
    subject: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    redrives: int = 0
    returns: bool = True
    state: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetterGroup:
    """Dead letters of one queue that failed alike; ``ids`` are the oldest first."""

    queue: str
    error: str
    ids: tuple[str, ...]
    oldest_at: datetime
    returns: bool

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.ids)


def grouped(letters: Iterable[DeadLetter]) -> tuple[DeadLetterGroup, ...]:
    """Groups by queue and error: the largest first, then by name."""
    found: dict[tuple[str, str], list[DeadLetter]] = {}
    for letter in sorted(letters, key=lambda letter: (letter.sent_at, letter.id)):
        found.setdefault((letter.queue, letter.error), []).append(letter)
    groups = (
        DeadLetterGroup(
            queue,
            error,
            tuple(letter.id for letter in members),
            members[0].sent_at,
            any(letter.returns for letter in members),
        )
        for (queue, error), members in found.items()
    )
    return tuple(sorted(groups, key=lambda group: (-group.count, group.queue, group.error)))


class RedriveState(StrEnum):
    """``STARTED`` stays when the function that sent messages back died on the way."""

    STARTED = "started"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Redrive:
    """Messages sent back by somebody. Units: ``asked`` counts chosen ids, 0 for all of the queue;
    ``sent`` how many went back. Shapes: ``keep`` says that they also stayed where they were.
    """

    id: str
    queue: str
    asked: int
    actor: str
    keep: bool = False
    state: RedriveState = RedriveState.STARTED
    sent: int = 0
    stamp: Stamp = NEW


def finished(redrive: Redrive, sent: int) -> Redrive:
    """The redrive with its outcome."""
    return replace(redrive, state=RedriveState.DONE, sent=sent)


def unknown_queue() -> NotFoundError:
    """There is no queue of this name, or it holds no dead letters ever."""
    return NotFoundError("dead_letter_queue_unknown", "There is no such dead-letter queue.")
