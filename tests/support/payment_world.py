"""Payment codes with their real handlers over moto and the simulated network, without a socket.

The network's book answers through an httpx transport, so the product's own client, faults and
transformers take part in every test.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from infra.local.simulators.dias.network import Network
from kernel.clock import FixedClock
from kernel.sensitive import Secret
from payment_codes import bootstrap
from payment_codes.adapters.dias.client import DiasGateway
from payment_codes.bootstrap import Application
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.scanner import SCANNER
from toolkit.auth import Principal
from toolkit.http.client import HttpClient
from toolkit.http.webhook_signature import headers as signed_headers
from toolkit.http.webhook_signature import key_of
from toolkit.platform import Platform
from webkit.assets import Assets

TENANT: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WY"
OTHER: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WZ"
BASE: Final = "/v1/payment-codes"
KEY: Final = "kanarya-dias-key"
CUSTOMER: Final = {"id": "C-1", "name": "Ελένη Δοκιμή", "email": "eleni@customer.example"}


@dataclass
class PaymentWorld:
    """Handlers, simulated network and clock of one test."""

    aws: AwsWorld
    app: Application
    clock: FixedClock
    network: Network
    keys: int = 0
    secret: str = ""
    counted: dict[str, int] = field(default_factory=dict)

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
            proved_at=self.clock.now().isoformat(),
            zone="Europe/Athens",
            name="Deniz Deneme",
            email="deniz@company.example",
            tenant_name="Αυτοκίνητα Δοκιμή ΑΕ",
            tenants=((tenant, "Αυτοκίνητα Δοκιμή ΑΕ"),),
        )

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        principal: Principal | None = None,
        key: str | None = None,
        shows: str | None = None,
        headers: dict[str, str] | None = None,
        **event: Any,
    ) -> Answer:
        """One request to the API handler; a POST carries a fresh Idempotency-Key."""
        from payment_codes.handlers import api
        from payment_codes.handlers.http.app import app

        who = principal or self.principal()
        sent = dict(headers or {})
        if method == "POST" and event.get("form") is None:
            self.keys += 1
            sent.setdefault("idempotency-key", key or f"key-{self.keys}")
        if who.kind == "session" and method != "GET":
            event["form"] = {"csrf_token": app.csrf_token(who), **(event.get("form") or {})}
        made = http_event(method, path, principal=who, body=body, headers=sent, **event)
        return invoke(api.handler, made, shows=shows)

    def organisation(self, provider: str = "dias", **changes: Any) -> dict[str, Any]:
        """Enter the organisation 91234."""
        body: dict[str, Any] = {"org_code": "91234", "provider": provider, **changes}
        if provider == "dias":
            body.setdefault("api_key", SCANNER.secret(KEY))
        answer = self.call("PUT", f"{BASE}/organisation", body)
        assert answer.status == 200, answer.body
        return dict(answer.json())

    def issue(self, **changes: Any) -> dict[str, Any]:
        """Issue a code and let the provider know it."""
        self.keys += 1
        body: dict[str, Any] = {
            "source": {"kind": "repair_order", "id": f"RO-{self.keys}"},
            "customer": CUSTOMER,
            "amount": {"amount": "1250.00", "currency": "EUR"},
            **changes,
        }
        answer = self.call("POST", BASE, body)
        assert answer.status == 201, answer.body
        self.work()
        return dict(answer.json())

    def code(self, code_id: str) -> dict[str, Any]:
        """A code as the API shows it."""
        return dict(self.call("GET", f"{BASE}/{code_id}").json())

    def payments(self, code_id: str) -> list[dict[str, Any]]:
        """Payments of a code as the API shows them."""
        return list(self.call("GET", f"{BASE}/{code_id}/payments").json()["items"])

    def unmatched(self) -> list[dict[str, Any]]:
        """The bench."""
        return list(self.call("GET", f"{BASE}/unmatched").json()["items"])

    def pay(self, rf: str, amount: str, **more: Any) -> dict[str, Any]:
        """Somebody pays at the network."""
        return self.network.pay({"rf": rf, "amount": amount, **more})

    # ------------------------------------------------------------------ statements

    def statement(
        self, data: bytes, *, work: bool = True, principal: Principal | None = None, **query: Any
    ) -> dict[str, Any]:
        """Import a bank statement; the job as it is stored afterwards."""
        answer = self.call(
            "POST",
            f"{BASE}/statements/imports",
            data,
            principal=principal,
            headers={"content-type": "text/plain"},
            query=query or None,
        )
        assert answer.status == 202, answer.body
        if work:
            self.work()
        return self.job(str(answer.json()["id"]))

    def job(self, job_id: str) -> dict[str, Any]:
        """The stored row of a job."""
        (row,) = [r for r in self.aws.rows("core") if r["pk"].endswith(f"#JOB#{job_id}")]
        return dict(row)

    def lines(self, job_id: str, **query: str) -> list[dict[str, Any]]:
        """What became of the lines of an import."""
        path = f"{BASE}/statements/imports/{job_id}/lines"
        return list(self.call("GET", path, query=query or None).json()["items"])

    def differences(self) -> list[dict[str, Any]]:
        """Lines that wait for a decision."""
        return list(self.call("GET", f"{BASE}/statements/differences").json()["items"])

    # ------------------------------------------------------------------ workers and clocks

    def work(self, *, rounds: int = 6) -> list[str]:
        """Let all workers empty their queues; identifiers of records that failed."""
        from payment_codes.handlers import (
            import_statement,
            issue_batch,
            issue_codes,
            pull_payments,
            send_mail,
        )

        handlers = {
            "batch": issue_batch,
            "issue": issue_codes,
            "pull": pull_payments,
            "mail": send_mail,
            "statement": import_statement,
        }
        failed: list[str] = []
        for _ in range(rounds):
            busy = False
            for name, module in handlers.items():
                for body in self.aws.messages(f"payment-codes-{name}"):
                    busy = True
                    answer = module.handler(queue_event(body), LambdaContext(remaining_ms=60_000))
                    failed += [name for _ in answer["batchItemFailures"]]
            if not busy:
                break
        return failed

    def minute(self) -> None:
        """The two schedules of a minute, and the work they ask for."""
        from payment_codes.handlers import refresh_payments, relay_outbox

        relay_outbox.handler({}, LambdaContext())
        refresh_payments.handler({}, LambdaContext())
        self.work()

    # ------------------------------------------------------------------ notifications

    def renew_secret(self) -> str:
        """A new notification secret, as it is shown once."""
        path = f"{BASE}/organisation/notification-secret"
        self.secret = str(self.call("POST", path, shows="the new secret").json()["secret"])
        return SCANNER.secret(self.secret)

    def notify(
        self,
        rf: str,
        *,
        identity: str = "n-1",
        key: bytes | None = None,
        stamp: int | None = None,
        provider: str = "dias",
    ) -> Answer:
        """A notification of the network, signed with the present secret."""
        from payment_codes.handlers import receive_notification

        body = json.dumps({"type": "payment.received", "data": {"code": rf}}).encode()
        moment = int(self.clock.now().timestamp()) if stamp is None else stamp
        signed = signed_headers(key or key_of(Secret(self.secret)), identity, moment, body)
        event = http_event("POST", f"{BASE}/notifications/{provider}", body=body, headers=signed)
        return invoke(receive_notification.handler, event)


def _transport(network: Network) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        if network.is_down:
            raise httpx.ConnectError("refused", request=request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode()
        answer = network.handle(request.method, target, headers, request.content)
        if answer.drop:
            raise httpx.ReadError("dropped", request=request)
        return httpx.Response(answer.status, content=answer.body)

    return httpx.MockTransport(handle)


@contextmanager
def payment_world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[PaymentWorld]:
    """Payment codes of this process on ``platform`` and the simulated network."""
    bootstrap.application.cache_clear()
    network = Network(None, clock.now)
    app = bootstrap.application()
    app.platform = platform
    app.assets = Assets.plain()
    client = HttpClient(transport=_transport(network))
    app.__dict__["_gateway"] = DiasGateway("http://dias.example/dias", client)
    try:
        yield PaymentWorld(aws, app, clock, network)
    finally:
        bootstrap.application.cache_clear()
