"""Signed events of the books on DynamoDB: the secret they are signed with, and those refused.

Rows in ``core``: ``BOOK-EVENT-SECRET#own`` and ``REFUSED-BOOK-EVENT#<id>`` are entities; in
``flow`` ``IN#books#<hash>`` is an event that was received.
"""

import hashlib
from typing import Final

from kernel.signed_events import RefusedEvent
from kernel.storing import Position
from reconciliation.adapters.parts import ReadPart, WritePart
from reconciliation.domain.book_event import REFUSED_EVENT, EventSecret
from toolkit.aws.refused_events import RefusedEvents
from toolkit.aws.rows import instant_of, moment, stamp_of
from toolkit.aws.unit_of_work import META, Change, entity_key

SECRET: Final = "book_event_secret"  # noqa: S105  (a kind of row; the secret itself is derived)
_OWN: Final = "own"
_STORED: Final = "stored"


def _hashed(event_id: str) -> str:
    return hashlib.sha256(event_id.encode()).hexdigest()[:40]


class EventWrites(WritePart):
    """The part of ``ReconciliationUnit`` that signed events need."""

    _refused: RefusedEvents

    def received(self, source: str, event_id: str) -> None:
        self._unit.received(source, _hashed(event_id))

    def add_refused_event(self, event: RefusedEvent) -> None:
        self._refused.add(self._unit, event, "book_event.refused")

    def save_refused_event(
        self, before: RefusedEvent, after: RefusedEvent, action: str
    ) -> RefusedEvent:
        return self._refused.settle(self._unit, before, after, action)

    def save_event_secret(self, before: EventSecret, after: EventSecret) -> None:
        row = {"secret_version": after.version, "retired_at": moment(after.retired_at)}
        change = Change("book_event_secret.renewed", _STORED, detail={"version": after.version})
        if not before.stamp.version:
            self._unit.create(SECRET, _OWN, row, change)
            return
        stored = self._unit.as_read(SECRET, _OWN, _STORED, before.stamp)
        self._unit.change(stored, change, assign=row)


class EventReads(ReadPart):
    """The part of ``ReconciliationStore`` that signed events need."""

    @property
    def refused(self) -> RefusedEvents:
        """Refused events of the tenant."""
        return RefusedEvents(self.database, self.keyspace, REFUSED_EVENT)

    def was_received(self, source: str, event_id: str) -> bool:
        pk = self.keyspace.key("IN", source, _hashed(event_id))
        return self.database.get("flow", pk, "-") is not None

    def refused_events(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[RefusedEvent], Position | None]:
        return self.refused.page(limit=limit, after=after)

    def refused_event(self, event_id: str) -> RefusedEvent:
        return self.refused.one(event_id)

    def event_secret(self) -> EventSecret:
        row = self.database.get("core", entity_key(self.keyspace, SECRET, _OWN), META)
        if row is None:
            return EventSecret()
        return EventSecret(row["secret_version"], instant_of(row["retired_at"]), stamp_of(row))
