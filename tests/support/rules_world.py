"""Workflow with its real handlers over moto."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any, Final
from urllib.parse import parse_qsl

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke
from tests.support.lambda_context import LambdaContext
from tests.support.page_checks import assert_sound
from toolkit.auth import Principal
from toolkit.platform import Platform
from webkit.assets import Assets
from workflow import bootstrap
from workflow.bootstrap import Application

TENANT: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WY"
OTHER: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WZ"
AUTHOR: Final = "01JXQ60A1B2C3D4E5F6G7H8J9Q"
SECOND: Final = "01JXQ60A1B2C3D4E5F6G7H8J9R"
BASE: Final = "/v1/workflow"


@dataclass
class RulesWorld:
    """Handlers and clock of one test."""

    aws: AwsWorld
    app: Application
    clock: FixedClock

    def principal(
        self,
        person: str = AUTHOR,
        tenant: str = TENANT,
        role: str = "owner",
        language: str = "",
        kind: str = "api_key",
    ) -> Principal:
        """Somebody of a company."""
        return Principal(
            kind,  # type: ignore[arg-type]
            person,
            tenant,
            roles=(role,),
            session_hash="0" * 64 if kind == "session" else "",
            language=language,
            zone="Europe/Istanbul",
            name="Deniz Deneme",
            email="deniz@company.example",
            tenant_name="Deneme Enerji A.Ş.",
            tenants=((tenant, "Deneme Enerji A.Ş."),),
        )

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        principal: Principal | None = None,
        key: str | None = None,
        **event: Any,
    ) -> Answer:
        """One request to the API handler."""
        from workflow.handlers import api

        headers = dict(event.pop("headers", None) or {})
        if key is not None:
            headers["idempotency-key"] = key
        who = principal or self.principal()
        shows = event.pop("shows", None)
        made = http_event(
            method, f"{BASE}{path}", principal=who, body=body, headers=headers, **event
        )
        return invoke(api.handler, made, shows=shows)

    def page(self, path: str, language: str = "en", query: str = "", person: str = AUTHOR) -> str:
        """The text of a page that must be sound."""
        reader = self.principal(person, kind="session", language=language)
        answer = self.request("GET", path, reader, query=dict(parse_qsl(query)))
        assert answer.status == 200, answer.body
        assert_sound(answer.body, language)
        return unescape(answer.body)

    def post(self, path: str, person: str = AUTHOR, role: str = "owner", **form: str) -> Answer:
        """A posted form."""
        from workflow.handlers.http.app import app

        reader = self.principal(person, role=role, kind="session", language="en")
        return self.request(
            "POST", path, reader, form={"csrf_token": app.csrf_token(reader), **form}
        )

    def request(self, method: str, path: str, reader: Principal, **event: Any) -> Answer:
        """One request for a page, by anybody."""
        from workflow.handlers import api

        return invoke(api.handler, http_event(method, path, principal=reader, **event))

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The body of an answer that must be a success."""
        answer = self.call(method, path, body, **more)
        assert answer.status < 300, (method, path, answer.body)
        return answer.json()

    def minute(self) -> None:
        """The schedules of the context."""
        from workflow.handlers import archive_decisions, relay_outbox

        relay_outbox.handler({}, LambdaContext())
        archive_decisions.handler({}, LambdaContext(remaining_ms=120_000))

    def decide(self, rule: str, facts: dict[str, Any], **more: Any) -> Any:
        """A decision by a rule."""
        return self.ok("POST", f"/rules/{rule}/evaluate", {"facts": facts, **more})

    def published(self, key: str, document: dict[str, Any]) -> Any:
        """A version drafted by one person and published by another."""
        made = self.ok("POST", f"/tables/{key}/versions", document)
        path = f"/tables/{key}/versions/{made['id']}/publish"
        return self.ok("POST", path, principal=self.principal(SECOND))


@contextmanager
def rules_world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[RulesWorld]:
    """Workflow of this process on ``platform``."""
    bootstrap.application.cache_clear()
    app = bootstrap.application()
    app.platform = platform
    app.assets = Assets.plain()
    try:
        yield RulesWorld(aws, app, clock)
    finally:
        bootstrap.application.cache_clear()
