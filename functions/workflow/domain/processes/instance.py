"""One running process: the sum of its events, which are never changed and never removed.

The state is derived: the same events give the same instance, whenever and wherever they are read.
A correction names the event it corrects; what that event produced counts as if it had been right
from the start, and both stay visible.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What can happen to a process."""

    STARTED = "started"
    STEP_STARTED = "step_started"
    STEP_COMPLETED = "step_completed"
    APPROVAL_REQUESTED = "approval_requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    CORRECTED = "corrected"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    COMPENSATED = "compensated"
    FINISHED = "finished"


PRODUCING = frozenset({EventKind.STARTED, EventKind.STEP_COMPLETED})
"""Events whose outputs are facts of the process, and which can be corrected."""


class Status(StrEnum):
    """Where a process stands as a whole."""

    RUNNING = "running"
    WAITING_APPROVAL = "waiting_approval"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN = frozenset({Status.RUNNING, Status.WAITING_APPROVAL})


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history.

    Shapes: ``inputs`` is what was given with a command, ``inputs_hash`` SHA-256 over its canonical
    JSON; ``outputs`` are the facts that came of it; ``causation_id`` is the event (or the proposal)
    that led here; ``corrects`` the event that this one corrects or undoes; ``decisions`` are ids of
    kept decisions; ``detail`` are codes and ids.
    """

    id: str
    seq: int
    kind: EventKind
    step: str
    at: datetime
    actor: str
    on_behalf_of: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    inputs_hash: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    causation_id: str = ""
    corrects: str = ""
    reason: str = ""
    decisions: tuple[str, ...] = ()
    round: int = 1
    detail: Mapping[str, Any] = field(default_factory=dict)


def hash_of(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of inputs."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Instance:
    """A process as its events say.

    Shapes: ``data`` are all facts with corrections applied; ``step`` is the step that is being
    worked on or waits for its approval, "" when there is none; ``fired`` are the timers of this
    step and round that went off.
    """

    status: Status
    step: str
    step_since: datetime | None
    round: int
    data: Mapping[str, Any]
    fired: frozenset[str]
    events: tuple[Event, ...]

    @property
    def is_open(self) -> bool:
        """Whether something can still happen by itself."""
        return self.status in OPEN

    @property
    def last(self) -> Event:
        """The newest event."""
        return self.events[-1]

    def event(self, event_id: str) -> Event | None:
        """An event by its id."""
        return next((event for event in self.events if event.id == event_id), None)

    def completed(self) -> list[Event]:
        """Completions that count: of each step the latest one, in their order."""
        latest: dict[str, Event] = {}
        for event in self.events:
            if event.kind is EventKind.STEP_COMPLETED:
                latest.pop(event.step, None)
                latest[event.step] = event
        return list(latest.values())

    def outputs_of(self, event: Event) -> dict[str, Any]:
        """What an event produced, as corrected since."""
        return _corrected(event, self.events)

    def inputs_of(self, event: Event) -> dict[str, Any]:
        """What was given with an event, as corrected since."""
        given = dict(event.inputs)
        for other in _corrections(event, self.events):
            given.update(other.inputs)
        return given

    def data_before(self, event: Event) -> dict[str, Any]:
        """Facts as they stood, corrected, when an event happened."""
        return _facts(self.events, event.seq)


def fold(events: Iterable[Event]) -> Instance:
    """The instance that these events make; they come in their order."""
    ordered = tuple(events)
    status, step, since, fired, turn = Status.RUNNING, "", None, set[str](), 1
    for event in ordered:
        match event.kind:
            case EventKind.STEP_STARTED:
                status, step, since, turn = Status.RUNNING, event.step, event.at, event.round
                fired = set()
            case EventKind.APPROVAL_REQUESTED:
                status = Status.WAITING_APPROVAL
            case EventKind.APPROVED | EventKind.REJECTED:
                status = Status.RUNNING
            case EventKind.REMINDED | EventKind.ESCALATED:
                fired.add(str(event.detail["timer"]))
            case EventKind.EXPIRED:
                status = Status.EXPIRED
            case EventKind.CANCELLED:
                status = Status.CANCELLED
            case EventKind.FINISHED:
                status = Status.FINISHED
            case _:
                pass
    if status not in OPEN:
        step = ""
    data = _facts(ordered, len(ordered) + 1)
    return Instance(status, step, since, turn, data, frozenset(fired), ordered)


def _facts(events: Sequence[Event], before: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for event in events:
        if event.kind in PRODUCING and event.seq < before:
            data.update(_corrected(event, events))
    return data


def _corrected(event: Event, events: Sequence[Event]) -> dict[str, Any]:
    outputs = dict(event.outputs)
    for other in _corrections(event, events):
        outputs.update(other.outputs)
    return outputs


def _corrections(event: Event, events: Sequence[Event]) -> list[Event]:
    kind = EventKind.CORRECTED
    return [other for other in events if other.kind is kind and other.corrects == event.id]


# ---------------------------------------------------------------------------- timeline


def causes(events: Sequence[Event], event_id: str) -> list[Event]:
    """What led to an event, nearest cause first: the timeline backward."""
    by_id = {event.id: event for event in events}
    found: list[Event] = []
    current = by_id.get(event_id)
    while current is not None and (cause := by_id.get(current.causation_id)) is not None:
        if cause in found:
            break
        found.append(cause)
        current = cause
    return found


def effects(events: Sequence[Event], event_id: str) -> list[Event]:
    """Everything that an event led to, in order: the timeline forward."""
    reached = {event_id}
    found: list[Event] = []
    for event in events:
        if event.causation_id in reached and event.id not in reached:
            reached.add(event.id)
            found.append(event)
    return found
