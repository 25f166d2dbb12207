"""One call to a provider with its frozen lines: the unit of claim, effect and commit.

A submission (what a user starts) is cut into transmissions. The transmission id is the external
reference, the same for every attempt for ever; its content is frozen when the lines are bound
(reliability.md §2).
"""

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from kernel.errors import ConflictError
from kernel.stamp import NEW, Stamp
from pensions.domain.outcome import TransmissionKind


class TransmissionState(StrEnum):
    """Where a transmission stands."""

    BINDING = "binding"
    OPEN = "open"
    SENDING = "sending"
    RELEASING = "releasing"
    """Nothing of it is at the insurer and nothing will be sent: its lines are being given back."""
    UNKNOWN = "unknown"
    PARTIAL = "partial"
    DONE = "done"
    WITH_PERSON = "with_person"


_S = TransmissionState
_T = TypeVar("_T")
TRANSITIONS: Final[Mapping[TransmissionState, frozenset[TransmissionState]]] = {
    _S.BINDING: frozenset({_S.OPEN, _S.DONE}),
    _S.OPEN: frozenset({_S.SENDING, _S.OPEN, _S.RELEASING}),
    _S.SENDING: frozenset({_S.DONE, _S.PARTIAL, _S.UNKNOWN, _S.OPEN, _S.RELEASING, _S.WITH_PERSON}),
    _S.RELEASING: frozenset({_S.DONE}),
    _S.UNKNOWN: frozenset({_S.DONE, _S.PARTIAL, _S.OPEN, _S.UNKNOWN, _S.WITH_PERSON}),
    _S.PARTIAL: frozenset({_S.DONE, _S.PARTIAL, _S.WITH_PERSON}),
    # A person who resolved the incident has it asked about again. Never UNKNOWN: what a person once
    # owned is not sent a second time by itself.
    _S.WITH_PERSON: frozenset({_S.DONE, _S.WITH_PERSON, _S.PARTIAL}),
    _S.DONE: frozenset(),
}
FINAL: Final = frozenset({_S.DONE})
UNRESOLVED: Final = frozenset({_S.UNKNOWN, _S.PARTIAL, _S.WITH_PERSON})
CALLED: Final = UNRESOLVED | {_S.SENDING}
"""The insurer has it, or may have it; how it ended is not known yet."""

# Answers that come later are asked for at these distances, then daily; after 30 days a person
# looks.
POLL_STEPS: Final = (60, 120, 300, 900, 3_600, 21_600, 86_400)
_BACKOFF_BASE: Final = 30
_BACKOFF_CAP: Final = 6 * 3_600
GIVE_UP_AFTER: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class FrozenLine:
    """What one line says, as bound: the entity, its version then, and the exact content to send."""

    line_key: str
    entity_version: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Transmission:
    """Header of one transmission.

    Units: ``lease`` and ``due_at`` are instants. Shapes: ``planned`` are the entity ids chosen
    when binding began; ``lines`` (kept apart) are those that were really bound. ``release_as`` is
    the ending all lines get while RELEASING: ``held``, ``rejected`` or ``cancelled``.
    """

    id: str
    contract_id: str
    provider_code: str
    kind: TransmissionKind
    state: TransmissionState
    job_id: str
    planned: tuple[str, ...] = ()
    line_count: int = 0
    content_hash: str = ""
    attempt: str = ""
    attempts: int = 0
    lease: datetime | None = None
    due_at: datetime | None = None
    polls: int = 0
    sent_at: datetime | None = None
    reason: str = ""
    release_as: str = ""
    period: str = ""
    stamp: Stamp = NEW

    def moved(self, state: TransmissionState, **changes: object) -> "Transmission":
        """This transmission in another state; raises ConflictError for an unlisted step."""
        if state not in TRANSITIONS[self.state]:
            raise ConflictError(
                "transmission_transition",
                f"A transmission that is {self.state} cannot become {state}.",
            )
        return replace(self, state=state, **changes)  # type: ignore[arg-type]

    def next_poll(self, now: datetime) -> datetime | None:
        """When to ask again; None when asking has gone on for 30 days and a person must look."""
        if self.sent_at is not None and now - self.sent_at > GIVE_UP_AFTER:
            return None
        return now + timedelta(seconds=POLL_STEPS[min(self.polls, len(POLL_STEPS) - 1)])


def content_hash(lines: Sequence[FrozenLine]) -> str:
    """Hash of the frozen content: a resend must send exactly these bytes."""
    content = [[line.line_key, line.content] for line in lines]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def distinct_batches(
    items: Iterable[_T], size: int, same: Callable[[_T], Hashable]
) -> list[list[_T]]:
    """Cut items into as few batches as possible, none with two items the insurer cannot tell apart.

    ``same`` gives equal values for such items. Shapes: at most ``size`` items in a batch, in their
    order; the number of batches is ⌈items / size⌉, or more only when one value repeats more often
    than that. Without any repeat the batches are consecutive and full.
    """
    listed = list(items)
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for place, item in enumerate(listed):
        alike[same(item)].append(place)
    often = max(map(len, alike.values()), default=0)
    if often < 2:
        return [listed[start : start + size] for start in range(0, len(listed), size)]
    count = max(-(-len(listed) // size), often)
    # Dealt one by one with alike items in a row, each batch gets a share and none gets two alike.
    batches: list[list[int]] = [[] for _ in range(count)]
    dealt = (place for places in alike.values() for place in places)
    for number, place in enumerate(dealt):
        batches[number % count].append(place)
    return [[listed[place] for place in sorted(batch)] for batch in batches]


def backoff_seconds(transmission: Transmission) -> int:
    """How long to wait before the same content is sent again.

    Units: seconds, between five and min(6 h, 30 s · 2^attempts). The place in between is drawn from
    the id and the attempt, so that a returning insurer is not met by everybody at once and a test
    gives the same wait twice.
    """
    spread: int = min(_BACKOFF_CAP, _BACKOFF_BASE * 2 ** min(transmission.attempts, 12))
    drawn: int = zlib.crc32(f"{transmission.id}:{transmission.attempts}".encode())
    return 5 + drawn % (spread - 4)
