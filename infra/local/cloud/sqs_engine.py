"""SQS for the local stack: in-memory queues with a SQLite write-through log.

moto's SQS slows down to some twenty messages a second once a queue is deep, which no pension run
survives. This engine keeps every queue in memory (a heap of ready messages per message group, one
heap of hidden ones) and writes each change through to SQLite before it answers, so a ``kill -9``
loses nothing that was acknowledged and thousands of messages a second pass.

It reproduces what the product's reliability rules depend on: visibility timeouts, receive counts,
redrive to a dead-letter queue, delays, long polling, FIFO groups with deduplication, and fair
sharing between the message groups of a standard queue.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from infra.local.cloud.database import copy_database, open_database
from infra.local.cloud.model import ACCOUNT_ID, Json, last_arn_part
from infra.local.cloud.sqs_queue import Message, Queue, QueueCounts, Sent, SqsError, Stored

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS queue (name TEXT PRIMARY KEY, attributes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
  attributes TEXT, trace TEXT, sent_at REAL NOT NULL, visible_at REAL NOT NULL,
  receives INTEGER NOT NULL, first_received_at REAL, receipt TEXT,
  message_group TEXT, deduplication TEXT, sequence TEXT, source TEXT);
CREATE INDEX IF NOT EXISTS message_by_queue ON message (queue);
CREATE TABLE IF NOT EXISTS deduplication (
  queue TEXT, scope TEXT, sent_at REAL, message_id TEXT, sequence TEXT,
  PRIMARY KEY (queue, scope));
"""

MAX_BYTES: Final = 1_048_576
"""Largest message, and largest sum of one batch."""

_DEDUPLICATION_SECONDS: Final = 300.0
_MAX_WAIT_SECONDS: Final = 20.0

_DEFAULTS: Final[Mapping[str, str]] = {
    "VisibilityTimeout": "30",
    "DelaySeconds": "0",
    "MessageRetentionPeriod": "345600",
    "MaximumMessageSize": str(MAX_BYTES),
    "ReceiveMessageWaitTimeSeconds": "0",
}


class SqsEngine:
    """All queues of one stack. Thread-safe; every method takes queue *names*.

    Raises: SqsError("AWS.SimpleQueueService.NonExistentQueue") for a queue nobody created.
    """

    def __init__(
        self,
        path: Path,
        *,
        region: str,
        account_id: str = ACCOUNT_ID,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._region = region
        self._account = account_id
        self._now = now
        self._lock = threading.RLock()
        self._stopping = False
        self._base_url = ""
        self._queues: dict[str, Queue] = {}
        self.sent = 0
        """Messages that were sent or moved to a queue since the engine started."""
        self._database = open_database(path, _SCHEMA)
        self._load()

    # ------------------------------------------------------------------ life cycle

    def use_base_url(self, url: str) -> None:
        """Tell the engine the endpoint that its queue URLs start with."""
        self._base_url = url.rstrip("/")

    def stop(self) -> None:
        """Wake every long poll with nothing and close the database."""
        with self._lock:
            self._stopping = True
            for queue in self._queues.values():
                queue.changed.notify_all()
            self._database.close()

    def backup(self, target: Path) -> None:
        """Write a consistent copy of the whole engine to ``target``."""
        with self._lock:
            copy_database(self._database, target)

    def clear(self) -> None:
        """Forget every message and every queue."""
        with self._lock:
            for queue in self._queues.values():
                queue.changed.notify_all()
            self._queues.clear()
            with self._transaction():
                for table in ("message", "queue", "deduplication"):
                    self._database.execute(f"DELETE FROM {table}")  # noqa: S608 (fixed names)

    def release_in_flight(self) -> int:
        """Make every message in flight visible again, receive counts kept.

        For the start of a stack: whoever held the messages died with the previous process.
        """
        with self._lock:
            released = 0
            with self._transaction():
                for queue in self._queues.values():
                    held = [m for m in queue.messages.values() if m.state == "in_flight"]
                    for message in held:
                        self._show(queue, message, self._now())
                    released += len(held)
                    queue.changed.notify_all()
            return released

    # ------------------------------------------------------------------ queues

    def create_queue(self, name: str, attributes: Mapping[str, object], *, update: bool) -> str:
        """Create a queue (or, with ``update``, bring an existing one in line); returns its URL."""
        wanted = {key: str(value) for key, value in attributes.items()}
        if (wanted.get("FifoQueue") == "true") != name.endswith(".fifo"):
            raise SqsError(
                "InvalidParameterValue",
                "The name of a FIFO queue, and of no other, ends in .fifo",
            )
        with self._lock:
            queue = self._queues.get(name)
            if queue is not None and not update:
                differing = [k for k, v in wanted.items() if queue.attributes.get(k) != v]
                if differing:
                    raise SqsError(
                        "QueueNameExists",
                        "A queue already exists with the same name and a different value for "
                        f"attribute {differing[0]}",
                    )
            if queue is None:
                created = {"CreatedTimestamp": str(int(self._now()))}
                queue = Queue(name, {**_DEFAULTS, **created}, threading.Condition(self._lock))
                self._queues[name] = queue
            queue.attributes.update(wanted)
            if update and "RedrivePolicy" not in wanted:
                queue.attributes.pop("RedrivePolicy", None)
            self._save_queue(queue)
            return self.url(name)

    def delete_queue(self, name: str) -> None:
        """Delete a queue and everything in it."""
        with self._lock:
            queue = self._queue(name)
            del self._queues[name]
            queue.changed.notify_all()
            with self._transaction():
                self._database.execute("DELETE FROM queue WHERE name=?", (name,))
                self._database.execute("DELETE FROM message WHERE queue=?", (name,))
                self._database.execute("DELETE FROM deduplication WHERE queue=?", (name,))

    def queue_names(self) -> list[str]:
        """Names of all queues, sorted."""
        with self._lock:
            return sorted(self._queues)

    def sources_of(self, dead_letter_queue: str) -> list[str]:
        """The queues whose redrive policy names this dead-letter queue, sorted."""
        with self._lock:
            self._queue(dead_letter_queue)
            return sorted(
                queue.name
                for queue in self._queues.values()
                if queue.redrive is not None and queue.redrive[0] == dead_letter_queue
            )

    def url(self, name: str) -> str:
        """The URL of a queue."""
        return f"{self._base_url}/{self._account}/{name}"

    def arn(self, name: str) -> str:
        """The ARN of a queue."""
        return f"arn:aws:sqs:{self._region}:{self._account}:{name}"

    def attributes(self, name: str) -> dict[str, str]:
        """Settings, ARN and approximate numbers, as ``GetQueueAttributes`` says them."""
        counts = self.counts(name)
        with self._lock:
            return {
                **self._queue(name).attributes,
                "QueueArn": self.arn(name),
                "ApproximateNumberOfMessages": str(counts.visible),
                "ApproximateNumberOfMessagesNotVisible": str(counts.in_flight),
                "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
            }

    def set_attributes(self, name: str, attributes: Mapping[str, str]) -> None:
        """Change settings of a queue."""
        with self._lock:
            queue = self._queue(name)
            queue.attributes.update({key: str(value) for key, value in attributes.items()})
            self._save_queue(queue)
            queue.changed.notify_all()

    def counts(self, name: str) -> QueueCounts:
        """How many messages are visible, in flight and delayed right now."""
        with self._lock:
            queue = self._queue(name)
            now = self._now()
            with self._transaction():
                self._surface(queue, now)
            by_state = {"ready": 0, "delayed": 0, "in_flight": 0}
            oldest = now
            for message in queue.messages.values():
                by_state[message.state] += 1
                oldest = min(oldest, message.sent_at)
            return QueueCounts(
                by_state["ready"], by_state["in_flight"], by_state["delayed"], now - oldest
            )

    def purge(self, name: str) -> None:
        """Delete every message of a queue."""
        with self._lock:
            queue = self._queue(name)
            with self._transaction():
                self._database.execute("DELETE FROM message WHERE queue=?", (name,))
            queue.messages.clear()
            queue.ready.clear()
            queue.hidden.clear()
            queue.in_flight.clear()

    # ------------------------------------------------------------------ messages

    def send(
        self,
        name: str,
        body: str,
        *,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        delay_seconds: int | None = None,
        attributes: Mapping[str, Json] | None = None,
        trace: str | None = None,
    ) -> Sent:
        """Send one message; a FIFO duplicate gets the receipt of its earlier twin."""
        with self._lock:
            queue = self._queue(name)
            with self._transaction():
                message = self._send(
                    queue,
                    body,
                    group_id=group_id,
                    deduplication_id=deduplication_id,
                    delay_seconds=delay_seconds,
                    attributes=attributes or {},
                    trace=trace,
                )
            queue.changed.notify_all()
            return Sent(message.message_id, message.sequence)

    def receive(
        self,
        name: str,
        max_messages: int = 10,
        wait_seconds: float = 0.0,
        visibility_timeout: float | None = None,
        on_taken: Callable[[int], None] | None = None,
    ) -> list[Message]:
        """Receive up to ten messages, waiting up to ``wait_seconds`` for the first.

        ``on_taken`` is told their number in the very moment in which they stop being visible.
        """
        if not 1 <= max_messages <= 10:
            raise SqsError("InvalidParameterValue", "MaxNumberOfMessages must be between 1 and 10")
        deadline = self._now() + min(wait_seconds, _MAX_WAIT_SECONDS)
        with self._lock:
            while not self._stopping:
                queue = self._queue(name)
                now = self._now()
                hold = visibility_timeout
                if hold is None:
                    hold = queue.number("VisibilityTimeout")
                with self._transaction():
                    self._surface(queue, now)
                    taken = self._take(queue, max_messages, hold, now)
                    received = [self._present(message) for message in taken]
                if received and on_taken is not None:
                    on_taken(len(received))
                if received or now >= deadline:
                    return received
                wake = min(deadline, queue.hidden[0][0]) if queue.hidden else deadline
                queue.changed.wait(max(wake - now, 0.0) + 0.001)
            return []

    def delete(self, name: str, receipt_handles: Sequence[str]) -> None:
        """Acknowledge messages. A handle that is no longer the latest deletes nothing."""
        with self._lock:
            queue = self._queue(name)
            with self._transaction():
                for handle in receipt_handles:
                    self._delete(queue, handle)
            queue.changed.notify_all()

    def change_visibility(self, name: str, receipt_handle: str, seconds: float) -> None:
        """Hide a message in flight for ``seconds`` from now (0 shows it at once)."""
        with self._lock:
            queue = self._queue(name)
            with self._transaction():
                self._change_visibility(queue, receipt_handle, seconds)
            queue.changed.notify_all()

    def peek(self, name: str, limit: int = 50) -> list[Message]:
        """The oldest messages of a queue in any state, without receiving them."""
        with self._lock:
            queue = self._queue(name)
            rows = sorted(queue.messages)[:limit]
            return [self._present(queue.messages[row], handle="") for row in rows]

    def redrive(
        self,
        name: str,
        *,
        destination: str | None = None,
        message_ids: Iterable[str] | None = None,
    ) -> int:
        """Move visible messages of a dead-letter queue back to where they came from."""
        wanted = None if message_ids is None else set(message_ids)
        with self._lock:
            queue = self._queue(name)
            now = self._now()
            moved = 0
            with self._transaction():
                self._surface(queue, now)
                for message in sorted(queue.messages.values(), key=lambda m: m.row):
                    if message.state != "ready":
                        continue
                    if wanted is not None and message.message_id not in wanted:
                        continue
                    target = destination or (message.source and last_arn_part(message.source))
                    if not target or target not in self._queues:
                        continue
                    self._move(queue, message, self._queues[target], now, source=None)
                    moved += 1
            return moved

    # ------------------------------------------------------------------ inside, lock held

    def _queue(self, name: str) -> Queue:
        if self._stopping:
            raise SqsError("ServiceUnavailable", "The local stack is stopping.", 503)
        try:
            return self._queues[name]
        except KeyError:
            raise SqsError(
                "AWS.SimpleQueueService.NonExistentQueue",
                f"The specified queue does not exist: {name}",
            ) from None

    def _send(
        self,
        queue: Queue,
        body: str,
        *,
        group_id: str | None,
        deduplication_id: str | None,
        delay_seconds: int | None,
        attributes: Mapping[str, Json],
        trace: str | None,
    ) -> Stored:
        if not body:
            raise SqsError(
                "MissingParameter", "The request must contain the parameter MessageBody."
            )
        limit = queue.number("MaximumMessageSize")
        if len(body.encode()) > limit:
            raise SqsError(
                "InvalidParameterValue",
                "One or more parameters are invalid. Reason: Message must be shorter than "
                f"{limit} bytes.",
            )
        now = self._now()
        message = Stored(
            row=0,
            message_id=str(uuid.uuid4()),
            body=body,
            attributes=attributes,
            trace=trace,
            sent_at=now,
            visible_at=now,
            group=group_id,
        )
        delay = queue.number("DelaySeconds")
        if queue.fifo:
            earlier = self._deduplicate(queue, message, deduplication_id, now)
            if earlier is not None:
                return earlier
        elif delay_seconds is not None:
            delay = int(delay_seconds)
        if not 0 <= delay <= 900:
            raise SqsError("InvalidParameterValue", "DelaySeconds must be between 0 and 900.")
        message.visible_at = now + delay
        self._insert(queue, message)
        queue.admit(message, "delayed" if delay else "ready")
        return message

    def _deduplicate(
        self, queue: Queue, message: Stored, explicit: str | None, now: float
    ) -> Stored | None:
        """Number a FIFO message; returns the earlier twin when there is one."""
        if not message.group:
            raise SqsError(
                "MissingParameter", "The request must contain the parameter MessageGroupId."
            )
        key = explicit
        if key is None and queue.attributes.get("ContentBasedDeduplication") == "true":
            key = hashlib.sha256(message.body.encode()).hexdigest()
        if key is None:
            raise SqsError(
                "InvalidParameterValue",
                "The queue should either have ContentBasedDeduplication enabled or "
                "MessageDeduplicationId provided explicitly",
            )
        per_group = queue.attributes.get("DeduplicationScope") == "messageGroup"
        scope = f"{message.group}\0{key}" if per_group else key
        self._database.execute(
            "DELETE FROM deduplication WHERE queue=? AND sent_at<=?",
            (queue.name, now - _DEDUPLICATION_SECONDS),
        )
        earlier = self._database.execute(
            "SELECT message_id, sequence FROM deduplication WHERE queue=? AND scope=?",
            (queue.name, scope),
        ).fetchone()
        message.deduplication = key
        if earlier is not None:
            message.message_id, message.sequence = earlier
            return message
        message.sequence = f"{time.time_ns():020d}"
        self._database.execute(
            "INSERT INTO deduplication VALUES (?,?,?,?,?)",
            (queue.name, scope, now, message.message_id, message.sequence),
        )
        return None

    def _surface(self, queue: Queue, now: float) -> None:
        """Show what became visible; what was received too often goes to the dead letters."""
        redrive = queue.redrive
        while queue.hidden and queue.hidden[0][0] <= now:
            visible_at, row = heapq.heappop(queue.hidden)
            message = queue.messages.get(row)
            if message is None or message.state == "ready" or message.visible_at != visible_at:
                continue
            if redrive is not None and message.receives >= redrive[1]:
                target = self._queues.get(redrive[0])
                if target is not None:
                    self._move(queue, message, target, now, source=self.arn(queue.name))
                    continue
            queue.release(message)
            queue.admit(message, "ready")

    def _take(self, queue: Queue, count: int, hold: float, now: float) -> list[Stored]:
        oldest = now - queue.number("MessageRetentionPeriod")
        taken: list[Stored] = []
        while len(taken) < count:
            message = self._next(queue, taken)
            if message is None:
                break
            heapq.heappop(queue.ready[message.group])
            if message.sent_at < oldest:
                queue.release(message)
                self._database.execute("DELETE FROM message WHERE id=?", (message.row,))
                continue
            queue.release(message)
            message.receives += 1
            message.first_received_at = message.first_received_at or now
            message.receipt = f"{uuid.uuid4().hex}:{message.row}"
            message.visible_at = now + hold
            queue.admit(message, "in_flight")
            taken.append(message)
        self._update(taken)
        return taken

    def _next(self, queue: Queue, taken: Sequence[Stored]) -> Stored | None:
        if queue.fifo:
            return self._next_of_fifo(queue, taken)
        # Fair queues: the groups take turns, so a tenant with 20,000 messages delays another
        # tenant's message by one turn and not by 20,000.
        while queue.ready:
            group = next(iter(queue.ready))
            message = queue.head(group)
            if message is not None:
                queue.ready[group] = queue.ready.pop(group)
                return message
        return None

    def _next_of_fifo(self, queue: Queue, taken: Sequence[Stored]) -> Stored | None:
        mine = {message.group for message in taken}
        last = taken[-1].group if taken else None
        candidates = [
            message
            for group in list(queue.ready)
            if (message := queue.head(group)) is not None
            and (group not in queue.in_flight or group in mine)
        ]
        if not candidates:
            return None
        return min(candidates, key=lambda message: (message.group != last, message.row))

    def _delete(self, queue: Queue, handle: str) -> None:
        message = self._held(queue, handle)
        if message is not None:
            queue.release(message)
            self._database.execute("DELETE FROM message WHERE id=?", (message.row,))

    def _change_visibility(self, queue: Queue, handle: str, seconds: float) -> None:
        if not 0 <= seconds <= 43200:
            raise SqsError("InvalidParameterValue", "VisibilityTimeout must be 0 to 43200.")
        now = self._now()
        message = self._held(queue, handle)
        if message is None or message.state != "in_flight" or message.visible_at <= now:
            raise SqsError(
                "InvalidParameterValue",
                "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or "
                "is not available for visibility timeout change.",
            )
        self._show(queue, message, now + seconds)
        self._surface(queue, now)

    def _show(self, queue: Queue, message: Stored, visible_at: float) -> None:
        queue.release(message)
        message.visible_at = visible_at
        queue.admit(message, "in_flight")
        self._update([message])

    def _held(self, queue: Queue, handle: str) -> Stored | None:
        _, separator, row = handle.rpartition(":")
        if not separator or not row.isdigit():
            raise SqsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        message = queue.messages.get(int(row))
        return message if message is not None and message.receipt == handle else None

    def _move(
        self, queue: Queue, message: Stored, target: Queue, now: float, source: str | None
    ) -> None:
        queue.release(message)
        message.receives = 0
        message.first_received_at = None
        message.receipt = None
        message.visible_at = now
        message.source = source
        # A new row number keeps the order of arrival in the target queue.
        self._database.execute("DELETE FROM message WHERE id=?", (message.row,))
        self._insert(target, message)
        target.admit(message, "ready")
        target.changed.notify_all()

    def _present(self, message: Stored, handle: str | None = None) -> Message:
        attributes = {
            "SenderId": "AIDALOCAL",
            "SentTimestamp": str(int(message.sent_at * 1000)),
            "ApproximateReceiveCount": str(message.receives),
        }
        if message.first_received_at is not None:
            attributes["ApproximateFirstReceiveTimestamp"] = str(
                int(message.first_received_at * 1000)
            )
        for name, value in (
            ("MessageGroupId", message.group),
            ("MessageDeduplicationId", message.deduplication),
            ("SequenceNumber", message.sequence),
            ("DeadLetterQueueSourceArn", message.source),
            ("AWSTraceHeader", message.trace),
        ):
            if value is not None:
                attributes[name] = value
        shown = message.receipt or "" if handle is None else handle
        return Message(message.message_id, shown, message.body, attributes, message.attributes)

    # ------------------------------------------------------------------ the log

    @contextmanager
    def together(self) -> Iterator[None]:
        """Several calls as one write: one lock, one transaction (batches of the API)."""
        with self._lock, self._transaction():
            yield

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database, self._load)

    def _insert(self, queue: Queue, message: Stored) -> None:
        cursor = self._database.execute(
            "INSERT INTO message (queue, message_id, body, attributes, trace, sent_at, visible_at,"
            " receives, message_group, deduplication, sequence, source)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                queue.name,
                message.message_id,
                message.body,
                json.dumps(message.attributes) if message.attributes else None,
                message.trace,
                message.sent_at,
                message.visible_at,
                message.receives,
                message.group,
                message.deduplication,
                message.sequence,
                message.source,
            ),
        )
        assert cursor.lastrowid is not None  # noqa: S101 (an INSERT always has one)
        message.row = cursor.lastrowid
        self.sent += 1

    def _update(self, messages: Sequence[Stored]) -> None:
        self._database.executemany(
            "UPDATE message SET visible_at=?, receives=?, first_received_at=?, receipt=?"
            " WHERE id=?",
            [(m.visible_at, m.receives, m.first_received_at, m.receipt, m.row) for m in messages],
        )

    def _save_queue(self, queue: Queue) -> None:
        with self._transaction():
            self._database.execute(
                "REPLACE INTO queue VALUES (?,?)", (queue.name, json.dumps(queue.attributes))
            )

    def _load(self) -> None:
        """Rebuild memory from the log (at start, and after a write that failed)."""
        waiting = {name: queue.changed for name, queue in self._queues.items()}
        self._queues.clear()
        for name, attributes in self._database.execute("SELECT name, attributes FROM queue"):
            changed = waiting.get(name) or threading.Condition(self._lock)
            self._queues[name] = Queue(name, json.loads(attributes), changed)
        for row in self._database.execute(
            "SELECT queue, id, message_id, body, attributes, trace, sent_at, visible_at, receives,"
            " first_received_at, receipt, message_group, deduplication, sequence, source"
            " FROM message ORDER BY id"
        ):
            queue = self._queues.get(row[0])
            if queue is None:
                continue
            fields: list[Any] = list(row[1:])
            fields[3] = json.loads(fields[3]) if fields[3] else {}
            message = Stored(*fields)
            if message.receives and message.receipt:
                queue.admit(message, "in_flight")
            else:
                queue.admit(message, "delayed")


class _Transaction:
    """One SQLite transaction; a failed write also rebuilds the memory it disagreed with."""

    __slots__ = ("_database", "_outer", "_reload")

    def __init__(self, database: sqlite3.Connection, reload: Callable[[], None]) -> None:
        self._database = database
        self._reload = reload
        self._outer = database.in_transaction

    def __enter__(self) -> None:
        if not self._outer:
            self._database.execute("BEGIN")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._outer:
            return
        if kind is None or issubclass(kind, SqsError):
            # A refused entry has written nothing; what its batch wrote before stays.
            self._database.execute("COMMIT")
        else:
            self._database.execute("ROLLBACK")
            self._reload()
