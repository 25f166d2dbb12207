"""Outbox: news and work leave only as rows written with the state change, delivered at least once.

``dispatch`` runs inline after a commit; ``relay`` repeats it every minute for rows whose process
died (reliability.md §2 rule 11, §6). Rows are ``<ctx>#T#<tenant>#OUT#<id>`` in ``flow``, found by
the ``due`` index until they are dispatched.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from kernel.clock import Clock
from kernel.events import Event
from toolkit.aws.due import NOT_DUE, due_at, take_due
from toolkit.aws.dynamodb import Database, Item, Keyspace
from toolkit.aws.rows import moment
from toolkit.aws.transactions import Transaction

_KEEP: Final = timedelta(days=30)
_RETRY_AFTER: Final = timedelta(minutes=1)
_BATCH: Final = 10
RELAY_LIMIT: Final = 200


class UndeliveredError(RuntimeError):
    """The bus or a queue refused part of a batch; the rows stay due and are repeated."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row on its way out: an event for the bus or a message for a queue."""

    row: Item

    @property
    def kind(self) -> Literal["event", "message"]:
        """Where it goes."""
        return "event" if self.row["kind"] == "event" else "message"


class Outbox:
    """Writes outbox rows into transactions and delivers them."""

    def __init__(
        self, database: Database, *, events: Any, queues: Any, bus: str, clock: Clock
    ) -> None:
        self._database = database
        self._events = events
        self._queues = queues
        self._bus = bus
        self._clock = clock

    def _row(self, keyspace: Keyspace, identity: str, body: Mapping[str, Any]) -> Item:
        due = self._clock.now() + _RETRY_AFTER
        return {
            "pk": keyspace.key("OUT", identity),
            "sk": "-",
            "id": identity,
            **due_at(keyspace, due, identity),
            **body,
        }

    def add_event(self, transaction: Transaction, keyspace: Keyspace, event: Event) -> Delivery:
        """Publish ``event`` if and only if ``transaction`` commits."""
        body = {"kind": "event", "detail_type": event.type, "source": event.source}
        row = self._row(keyspace, event.id, {**body, "body": _json(event.to_dict())})
        transaction.put_new("flow", row, label="outbox")
        return Delivery(row)

    def add_message(
        self,
        transaction: Transaction,
        keyspace: Keyspace,
        identity: str,
        *,
        queue_url: str,
        message: Mapping[str, Any],
        delay_seconds: int = 0,
    ) -> Delivery:
        """Send ``message`` to a queue if and only if ``transaction`` commits."""
        body: dict[str, Any] = {"kind": "message", "queue": queue_url, "body": _json(message)}
        body["group"] = keyspace.tenant_id or "system"
        body["delay"] = delay_seconds
        row = self._row(keyspace, identity, body)
        transaction.put_new("flow", row, label="outbox")
        return Delivery(row)

    def dispatch(self, deliveries: Iterable[Delivery]) -> int:
        """Deliver rows and mark them; rows that could not be delivered stay due.

        Raises: UndeliveredError after marking what was delivered.
        """
        rows = [delivery.row for delivery in deliveries]
        done: list[Item] = []
        failed = 0
        for batch in _batches([row for row in rows if row["kind"] == "event"]):
            done_now, failed_now = self._put_events(batch)
            done += done_now
            failed += failed_now
        messages = [row for row in rows if row["kind"] == "message"]
        for queue in dict.fromkeys(row["queue"] for row in messages):
            for batch in _batches([row for row in messages if row["queue"] == queue]):
                done_now, failed_now = self._send_messages(queue, batch)
                done += done_now
                failed += failed_now
        self._mark(done)
        if failed:
            message = f"{failed} of {len(rows)} outbox rows were not taken"
            raise UndeliveredError(message)
        return len(done)

    def _put_events(self, rows: Sequence[Item]) -> tuple[list[Item], int]:
        answer = self._events.put_events(
            Entries=[
                {
                    "Source": row["source"],
                    "DetailType": row["detail_type"],
                    "Detail": row["body"],
                    "EventBusName": self._bus,
                }
                for row in rows
            ]
        )
        taken = [
            row
            for row, entry in zip(rows, answer["Entries"], strict=True)
            if not entry.get("ErrorCode")
        ]
        return taken, len(rows) - len(taken)

    def _send_messages(self, queue_url: str, rows: Sequence[Item]) -> tuple[list[Item], int]:
        answer = self._queues.send_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {
                    "Id": str(number),
                    "MessageBody": row["body"],
                    # Fair queues: the tenant is the group, so one tenant's backlog delays nobody
                    # else.
                    "MessageGroupId": row["group"],
                    "DelaySeconds": row["delay"],
                }
                for number, row in enumerate(rows)
            ],
        )
        taken = {int(entry["Id"]) for entry in answer.get("Successful", [])}
        return [rows[number] for number in sorted(taken)], len(rows) - len(taken)

    def _mark(self, rows: Sequence[Item]) -> None:
        now = self._clock.now()
        stamped = []
        for row in rows:
            kept = {key: value for key, value in row.items() if key not in NOT_DUE}
            kept["dispatched_at"] = moment(now)
            kept["ttl"] = int((now + _KEEP).timestamp())
            stamped.append(kept)
        self._database.overwrite_many("flow", stamped)

    def relay(self, keyspace: Keyspace) -> int:
        """Deliver what is due in all shards, at most RELAY_LIMIT rows, oldest first.

        Each row's due time is pushed forward by condition first, so that two sweepers cannot storm.
        """
        taken = take_due(
            self._database,
            "flow",
            keyspace,
            self._clock.now(),
            limit=RELAY_LIMIT,
            push=_RETRY_AFTER,
        )
        claimed = [Delivery(due.row) for due in taken if "kind" in due.row]
        return self.dispatch(claimed) if claimed else 0


def _batches(rows: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
