"""Where contexts keep signed events that could not be taken: ``<KIND>#<id>`` in ``core``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kernel.errors import NotFoundError
from kernel.signed_events import RefusedEvent, RefusedState
from kernel.storing import Position
from toolkit.aws.dynamodb import Database, Item, Keyspace
from toolkit.aws.rows import moment, stamp_of
from toolkit.aws.unit_of_work import META, Change, UnitOfWork, entity_key


def _row(event: RefusedEvent) -> Item:
    return {
        "event_id": event.event_id,
        "payload": event.payload,
        "document": event.document,
        "reason": event.reason,
        "problems": [list(problem) for problem in event.problems],
        "stated_at": moment(event.stated_at),
        "received_at": moment(event.received_at),
        "note": event.note,
    }


def _event(row: Mapping[str, Any]) -> RefusedEvent:
    return RefusedEvent(
        kind=row["kind"],
        id=row["id"],
        event_id=row["event_id"],
        payload=row["payload"],
        document=row["document"],
        reason=row["reason"],
        problems=tuple((pointer, code) for pointer, code in row["problems"]),
        stated_at=datetime.fromisoformat(row["stated_at"]),
        received_at=datetime.fromisoformat(row["received_at"]),
        state=RefusedState(row["state"]),
        note=row["note"],
        stamp=stamp_of(row),
    )


class RefusedEvents:
    """Refused events of one tenant in one context."""

    def __init__(self, database: Database, keyspace: Keyspace, kind: str) -> None:
        self._kind = kind
        self._database = database
        self._keyspace = keyspace

    def add(self, unit: UnitOfWork, event: RefusedEvent, action: str) -> None:
        """Keep an event that waits for a person."""
        listed = {"by_pk": self._keyspace.key("REFUSED"), "by_sk": event.id}
        change = Change(action, event.state.value, detail={"reason": event.reason})
        unit.create(self._kind, event.id, {**_row(event), **listed}, change)

    def settle(
        self, unit: UnitOfWork, before: RefusedEvent, after: RefusedEvent, action: str
    ) -> RefusedEvent:
        """Say what a person decided, if nobody did before."""
        stored = unit.as_read(self._kind, before.id, before.state.value, before.stamp)
        changed = unit.change(
            stored,
            Change(action, after.state.value),
            assign=_row(after),
            remove=("by_pk", "by_sk"),
        )
        return _event(changed)

    def page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[RefusedEvent], Position | None]:
        """Events that wait for a person, oldest first."""
        page = self._database.list_rows(
            self._keyspace.key("REFUSED"), limit=limit, after=dict(after) if after else None
        )
        return [_event(row) for row in page.items], page.next_key

    def one(self, event_id: str) -> RefusedEvent:
        """One event. Raises: NotFoundError."""
        row = self._database.get("core", entity_key(self._keyspace, self._kind, event_id), META)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return _event(row)
