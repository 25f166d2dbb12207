"""Dead letters sent back under a fault at every call: nothing lost, and no effect twice.

The redrive itself has no effect outside; the work it starts again has one, a mail. Whatever happens
on the way, the letter ends outside the dead-letter queue and its mail has left exactly once.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.support.aws import START, AwsWorld, aws_world, platform_of
from tests.support.builders import WorkspaceWorld, workspace_world
from tests.support.events import http_event, invoke
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from toolkit.auth import Principal
from workspace.adapters import sqs_dead_letters

SOURCE = "workspace-send-mail"


@dataclass
class Graveyard:
    """The workspace, its operator, and letters to bury at every start."""

    aws: AwsWorld
    world: WorkspaceWorld
    operator: Principal
    dead: str
    bodies: list[dict[str, Any]] = field(default_factory=list)
    mailed: int = 0

    def minute(self) -> None:
        """The relay, and the mails it gave back."""
        from workspace.handlers import relay_outbox

        relay_outbox.handler({}, LambdaContext(remaining_ms=30_000))
        self.world.run_mail()

    def bury(self) -> None:
        """The letters as the queue gave them up."""
        for body in self.bodies:
            self.aws.client("sqs").send_message(QueueUrl=self.dead, MessageBody=json.dumps(body))
        self.mailed = len(self.aws.mails())

    def waiting(self) -> int:
        """Letters that are still dead."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.dead, AttributeNames=names
        )
        return sum(int(found["Attributes"][name]) for name in names)


@dataclass
class Bench(FaultBench[Graveyard]):
    """Buries the letters whenever the world is put back."""

    def restore(self) -> None:
        super().restore()
        self.world.bury()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Two invitations whose messages died before anybody looked at them."""
    with aws_world() as aws, pytest.MonkeyPatch.context() as patch:
        # moto hides messages by the real clock, which no test waits for.
        patch.setattr(sqs_dead_letters, "_HOLD", 0)
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        with workspace_world(aws, platform, clock) as world, switched_on(clock):
            owner = world.company(roles=("owner",)).members["owner"].principal
            for number in (1, 2):
                body = {"email": f"y{number}@ornek.example", "name": "Yeni Biri"}
                answer = world.call("POST", "/v1/users", owner, body={**body, "roles": ["viewer"]})
                assert answer.status == 201
            bodies = world.aws.messages(SOURCE)
            dead = aws.create_queue("WorkspaceSendMailDeadLetters")
            client = aws.client("sqs")
            arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
            policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 5}
            client.set_queue_attributes(
                QueueUrl=aws.queue_url(SOURCE), Attributes={"RedrivePolicy": json.dumps(policy)}
            )
            made = Bench(Graveyard(aws, world, world.operator()[1], dead, bodies), clock)
            made.remember()
            yield made


@pytest.mark.parametrize("mode", MODES)
def test_a_redrive_loses_nothing_and_doubles_no_mail(bench: Bench, mode: str) -> None:
    yard = bench.world

    def act() -> bool:
        from workspace.handlers import operate

        event = http_event(
            "POST", "/v1/dead-letters/redrive", principal=yard.operator, body={"queue": SOURCE}
        )
        return invoke(operate.handler, event).status == 200

    def check() -> None:
        assert yard.waiting() == 0
        assert len(yard.aws.mails()) - yard.mailed == len(yard.bodies)
        mails = [row for row in yard.aws.rows("core") if row.get("kind") == "message"]
        assert {row["state"] for row in mails} == {"sent"}
        redrives = [row for row in yard.aws.rows("core") if row.get("kind") == "redrive"]
        chains = [row["pk"] for row in yard.aws.rows("audit") if "#ENT#redrive:" in row["pk"]]
        assert len(chains) == sum(row["version"] for row in redrives)
        assert any(row["state"] == "done" for row in redrives)

    assert bench.try_all(act, check, mode) >= 6
