"""The pump takes messages like Lambda's pollers do: over the real queue engine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import pump as pump_module
from infra.local.cloud.model import (
    EventSourceMapping,
    InvokeOutcome,
    LocalCloudError,
    ThrottledError,
)
from infra.local.cloud.sqs_engine import SqsEngine
from infra.local.pump import Pump, failed_items

REGION = "eu-central-1"


class Worker:
    """A function as the pump sees it: records what it got, answers what the test says."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.events: list[dict[str, Any]] = []
        self.answer: Callable[[list[str]], InvokeOutcome] = lambda _bodies: InvokeOutcome(b"null")
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
        event = json.loads(payload)
        bodies = [record["body"] for record in event["Records"]]
        with self._lock:
            self.events.append(event)
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            outcome = self.answer(bodies)
        finally:
            with self._lock:
                self.running -= 1
        with self._lock:
            self.batches.append(bodies)
        return outcome

    def invoke_async(self, function_name: str, payload: bytes) -> None:
        raise AssertionError("pollers invoke synchronously")

    @property
    def bodies(self) -> list[str]:
        with self._lock:
            return [body for batch in self.batches for body in batch]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SqsEngine]:
    made = SqsEngine(tmp_path / "sqs.db", region=REGION)
    made.create_queue("dead", {}, update=True)
    policy = {"deadLetterTargetArn": made.arn("dead"), "maxReceiveCount": 2}
    settings = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(policy)}
    made.create_queue("work", settings, update=True)
    made.create_queue("work.fifo", {"FifoQueue": "true", "VisibilityTimeout": "30"}, update=True)
    yield made
    made.stop()


@pytest.fixture
def worker() -> Worker:
    return Worker()


StartPump = Callable[..., Pump]


@pytest.fixture
def start(engine: SqsEngine, worker: Worker) -> Iterator[StartPump]:
    pumps: list[Pump] = []

    def begin(queue: str = "work", **more: Any) -> Pump:
        matches = more.pop("matches", None)
        pump = Pump(engine, worker, region=REGION, log=lambda _line: None, matches=matches)
        settings = {
            "logical_id": "Mapping",
            "source_arn": engine.arn(queue),
            "queue_name": queue,
            "function_name": "worker",
        }
        pump.start([EventSourceMapping(**{**settings, **more})])
        pumps.append(pump)
        return pump

    yield begin
    for pump in pumps:
        pump.stop()


def eventually(check: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.01)
    return check()


def fail(_bodies: list[str]) -> InvokeOutcome:
    return InvokeOutcome(b'{"errorType": "LookupError"}', "Unhandled")


def test_a_message_reaches_the_function_at_once_as_an_sqs_record(
    engine: SqsEngine, worker: Worker, start: StartPump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "_POLL_SECONDS", 20.0)
    start()
    time.sleep(0.1)
    sent = time.monotonic()
    engine.send("work", '{"v": 1}', group_id="tenant-1")
    assert eventually(lambda: worker.bodies == ['{"v": 1}'])
    assert time.monotonic() - sent < 10, "the send woke the poller, not the next poll"
    record = worker.events[0]["Records"][0]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == engine.arn("work")
    assert record["awsRegion"] == REGION
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["MessageGroupId"] == "tenant-1"
    assert eventually(lambda: engine.counts("work").in_flight == 0)


def test_messages_come_in_batches_of_the_wanted_size(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    for number in range(7):
        engine.send("work", str(number))
    start(batch_size=3, maximum_concurrency=1)
    assert eventually(lambda: len(worker.bodies) == 7)
    assert [len(batch) for batch in worker.batches] == [3, 3, 1]


def test_a_window_waits_for_company(engine: SqsEngine, worker: Worker, start: StartPump) -> None:
    start(batch_size=20, window_seconds=0.6)
    for number in range(15):
        engine.send("work", str(number))
        time.sleep(0.01)
    assert eventually(lambda: len(worker.bodies) == 15)
    assert len(worker.batches) == 1


def test_no_more_batches_at_a_time_than_agreed(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    def slow(_bodies: list[str]) -> InvokeOutcome:
        time.sleep(0.05)
        return InvokeOutcome(b"null")

    worker.answer = slow
    for number in range(12):
        engine.send("work", str(number))
    start(batch_size=1, maximum_concurrency=2)
    assert eventually(lambda: len(worker.bodies) == 12)
    assert worker.most == 2


@pytest.mark.slow
def test_only_the_reported_items_come_again_and_end_in_the_dead_letters(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    ids = {body: engine.send("work", body).message_id for body in ("good", "bad")}

    def answer(bodies: list[str]) -> InvokeOutcome:
        failures = [{"itemIdentifier": ids[body]} for body in bodies if body == "bad"]
        return InvokeOutcome(json.dumps({"batchItemFailures": failures}).encode())

    worker.answer = answer
    pump = start(report_batch_item_failures=True)
    assert eventually(lambda: engine.counts("dead").visible == 1)
    assert worker.bodies == ["good", "bad", "bad"]
    assert engine.peek("dead")[0].body == "bad"
    assert pump.statuses()[0].failed_records == 2
    assert eventually(lambda: engine.counts("work").in_flight == 0)


@pytest.mark.slow
def test_a_failing_function_acknowledges_nothing(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    worker.answer = fail
    engine.send("work", "a")
    start()
    assert eventually(lambda: worker.bodies == ["a"])
    assert engine.counts("work").in_flight == 1
    assert eventually(lambda: engine.counts("dead").visible == 1)
    assert worker.bodies == ["a", "a"]


def test_a_throttled_batch_is_tried_again_without_losing_a_receive(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    attempts: list[int] = []

    def answer(_bodies: list[str]) -> InvokeOutcome:
        attempts.append(1)
        if len(attempts) < 3:
            raise ThrottledError("full")
        return InvokeOutcome(b"null")

    worker.answer = answer
    engine.send("work", "a")
    start()
    assert eventually(lambda: worker.bodies == ["a"])
    receives = [e["Records"][0]["attributes"]["ApproximateReceiveCount"] for e in worker.events]
    assert receives == ["1", "1", "1"]


def test_filtered_records_are_acknowledged_unseen(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    engine.send("work", '{"kind": "a"}')
    engine.send("work", '{"kind": "b"}')
    engine.send("work", "not json")

    def matches(pattern: Any, record: Any) -> bool:
        body = record["body"]
        return isinstance(body, dict) and body["kind"] in pattern["body"]["kind"]

    start(filters=({"body": {"kind": ["b"]}},), matches=matches)
    assert eventually(lambda: worker.bodies == ['{"kind": "b"}'])
    assert eventually(lambda: engine.counts("work").in_flight == 0)
    assert engine.counts("work").visible == 0


def test_stop_receives_nothing_more(engine: SqsEngine, worker: Worker, start: StartPump) -> None:
    pump = start()
    time.sleep(0.05)
    started = time.monotonic()
    pump.stop()
    assert time.monotonic() - started < 3
    engine.send("work", "late")
    time.sleep(0.2)
    assert worker.bodies == []
    assert engine.counts("work").visible == 1


def test_a_pump_is_idle_when_nothing_is_left_of_the_work_that_work_creates(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    def answer(bodies: list[str]) -> InvokeOutcome:
        time.sleep(0.05)
        for body in bodies:
            if int(body):
                engine.send("work", str(int(body) - 1))
        return InvokeOutcome(b"null")

    worker.answer = answer
    engine.send("work", "3")
    pump = start()
    assert eventually(pump.idle)
    assert worker.bodies == ["3", "2", "1", "0"]


def test_a_batch_that_waits_for_company_is_work_already(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    pump = start(batch_size=20, window_seconds=0.5)
    engine.send("work", "alone")
    assert eventually(lambda: engine.counts("work").in_flight == 1)
    assert worker.bodies == []
    assert not pump.idle()
    assert eventually(pump.idle)
    assert worker.bodies == ["alone"]


def test_a_message_that_failed_and_is_hidden_keeps_nobody_busy(
    engine: SqsEngine, worker: Worker, start: StartPump
) -> None:
    worker.answer = fail
    engine.send("work", "a")
    pump = start()
    assert eventually(pump.idle, seconds=0.9)
    assert worker.bodies == ["a"]
    assert engine.counts("work").in_flight == 1


def test_only_queues_are_polled(start: StartPump) -> None:
    with pytest.raises(LocalCloudError, match="queues only"):
        start(source_arn="arn:aws:dynamodb:eu-central-1:123456789012:table/t/stream/1")


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ("null", []),
        ('""', []),
        ("{}", []),
        ('{"batchItemFailures": null}', []),
        ('{"batchItemFailures": []}', []),
        ('{"batchItemFailures": [{"itemIdentifier": "b"}]}', ["b"]),
        ('{"batchItemFailures": [{"itemIdentifier": "z"}]}', ["a", "b", "c"]),
        ('{"batchItemFailures": [{"itemIdentifier": null}]}', ["a", "b", "c"]),
        ('{"batchItemFailures": [{"id": "b"}]}', ["a", "b", "c"]),
        ('{"batchItemFailures": ["b"]}', ["a", "b", "c"]),
        ('"done"', ["a", "b", "c"]),
    ],
)
def test_partial_answers_are_read_as_lambda_reads_them(answer: str, failed: list[str]) -> None:
    assert failed_items(answer.encode(), ["a", "b", "c"], fifo=False) == set(failed)


def test_in_a_fifo_queue_everything_after_a_failure_comes_again() -> None:
    answer = b'{"batchItemFailures": [{"itemIdentifier": "b"}]}'
    assert failed_items(answer, ["a", "b", "c"], fifo=True) == {"b", "c"}
