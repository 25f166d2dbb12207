"""Reconciliation with its real handlers over moto."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from kernel.clock import FixedClock
from kernel.periods import Period
from reconciliation import bootstrap
from reconciliation.bootstrap import Application
from reconciliation.domain.figures import Figure, Part
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis, Letter, drafted, edition_of
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke, queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.reconciliation_builders import api_counterparty, lira
from toolkit.auth import Principal
from toolkit.passwords import Argon2Passwords
from toolkit.platform import Platform

TENANT: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WY"
OTHER: Final = "01JXQ5Z3K4M6N8P0R2S4T6V8WZ"
PASSWORD: Final = "kestane tramvay bulut 41"
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

    def letter(
        self,
        card_id: str,
        period: str = "2026-01",
        form: str = "bs",
        paper: tuple[int, str] = (3, "7500.50"),
        everything: tuple[int, str] = (5, "11500.50"),
        basis: str = "form",
        tenant: str = TENANT,
    ) -> Letter:
        """A letter over a month with these figures, whatever the books say."""
        use = self.app.for_system(tenant, "test")
        card = use.store.counterparty(card_id)
        month, kind = Period.parse(period), Form(form)
        row = Figure(
            (card.id,),
            Part(paper[0], lira(paper[1])),
            Part(everything[0], lira(everything[1])),
            True,
            (),
        )
        made = edition_of(
            row,
            Basis(basis),
            lira("5000.00"),
            number=1,
            template="tr/1",
            at=self.clock.now(),
        )
        identity = use.store.letter_id(month, kind, card.merge_key)
        letter = drafted(identity, month, kind, row, to=card.id, language="tr", made=made)
        unit = use.store.unit()
        unit.add_letter(letter)
        unit.commit()
        return use.store.letter(identity)

    def enter(self, card_id: str) -> "Browser":
        """A counterparty that set its password and is signed in."""
        use = self.app.for_system(TENANT, "test")
        url = use.access_links.link_for(use.store.counterparty(card_id))
        browser = Browser()
        assert browser.ask("POST", url, {"password": PASSWORD}).status == 303
        access = use.access.access(card_id)
        assert access is not None
        assert browser.sign_in(access.user_name, PASSWORD).location == "/portal"
        return browser

    def letter_link(self, letter: Letter) -> str:
        """The link of a mail to the page of a letter."""
        use = self.app.for_system(TENANT, "test")
        card = use.store.counterparty(letter.counterparty_id)
        return use.access_links.link_for(card, letter)

    def work_portal(self, bodies: Sequence[Any] | None = None) -> None:
        """Let the worker of the portal empty its queue, also of what it asks of itself."""
        from reconciliation.handlers import run_portal

        while waiting := self.aws.messages("reconciliation-portal") if bodies is None else bodies:
            bodies = None
            for body in waiting:
                answer = run_portal.handler(queue_event(body), LambdaContext(remaining_ms=300_000))
                assert answer["batchItemFailures"] == []

    def minute(self) -> None:
        """The schedule of a minute, and the work it asks for."""
        from reconciliation.handlers import relay_outbox

        relay_outbox.handler({}, LambdaContext())
        self.work()
        self.work_portal()

    def job(self, job_id: str, tenant: str = TENANT) -> dict[str, Any]:
        """A job as it is stored."""
        row = self.app.platform.database.get("core", f"rec#T#{tenant}#JOB#{job_id}", "META")
        assert row is not None
        return row


@dataclass
class Browser:
    """A counterparty's browser on the portal: it keeps cookies and follows nothing by itself."""

    cookies: dict[str, str] = field(default_factory=dict)
    agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    language: str = "tr"
    source_ip: str = "203.0.113.7"

    def ask(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request to the door of counterparties; ``path`` may be a whole address."""
        from reconciliation.handlers import serve_portal

        parts = urlsplit(path)
        sent = {"user-agent": self.agent, "accept-language": self.language, "accept": "text/html"}
        event = http_event(
            method,
            parts.path,
            form=form,
            query=dict(parse_qsl(parts.query)),
            headers={**sent, **(headers or {})},
            cookies=[f"{name}={value}" for name, value in self.cookies.items()],
            source_ip=self.source_ip,
        )
        answer = invoke(serve_portal.handler, event)
        for cookie in answer.cookies:
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return answer

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self.ask("GET", path)

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form with the token of the page it stands on."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/portal").body)
        if token:
            fields["csrf_token"] = token[1]
        return self.ask("POST", path, fields)

    def sign_in(self, user: str, password: str) -> Answer:
        """Sign in."""
        return self.ask("POST", "/portal/sign-in", {"user": user, "password": password})


@contextmanager
def reconciliation_world(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> Iterator[ReconciliationWorld]:
    """Reconciliation of this process on ``platform``."""
    bootstrap.application.cache_clear()
    app = bootstrap.application()
    app.platform = platform
    app.portal.hasher = Argon2Passwords(memory_kib=8, rounds=1)
    try:
        yield ReconciliationWorld(aws, app, clock)
    finally:
        bootstrap.application.cache_clear()
