"""State machines go on where they were: no step twice, no token lost, no name used again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.cloud import LocalCloud
from infra.local.cloud.model import InvokeOutcome
from tests.unit.local.conftest import receive, write_sample

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def send(queue: str, body: str, *, wait: bool = False, **more: Any) -> dict[str, Any]:
    """A task that sends a message; its body may be a path."""
    suffix = ".waitForTaskToken" if wait else ""
    name = "MessageBody.$" if body.startswith("$") else "MessageBody"
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::sqs:sendMessage{suffix}",
        "Parameters": {
            "QueueUrl": f"https://sqs.eu-central-1.amazonaws.com/123456789012/kopru-{queue}",
            name: body,
        },
        **more,
    }


APPROVAL = {
    "StartAt": "Announce",
    "States": {
        "Announce": send("WorkQueue", "announced", Next="Ask"),
        "Ask": send("EventsQueue", "$$.Task.Token", wait=True, TimeoutSeconds=600, Next="Tell"),
        "Tell": send("WorkQueue", "told", End=True),
    },
}


class Stack:
    """A cloud that is started again and again on one folder."""

    def __init__(self, folder: Path, definition: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.definition = definition or APPROVAL
        self.calls: list[Any] = []
        self.behave: Callable[[int], InvokeOutcome] = lambda _: InvokeOutcome(b'"fine"')
        self.cloud: LocalCloud | None = None

    def start(self) -> LocalCloud:
        template = write_sample(self.folder / "checkout")
        states = template.parent / "infra/approval.asl.yaml"
        states.write_text(yaml.safe_dump(self.definition), encoding="utf-8")
        cloud = LocalCloud(self.folder / "state", log=lambda _: None)
        cloud.start()
        cloud.set_invoker(self)
        cloud.deploy(template, {})
        self.cloud = cloud
        return cloud

    def stop(self) -> None:
        if self.cloud is not None:
            self.cloud.stop()
            self.cloud = None

    def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
        self.calls.append((function_name, json.loads(payload)))
        return self.behave(len(self.calls))

    def invoke_async(self, function_name: str, payload: bytes) -> None:
        raise AssertionError("state machines wait for their functions")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    yield stack
    stack.stop()


def begin(cloud: LocalCloud, name: str = "one", **more: Any) -> str:
    assert cloud.deployment is not None
    arn: str = cloud.client("stepfunctions").start_execution(
        stateMachineArn=cloud.deployment.outputs["Approval"], name=name, **more
    )["executionArn"]
    return arn


def ended(cloud: LocalCloud, arn: str, seconds: float = 90) -> dict[str, Any]:
    client = cloud.client("stepfunctions")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        described: dict[str, Any] = client.describe_execution(executionArn=arn)
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.02)
    raise AssertionError("the execution did not end")


def calm(cloud: LocalCloud) -> None:
    """Wait until every execution waits for something that has not come yet."""
    deadline = time.monotonic() + 10
    while not cloud.executions_are_quiet():
        assert time.monotonic() < deadline, "an execution goes on and on"
        time.sleep(0.02)


def bodies(cloud: LocalCloud, queue: str) -> list[str]:
    return [message.body for message in receive(cloud, queue)]


def asked(cloud: LocalCloud, queue: str = "EventsQueue", count: int = 1) -> list[str]:
    """The tokens of tasks that wait, once the journal knows that they were sent."""
    tokens: list[str] = []
    while len(tokens) < count:
        tokens += bodies(cloud, queue)
    journal = cloud._running().executions
    for _ in range(200):
        rows = journal._rows("SELECT 1 FROM step WHERE submitted > '' AND outcome IS NULL")
        if len(rows) >= count:
            return tokens
        time.sleep(0.02)
    raise AssertionError("the journal does not know of the task")


def test_a_waiting_execution_goes_on_with_the_same_token(stack: Stack) -> None:
    cloud = stack.start()
    arn = begin(cloud, input='{"request": 1}')
    (token,) = asked(cloud)
    assert bodies(cloud, "WorkQueue") == ["announced"]
    stack.stop()

    cloud = stack.start()
    assert cloud.resume_executions() == 1
    time.sleep(0.5)
    assert cloud.sqs.counts("kopru-WorkQueue").visible == 0
    assert cloud.sqs.counts("kopru-EventsQueue").visible == 0
    cloud.client("stepfunctions").send_task_success(taskToken=token, output='{"yes": true}')
    assert ended(cloud, arn)["status"] == "SUCCEEDED"
    assert bodies(cloud, "WorkQueue") == ["told"]
    with pytest.raises(cloud.client("stepfunctions").exceptions.TaskTimedOut):
        cloud.client("stepfunctions").send_task_success(taskToken=token, output="{}")


def test_an_answered_token_is_work_until_its_execution_has_gone_on(stack: Stack) -> None:
    cloud = stack.start()
    arn = begin(cloud)
    (token,) = asked(cloud)
    calm(cloud)
    cloud.client("stepfunctions").send_task_success(taskToken=token, output="{}")
    calm(cloud)
    described = cloud.client("stepfunctions").describe_execution(executionArn=arn)
    assert described["status"] == "SUCCEEDED"
    assert bodies(cloud, "WorkQueue")[-1] == "told"


def test_resuming_twice_starts_nothing_twice(stack: Stack) -> None:
    cloud = stack.start()
    begin(cloud)
    asked(cloud)
    stack.stop()
    cloud = stack.start()
    assert cloud.resume_executions() == 1
    assert cloud.resume_executions() == 0


def test_a_killed_stack_loses_no_execution(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys\n"
        "from tests.unit.local.test_cloud_executions import Stack, asked, begin\n"
        f"cloud = Stack(pathlib.Path({str(tmp_path)!r})).start()\n"
        "print(begin(cloud), asked(cloud)[0], flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        arn, token = process.stdout.readline().split()
        process.send_signal(signal.SIGKILL)
    stack = Stack(tmp_path)
    cloud = stack.start()
    try:
        assert cloud.resume_executions() == 1
        assert bodies(cloud, "WorkQueue") == ["announced"]
        cloud.client("stepfunctions").send_task_success(taskToken=token, output="{}")
        assert ended(cloud, arn)["status"] == "SUCCEEDED"
    finally:
        stack.stop()


def test_an_answer_given_just_before_the_end_counts(stack: Stack) -> None:
    cloud = stack.start()
    arn = begin(cloud)
    (token,) = asked(cloud)
    # What a killed process leaves behind: the answer is written, its consequence is not.
    parts = cloud._running()
    parts.executions.answered(token, ("output", {"yes": True}))
    stack.stop()
    cloud = stack.start()
    cloud.resume_executions()
    assert ended(cloud, arn)["status"] == "SUCCEEDED"


def test_a_refusal_is_replayed_as_a_refusal(stack: Stack) -> None:
    stack.definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": send(
                "EventsQueue",
                "$$.Task.Token",
                wait=True,
                Catch=[{"ErrorEquals": ["Rejected"], "ResultPath": "$.why", "Next": "Pause"}],
                End=True,
            ),
            "Pause": send("MailQueue", "$$.Task.Token", wait=True, ResultPath=None, End=True),
        },
    }
    cloud = stack.start()
    arn = begin(cloud, input="{}")
    (token,) = asked(cloud)
    client = cloud.client("stepfunctions")
    client.send_task_failure(taskToken=token, error="Rejected", cause="too much")
    (second,) = asked(cloud, "MailQueue")
    stack.stop()
    cloud = stack.start()
    cloud.resume_executions()
    cloud.client("stepfunctions").send_task_success(taskToken=second, output="1")
    result = json.loads(ended(cloud, arn)["output"])
    assert result["why"] == {"Error": "Rejected", "Cause": "too much"}


def test_functions_that_ran_do_not_run_again(stack: Stack) -> None:
    stack.definition = {
        "StartAt": "Work",
        "States": {
            "Work": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "worker", "Payload.$": "$"},
                "ResultSelector": {"said.$": "$.Payload"},
                "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "MaxAttempts": 2}],
                "Next": "Ask",
            },
            "Ask": send("EventsQueue", "$$.Task.Token", wait=True, ResultPath=None, End=True),
        },
    }
    stack.behave = lambda count: (
        InvokeOutcome(b'{"errorType": "Busy", "errorMessage": "later"}', "Unhandled")
        if count == 1
        else InvokeOutcome(b'"done"')
    )
    cloud = stack.start()
    arn = begin(cloud, input='{"a": 1}')
    (token,) = asked(cloud)
    assert stack.calls == [("worker", {"a": 1})] * 2
    stack.stop()
    cloud = stack.start()
    cloud.resume_executions()
    cloud.client("stepfunctions").send_task_success(taskToken=token, output="1")
    assert json.loads(ended(cloud, arn)["output"]) == {"said": "done"}
    assert len(stack.calls) == 2


def test_every_item_of_a_map_keeps_its_token(stack: Stack) -> None:
    stack.definition = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.names",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "INLINE"},
                    "StartAt": "Ask",
                    "States": {
                        "Ask": send("EventsQueue", "$$.Task.Token", wait=True, End=True),
                    },
                },
                "End": True,
            }
        },
    }
    cloud = stack.start()
    arn = begin(cloud, input='{"names": ["a", "b"]}')
    tokens = asked(cloud, count=2)
    stack.stop()
    cloud = stack.start()
    cloud.resume_executions()
    time.sleep(0.7)
    assert cloud.sqs.counts("kopru-EventsQueue").visible == 0
    for number, token in enumerate(tokens):
        cloud.client("stepfunctions").send_task_success(taskToken=token, output=str(number))
    assert sorted(json.loads(ended(cloud, arn)["output"])) == [0, 1]


def test_a_wait_takes_what_is_left_of_it(stack: Stack) -> None:
    stack.definition = {
        "StartAt": "Wait",
        "States": {"Wait": {"Type": "Wait", "Seconds": 4, "End": True}},
    }
    arn = begin(stack.start())
    began = time.monotonic()
    time.sleep(0.5)
    stack.stop()
    time.sleep(max(0.0, began + 3 - time.monotonic()))
    cloud = stack.start()
    resumed = time.monotonic()
    cloud.resume_executions()
    assert ended(cloud, arn)["status"] == "SUCCEEDED"
    assert time.monotonic() - resumed < 3


def test_a_timeout_takes_what_is_left_of_it(stack: Stack) -> None:
    stack.definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": send("EventsQueue", "$$.Task.Token", wait=True, TimeoutSeconds=5, End=True)
        },
    }
    cloud = stack.start()
    arn = begin(cloud)
    began = time.monotonic()
    asked(cloud)
    stack.stop()
    time.sleep(max(0.0, began + 4 - time.monotonic()))
    cloud = stack.start()
    resumed = time.monotonic()
    cloud.resume_executions()
    described = ended(cloud, arn)
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")
    assert time.monotonic() - resumed < 4


def test_finished_executions_are_listed_and_their_names_stay_taken(stack: Stack) -> None:
    cloud = stack.start()
    arn = begin(cloud, input='{"n": 1}')
    (token,) = asked(cloud)
    cloud.client("stepfunctions").send_task_failure(taskToken=token, error="No", cause="because")
    assert ended(cloud, arn)["status"] == "FAILED"
    stack.stop()
    cloud = stack.start()
    assert cloud.resume_executions() == 0
    client = cloud.client("stepfunctions")
    described = client.describe_execution(executionArn=arn)
    assert (described["status"], described["error"]) == ("FAILED", "No")
    assert json.loads(described["input"]) == {"n": 1}
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        begin(cloud, input='{"n": 1}')
    begin(cloud, "two")


def test_a_reset_ends_what_runs(stack: Stack) -> None:
    cloud = stack.start()
    begin(cloud)
    receive(cloud, "EventsQueue")
    cloud.reset()
    assert cloud.resume_executions() == 0
    assert cloud.deployment is not None
    executions = cloud.client("stepfunctions").list_executions(
        stateMachineArn=cloud.deployment.outputs["Approval"]
    )
    assert executions["executions"] == []


def test_a_snapshot_holds_running_executions(stack: Stack) -> None:
    cloud = stack.start()
    arn = begin(cloud)
    (token,) = asked(cloud)
    cloud.save_snapshot("waiting")
    cloud.reset()
    cloud.load_snapshot("waiting")
    assert cloud.resume_executions() == 1
    cloud.client("stepfunctions").send_task_success(taskToken=token, output="{}")
    assert ended(cloud, arn)["status"] == "SUCCEEDED"


def test_waits_and_tokens_follow_the_clock_of_the_stack(tmp_path: Path) -> None:
    definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": send(
                "EventsQueue",
                "$$.Task.Token",
                wait=True,
                TimeoutSeconds=86_400,
                Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Rest"}],
                Next="Rest",
            ),
            "Rest": {"Type": "Wait", "Seconds": 86_400, "Next": "Tell"},
            "Tell": send("WorkQueue", "told", End=True),
        },
    }
    stack = Stack(tmp_path, definition)
    cloud = stack.start()
    try:
        ahead = [0.0]
        cloud.set_clock(lambda: datetime.now(UTC) + timedelta(days=ahead[0]))
        arn = begin(cloud)
        asked(cloud)
        calm(cloud)
        ahead[0] = 1.1
        calm(cloud)
        history = cloud.client("stepfunctions").get_execution_history(executionArn=arn)
        assert any(event["type"] == "WaitStateEntered" for event in history["events"])
        ahead[0] = 2.2
        assert ended(cloud, arn, 10)["status"] == "SUCCEEDED"
        assert bodies(cloud, "WorkQueue") == ["told"]
    finally:
        stack.stop()
