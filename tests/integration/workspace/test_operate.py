"""Dead letters by API: seen by queue and error, tried dry, sent back once, written down."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import WorkspaceWorld
from tests.support.events import Answer, http_event, invoke, queue_event
from tests.support.lambda_context import LambdaContext
from toolkit.auth import Principal
from toolkit.aws.due import due_at
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.outbox import Outbox
from toolkit.entrypoints.queue import REDRIVE, REDRIVES

SOURCE = "workspace-send-mail"
PATH = "/v1/dead-letters"


class Desk:
    """The operator's door over a world whose mail queue has dead letters."""

    def __init__(self, world: WorkspaceWorld) -> None:
        self.world = world
        self.sqs = world.aws.client("sqs")
        _, self.operator = world.operator()
        self.dead = world.aws.create_queue("WorkspaceSendMailDeadLetters")
        world.aws.create_queue("PensionsSchedulesDeadLetters")
        arn = self.sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])
        policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 5}
        self.sqs.set_queue_attributes(
            QueueUrl=world.aws.queue_url(SOURCE),
            Attributes={"RedrivePolicy": json.dumps(policy)},
        )

    def call(
        self, method: str, path: str, principal: Principal | None = None, **event: Any
    ) -> Answer:
        """One request to the operator's own function."""
        from workspace.handlers import operate

        made = http_event(method, path, principal=principal or self.operator, **event)
        return invoke(operate.handler, made)

    def bury(self, body: Mapping[str, Any] | str, queue: str = "") -> str:
        """A dead letter; returns its message id."""
        text = body if isinstance(body, str) else json.dumps(body)
        return str(
            self.sqs.send_message(QueueUrl=queue or self.dead, MessageBody=text)["MessageId"]
        )

    def back(self) -> list[dict[str, Any]]:
        """What lies in the source queue, with its attributes."""
        answer = self.sqs.receive_message(
            QueueUrl=self.world.aws.queue_url(SOURCE),
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def redrive(self, **body: Any) -> Answer:
        return self.call("POST", f"{PATH}/redrive", body={"queue": SOURCE, **body})


@pytest.fixture
def desk(world: WorkspaceWorld) -> Desk:
    return Desk(world)


def _invited(desk: Desk) -> dict[str, Any]:
    """The message of an invitation that nobody sent yet, taken from its queue."""
    company = desk.world.company(roles=("owner",))
    body = {"email": "yeni@ornek.example", "name": "Yeni Kişi", "roles": ["viewer"]}
    owner = company.members["owner"].principal
    assert desk.world.call("POST", "/v1/users", owner, body=body).status == 201
    (message,) = desk.world.aws.messages(SOURCE)
    return message


def _fails(message: Any) -> None:
    raise RuntimeError("a bug of ours, with text nobody should see")


def test_groups_say_what_failed_how_and_since_when(desk: Desk) -> None:
    from toolkit.entrypoints.queue import queue_handler

    body = _invited(desk)
    noted, silent = desk.bury(body), desk.bury(body)
    event = queue_event(body, receive_count=5)
    event["Records"][0]["messageId"] = noted
    answer = queue_handler("workspace")(_fails)(event, LambdaContext())
    assert answer == {"batchItemFailures": [{"itemIdentifier": noted}]}
    found = desk.call("GET", PATH).json()
    assert found["total"] == 2
    groups = {item["error"]: item for item in found["items"]}
    assert set(groups) == {"RuntimeError", "no_answer"}
    assert groups["RuntimeError"] | {"oldest_at": "", "effect": ""} == {
        "queue": SOURCE,
        "error": "RuntimeError",
        "count": 1,
        "oldest_at": "",
        "ids": [noted],
        "can_redrive": True,
        "effect": "",
    }
    assert groups["no_answer"]["ids"] == [silent]
    assert "bug of ours" not in json.dumps(found)


def test_a_reason_is_noted_at_the_last_receive_only(desk: Desk) -> None:
    from toolkit.entrypoints.queue import queue_handler

    handler = queue_handler("workspace")(_fails)
    for receives in (1, 4):
        handler(queue_event({"v": 1}, receive_count=receives), LambdaContext())
    assert not [row for row in desk.world.aws.rows("flow") if "#FAILED#" in row["pk"]]
    handler(queue_event({"v": 1}, receive_count=5), LambdaContext())
    (row,) = [row for row in desk.world.aws.rows("flow") if "#FAILED#" in row["pk"]]
    assert (row["pk"], row["code"]) == ("wsp#SYS#FAILED#m1", "RuntimeError")
    assert row["ttl"] > desk.world.clock.now().timestamp() + 14 * 86_400


def test_one_letter_names_its_item_and_its_state_now(desk: Desk) -> None:
    body = _invited(desk)
    identity = desk.bury(body)
    shown = desk.call("GET", f"{PATH}/messages/{identity}").json()
    assert shown["subject"] == f"message:{body['message_id']}"
    assert (shown["state"], shown["tenant_id"]) == ("queued", body["tenant_id"])
    assert shown["facts"]["message_id"] == body["message_id"]
    unknown = desk.call("GET", f"{PATH}/messages/11111111-1111-4111-8111-111111111111")
    assert unknown.status == 404


def test_what_another_system_wrote_is_not_shown(desk: Desk) -> None:
    desk.bury({"v": 1, "customer": "Elif Şahin", "amount": "12.50", "kind": "x"})
    desk.bury("no json at all, Elif Şahin")
    shown = desk.redrive(dry_run=True)
    assert "Elif" not in shown.body
    assert {fact for item in shown.json()["items"] for fact in item["facts"].items()} >= {
        ("customer", "…")
    }


def test_a_dry_run_moves_nothing_and_the_real_one_moves_once(desk: Desk) -> None:
    identity = desk.bury(_invited(desk))
    dry = desk.redrive(dry_run=True).json()
    assert (dry["would_redrive"], dry["redriven"]) == (1, 0)
    assert [item["id"] for item in dry["items"]] == [identity]
    assert desk.back() == []
    done = desk.redrive(ids=[identity]).json()
    assert (done["redriven"], done["status"], done["asked"]) == (1, "done", 1)
    (message,) = desk.back()
    given = message["MessageAttributes"]
    assert given[REDRIVES]["StringValue"] == "1"
    assert given[REDRIVE]["StringValue"] == done["id"]
    assert desk.call("GET", PATH).json()["items"] == []
    again = desk.redrive(ids=[identity]).json()
    assert again["redriven"] == 0


def test_kept_letters_send_copies_and_stay(desk: Desk) -> None:
    identity = desk.bury(_invited(desk))
    for count in (1, 2):
        done = desk.redrive(ids=[identity], keep=True).json()
        assert (done["redriven"], done["keep"]) == (1, True)
        (message,) = desk.back()
        assert message["MessageAttributes"][REDRIVE]["StringValue"] == done["id"]
        (left,) = desk.call("GET", PATH).json()["items"]
        assert left["ids"] == [identity]
        assert len(desk.call("GET", f"{PATH}/redrives").json()["items"]) == count


def test_the_count_goes_on_and_the_mail_leaves_once(desk: Desk) -> None:
    body = _invited(desk)
    attributes = {REDRIVES: {"DataType": "Number", "StringValue": "2"}}
    desk.sqs.send_message(
        QueueUrl=desk.dead, MessageBody=json.dumps(body), MessageAttributes=attributes
    )
    desk.bury(body)
    assert desk.redrive().json()["redriven"] == 2
    back = desk.back()
    counts = sorted(each["MessageAttributes"][REDRIVES]["StringValue"] for each in back)
    assert counts == ["1", "3"]
    from workspace.handlers import send_mail

    bodies = [json.loads(each["Body"]) for each in back]
    event = queue_event(*bodies, *bodies)
    assert send_mail.handler(event, LambdaContext(remaining_ms=30_000)) == {"batchItemFailures": []}
    assert len(desk.world.aws.mails()) == 1


def test_only_the_chosen_go_and_who_did_it_is_kept(desk: Desk) -> None:
    first, second = desk.bury(_invited(desk)), desk.bury({"v": 1})
    assert desk.redrive(ids=[second]).json()["redriven"] == 1
    (left,) = desk.call("GET", PATH).json()["items"]
    assert left["ids"] == [first]
    (redrive,) = desk.call("GET", f"{PATH}/redrives").json()["items"]
    assert redrive["actor"] == f"key:{desk.operator.id}"
    assert (redrive["queue"], redrive["redriven"]) == (SOURCE, 1)
    chain = [row for row in desk.world.aws.rows("audit") if "#ENT#redrive:" in row["pk"]]
    assert [row["action"] for row in chain] == [
        "dead_letters.redrive_started",
        "dead_letters.redriven",
    ]
    assert {row["actor"] for row in chain} == {f"key:{desk.operator.id}"}


def test_what_no_queue_wants_back_stays(desk: Desk) -> None:
    queue = desk.world.aws.queue_url("PensionsSchedulesDeadLetters")
    attributes = {"ErrorCode": {"DataType": "String", "StringValue": "500"}}
    desk.sqs.send_message(QueueUrl=queue, MessageBody="{}", MessageAttributes=attributes)
    (group,) = desk.call("GET", PATH).json()["items"]
    assert (group["queue"], group["can_redrive"]) == ("pensions-schedules", False)
    done = desk.call("POST", f"{PATH}/redrive", body={"queue": "pensions-schedules"}).json()
    assert done["redriven"] == 0
    assert desk.call("GET", PATH).json()["total"] == 1


def test_wrong_wishes_are_refused(desk: Desk) -> None:
    unknown = desk.call("POST", f"{PATH}/redrive", body={"queue": "nowhere"})
    assert (unknown.status, unknown.json()["code"]) == (404, "dead_letter_queue_unknown")
    assert desk.redrive(ids=[]).status == 422
    assert desk.call("POST", f"{PATH}/redrive", body={}).status == 422
    assert not [row for row in desk.world.aws.rows("core") if row.get("kind") == "redrive"]


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_no_role_of_a_company_opens_the_door(desk: Desk, role: str) -> None:
    company = desk.world.company(roles=(role,))
    for principal in (company.members[role].principal, company.key_principal):
        for method, path in (
            ("GET", PATH),
            ("GET", f"{PATH}/redrives"),
            ("GET", "/v1/stuck-items"),
            ("GET", "/operator/dead-letters"),
        ):
            assert desk.call(method, path, principal).status == 403
        body = {"queue": SOURCE}
        assert desk.call("POST", f"{PATH}/redrive", principal, body=body).status == 403


def test_work_that_nobody_takes_is_reported_by_context(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _invited(desk)
    monkeypatch.setattr(Outbox, "dispatch", lambda *_: 0)
    desk.world.company(name="Ege Tekstil")
    assert desk.call("GET", "/v1/stuck-items").json()["items"] == []
    desk.world.clock.advance(timedelta(minutes=20))
    # The relay pushes rows of the outbox forward at every try; they are late all the same.
    desk.world.app.relay_outbox()
    found = desk.call("GET", "/v1/stuck-items").json()
    kinds = {(item["context"], item["kind"]) for item in found["items"]}
    assert kinds == {("workspace", "message"), ("workspace", "out")}
    assert found["by_context"] == {"workspace": found["total"]}
    assert all(item["late_seconds"] >= 900 for item in found["items"])


@pytest.mark.parametrize(
    ("context", "waits_for"),
    [("wsp", "WEBHOOKS"), ("pen", "ANSWERS"), ("wfl", "WORK"), ("wfl", "APPROVALS")],
)
def test_every_list_of_work_is_looked_through(desk: Desk, context: str, waits_for: str) -> None:
    company = desk.world.company().tenant
    keys = Keyspace(context, company.id)
    late = due_at(keys, desk.world.clock.now(), "01KT", waits_for=waits_for)
    desk.world.app.platform.database.put_new(
        "core", {"pk": keys.key("ENT", "thing", "01KT"), "sk": "META", **late}
    )
    desk.world.clock.advance(timedelta(minutes=20))
    found = desk.call("GET", "/v1/stuck-items").json()["items"]
    assert (company.id, "01KT") in {(item["tenant_id"], item["id"]) for item in found}
