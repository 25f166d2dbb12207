"""The queue engine keeps the promises the product's reliability rules are built on."""

from __future__ import annotations

import itertools
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.cloud.model import LocalCloudError
from infra.local.cloud.sqs_engine import SqsEngine
from infra.local.cloud.sqs_queue import SqsError
from infra.local.cloud.sqs_wire import SqsWire

REGION = "eu-central-1"


class Hands:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def engine(tmp_path: Path, clock: Hands) -> Iterator[SqsEngine]:
    engine = SqsEngine(tmp_path / "queues.sqlite", region=REGION, now=clock)
    engine.use_base_url("http://127.0.0.1:4566")
    engine.create_queue("dead", {}, update=True)
    engine.create_queue(
        "work",
        {
            "VisibilityTimeout": 30,
            "RedrivePolicy": json.dumps(
                {"deadLetterTargetArn": engine.arn("dead"), "maxReceiveCount": 2}
            ),
        },
        update=True,
    )
    yield engine
    engine.stop()


def bodies(engine: SqsEngine, queue: str = "work", count: int = 10) -> list[str]:
    return [message.body for message in engine.receive(queue, count)]


def test_a_received_message_is_hidden_until_its_visibility_timeout_ends(
    engine: SqsEngine, clock: Hands
) -> None:
    engine.send("work", "one")
    assert bodies(engine) == ["one"]
    clock.now += 29.9
    assert bodies(engine) == []
    clock.now += 0.2
    (again,) = engine.receive("work")
    assert again.body == "one"
    assert again.attributes["ApproximateReceiveCount"] == "2"


def test_a_deleted_message_never_returns(engine: SqsEngine, clock: Hands) -> None:
    engine.send("work", "one")
    (message,) = engine.receive("work")
    engine.delete("work", [message.receipt_handle])
    clock.now += 3600
    assert bodies(engine) == []
    assert engine.counts("work").visible == 0


def test_an_outdated_receipt_deletes_nothing(engine: SqsEngine, clock: Hands) -> None:
    engine.send("work", "one")
    (first,) = engine.receive("work")
    clock.now += 31
    (second,) = engine.receive("work")
    engine.delete("work", [first.receipt_handle])
    assert engine.counts("work").in_flight == 1
    engine.delete("work", [second.receipt_handle])
    assert engine.counts("work").in_flight == 0


def test_a_message_received_too_often_goes_to_the_dead_letters_and_back(
    engine: SqsEngine, clock: Hands
) -> None:
    engine.send("work", "poison", group_id="tenant-1")
    for _ in range(2):
        assert bodies(engine) == ["poison"]
        clock.now += 31
    assert bodies(engine) == []
    (dead,) = engine.receive("dead", visibility_timeout=0)
    assert dead.body == "poison"
    assert dead.attributes["DeadLetterQueueSourceArn"] == engine.arn("work")
    assert dead.attributes["MessageGroupId"] == "tenant-1"
    clock.now += 1
    assert engine.redrive("dead", message_ids=["somebody else"]) == 0
    assert engine.redrive("dead") == 1
    (back,) = engine.receive("work")
    assert back.attributes["ApproximateReceiveCount"] == "1"


def test_delay_and_change_of_visibility(engine: SqsEngine, clock: Hands) -> None:
    engine.send("work", "later", delay_seconds=60)
    assert engine.counts("work").delayed == 1
    assert bodies(engine) == []
    clock.now += 60
    (message,) = engine.receive("work")
    engine.change_visibility("work", message.receipt_handle, 300)
    clock.now += 299
    assert bodies(engine) == []
    clock.now += 1
    (message,) = engine.receive("work")
    engine.change_visibility("work", message.receipt_handle, 0)
    # Two receives are the limit of the policy: the next look finds it among the dead letters.
    assert bodies(engine) == []
    assert bodies(engine, "dead") == ["later"]


def test_the_visibility_of_a_message_that_is_not_held_cannot_change(
    engine: SqsEngine, clock: Hands
) -> None:
    engine.send("work", "one")
    (message,) = engine.receive("work")
    clock.now += 31
    with pytest.raises(SqsError, match="not available for visibility timeout change"):
        engine.change_visibility("work", message.receipt_handle, 5)
    with pytest.raises(SqsError, match="ReceiptHandleIsInvalid"):
        engine.change_visibility("work", "nonsense", 5)


def test_messages_expire_after_the_retention_period(engine: SqsEngine, clock: Hands) -> None:
    engine.create_queue("short", {"MessageRetentionPeriod": 60}, update=True)
    engine.send("short", "old")
    clock.now += 61
    assert bodies(engine, "short") == []
    assert engine.counts("short").visible == 0


def test_groups_of_a_standard_queue_take_turns(engine: SqsEngine) -> None:
    for number in range(200):
        engine.send("work", f"big {number}", group_id="big")
    engine.send("work", "small", group_id="small")
    assert "small" in bodies(engine, count=3)


class TestFifo:
    @pytest.fixture
    def fifo(self, engine: SqsEngine) -> SqsEngine:
        engine.create_queue("line.fifo", {"FifoQueue": "true"}, update=True)
        return engine

    def send(self, engine: SqsEngine, body: str, group: str = "g", key: str = "") -> str:
        sent = engine.send("line.fifo", body, group_id=group, deduplication_id=key or body)
        return sent.message_id

    def test_a_group_in_flight_locks_its_followers_and_no_other_group(
        self, fifo: SqsEngine, clock: Hands
    ) -> None:
        for body in ("a1", "a2"):
            self.send(fifo, body, "a")
        self.send(fifo, "b1", "b")
        assert bodies(fifo, "line.fifo", 1) == ["a1"]
        assert bodies(fifo, "line.fifo") == ["b1"]
        clock.now += 31
        assert bodies(fifo, "line.fifo") == ["a1", "a2", "b1"]

    def test_a_repeated_deduplication_id_is_swallowed_for_five_minutes(
        self, fifo: SqsEngine, clock: Hands
    ) -> None:
        first = self.send(fifo, "one", key="k")
        assert self.send(fifo, "two", key="k") == first
        clock.now += 301
        assert self.send(fifo, "three", key="k") != first
        assert bodies(fifo, "line.fifo") == ["one", "three"]

    def test_group_and_deduplication_are_required(self, fifo: SqsEngine) -> None:
        with pytest.raises(SqsError, match="MessageGroupId"):
            fifo.send("line.fifo", "x", deduplication_id="x")
        with pytest.raises(SqsError, match="MessageDeduplicationId"):
            fifo.send("line.fifo", "x", group_id="g")

    def test_content_can_deduplicate(self, fifo: SqsEngine) -> None:
        fifo.set_attributes("line.fifo", {"ContentBasedDeduplication": "true"})
        first = fifo.send("line.fifo", "x", group_id="g")
        assert fifo.send("line.fifo", "x", group_id="g") == first


def test_a_long_poll_wakes_when_a_message_arrives(tmp_path: Path) -> None:
    engine = SqsEngine(tmp_path / "queues.sqlite", region=REGION)
    engine.create_queue("work", {}, update=True)
    timer = threading.Timer(0.1, engine.send, ("work", "hello"))
    timer.start()
    started = time.monotonic()
    assert bodies(engine, "work") == []
    assert [m.body for m in engine.receive("work", 10, wait_seconds=10)] == ["hello"]
    assert time.monotonic() - started < 5
    timer.join()
    engine.stop()


def test_stopping_ends_a_long_poll_with_nothing(tmp_path: Path) -> None:
    engine = SqsEngine(tmp_path / "queues.sqlite", region=REGION)
    engine.create_queue("work", {}, update=True)
    threading.Timer(0.1, engine.stop).start()
    assert engine.receive("work", 10, wait_seconds=10) == []
    assert engine.receive("work", 10, wait_seconds=10) == []
    with pytest.raises(SqsError, match="stopping"):
        engine.send("work", "too late")


def test_concurrent_receivers_never_share_a_message(engine: SqsEngine) -> None:
    for number in range(400):
        engine.send("work", str(number))
    seen: list[str] = []

    def drain() -> None:
        while messages := engine.receive("work"):
            seen.extend(message.body for message in messages)
            engine.delete("work", [message.receipt_handle for message in messages])

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen, key=int) == [str(number) for number in range(400)]


def test_a_reopened_engine_continues_where_it_stopped(tmp_path: Path, clock: Hands) -> None:
    path = tmp_path / "queues.sqlite"
    engine = SqsEngine(path, region=REGION, now=clock)
    engine.create_queue("work", {"VisibilityTimeout": 40}, update=True)
    engine.send("work", "held", attributes={"a": {"DataType": "String", "StringValue": "b"}})
    engine.send("work", "gone")
    engine.send("work", "delayed", delay_seconds=10)
    held, gone = engine.receive("work")
    engine.delete("work", [gone.receipt_handle])
    engine.stop()

    again = SqsEngine(path, region=REGION, now=clock)
    assert again.counts("work") == again.counts("work").__class__(0, 1, 1, 0.0)
    clock.now += 10
    assert bodies(again) == ["delayed"]
    again.delete("work", [held.receipt_handle])
    assert again.counts("work").in_flight == 1
    again.stop()


def test_release_in_flight_shows_what_dead_receivers_held(engine: SqsEngine) -> None:
    engine.send("work", "one")
    assert bodies(engine) == ["one"]
    assert engine.release_in_flight() == 1
    (message,) = engine.receive("work")
    assert message.attributes["ApproximateReceiveCount"] == "2"


def test_a_killed_process_loses_no_acknowledged_message(tmp_path: Path) -> None:
    path = tmp_path / "queues.sqlite"
    script = (
        "import sys, itertools, pathlib\n"
        "from infra.local.cloud.sqs_engine import SqsEngine\n"
        f"engine = SqsEngine(pathlib.Path({str(path)!r}), region='eu-central-1')\n"
        "engine.create_queue('work', {}, update=True)\n"
        "for number in itertools.count():\n"
        "    engine.send('work', str(number))\n"
        "    print(number, flush=True)\n"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 300:
                process.send_signal(signal.SIGKILL)
                break
        rest = [int(text) for text in process.stdout.read().split()]
    acknowledged = max([300, *rest])
    engine = SqsEngine(path, region=REGION)
    assert engine.counts("work").visible >= acknowledged + 1
    engine.stop()


def test_a_failed_write_leaves_memory_and_log_equal(engine: SqsEngine) -> None:
    engine.send("work", "kept")

    def send_then_fail() -> None:
        with engine.together():
            engine.send("work", "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        send_then_fail()
    assert bodies(engine) == ["kept"]


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "queues.sqlite"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4096)
    with pytest.raises(LocalCloudError, match=r"queues\.sqlite is damaged"):
        SqsEngine(path, region=REGION)


def test_thousands_of_messages_a_second(tmp_path: Path) -> None:
    engine = SqsEngine(tmp_path / "queues.sqlite", region=REGION)
    engine.create_queue("work", {}, update=True)
    started = time.process_time()
    for number in range(5_000):
        engine.send("work", f'{{"v":1,"n":{number}}}', group_id=str(number % 7))
    received = 0
    while messages := engine.receive("work"):
        received += len(messages)
        engine.delete("work", [message.receipt_handle for message in messages])
    elapsed = time.process_time() - started
    engine.stop()
    assert received == 5_000
    # Processor time, so a busy machine changes nothing: about half a second.
    assert elapsed < 5


def test_a_copy_is_a_whole_engine(engine: SqsEngine, tmp_path: Path, clock: Hands) -> None:
    engine.send("work", "one")
    engine.backup(tmp_path / "copy.sqlite")
    engine.purge("work")
    assert bodies(engine) == []
    copy = SqsEngine(tmp_path / "copy.sqlite", region=REGION, now=clock)
    assert bodies(copy) == ["one"]
    copy.stop()


def test_clear_forgets_everything(engine: SqsEngine, tmp_path: Path) -> None:
    engine.send("work", "one")
    engine.clear()
    assert engine.queue_names() == []
    with sqlite3.connect(tmp_path / "queues.sqlite") as raw:
        assert raw.execute("SELECT count(*) FROM message").fetchone() == (0,)
    raw.close()


class TestWire:
    @pytest.fixture
    def wire(self, engine: SqsEngine) -> SqsWire:
        return SqsWire(engine)

    URL = "http://127.0.0.1:4566/123456789012/work"

    def test_a_batch_reports_each_entry(self, wire: SqsWire) -> None:
        answer = wire.call(
            "SendMessageBatch",
            {
                "QueueUrl": self.URL,
                "Entries": [
                    {"Id": "good", "MessageBody": "x"},
                    {"Id": "bad", "MessageBody": "x", "DelaySeconds": 901},
                ],
            },
        )
        assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
        assert [entry["Id"] for entry in answer["Failed"]] == ["bad"]

    @pytest.mark.parametrize(
        ("entries", "code"),
        [
            ([], "EmptyBatchRequest"),
            ([{"Id": "1", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
            (
                [{"Id": str(i), "MessageBody": "x"} for i in range(11)],
                "TooManyEntriesInBatchRequest",
            ),
        ],
    )
    def test_a_wrong_batch_is_refused_whole(
        self, wire: SqsWire, entries: list[object], code: str
    ) -> None:
        with pytest.raises(SqsError, match=code):
            wire.call("SendMessageBatch", {"QueueUrl": self.URL, "Entries": entries})

    def test_only_requested_attributes_are_returned(self, wire: SqsWire) -> None:
        attributes = {
            "kind": {"DataType": "String", "StringValue": "k"},
            "size": {"DataType": "Number", "StringValue": "1"},
        }
        wire.call(
            "SendMessage",
            {"QueueUrl": self.URL, "MessageBody": "x", "MessageAttributes": attributes},
        )
        (message,) = wire.call(
            "ReceiveMessage",
            {
                "QueueUrl": self.URL,
                "AttributeNames": ["ApproximateReceiveCount"],
                "MessageAttributeNames": ["kind"],
            },
        )["Messages"]
        assert message["Attributes"] == {"ApproximateReceiveCount": "1"}
        assert message["MessageAttributes"] == {"kind": attributes["kind"]}

    def test_unknown_queues_operations_and_missing_parameters(self, wire: SqsWire) -> None:
        with pytest.raises(SqsError, match="NonExistentQueue"):
            wire.call("PurgeQueue", {"QueueUrl": "http://x/1/nobody"})
        with pytest.raises(SqsError, match="InvalidAction"):
            wire.call("AddPermission", {"QueueUrl": self.URL})
        with pytest.raises(SqsError, match="MessageBody"):
            wire.call("SendMessage", {"QueueUrl": self.URL})

    def test_attributes_and_sources(self, wire: SqsWire, engine: SqsEngine) -> None:
        answer = wire.call("GetQueueAttributes", {"QueueUrl": self.URL, "AttributeNames": ["All"]})
        assert answer["Attributes"]["QueueArn"] == engine.arn("work")
        dead = self.URL.replace("work", "dead")
        assert wire.call("ListDeadLetterSourceQueues", {"QueueUrl": dead}) == {
            "queueUrls": [self.URL]
        }
        assert wire.call("ListQueues", {"QueueNamePrefix": "w"}) == {"QueueUrls": [self.URL]}

    def test_a_move_task_redrives(self, wire: SqsWire, engine: SqsEngine) -> None:
        engine.send("dead", "x")
        wire.call(
            "StartMessageMoveTask",
            {"SourceArn": engine.arn("dead"), "DestinationArn": engine.arn("work")},
        )
        assert bodies(engine) == ["x"]


def test_a_lambda_record_has_the_shape_of_an_event_source_mapping(engine: SqsEngine) -> None:
    engine.send("work", "x", attributes={"a": {"DataType": "String", "StringValue": "b"}})
    (message,) = engine.receive("work")
    record = message.lambda_record(engine.arn("work"), REGION)
    assert record["eventSourceARN"] == "arn:aws:sqs:eu-central-1:123456789012:work"
    assert record["messageAttributes"] == {
        "a": {
            "stringValue": "b",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        }
    }
    assert set(record) == {
        "messageId",
        "receiptHandle",
        "body",
        "attributes",
        "messageAttributes",
        "md5OfBody",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
    }


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.sampled_from(["send", "receive", "delete", "wait", "restart"])))
def test_no_message_is_lost_or_received_twice_at_a_time(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """Model: what was sent and not deleted is, at any time, visible or held by its receiver."""
    path = tmp_path_factory.mktemp("queues") / "queues.sqlite"
    clock = Hands()
    engine = SqsEngine(path, region=REGION, now=clock)
    engine.create_queue("work", {"VisibilityTimeout": 30}, update=True)
    numbers = itertools.count()
    alive: set[str] = set()
    held: dict[str, tuple[str, float]] = {}
    for step in steps:
        if step == "send":
            body = str(next(numbers))
            engine.send("work", body, group_id=str(int(body) % 2))
            alive.add(body)
        elif step == "receive":
            for message in engine.receive("work", 2):
                assert message.body in alive
                assert message.body not in held or held[message.body][1] <= clock.now
                held[message.body] = (message.receipt_handle, clock.now + 30)
        elif step == "delete" and held:
            body, (handle, _) = held.popitem()
            engine.delete("work", [handle])
            alive.discard(body)
        elif step == "wait":
            clock.now += 20
        elif step == "restart":
            engine.stop()
            engine = SqsEngine(path, region=REGION, now=clock)
    counts = engine.counts("work")
    assert counts.visible + counts.in_flight == len(alive)
    engine.stop()
