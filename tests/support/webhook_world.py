"""Receivers of webhooks that do as told, and a workspace that sends to them in virtual time."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.clock import FixedClock
from kernel.events import Event
from kernel.ids import new_id
from kernel.sensitive import Secret
from tests.support.aws import AwsWorld
from tests.support.builders import Company, WorkspaceWorld, workspace_world
from tests.support.events import bus_event, queue_event, schedule_event
from tests.support.faults import SWITCHBOARD
from tests.support.lambda_context import LambdaContext
from tests.support.scanner import SCANNER
from toolkit.auth import Principal
from toolkit.http.webhook_signature import headers, key_of, verify
from toolkit.platform import Platform
from workspace.domain.delivery import Answer, AnswerKind

URL: Final = "https://hooks.ornek.example/kopru"
TAKEN: Final = Answer(AnswerKind.TAKEN, "taken", 200, "ok")
DOWN: Final = Answer(AnswerKind.NOT_TAKEN, "http_unreachable")
LOST: Final = Answer(AnswerKind.NOT_TAKEN, "http_timeout")
CODE_ISSUED: Final = "payment_codes.CodeIssued.v1"

Behaviour = Callable[["Call"], Answer]


@dataclass(frozen=True)
class Call:
    """One notification as a receiver sees it."""

    url: str
    id: str
    at: datetime
    body: dict[str, Any]
    signatures: int

    @property
    def subject(self) -> str:
        """What it is about."""
        return str(self.body["data"]["subject"])


@dataclass
class Receivers:
    """``WebhookSender`` that signs as the real one does and asks a script for the answer."""

    behaviour: Behaviour = lambda _call: TAKEN
    calls: list[Call] = field(default_factory=list)
    taken: list[Call] = field(default_factory=list)

    def send(
        self,
        url: str,
        *,
        identity: str,
        at: datetime,
        body: bytes,
        secrets: Sequence[Secret],
        deadline_seconds: float,
    ) -> Answer:
        """Note the call; under a harness it is a fault point like any call of AWS."""
        assert 0 < deadline_seconds < 30
        stamp = int(at.timestamp())
        for secret in secrets:
            key = key_of(secret)
            verify(headers(key, identity, stamp, body), body, [key], now_seconds=stamp)
        call = Call(url, identity, at, json.loads(body), len(secrets))

        def apply() -> Answer:
            answer = self.behaviour(call)
            self.calls.append(call)
            if answer.kind is AnswerKind.TAKEN:
                self.taken.append(call)
            return answer

        return SWITCHBOARD.on_port(
            "webhook send", apply, lost=lambda _mode: LOST, refused=lambda: DOWN
        )


@dataclass
class WebhookWorld:
    """A workspace, its receivers, and ways to let events happen and time pass."""

    workspace: WorkspaceWorld
    receivers: Receivers
    number: int = 0
    aws: AwsWorld = field(init=False)

    def __post_init__(self) -> None:
        self.aws = self.workspace.aws

    @property
    def clock(self) -> FixedClock:
        """The clock of everything."""
        return self.workspace.clock

    # ------------------------------------------------------------------ set up

    def endpoint(self, principal: Principal, url: str = URL, *events: str) -> dict[str, Any]:
        """A target added by the API, with the secret of the answer."""
        body = {"url": url, "events": list(events) or ["*"]}
        answer = self.workspace.call(
            "POST", "/v1/webhook-endpoints", principal, body=body, shows="a new secret"
        )
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json()
        SCANNER.secret(made.pop("secret"))
        return made

    def event(
        self, company: Company, subject: str, *, event_type: str = CODE_ISSUED, **data: Any
    ) -> Event:
        """An event of another context as it leaves its outbox."""
        self.number += 1
        return Event(
            id=new_id(self.clock.now(), lambda count: self.number.to_bytes(count, "big")),
            type=event_type,
            source=f"kopru.{event_type.partition('.')[0]}",
            time=self.clock.now(),
            tenant_id=company.id,
            subject=subject,
            data={"number": self.number, **data},
        )

    # ------------------------------------------------------------------ act

    def arrive(self, *events: Event) -> list[str]:
        """The bus brings events; gives the records that failed."""
        from workspace.handlers import on_events

        bodies = [bus_event(event.to_dict()) for event in events]
        return _failed(on_events.handler(queue_event(*bodies), LambdaContext(remaining_ms=30_000)))

    def happen(self, company: Company, *subjects: str) -> list[Event]:
        """Events about these subjects, published and brought."""
        events = [self.event(company, subject) for subject in subjects]
        assert self.arrive(*events) == []
        return events

    def work(self) -> None:
        """Empty the queue of webhooks; what fails stays until somebody comes again."""
        while bodies := self.aws.messages("workspace-deliver-webhooks"):
            for body in bodies:
                self.deliver(body)

    def deliver(self, body: dict[str, Any]) -> bool:
        """One message to the worker; whether it was acknowledged."""
        from workspace.handlers import deliver_webhooks

        context = LambdaContext(remaining_ms=60_000)
        return not _failed(deliver_webhooks.handler(queue_event(body), context))

    def minute(self) -> None:
        """The schedule of every minute, then the work it found."""
        from workspace.handlers import relay_outbox

        relay_outbox.handler(schedule_event(), LambdaContext())
        self.work()

    def pass_time(self, span: timedelta, step: timedelta = timedelta(minutes=10)) -> None:
        """Let time pass in steps, each with its schedule."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            self.clock.advance(min(step, end - self.clock.now()))
            self.minute()

    def deliveries(self, principal: Principal, **query: str) -> list[dict[str, Any]]:
        """The log of deliveries by the API."""
        answer = self.workspace.call("GET", "/v1/webhook-deliveries", principal, query=query)
        assert answer.status == 200, answer.body
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


def _failed(answer: dict[str, Any]) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


@contextmanager
def webhook_world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[WebhookWorld]:
    """A workspace whose notifications reach scripted receivers."""
    with workspace_world(aws, platform, clock) as world:
        receivers = Receivers()
        world.app.own_webhook_sender = receivers
        yield WebhookWorld(world, receivers)
