"""Dead letters for the operator: what failed for good, what a redrive would do, and doing it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from kernel.errors import NotFoundError, Problem
from kernel.ids import IdSource
from toolkit.auth import TenantContext
from workspace.domain.dead_letter import (
    MOST_IN_ONE_REDRIVE,
    DeadLetter,
    DeadLetterGroup,
    Redrive,
    finished,
    grouped,
)
from workspace.domain.problems import invalid
from workspace.ports import DeadLetterDesk, Page, SystemStore

MOST_SHOWN = 200
_ACTOR = "system:operator"


@dataclass(frozen=True, slots=True)
class ListDeadLetters:
    """Dead letters of all queues, or of one, by queue and error."""

    desk: DeadLetterDesk

    def __call__(self, queue: str = "") -> tuple[DeadLetterGroup, ...]:
        """Groups of at most 200 letters a queue. Raises: NotFoundError for an unknown queue."""
        queues = [queue] if queue else [each.queue for each in self.desk.waiting() if each.count]
        letters = [each for name in queues for each in self.desk.look(name, MOST_SHOWN)]
        return grouped(letters)


@dataclass(frozen=True, slots=True)
class ReadDeadLetters:
    """The letters of one queue with the states of their items: what a redrive would meet."""

    desk: DeadLetterDesk
    store: SystemStore

    def __call__(self, queue: str, ids: Collection[str] | None = None) -> Sequence[DeadLetter]:
        """Oldest first, at most 200; with ``ids`` only those. Raises: NotFoundError."""
        found = [
            letter
            for letter in self.desk.look(queue, MOST_SHOWN if ids is None else MOST_IN_ONE_REDRIVE)
            if ids is None or letter.id in ids
        ]
        return [self._with_state(letter) for letter in sorted(found, key=_age)]

    def _with_state(self, letter: DeadLetter) -> DeadLetter:
        if not letter.subject or not letter.tenant_id:
            return letter
        # The message says whose it is; for showing a state that is enough, a worker asks the row.
        shared = self.store.shared(TenantContext(letter.tenant_id, _ACTOR))
        return replace(letter, state=shared.state_of(letter.subject))


@dataclass(frozen=True, slots=True)
class FindDeadLetter:
    """One letter, wherever it lies."""

    desk: DeadLetterDesk
    read: ReadDeadLetters

    def __call__(self, message_id: str) -> DeadLetter:
        """Raises: NotFoundError."""
        for each in self.desk.waiting():
            if each.count:
                for letter in self.read(each.queue, [message_id]):
                    return letter
        raise NotFoundError("not_found", "There is no such item.")


@dataclass(frozen=True, slots=True)
class RedriveDeadLetters:
    """Sends letters back to the queue they came from, under a record of who did it.

    A letter is sent before it is taken away, so a death in between leaves it in both places; the
    work over its item happens once all the same.
    """

    desk: DeadLetterDesk
    store: SystemStore
    ids: IdSource

    def __call__(
        self, queue: str, wanted: Collection[str] | None, *, actor: str, keep: bool = False
    ) -> Redrive:
        """Send back the letters of ``wanted``, or all of the queue, at most 500 a call.

        With ``keep`` they also stay, to be looked at after the second try.
        Raises: NotFoundError for an unknown queue; ValidationError for too many or no ids.
        """
        if wanted is not None and not 1 <= len(set(wanted)) <= MOST_IN_ONE_REDRIVE:
            problem = Problem("/ids", "ids_count", "Choose 1 to 500 messages.")
            raise invalid(problem)
        self.desk.require(queue)
        started = self._start(queue, wanted, actor, keep=keep)
        sent = self.desk.send_back(queue, wanted, started.id, MOST_IN_ONE_REDRIVE, keep=keep)
        unit = self.store.unit(actor)
        after = unit.save_redrive(started, finished(started, sent), "dead_letters.redriven")
        unit.commit()
        return after

    def _start(
        self, queue: str, wanted: Collection[str] | None, actor: str, *, keep: bool
    ) -> Redrive:
        unit = self.store.unit(actor)
        asked = 0 if wanted is None else len(set(wanted))
        redrive = unit.add_redrive(Redrive(self.ids.new(), queue, asked, actor, keep))
        unit.commit()
        return redrive


@dataclass(frozen=True, slots=True)
class ListRedrives:
    """Who sent what back, newest first."""

    store: SystemStore

    def __call__(self, limit: int) -> Page[Redrive]:
        return self.store.redrives(limit=limit)


def _age(letter: DeadLetter) -> tuple[str, str]:
    return letter.sent_at.isoformat(), letter.id
