"""One event on its way to one target, and the lane that keeps the order per subject.

A *lane* holds everything that waits for one target about one subject, sorted by event id, which is
the order of publication. Only the first of a lane is ever sent, and the next one follows when the
first arrived or was given up. So a target hears about one subject in the order of publication of
everything that had reached the log when it was sent; an event that the bus brings late may come
after a newer one, and ``timestamp`` says so. Between subjects there is no order.

An attempt whose answer was lost is repeated under the same ``webhook-id``: receivers know a
duplicate by it, so there is no UNKNOWN here as there is with insurers.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from kernel.events import Event
from kernel.ids import derived_id
from kernel.parsing import format_instant
from kernel.stamp import NEW, Stamp

MAX_TRIES: Final = 10
WAITS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Waits between the ten tries: about 75 hours altogether."""
JITTER_PERCENT: Final = 20
LONGEST_WAIT: Final = timedelta(hours=24)
"""A receiver may ask for more patience, not for more than this."""
MAX_BODY: Final = 20_000
"""Bytes of a notification."""
MAX_EXCERPT: Final = 1_024
"""Characters kept of an answer."""
MAX_WAITING: Final = 2_000
"""Deliveries that may wait in one lane: the row stays far below the 400 KB of the store."""
LEASE_MARGIN: Final = timedelta(seconds=5)
_WITHHELD: Final = frozenset({"note", "reason"})
"""Free text of people does not leave by webhook."""


class Cause(StrEnum):
    """Why a delivery was made."""

    EVENT = "event"
    RESEND = "resend"
    RECOVERY = "recovery"
    TEST = "test"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


class AnswerKind(StrEnum):
    """What an answer means for the delivery."""

    TAKEN = "taken"
    GONE = "gone"
    NOT_TAKEN = "not_taken"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said, already understood.

    Units: ``retry_after`` in seconds. Shapes: ``status`` is None when there was no answer;
    ``excerpt`` is the beginning of the body, numbers of people masked.
    """

    kind: AnswerKind
    code: str
    status: int | None = None
    excerpt: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when, what came back."""

    at: str
    code: str
    status: int | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one target.

    Units: ``next_at`` is the instant of the next try, as far as it is known now: one that waits
    behind another has none. Shapes: ``tries`` counts claims, ``attempts`` what came of them.
    """

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    subject: str
    cause: Cause = Cause.EVENT
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()
    next_at: datetime | None = None
    code: str = ""
    stamp: Stamp = NEW

    @property
    def is_final(self) -> bool:
        """Whether nothing will be tried any more."""
        return self.state in (DeliveryState.DELIVERED, DeliveryState.FAILED)


@dataclass(frozen=True, slots=True)
class Lane:
    """What waits for one target about one subject.

    Shapes: ``waiting`` are (event id, delivery id) in order; ``attempt_id`` names whoever sends the
    first of them until ``lease_until``; ``next_at`` is when the lane wants to be looked at.
    """

    id: str
    endpoint_id: str
    subject: str
    waiting: tuple[tuple[str, str], ...] = ()
    attempt_id: str = ""
    lease_until: datetime | None = None
    next_at: datetime | None = None
    version: int = 0

    def is_leased(self, now: datetime) -> bool:
        """Whether somebody alive may be sending."""
        return self.lease_until is not None and now < self.lease_until


@dataclass(frozen=True, slots=True)
class SentMark:
    """What is known of one event at one target: its latest delivery, and whether one arrived."""

    event_id: str
    delivery_id: str
    delivered: bool


@dataclass(frozen=True, slots=True)
class Recovery:
    """A job that sends again what a target has not confirmed.

    Shapes: ``after`` is the last event looked at, ``until`` the last one to look at; both are ids.
    """

    job_id: str
    endpoint_id: str
    after: str
    until: str
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """Something of the webhooks whose time has come: ``kind`` is ``lane`` or ``recovery``."""

    kind: str
    tenant_id: str
    id: str


def lane_id(endpoint_id: str, subject: str) -> str:
    """Id of the lane of a subject at a target; it does not show the subject."""
    return derived_id(f"lane/{endpoint_id}/{subject}")


def joined(lane: Lane, delivery: Delivery, now: datetime) -> Lane:
    """The lane with one more delivery, at its place in the order of publication."""
    waiting = sorted({*lane.waiting, (delivery.event_id, delivery.id)})
    return replace(lane, waiting=tuple(waiting), next_at=lane.next_at or now)


def claimed_lane(lane: Lane, attempt_id: str, lease_until: datetime) -> Lane:
    """The lane in the hands of one attempt."""
    return replace(lane, attempt_id=attempt_id, lease_until=lease_until, next_at=lease_until)


def released_lane(lane: Lane, delivery: Delivery, now: datetime) -> Lane:
    """The lane after an attempt on ``delivery``: without it when it is final."""
    waiting = lane.waiting
    if delivery.is_final:
        waiting = tuple(entry for entry in waiting if entry[1] != delivery.id)
    # Somebody earlier may have come to the front meanwhile: he need not wait for this one's time.
    first = bool(waiting) and waiting[0][1] == delivery.id
    next_at = (delivery.next_at if first else now) if waiting else None
    return replace(lane, waiting=waiting, attempt_id="", lease_until=None, next_at=next_at)


def parked_lane(lane: Lane) -> Lane:
    """The lane of a target that is switched off: nothing is due."""
    return replace(lane, attempt_id="", lease_until=None, next_at=None)


def woken_lane(lane: Lane, now: datetime) -> Lane:
    """The lane whose first is to be tried now, whenever its time would have been."""
    return replace(lane, next_at=now)


def claimed(delivery: Delivery, at: datetime) -> Delivery:
    """The delivery being tried once more; a try whose sender died is noted as lost."""
    attempts = delivery.attempts
    if delivery.state is DeliveryState.SENDING:
        attempts = (*attempts, Attempt(format_instant(at), "attempt_lost"))
    return replace(
        delivery,
        state=DeliveryState.SENDING,
        tries=delivery.tries + 1,
        attempts=attempts,
        next_at=None,
        code="",
    )


def wait_after(tries: int, identity: str, retry_after: int | None = None) -> timedelta:
    """How long to wait after the ``tries``-th try of a delivery.

    The jitter follows from the delivery's id, so that a thousand deliveries that failed together
    do not come back together, and a test knows when. A longer wish of the receiver is obeyed, up to
    a day.
    Source: Standard Webhooks 1.0, "Deliverability and reliability".
    """
    base = WAITS[min(tries, len(WAITS)) - 1]
    noise = int.from_bytes(hashlib.sha256(f"{identity}/{tries}".encode()).digest()[:4], "big")
    spread = noise % (2 * JITTER_PERCENT + 1) - JITTER_PERCENT
    wait = base * (100 + spread) / 100
    wish = timedelta(seconds=max(0, retry_after or 0))
    return min(max(wait, wish), LONGEST_WAIT * (100 + JITTER_PERCENT) / 100)


def answered(delivery: Delivery, answer: Answer, now: datetime) -> Delivery:
    """The delivery after an answer."""
    attempt = Attempt(format_instant(now), answer.code, answer.status, answer.excerpt)
    after = replace(delivery, attempts=(*delivery.attempts, attempt), code=answer.code)
    if answer.kind is AnswerKind.TAKEN:
        return replace(after, state=DeliveryState.DELIVERED, next_at=None)
    if answer.kind is AnswerKind.GONE or delivery.tries >= MAX_TRIES:
        return replace(after, state=DeliveryState.FAILED, next_at=None)
    wait = wait_after(delivery.tries, delivery.id, answer.retry_after)
    return replace(after, state=DeliveryState.PENDING, next_at=now + wait)


def given_up(delivery: Delivery, code: str) -> Delivery:
    """The delivery that cannot be tried any more, and why."""
    return replace(delivery, state=DeliveryState.FAILED, next_at=None, code=code)


def body_of(event: Event) -> bytes:
    """The notification: type, timestamp, and ids, states and amounts as the event tells them.

    Shapes: ``data`` has the members of the event and its ``subject``; free text of people is left
    out. What would exceed 20 kB is left out as a whole, with ``truncated``: the receiver reads it
    by ``GET /v1/events/{id}``.
    Source: Standard Webhooks 1.0, "Payload structure".
    """
    facts = {name: value for name, value in event.data.items() if name not in _WITHHELD}
    body = _text(event, {"subject": event.subject, **facts})
    if len(body) <= MAX_BODY:
        return body
    return _text(event, {"subject": event.subject, "truncated": True})


def _text(event: Event, data: Mapping[str, Any]) -> bytes:
    members = {"type": event.type, "timestamp": format_instant(event.time), "data": data}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
