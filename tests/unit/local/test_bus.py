"""Events reach the targets of matching rules, in the shape the rule asks for, or a dead letter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloud.bus import BusError, EventBus, input_for, matches, transform
from infra.local.cloud.model import (
    FunctionNotFoundError,
    InputTransformer,
    InvokeOutcome,
    Rule,
    Target,
)
from infra.local.cloud.sqs_engine import SqsEngine

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:"


class Runtime:
    """An invoker that remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
        raise AssertionError("events are delivered asynchronously")

    def invoke_async(self, function_name: str, payload: bytes) -> None:
        if function_name == "nobody":
            raise FunctionNotFoundError(function_name)
        self.calls.append((function_name, json.loads(payload)))


class Stage:
    """A bus with two queues, a runtime and a state machine to deliver to."""

    def __init__(self, folder: Path) -> None:
        self.sqs = SqsEngine(folder / "queues.sqlite", region="eu-central-1")
        for name in ("news", "dead"):
            self.sqs.create_queue(name, {}, update=True)
        self.sqs.create_queue("line.fifo", {"FifoQueue": "true"}, update=True)
        self.runtime = Runtime()
        self.started: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.bus = EventBus(
            region="eu-central-1",
            sqs=self.sqs,
            start_execution=lambda arn, text: self.started.append((arn, text)),
            invoker=lambda: self.runtime,
            now=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC),
            log=self.said.append,
        )

    def rule(self, *targets: Target, **pattern: Any) -> None:
        rule = Rule("R", "r", "kopru-bus", pattern or {"source": ["kopru.pensions"]}, targets)
        self.bus.use(["default", "kopru-bus"], [rule])

    def put(self, **entry: Any) -> dict[str, Any]:
        event = {
            "Source": "kopru.pensions",
            "DetailType": "pensions.SubmissionFinished.v1",
            "Detail": '{"id": "1", "amount": 1500, "names": ["Ada", "Şule"]}',
            "EventBusName": "kopru-bus",
            **entry,
        }
        return self.bus.put_events({"Entries": [event]})

    def taken(self, queue: str) -> list[Any]:
        return [json.loads(message.body) for message in self.sqs.receive(queue)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.sqs.stop()


def test_a_matching_event_reaches_the_queue(stage: Stage) -> None:
    stage.rule(Target("q", QUEUE + "news"))
    answer = stage.put(Resources=["arn:x"])
    (event,) = stage.taken("news")
    assert event == {
        "version": "0",
        "id": answer["Entries"][0]["EventId"],
        "detail-type": "pensions.SubmissionFinished.v1",
        "source": "kopru.pensions",
        "account": "123456789012",
        "time": "2026-03-01T12:00:00Z",
        "region": "eu-central-1",
        "resources": ["arn:x"],
        "detail": {"id": "1", "amount": 1500, "names": ["Ada", "Şule"]},
    }


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ({"source": ["kopru.pensions"]}, True),
        ({"source": ["kopru.workflow"]}, False),
        ({"source": ["kopru.pensions"], "detail-type": [{"prefix": "pensions."}]}, True),
        ({"detail": {"amount": [{"numeric": [">", 1000]}]}}, True),
        ({"detail": {"amount": [{"numeric": ["<", 1000]}]}}, False),
        ({"detail": {"id": [{"anything-but": ["1"]}]}}, False),
        ({"detail": {"absent": [{"exists": False}]}}, True),
        ({"detail": {"names": ["Şule"]}}, True),
    ],
)
def test_patterns(stage: Stage, pattern: dict[str, Any], matching: bool) -> None:
    stage.rule(Target("q", QUEUE + "news"), **pattern)
    stage.put()
    assert bool(stage.taken("news")) is matching


def test_a_pattern_can_filter_records_too() -> None:
    record = {"body": {"kind": "a"}, "attributes": {"MessageGroupId": "t"}}
    assert matches({"body": {"kind": ["a"]}}, record)
    assert not matches({"body": {"kind": ["b"]}}, record)


def test_buses_and_disabled_rules_are_separate(stage: Stage) -> None:
    target = Target("q", QUEUE + "news")
    source = {"source": ["kopru.pensions"]}
    stage.bus.use(
        ["default", "kopru-bus"],
        [
            Rule("A", "a", "default", source, (target,)),
            Rule("B", "b", "kopru-bus", source, (target,), enabled=False),
        ],
    )
    stage.put()
    assert stage.taken("news") == []
    stage.put(EventBusName="default")
    assert len(stage.taken("news")) == 1


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"EventBusName": "nobody"}, "ResourceNotFoundException"),
        ({"Detail": "not json"}, "MalformedDetail"),
        ({"Detail": "[1]"}, "MalformedDetail"),
        ({"Source": ""}, "InvalidArgument"),
    ],
)
def test_a_wrong_entry_fails_alone(stage: Stage, entry: dict[str, Any], code: str) -> None:
    stage.rule()
    answer = stage.put(**entry)
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == code


def test_a_request_of_the_wrong_size_is_refused(stage: Stage) -> None:
    entry = {"Source": "s", "DetailType": "d", "Detail": "{}"}
    for entries in ([], [entry] * 11, [{**entry, "Detail": json.dumps("x" * 1_100_000)}]):
        with pytest.raises(BusError):
            stage.bus.put_events({"Entries": entries})


def test_functions_and_state_machines_are_targets(stage: Stage) -> None:
    machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"
    stage.rule(
        Target("f", "arn:aws:lambda:eu-central-1:123456789012:function:worker", input='{"a": 1}'),
        Target("m", machine, input_path="$.detail.id"),
    )
    stage.put()
    assert stage.runtime.calls == [("worker", {"a": 1})]
    assert stage.started == [(machine, '"1"')]


def test_a_fifo_queue_gets_its_group(stage: Stage) -> None:
    stage.rule(Target("q", QUEUE + "line.fifo", message_group_id="tenant"))
    stage.put()
    (message,) = stage.sqs.receive("line.fifo")
    assert message.attributes["MessageGroupId"] == "tenant"


@pytest.mark.parametrize(
    "arn",
    [
        QUEUE + "absent",
        "arn:aws:lambda:eu-central-1:123456789012:function:nobody",
        "arn:aws:sns:eu-central-1:123456789012:topic",
    ],
)
def test_what_cannot_be_delivered_is_a_dead_letter(stage: Stage, arn: str) -> None:
    stage.rule(Target("t", arn, dlq_arn=QUEUE + "dead"))
    assert stage.put()["FailedEntryCount"] == 0
    (message,) = stage.sqs.receive("dead")
    assert json.loads(message.body)["source"] == "kopru.pensions"
    assert message.message_attributes["TARGET_ARN"]["StringValue"] == arn
    assert arn in stage.said[0]


EVENT = {
    "time": "2026-03-01T12:00:00Z",
    "detail": {"id": 'a"b', "n": 5, "rows": [{"x": 1}], "who": "Şule"},
}


@pytest.mark.parametrize(
    ("paths", "template", "result"),
    [
        ({"id": "$.detail.id"}, '{"id": <id>}', {"id": 'a"b'}),
        ({"who": "$.detail.who"}, '"Hello <who>"', "Hello Şule"),
        ({"n": "$.detail.n"}, '{"n": <n>}', {"n": 5}),
        ({"x": "$.detail.rows[0].x"}, "<x>", 1),
        ({"rows": "$.detail.rows"}, '{"rows": <rows>}', {"rows": [{"x": 1}]}),
        ({"gone": "$.detail.gone.deeper"}, '{"gone": <gone>}', {"gone": None}),
        ({}, '{"at": <aws.events.event.ingestion-time>}', {"at": "2026-03-01T12:00:00Z"}),
        ({}, "plain <unknown> text", "plain <unknown> text"),
    ],
)
def test_input_templates(paths: dict[str, str], template: str, result: Any) -> None:
    assert transform(InputTransformer(paths, template), EVENT) == result


def test_a_target_takes_the_event_unless_told_otherwise() -> None:
    assert input_for(Target("t", "arn"), EVENT) == EVENT
    transformer = InputTransformer({"n": "$.detail.n"}, "<n>")
    assert input_for(Target("t", "arn", transformer=transformer), EVENT) == 5
