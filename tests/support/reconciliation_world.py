"""Reconciliation with its real handlers over moto."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from kernel.clock import FixedClock
from reconciliation import bootstrap
from reconciliation.bootstrap import Application
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.reconciliation_builders import api_counterparty
from toolkit.auth import Principal
from toolkit.platform import Platform

TENANT: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WY"
OTHER: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WZ"
BASE: Final = "/v1/reconciliation"


@dataclass
class ReconciliationWorld:
    """Handlers and clock of one test."""

    aws: AwsWorld
    app: Application
    clock: FixedClock

    def principal(self, tenant: str = TENANT, role: str = "owner", language: str = "") -> Principal:
        """A program of a company."""
        return Principal(
            "api_key", "01JXQ60A1B2C3D4E5F6G7H8J9Q", tenant, roles=(role,), language=language
        )

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        principal: Principal | None = None,
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        """One request to the API handler."""
        from reconciliation.handlers import api

        event = http_event(
            method,
            f"{BASE}{path}",
            principal=principal or self.principal(),
            body=body,
            headers=headers or {},
            query=dict(parse_qsl(query)),
        )
        return invoke(api.handler, event)

    def page(self, path: str, language: str = "en", query: str = "") -> Answer:
        """A page, as a person of the company sees it."""
        return self._paged("GET", path, language=language, query=dict(parse_qsl(query)))

    def post(self, path: str, query: str = "", **form: Any) -> Answer:
        """A form of a page; a list is a repeated field."""
        pairs = urlencode(form, doseq=True).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self._paged("POST", path, body=pairs, headers=headers, query=dict(parse_qsl(query)))

    def _paged(
        self, method: str, path: str, *, language: str = "en", headers: Any = None, **more: Any
    ) -> Answer:
        from reconciliation.handlers import api
        from reconciliation.handlers.http.app import app

        person = replace(self.principal(language=language), kind="session")
        given = {**(headers or {}), "x-csrf-token": app.csrf_token(person)}
        event = http_event(method, path, principal=person, headers=given, **more)
        return invoke(api.handler, event)

    def counterparty(self, code: str = "120.01.001", **changes: Any) -> dict[str, Any]:
        """Add an account card."""
        answer = self.call("POST", "/counterparties", api_counterparty(code, **changes))
        assert answer.status == 201, answer.body
        return dict(answer.json())

    def record(self, *entries: dict[str, Any]) -> dict[str, int]:
        """Record lines in one request."""
        answer = self.call("POST", "/ledger-entries", {"entries": list(entries)})
        assert answer.status == 200, answer.body
        return dict(answer.json())

    def lines(self, query: str = "period=2026-01") -> list[dict[str, Any]]:
        """Lines as the API shows them, all pages."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            answer = self.call("GET", "/ledger-entries", query=f"{query}{cursor}")
            assert answer.status == 200, answer.body
            found += answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                return found
            cursor = f"&cursor={answer.json()['next_cursor']}"

    def figures(
        self, period: str = "2026-01", form: str = "ba", query: str = "", language: str = "en"
    ) -> dict[str, Any]:
        """Figures of a month and form."""
        answer = self.call(
            "GET",
            f"/periods/{period}/figures",
            query=f"form={form}&{query}",
            principal=self.principal(language=language),
        )
        assert answer.status == 200, answer.body
        return dict(answer.json())

    def imported(self, kind: str, content: bytes, query: str = "") -> dict[str, Any]:
        """Import a CSV file, and give the job as it ended."""
        answer = self.call(
            "POST", f"/{kind}/imports", content, headers={"content-type": "text/csv"}, query=query
        )
        assert answer.status == 202, answer.body
        self.work()
        return self.job(answer.json()["id"])

    def invoice(self, content: bytes, direction: str = "purchase") -> Answer:
        """Hand in an e-invoice."""
        return self.call(
            "POST",
            "/e-invoices",
            content,
            headers={"content-type": "application/xml"},
            query=f"direction={direction}",
        )

    def work(self, bodies: Sequence[Any] | None = None) -> None:
        """Let the import worker empty its queue."""
        from reconciliation.handlers import run_import

        for body in self.aws.messages("reconciliation-import") if bodies is None else bodies:
            answer = run_import.handler(queue_event(body), LambdaContext(remaining_ms=300_000))
            assert answer["batchItemFailures"] == []

    def minute(self) -> None:
        """The schedule of a minute, and the work it asks for."""
        from reconciliation.handlers import relay_outbox

        relay_outbox.handler({}, LambdaContext())
        self.work()

    def job(self, job_id: str, tenant: str = TENANT) -> dict[str, Any]:
        """A job as it is stored."""
        row = self.app.platform.database.get("core", f"rec#T#{tenant}#JOB#{job_id}", "META")
        assert row is not None
        return row


@contextmanager
def reconciliation_world(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> Iterator[ReconciliationWorld]:
    """Reconciliation of this process on ``platform``."""
    bootstrap.application.cache_clear()
    app = bootstrap.application()
    app.platform = platform
    try:
        yield ReconciliationWorld(aws, app, clock)
    finally:
        bootstrap.application.cache_clear()
