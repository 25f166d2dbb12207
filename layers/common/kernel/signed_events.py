"""Events of other systems that come by a queue: the signature says whose they are.

Anybody who may send to a queue can write any company into a message. So the company in it only says
which secret to try; what is believed is what this secret signed. An event that is signed and cannot
be taken is kept whole with its reasons and waits for a person; one that is not signed by the
company it names touches nothing of that company.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from kernel.errors import (
    ConflictError,
    KopruError,
    MalformedError,
    NotFoundError,
    RuleViolationError,
    UnauthorizedError,
    ValidationError,
)
from kernel.sensitive import Secret
from kernel.stamp import NEW, Stamp
from kernel.storing import WriteRefusedError

EVENT_LIFETIME: Final = timedelta(days=14)
"""How old a signed event may be: as long as a queue keeps it."""
MAX_PAYLOAD: Final = 65_536
"""Most characters of an event."""
MAX_PROBLEMS: Final = 50
_MAX_NAME: Final = 64
CONTENTION: Final = "too_much_contention"


class EventFate(StrEnum):
    """What became of a signed event."""

    TAKEN = "taken"
    REPEATED = "repeated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A message as it came in: header names in lower case, the raw bytes of the body."""

    headers: Mapping[str, str]
    body: bytes


class SigningKeys(Protocol):
    """Secrets that others sign with; derived, so nothing is stored."""

    def secret(self, tenant_id: str, version: int) -> Secret:
        """The secret as it is given to the other system, once."""
        ...

    def check(
        self, tenant_id: str, versions: Sequence[int], signed: SignedMessage, now: datetime
    ) -> None:
        """Raises UnauthorizedError for a signature, age or id that does not hold."""
        ...


def counting_versions(
    version: int, retired_at: datetime | None, now: datetime, overlap: timedelta
) -> tuple[int, ...]:
    """Versions of a secret that count now, newest first.

    Units: ``retired_at`` is when the one before was replaced; it counts for ``overlap`` longer.
    """
    if version < 1:
        return ()
    if version > 1 and retired_at is not None and now < retired_at + overlap:
        return (version, version - 1)
    return (version,)


@dataclass(frozen=True, slots=True)
class ProvenEvent:
    """An event whose signature held: the sender's id, its text, and when it was signed."""

    id: str
    payload: str
    stated_at: datetime


def forged() -> UnauthorizedError:
    """The one answer to everything that is not signed by the company it names."""
    return UnauthorizedError("webhook_signature", "The signature of this event is wrong.")


def prove(
    keys: SigningKeys,
    tenant_id: str,
    versions: Sequence[int],
    headers: Mapping[str, str],
    payload: str,
    now: datetime,
) -> ProvenEvent:
    """The event, if the company it names signed it with a version of its secret that counts.

    Raises: UnauthorizedError("webhook_signature"), one answer for every reason.
    """
    if not versions or len(payload) > MAX_PAYLOAD:
        raise forged()
    keys.check(tenant_id, versions, SignedMessage(headers, payload.encode()), now)
    stated_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    return ProvenEvent(headers["webhook-id"], payload, stated_at)


def take_once(
    seen: Callable[[], bool], take: Callable[[], object], keep: Callable[[KopruError], None]
) -> EventFate:
    """Take a proven event once; ``keep`` is given the reason when it cannot be taken.

    ``take`` notes the event in the inbox together with its effect (label ``inbox``).
    Raises: WriteRefusedError and ConflictError("too_much_contention") when others moved the same
    rows: then the message comes again.
    """
    if seen():
        return EventFate.REPEATED
    try:
        take()
    except WriteRefusedError as error:
        if error.refused("inbox"):
            return EventFate.REPEATED
        raise
    except (
        ConflictError,
        MalformedError,
        NotFoundError,
        RuleViolationError,
        ValidationError,
    ) as error:
        if error.code == CONTENTION:
            raise
        keep(error)
        return EventFate.REFUSED
    return EventFate.TAKEN


class RefusedState(StrEnum):
    """Whether it waits, was taken after all, or needs nothing any more."""

    WAITING = "waiting"
    TAKEN = "taken"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A signed event that could not be taken: kept whole, until a person decides.

    Shapes: ``kind`` is what its context calls such an item; ``event_id`` is the sender's own id;
    ``payload`` is the text that was signed; ``document`` is what it calls its document, if that can
    be read; ``problems`` are pointers and codes, never values.
    """

    kind: str
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

    @property
    def subject(self) -> str:
        """Under which name a person is told of it."""
        return f"{self.kind}:{self.id}"

    def settled(self, state: RefusedState, note: str = "") -> "RefusedEvent":
        """What it is after a person decided. Raises: ConflictError("event_settled")."""
        if not self.waits:
            raise ConflictError("event_settled", "Somebody dealt with this event already.")
        return replace(self, state=state, note=note or self.note)


class RefusedEventUnit(Protocol):
    """What keeping a refused event writes: applied as a whole or not at all."""

    def add_refused_event(self, event: RefusedEvent) -> None:
        """Keep an event that could not be taken."""
        ...

    def save_refused_event(
        self, before: RefusedEvent, after: RefusedEvent, action: str
    ) -> RefusedEvent:
        """Say what a person decided, if nobody did before."""
        ...

    def received(self, source: str, event_id: str) -> None:
        """Note an event in the inbox (label ``inbox``)."""
        ...

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None: ...
    def commit(self) -> None:
        """Write everything or nothing. Raises WriteRefusedError."""
        ...


class RefusedEventStore(Protocol):
    """What a door of events reads."""

    def unit(self) -> RefusedEventUnit: ...
    def was_received(self, source: str, event_id: str) -> bool:
        """Whether the inbox holds an event."""
        ...

    def refused_event(self, event_id: str) -> RefusedEvent:
        """Raises NotFoundError."""
        ...


Members = Callable[[str], Mapping[str, Any]]
"""Members of the text of an event; raises MalformedError or ValidationError when it has none."""


@dataclass(frozen=True, slots=True)
class EventDoor:
    """One kind of signed events, from the queue to the person who decides over a refused one.

    Shapes: ``kind`` is what a refused one is called and ``source`` the inbox of all of them;
    ``raised`` and ``cleared`` are the types of the news about a refused one, ``code`` what they
    call the trouble; ``action`` begins the names in its history.
    """

    kind: str
    source: str
    raised: str
    cleared: str
    code: str
    action: str

    def receive(
        self,
        store: RefusedEventStore,
        proven: ProvenEvent,
        members: Members,
        take: Callable[[Mapping[str, Any]], None],
        *,
        name: Callable[[Mapping[str, Any]], object],
        identity: Callable[[], str],
        now: datetime,
    ) -> EventFate:
        """Take an event once, or keep it whole with its reasons and have a person look at it.

        ``name`` finds what an event calls its document, also in one that cannot be taken.
        """
        found: Mapping[str, Any] = {}

        def act() -> None:
            nonlocal found
            found = members(proven.payload)
            take(found)

        def keep(error: KopruError) -> None:
            self._keep(store, proven, error, _shown(name(found)), identity(), now)

        return take_once(lambda: store.was_received(self.source, proven.id), act, keep)

    def note(self, store: RefusedEventStore, event_id: str) -> None:
        """Note an event that changed nothing, so that it is known when it comes again."""
        unit = store.unit()
        unit.received(self.source, event_id)
        unit.commit()

    def retry(
        self, store: RefusedEventStore, event_id: str, take: Callable[[RefusedEvent], None]
    ) -> RefusedEvent:
        """Take a refused event again, after a person put right what stood in its way.

        Raises: what taking it raises; ConflictError("event_settled").
        """
        event = store.refused_event(event_id)
        after = event.settled(RefusedState.TAKEN)
        # Its id is noted since it was refused; a second try that dies half-way finds its effect.
        take(event)
        return self._settle(store, event, after)

    def dismiss(self, store: RefusedEventStore, event_id: str, note: str) -> RefusedEvent:
        """Say that a refused event needs nothing any more. Raises: ConflictError."""
        event = store.refused_event(event_id)
        return self._settle(store, event, event.settled(RefusedState.DISMISSED, note))

    def _keep(
        self,
        store: RefusedEventStore,
        proven: ProvenEvent,
        error: KopruError,
        document: str,
        identity: str,
        now: datetime,
    ) -> None:
        problems = tuple((p.pointer, p.code) for p in error.problems) or (("", error.code),)
        event = RefusedEvent(
            kind=self.kind,
            id=identity,
            event_id=proven.id,
            payload=proven.payload,
            document=document,
            reason=error.code,
            problems=problems[:MAX_PROBLEMS],
            stated_at=proven.stated_at,
            received_at=now,
        )
        subject = event.subject
        unit = store.unit()
        unit.add_refused_event(event)
        unit.received(self.source, event.event_id)
        told = {"key": subject, "subject": subject, "code": self.code, "severity": "medium"}
        unit.publish(self.raised, subject, told)
        unit.commit()

    def _settle(
        self, store: RefusedEventStore, before: RefusedEvent, after: RefusedEvent
    ) -> RefusedEvent:
        unit = store.unit()
        saved = unit.save_refused_event(before, after, f"{self.action}.{after.state.value}")
        subject = before.subject
        unit.publish(self.cleared, subject, {"key": subject, "subject": subject})
        try:
            unit.commit()
        except WriteRefusedError as error:
            message = "Somebody dealt with this event already."
            raise ConflictError("event_settled", message) from error
        return saved


def _shown(name: object) -> str:
    """What an event calls its document; empty when that cannot be read."""
    return name[:_MAX_NAME] if isinstance(name, str) and name.isprintable() else ""
