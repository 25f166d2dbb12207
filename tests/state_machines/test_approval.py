"""The approval machine as it is deployed, interpreted locally, with the real handlers (WFL-05).

The template is deployed to the local cloud; functions run in this process on a clock that stands
still until the test moves it, so every deadline is exact and nothing waits for real hours.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from infra.local.cloud import LocalCloud
from infra.local.cloud.model import InvokeOutcome
from kernel.clock import FixedClock
from tests.support.approvals_world import (
    CHIEF,
    CHIEF_2,
    MANAGER,
    REQUESTER,
    ApprovalsWorld,
)
from tests.support.aws import START
from tests.support.lambda_context import LambdaContext
from tests.support.rules_world import TENANT, RulesWorld
from toolkit.aws.clients import client
from toolkit.platform import Platform
from workflow import bootstrap
from workflow.domain.approvals.waiting import Wait
from workflow.settings import WorkflowSettings

pytestmark = [pytest.mark.loopback, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SECONDS = 20.0


_NONE = Wait("", 0, 0, closed=False, done=False)


class Machine(ApprovalsWorld):
    """Approvals on the local cloud: queues, table, tokens and executions are the real ones."""

    cloud: LocalCloud

    def drive(self) -> None:
        """Let the worker empty its queue."""
        from workflow.handlers import drive_approvals

        url = self.queue()
        for _ in range(3):
            for message in (
                self.cloud.client("sqs")
                .receive_message(QueueUrl=url, MaxNumberOfMessages=10)
                .get("Messages", [])
            ):
                record = {**message, "messageId": message["MessageId"], "body": message["Body"]}
                record["attributes"] = {"ApproximateReceiveCount": "1"}
                answer = drive_approvals.handler({"Records": [record]}, LambdaContext())
                if not answer["batchItemFailures"]:
                    self.cloud.client("sqs").delete_message(
                        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]
                    )

    def queue(self) -> str:
        """Address of the queue of tasks."""
        assert self.cloud.deployment is not None
        name = next(
            name for name in self.cloud.deployment.queues if name.endswith("-workflow-approvals")
        )
        return str(self.cloud.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    def settle(self) -> None:
        """The execution of the open task waits with a stored token, the ended ones have ended."""
        self.drive()
        use = bootstrap.application().for_system(TENANT, "test")
        for approval in use.approvals.approvals(open_ones=True, limit=100, after=None)[0]:
            task = approval.task
            if task is not None:
                self.waits_again(task.id, 1)
        self.drive()

    def waits_again(self, task: str, tokens: int) -> None:
        """The machine has asked the table and waits with its next token."""
        use = bootstrap.application().for_system(TENANT, "test")
        self.until(lambda: (use.approvals.wait(task) or _NONE).tokens >= tokens)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the threads of the interpreter have got there."""
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, "the machine did not get there"
            time.sleep(0.02)

    def executions(self, approval_id: str) -> dict[str, str]:
        """Status of every execution of an approval by its name without the approval."""
        found = self.cloud.client("stepfunctions").list_executions(
            stateMachineArn=bootstrap.application().settings.approval_machine
        )["executions"]
        return {
            each["name"].removeprefix(f"{approval_id}-"): each["status"]
            for each in found
            if each["name"].startswith(approval_id)
        }

    def ended(self, approval_id: str, expected: dict[str, str]) -> None:
        """Exactly these executions, in the end."""
        self.until(lambda: self.executions(approval_id) == expected)


class _Functions:
    """Runs the one function the machine calls, on the thread that asks."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def invoke(self, function_name: str, payload: bytes) -> InvokeOutcome:
        from workflow.handlers import step_approval

        assert self._cloud.deployment is not None
        spec = self._cloud.deployment.function(function_name.rpartition(":")[2])
        assert spec.logical_id == "WorkflowStepApprovalFunction"
        answer = step_approval.handler(json.loads(payload), LambdaContext())
        return InvokeOutcome(json.dumps(answer).encode())

    def invoke_async(self, function_name: str, payload: bytes) -> None:
        raise AssertionError("state machines wait for their functions")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One deployed stack for all tests; each has its own approvals."""
    clock = FixedClock(START)
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), log=lambda _: None, now=clock.now)
    before = dict(os.environ)
    cloud.start()
    try:
        cloud.set_invoker(_Functions(cloud))
        parameters = {"Stage": "local", "BaseUrl": "http://localhost:8000"}
        deployment = cloud.deploy(ROOT / "template.yaml", parameters)
        os.environ.update(deployment.function("WorkflowApiFunction").env)
        os.environ.update(cloud.boto3_env())
        client.cache_clear()
        bootstrap.application.cache_clear()
        app = bootstrap.application()
        settings = WorkflowSettings.from_environment()
        app.platform = Platform(settings.common, clock=clock)
        made = Machine(RulesWorld(None, app, clock), None)  # type: ignore[arg-type]
        made.cloud = cloud
        yield made
    finally:
        cloud.stop()
        os.environ.clear()
        os.environ.update(before)
        client.cache_clear()
        bootstrap.application.cache_clear()


def test_two_stages_approve(machine: Machine) -> None:
    made = machine.ask()
    machine.settle()
    assert machine.executions(made["id"]) == {"0-1-1": "RUNNING"}
    machine.decide(made, CHIEF)
    machine.settle()
    assert machine.decide(made, MANAGER).json()["status"] == "approved"
    machine.drive()
    machine.ended(made["id"], {"0-1-1": "SUCCEEDED", "1-1-1": "SUCCEEDED"})


def test_rejected_back_two_rounds(machine: Machine) -> None:
    made = machine.ask()
    machine.settle()
    machine.decide(made, CHIEF)
    machine.settle()
    machine.decide(made, MANAGER, "reject", "too much")
    machine.settle()
    machine.decide(made, CHIEF)
    machine.settle()
    machine.decide(made, MANAGER, "reject", "still too much")
    machine.settle()
    after = machine.decide(made, CHIEF, "reject", "then not").json()
    assert (after["status"], after["round"]) == ("returned", 4)
    machine.drive()
    names = ("0-1-1", "1-1-1", "0-2-1", "1-2-1", "0-3-1")
    machine.ended(made["id"], dict.fromkeys(names, "SUCCEEDED"))


def test_a_delegated_task_is_decided_by_the_delegate(machine: Machine) -> None:
    made = machine.ask("900.00")
    machine.settle()
    path = f"/tasks/{made['task']['id']}"
    machine.ok("POST", f"{path}/delegate", {"to": f"user:{MANAGER}"}, who=CHIEF)
    body = {"outcome": "approve"}
    after = machine.ok("POST", f"{path}/decision", body, who=MANAGER, role="payroll")
    assert after["tasks"][0]["decisions"][0]["on_behalf_of"] == f"user:{CHIEF}"
    machine.drive()
    machine.ended(made["id"], {"0-1-1": "SUCCEEDED"})


def test_the_machine_itself_notices_the_deadline(machine: Machine) -> None:
    """No schedule runs here: the time-out of the wait asks the table, twice."""
    made = machine.ask("900.00")
    machine.settle()
    machine.clock.advance(timedelta(days=5))
    machine.waits_again(made["task"]["id"], 2)
    escalated = machine.read(made["id"])
    assert (escalated["status"], escalated["task"]["breached"]) == ("pending", True)
    assert escalated["task"]["escalated_at"] is not None
    machine.clock.advance(timedelta(days=21))
    machine.until(lambda: machine.read(made["id"])["status"] == "expired")
    machine.drive()
    machine.ended(made["id"], {"0-1-1": "SUCCEEDED"})


def test_a_withdrawn_approval_ends_its_execution(machine: Machine) -> None:
    made = machine.ask()
    machine.settle()
    machine.ok("POST", f"/approvals/{made['id']}/withdraw", {}, who=REQUESTER)
    machine.drive()
    machine.ended(made["id"], {"0-1-1": "SUCCEEDED"})


def test_of_two_approvers_at_once_exactly_one_decides(machine: Machine) -> None:
    made = machine.ask("900.00")
    machine.settle()
    path = f"/tasks/{made['task']['id']}/decision"
    answers: list[int] = []

    def decide(who: str, outcome: str) -> None:
        body = {"outcome": outcome, "reason": "so"}
        answers.append(machine.call("POST", path, body, who=who).status)

    both = [
        Thread(target=decide, args=arguments)
        for arguments in ((CHIEF, "approve"), (CHIEF_2, "reject"))
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(answers) == [200, 409]
    after = machine.read(made["id"])
    assert sum(len(task["decisions"]) for task in after["tasks"]) == 1
    machine.drive()
    machine.ended(made["id"], {"0-1-1": "SUCCEEDED"})


def test_a_lost_wake_up_is_repeated_by_the_sweep(machine: Machine) -> None:
    made = machine.ask("900.00")
    machine.settle()
    machine.decide(made, CHIEF)
    machine.cloud.client("sqs").purge_queue(QueueUrl=machine.queue())
    machine.drive()
    assert machine.executions(made["id"]) == {"0-1-1": "RUNNING"}
    machine.pass_hours(0.1)
    machine.ended(made["id"], {"0-1-1": "SUCCEEDED"})
