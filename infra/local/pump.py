"""Event source mappings: takes messages from queues and runs functions with them.

One poller per mapping behaves like Lambda's: batches and batching windows, at most
``MaximumConcurrency`` batches at a time, partial batch answers, filters. What failed is not
touched: it stays hidden until the queue's visibility timeout, its receive count grows, and the
queue engine moves it to the dead letters when it was received too often.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from infra.local.cloud.model import (
    EventSourceMapping,
    FunctionNotFoundError,
    Invoker,
    Json,
    LocalCloudError,
    Log,
    ThrottledError,
)
from infra.local.cloud.sqs_queue import Message, QueueCounts, SqsError

UNLIMITED_CONCURRENCY: Final = 5
"""Batches at a time of a mapping without MaximumConcurrency: what Lambda starts with."""

_POLL_SECONDS: Final = 0.5
_RECEIVE_AT_MOST: Final = 10
_THROTTLE_PAUSE_SECONDS: Final = 0.2
_THROTTLE_LIMIT_SECONDS: Final = 60.0


class Queues(Protocol):
    """What the pump needs of the queue engine."""

    def receive(
        self,
        name: str,
        max_messages: int = 10,
        wait_seconds: float = 0.0,
        *,
        on_taken: Callable[[int], None] | None = None,
    ) -> list[Message]:
        """Receive messages, waiting for the first."""
        ...

    def delete(self, name: str, receipt_handles: Sequence[str]) -> None:
        """Acknowledge messages."""
        ...

    def counts(self, name: str) -> QueueCounts:
        """How full a queue is."""
        ...


FilterMatch = Callable[[Json, Json], bool]
"""Whether an event pattern (first) lets a record (second) through."""


@dataclass(frozen=True, slots=True)
class PumpStatus:
    """What the dashboard shows of one mapping."""

    queue: str
    function: str
    limit: int
    running: int
    batches: int
    records: int
    failed_records: int


class Pump:
    """All pollers of a stack."""

    def __init__(
        self,
        queues: Queues,
        invoker: Invoker,
        *,
        region: str,
        log: Log,
        matches: FilterMatch | None = None,
    ) -> None:
        self._queues = queues
        self._invoker = invoker
        self._region = region
        self._log = log
        self._matches = matches
        self._pollers: list[_Poller] = []

    def start(self, mappings: Iterable[EventSourceMapping]) -> None:
        """Start one poller per enabled mapping.

        Raises: LocalCloudError for a mapping of something that is not a queue.
        """
        for mapping in mappings:
            if ":sqs:" not in mapping.source_arn:
                raise LocalCloudError(
                    f"{mapping.logical_id}: the local stack polls queues only, "
                    f"not {mapping.source_arn}"
                )
            if mapping.filters and self._matches is None:
                raise LocalCloudError(f"{mapping.logical_id}: filters need a pattern matcher")
            if mapping.enabled:
                poller = _Poller(
                    mapping, self._queues, self._invoker, self._region, self._log, self._matches
                )
                self._pollers.append(poller)
                poller.start()

    def stop(self, grace: float = 2.0) -> None:
        """Receive nothing more and give running batches a moment to end."""
        for poller in self._pollers:
            poller.stopping.set()
        end = time.monotonic() + grace
        for poller in self._pollers:
            poller.finish(max(0.0, end - time.monotonic()))
        self._pollers.clear()

    def statuses(self) -> list[PumpStatus]:
        """Counters of every mapping, in template order."""
        return [poller.status() for poller in self._pollers]

    def idle(self) -> bool:
        """Whether nothing visible waits in a mapped queue and no poller holds a message."""
        return all(poller.idle() for poller in self._pollers)


class _Poller:
    def __init__(
        self,
        mapping: EventSourceMapping,
        queues: Queues,
        invoker: Invoker,
        region: str,
        log: Log,
        matches: FilterMatch | None,
    ) -> None:
        self.queue = mapping.queue_name
        self.stopping = threading.Event()
        self._mapping = mapping
        self._queues = queues
        self._invoker = invoker
        self._region = region
        self._log = log
        self._matches = matches
        self._limit = mapping.maximum_concurrency or UNLIMITED_CONCURRENCY
        self._slots = threading.Semaphore(self._limit)
        self._changed = threading.Condition()
        self._running = 0
        self._batches = 0
        self._records = 0
        self._failed = 0
        # Messages that were taken and not yet worked off: they are work from the moment in which
        # the queue stops showing them, before their batch is complete.
        self._held = 0
        self._thread = threading.Thread(target=self._poll, name=f"poll-{self.queue}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0, timeout)
        self._thread.join(max(0.0, end - time.monotonic()))

    def idle(self) -> bool:
        if self._queues.counts(self.queue).visible:
            return False
        with self._changed:
            return not self._held

    def _hold(self, messages: int) -> None:
        with self._changed:
            self._held += messages

    def status(self) -> PumpStatus:
        with self._changed:
            return PumpStatus(
                queue=self.queue,
                function=self._mapping.function_name,
                limit=self._limit,
                running=self._running,
                batches=self._batches,
                records=self._records,
                failed_records=self._failed,
            )

    def _poll(self) -> None:
        while not self.stopping.is_set():
            # The slot comes first: a received message that nobody can work on grows old hidden.
            if not self._slots.acquire(timeout=0.5):
                continue
            try:
                batch = self._collect()
            except SqsError as error:
                self._slots.release()
                if not self.stopping.wait(1.0):
                    self._log(f"poller of {self.queue}: {error}")
                continue
            if not batch or self.stopping.is_set():
                self._slots.release()
                continue
            with self._changed:
                self._running += 1
                self._batches += 1
                self._records += len(batch)
            threading.Thread(
                target=self._work, args=(batch,), name=f"batch-{self.queue}", daemon=True
            ).start()

    def _collect(self) -> list[Message]:
        size = self._mapping.batch_size
        batch = self._queues.receive(
            self.queue,
            min(size, _RECEIVE_AT_MOST),
            wait_seconds=_POLL_SECONDS,
            on_taken=self._hold,
        )
        window_ends = time.monotonic() + self._mapping.window_seconds
        while batch and len(batch) < size and not self.stopping.is_set():
            left = window_ends - time.monotonic()
            if left <= 0:
                break
            batch += self._queues.receive(
                self.queue,
                min(size - len(batch), _RECEIVE_AT_MOST),
                wait_seconds=min(left, _POLL_SECONDS),
                on_taken=self._hold,
            )
        return batch

    def _work(self, batch: list[Message]) -> None:
        failed: set[str] = set()
        try:
            failed = self._run(batch)
            done = [each.receipt_handle for each in batch if each.message_id not in failed]
            if done:
                self._queues.delete(self.queue, done)
        except Exception as error:
            # Nothing is acknowledged: the messages come back after their visibility timeout.
            if not self.stopping.is_set():
                self._log(f"poller of {self.queue}: {error!r}")
        finally:
            with self._changed:
                self._running -= 1
                self._held -= len(batch)
                self._failed += len(failed)
                self._changed.notify_all()
            self._slots.release()

    def _run(self, batch: list[Message]) -> set[str]:
        """Ids of the messages that must come again."""
        arn = self._mapping.source_arn
        records = [each.lambda_record(arn, self._region) for each in batch]
        wanted = [record for record in records if self._passes(record)]
        if not wanted:
            return set()
        everything = {str(record["messageId"]) for record in wanted}
        answer = self._invoke(json.dumps({"Records": wanted}, ensure_ascii=False).encode())
        if answer is None:
            return everything
        if not self._mapping.report_batch_item_failures:
            return set()
        order = [str(record["messageId"]) for record in wanted]
        return failed_items(answer, order, fifo=self.queue.endswith(".fifo"))

    def _passes(self, record: Json) -> bool:
        if not self._mapping.filters or self._matches is None:
            return True
        try:
            body = json.loads(record["body"])
        except ValueError:
            body = record["body"]
        subject = {**record, "body": body}
        return any(self._matches(pattern, subject) for pattern in self._mapping.filters)

    def _invoke(self, payload: bytes) -> bytes | None:
        """The function's answer, or None when it failed."""
        give_up = time.monotonic() + _THROTTLE_LIMIT_SECONDS
        while True:
            try:
                outcome = self._invoker.invoke(self._mapping.function_name, payload)
            except ThrottledError:
                if time.monotonic() > give_up or self.stopping.wait(_THROTTLE_PAUSE_SECONDS):
                    return None
            except FunctionNotFoundError:
                self._log(f"poller of {self.queue}: {self._mapping.function_name} is not deployed")
                return None
            else:
                return outcome.payload if outcome.function_error is None else None


def failed_items(answer: bytes, order: Sequence[str], *, fifo: bool) -> set[str]:
    """Which messages of a batch failed, by the answer of a function that reports them.

    An answer without the list means success; an item that names no message of the batch fails all
    of it. In a FIFO queue everything after the first failure comes again, too.
    Source: Lambda developer guide, "Reporting batch item failures".
    """
    document = json.loads(answer or b"null")
    if document is None or document == "":
        return set()
    if not isinstance(document, dict):
        return set(order)
    failures = document.get("batchItemFailures")
    if failures is None:
        return set()
    try:
        named = {failure["itemIdentifier"] for failure in failures}
        if not named <= set(order):
            return set(order)
    except (TypeError, KeyError):
        return set(order)
    if fifo and named:
        first = min(order.index(item) for item in named)
        return set(order[first:])
    return named
