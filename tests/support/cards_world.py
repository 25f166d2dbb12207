"""Card contracts with their real handlers over moto."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from card_contracts import bootstrap
from card_contracts.bootstrap import Application
from kernel.clock import FixedClock
from kernel.sensitive import Secret
from tests.support.aws import AwsWorld
from tests.support.card_contracts_builders import api_contract, api_sale
from tests.support.events import Answer, http_event, invoke, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.scanner import SCANNER
from toolkit.auth import Principal
from toolkit.http.webhook_signature import headers as signed_headers
from toolkit.http.webhook_signature import key_of
from toolkit.platform import Platform
from webkit.assets import Assets

TENANT: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WY"
OTHER: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WZ"
BASE: Final = "/v1/card-contracts"


@dataclass
class CardsWorld:
    """Handlers and clock of one test."""

    aws: AwsWorld
    app: Application
    clock: FixedClock

    def principal(
        self, tenant: str = TENANT, role: str = "owner", kind: str = "api_key", language: str = ""
    ) -> Principal:
        """Somebody of a company."""
        return Principal(
            kind,  # type: ignore[arg-type]
            "01JXQ60A1B2C3D4E5F6G7H8J9Q",
            tenant,
            roles=(role,),
            session_hash="0" * 64 if kind == "session" else "",
            language=language,
            zone="Europe/Istanbul",
            name="Deniz Deneme",
            email="deniz@company.example",
            tenant_name="Deneme Otomotiv A.Ş.",
            tenants=((tenant, "Deneme Otomotiv A.Ş."),),
        )

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        principal: Principal | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        shows: str | None = None,
        query: str = "",
        **event: Any,
    ) -> Answer:
        """One request to the API handler."""
        from card_contracts.handlers import api
        from card_contracts.handlers.http.app import app

        who = principal or self.principal()
        sent = dict(headers or {})
        if key is not None:
            sent["idempotency-key"] = key
        if who.kind == "session" and method != "GET":
            event["form"] = {"csrf_token": app.csrf_token(who), **(event.get("form") or {})}
        asked = dict(parse_qsl(query))
        made = http_event(
            method, path, principal=who, body=body, headers=sent, query=asked, **event
        )
        return invoke(api.handler, made, shows=shows)

    def contract(self, code: str = "AXESS-26", **changes: Any) -> dict[str, Any]:
        """Register a contract."""
        answer = self.call("POST", BASE, api_contract(code, **changes))
        assert answer.status == 201, answer.body
        return dict(answer.json())

    def sale(self, document_no: str = "FTR-1", **changes: Any) -> dict[str, Any]:
        """Post a sale."""
        answer = self.call("POST", f"{BASE}/sales", api_sale(document_no, **changes))
        assert answer.status == 201, answer.body
        return dict(answer.json())

    def receivables(self, query: str = "") -> list[dict[str, Any]]:
        """Receivables as the API shows them."""
        answer = self.call("GET", f"{BASE}/receivables", query=query)
        assert answer.status == 200, answer.body
        return list(answer.json()["items"])

    def event_key(self, tenant: str = TENANT) -> bytes:
        """A new secret for sale events, as an ERP system holds it."""
        answer = self.call(
            "POST",
            f"{BASE}/settings/sale-event-secret",
            principal=self.principal(tenant),
            shows="the new secret",
        )
        assert answer.status == 201, answer.body
        return key_of(Secret(SCANNER.secret(str(answer.json()["secret"]))))

    def signed(
        self,
        key: bytes,
        event: Any,
        event_id: str = "erp-1",
        *,
        age: int = 0,
        tenant: str = TENANT,
    ) -> dict[str, Any]:
        """A signed message of an ERP system."""
        payload = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
        stamp = int(self.clock.now().timestamp()) - age
        headers = signed_headers(key, event_id, stamp, payload.encode())
        return {"v": 1, "tenant_id": tenant, "headers": headers, "payload": payload}

    def deliver(self, message: dict[str, Any]) -> bool:
        """Whether a message was taken off the queue of sale events."""
        from card_contracts.handlers import take_sale_events

        answer = take_sale_events.handler(queue_event(message), LambdaContext())
        return not answer["batchItemFailures"]

    def work(self) -> None:
        """Let the import worker empty its queue."""
        from card_contracts.handlers import run_import

        for body in self.aws.messages("card-contracts-import"):
            answer = run_import.handler(queue_event(body), LambdaContext(remaining_ms=300_000))
            assert answer["batchItemFailures"] == []

    def minute(self) -> None:
        """The schedule of a minute, and the work it asks for."""
        from card_contracts.handlers import relay_outbox

        relay_outbox.handler({}, LambdaContext())
        self.work()

    def feed(self, token: str) -> Answer:
        """The secret feed."""
        from card_contracts.handlers import show_feed

        return invoke(show_feed.handler, http_event("GET", f"/cash-calendar/{token}"))

    def job(self, job_id: str, tenant: str = TENANT) -> dict[str, Any]:
        """A job as it is stored."""
        row = self.app.platform.database.get("core", f"crd#T#{tenant}#JOB#{job_id}", "META")
        assert row is not None
        return row


@contextmanager
def cards_world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[CardsWorld]:
    """Card contracts of this process on ``platform``."""
    bootstrap.application.cache_clear()
    app = bootstrap.application()
    app.platform = platform
    app.assets = Assets.plain()
    try:
        yield CardsWorld(aws, app, clock)
    finally:
        bootstrap.application.cache_clear()
