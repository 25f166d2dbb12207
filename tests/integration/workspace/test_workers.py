"""Queue and schedule handlers with the example events of ``events/workspace``."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kernel.sensitive import Email
from tests.support.builders import WorkspaceWorld
from tests.support.events import queue_event
from tests.support.lambda_context import LambdaContext
from toolkit.auth import TenantContext
from workspace.domain.message import Message, MessageKind, MessageState
from workspace.domain.tenant import Tenant
from workspace.domain.user import Person

EVENTS = Path(__file__).parents[3] / "events" / "workspace"
TENANT = "01JXQ5Z3K4M6N8P0R2S4T6V8WY"
MESSAGE = "01JXQ60A1B2C3D4E5F6G7H8J9P"
CONTEXT = TenantContext(TENANT, "system:test", "test")


def _example(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


@pytest.fixture
def example(world: WorkspaceWorld) -> WorkspaceWorld:
    """The company and the queued mail that the example events speak of."""
    unit = world.app.store.unit("system:test").for_tenant(CONTEXT)
    unit.add_tenant(Tenant(TENANT, "Örnek Ltd"))
    person = unit.add_person(
        Person("01JXQ60A1B2C3D4E5F6G7H8J9Q", Email("kisi@ornek.example"), "Örnek Kişi", "el")
    )
    unit.add_message(Message(MESSAGE, TENANT, MessageKind.INVITATION, person.id, "tr"))
    unit.commit(dispatch=False)
    return world


def _message(world: WorkspaceWorld) -> Message:
    found = world.app.store.message(TENANT, MESSAGE)
    assert found is not None
    return found


def test_the_example_of_a_mail_order_sends_the_mail(example: WorkspaceWorld) -> None:
    from workspace.handlers import send_mail

    answer = send_mail.handler(_example("send_mail"), LambdaContext(remaining_ms=30_000))
    assert answer == {"batchItemFailures": []}
    (mail,) = example.aws.mails()
    assert mail["to"] == ["kisi@ornek.example"]
    assert mail["source"] == "kopru@example.com"
    assert mail["subject"] == "Πρόσκληση στο Köprü: Örnek Ltd"
    example.links()
    assert _message(example).state is MessageState.SENT
    send_mail.handler(_example("send_mail"), LambdaContext(remaining_ms=30_000))
    assert len(example.aws.mails()) == 1


def test_an_order_without_time_comes_again(example: WorkspaceWorld) -> None:
    from workspace.handlers import send_mail

    event = _example("send_mail")
    answer = send_mail.handler(event, LambdaContext(remaining_ms=5_000))
    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert example.aws.mails() == []


def test_the_example_of_a_delivery_is_joined(example: WorkspaceWorld) -> None:
    from workspace.handlers import mail_events, send_mail

    send_mail.handler(_example("send_mail"), LambdaContext(remaining_ms=30_000))
    example.links()
    event = _example("mail_events")
    body = json.loads(event["Records"][0]["body"])
    body["detail"]["mail"]["messageId"] = _message(example).provider_id
    delivered = queue_event(body)
    for _ in range(2):
        assert mail_events.handler(delivered, LambdaContext()) == {"batchItemFailures": []}
    assert _message(example).state is MessageState.DELIVERED
    version = _message(example).stamp.version
    mail_events.handler(delivered, LambdaContext())
    assert _message(example).stamp.version == version


@pytest.mark.parametrize(
    "change",
    [
        {"tags": {}},
        {"tags": None},
        {"tags": {"kopru-message": ["x"], "kopru-tenant": [TENANT]}},
        {"tags": {"kopru-message": [MESSAGE, MESSAGE], "kopru-tenant": [TENANT]}},
        {"tags": {"kopru-message": [MESSAGE], "kopru-tenant": ["none"]}},
        {"messageId": "somebody-elses"},
    ],
)
def test_a_report_that_is_not_about_our_mail_changes_nothing(
    example: WorkspaceWorld, change: dict[str, Any]
) -> None:
    from workspace.handlers import mail_events, send_mail

    send_mail.handler(_example("send_mail"), LambdaContext(remaining_ms=30_000))
    example.links()
    body = json.loads(_example("mail_events")["Records"][0]["body"])
    body["detail"]["eventType"] = "Complaint"
    body["detail"]["mail"] |= {"messageId": _message(example).provider_id, **change}
    answer = mail_events.handler(queue_event(body), LambdaContext())
    assert answer == {"batchItemFailures": []}
    assert _message(example).state is MessageState.SENT


def test_a_hard_bounce_silences_the_address_for_the_next_mail(example: WorkspaceWorld) -> None:
    from workspace.handlers import mail_events, send_mail

    send_mail.handler(_example("send_mail"), LambdaContext(remaining_ms=30_000))
    example.links()
    body = json.loads(_example("mail_events")["Records"][0]["body"])
    body["detail"] |= {"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}}
    body["detail"]["mail"]["messageId"] = _message(example).provider_id
    mail_events.handler(queue_event(body), LambdaContext())
    assert _message(example).state is MessageState.BOUNCED
    unit = example.app.store.company(CONTEXT).unit()
    second = unit.add_message(
        Message(
            example.app.platform.ids.new(),
            TENANT,
            MessageKind.INVITATION,
            "01JXQ60A1B2C3D4E5F6G7H8J9Q",
            "tr",
        )
    )
    unit.commit()
    assert example.run_mail() == []
    stored = example.app.store.message(TENANT, second.id)
    assert stored is not None
    assert stored.state is MessageState.SUPPRESSED
    assert len(example.aws.mails()) == 1


def test_the_example_of_an_incident_opens_it_once(example: WorkspaceWorld) -> None:
    from workspace.handlers import on_events

    for _ in range(2):
        answer = on_events.handler(_example("on_events"), LambdaContext())
        assert answer == {"batchItemFailures": []}
    incident = example.app.read_incident()(CONTEXT, "01JXQ60A1B2C3D4E5F6G7H8J9T")
    assert (incident.code, incident.count, incident.facts) == ("system", 3, {"word": "E-500"})


def test_news_for_a_company_that_does_not_exist_is_refused_and_done_with(
    world: WorkspaceWorld,
) -> None:
    from workspace.handlers import on_events

    answer = on_events.handler(_example("on_events"), LambdaContext())
    assert answer == {"batchItemFailures": []}
    assert world.aws.rows("flow") == []


def test_an_envelope_that_is_none_is_refused_and_done_with(example: WorkspaceWorld) -> None:
    from workspace.handlers import on_events

    bodies = [
        {"detail-type": "x", "detail": {}},
        {"detail-type": "x", "detail": {"id": "1", "type": "pensions.X.v1"}},
    ]
    answer = on_events.handler(queue_event(*bodies), LambdaContext())
    assert answer == {"batchItemFailures": []}


def test_the_minute_run_delivers_what_a_dead_process_left(example: WorkspaceWorld) -> None:
    from workspace.handlers import relay_outbox

    assert not any(relay_outbox.handler(_example("relay_outbox"), LambdaContext()).values())
    example.clock.advance(timedelta(minutes=3))
    counts = relay_outbox.handler(_example("relay_outbox"), LambdaContext())
    assert counts["OutboxRelayed"] == 1
    assert counts["Mails_requeued"] == 1
    assert example.run_mail() == []
    example.links()
    assert len(example.aws.mails()) == 1, "two orders, one mail"
    example.clock.advance(timedelta(days=1))
    assert not any(relay_outbox.handler(_example("relay_outbox"), LambdaContext()).values())


def test_the_example_of_an_api_request_is_answered(example: WorkspaceWorld) -> None:
    from workspace.handlers import api

    answer = api.handler(_example("api"), LambdaContext())
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"items": [], "next_cursor": None}
