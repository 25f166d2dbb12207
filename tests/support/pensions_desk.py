"""The pensions context with its real handlers over moto and real simulated insurers on loopback.

A ``Desk`` does what a company does: HTTP requests to the API handler and pages, and time that
passes. Between two requests the queues are emptied by the real queue handlers, as the platform
would do it.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from infra.local.simulators.insurers.running import RunningInsurer, start_insurers
from kernel.clock import FixedClock
from pensions import bootstrap
from pensions.bootstrap import Application
from tests.support.aws import AwsWorld
from tests.support.events import Answer, http_event, invoke, queue_event, schedule_event
from tests.support.insurer_world import shared_http
from tests.support.lambda_context import LambdaContext
from toolkit.auth import Principal
from toolkit.platform import Platform

INSURER_ACCOUNT: Final = "TR400006200000000000000001"
PAYER_ACCOUNT: Final = "TR330006100519786457841326"
SHOWN: Final = "a payroll program gets back the numbers it sent"
_ROUNDS: Final = 400


def key_of(tenant_id: str, name: str = "Yıldız Sanayi A.Ş.") -> Principal:
    """An API key of a company that may do everything in this context."""
    return Principal(
        kind="api_key",
        id=f"KEY-{tenant_id}",
        tenant_id=tenant_id,
        scopes=("pensions:*:*",),
        tenant_name=name,
    )


@dataclass
class Desk:
    """One company at work."""

    aws: AwsWorld
    app: Application
    clock: FixedClock
    principal: Principal
    insurers: dict[str, RunningInsurer] = field(default_factory=dict)
    commands: int = 0

    # ------------------------------------------------------------------ requests

    def ask(self, method: str, path: str, body: Any = None, **event: Any) -> Answer:
        """One request to the real handler, whatever it answers."""
        from pensions.handlers import api, test_credentials

        tested = path.endswith("/credentials/test")
        handler = test_credentials.handler if tested else api.handler
        made = http_event(
            method, path, principal=event.pop("principal", self.principal), body=body, **event
        )
        return invoke(handler, made, shows=SHOWN)

    def call(self, method: str, path: str, body: Any = None, **event: Any) -> Any:
        """One request that must succeed; gives its JSON."""
        answer = self.ask(method, path, body, **event)
        assert answer.status < 400, f"{method} {path}: {answer.status} {answer.body[:800]}"
        return answer.json() if answer.body else None

    def command(self, path: str, body: Any) -> dict[str, Any]:
        """A command that sends or moves money, worked off; gives its finished job."""
        self.commands += 1
        headers = {"idempotency-key": f"command-{self.commands}"}
        started = self.call("POST", path, body, headers=headers)
        self.work()
        return self.job(started["id"])

    def contract(self, provider_code: str, **changes: Any) -> str:
        """Register a contract with credentials; gives its address."""
        base = str(self.registered(provider_code, **changes))
        credentials = {"username": f"{provider_code}-user", "password": "Kanarya-Sifre-9"}
        self.call("PUT", f"{base}/credentials", credentials)
        return base

    def registered(self, provider_code: str, **changes: Any) -> str:
        """Register a contract; gives its address."""
        made = self.call("POST", "/v1/pensions/contracts", contract_body(provider_code, **changes))
        return f"/v1/pensions/contracts/{made['id']}"

    def imported(self, base: str, kind: str, content: bytes, content_type: str) -> dict[str, Any]:
        """Import a file posted directly, worked off; gives its job."""
        query, _, rest = kind.partition("?")
        started = self.call(
            "POST",
            f"{base}/{query}/imports",
            content,
            headers={"content-type": content_type},
            query=dict(pair.split("=") for pair in rest.split("&") if pair),
        )
        self.work()
        return self.job(started["id"])

    def people(self, base: str) -> dict[str, dict[str, Any]]:
        """Everybody of a contract by identity number."""
        found: dict[str, dict[str, Any]] = {}
        cursor: dict[str, str] = {}
        while True:
            page = self.call("GET", f"{base}/employees", query={"limit": "200", **cursor})
            found |= {person["national_id"]: person for person in page["items"]}
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as it is stored; the route that shows it belongs to another context."""
        tenant = self.principal.tenant_id
        row = self.aws.row("core", f"pen#T#{tenant}#JOB#{job_id}")
        assert row is not None, f"there is no job {job_id}"
        return row

    # ------------------------------------------------------------------ the platform

    def work(self) -> int:
        """Let the queue handlers empty all queues; gives the number of messages."""
        done = 0
        for _ in range(_ROUNDS):
            waiting = [
                (worker, body)
                for name in self.aws.queues()
                if (worker := _worker(name)) is not None
                for body in self.aws.messages(name)
            ]
            if not waiting:
                return done
            for worker, body in waiting:
                worker.handler(queue_event(body), LambdaContext(remaining_ms=60_000))
                done += 1
        raise AssertionError("the queues do not come to rest")

    def pass_time(self, **delta: float) -> None:
        """Move the clock, then let the minute sweep and the queues work."""
        from pensions.handlers import relay_outbox

        self.clock.advance(timedelta(**delta))
        relay_outbox.handler(schedule_event(), LambdaContext(remaining_ms=60_000))
        self.work()

    def contents(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table: to see that nothing was written."""
        return {
            role: self.aws.rows(role)
            for role in ("core", "ledger", "flow", "secrets", "audit", "edge")
        }


def contract_body(provider_code: str = "garanti", **changes: Any) -> dict[str, Any]:
    """A right contract."""
    return {
        "provider_code": provider_code,
        "contract_code": "001",
        "contract_no": "1201465",
        "payroll_contract_no": "1201465",
        "min_deduction_rate": "3.00",
        "starts_on": "2024-01-01",
        "pay_days": [5],
        "provider_iban": INSURER_ACCOUNT,
        "payer_iban": PAYER_ACCOUNT,
        **changes,
    }


def person_body(national_id: str, **changes: Any) -> dict[str, Any]:
    """A right person."""
    return {
        "national_id": national_id,
        "first_name": "Ayşe",
        "last_name": "Yılmaz",
        "birth_date": "1990-02-01",
        "gender": "female",
        "mobile": "+905321234567",
        "email": "ayse@ornek.example",
        "hired_on": "2026-04-01",
        **changes,
    }


def _worker(queue: str) -> Any:
    """The handler of a queue; messages to insurers that are not running stay where they are."""
    from pensions.handlers import (
        prepare_submission,
        refresh_status,
        run_import,
        send_to_insurer,
    )

    name = queue.partition("pensions-")[2]
    if name.startswith("send-"):
        return send_to_insurer
    workers: Mapping[str, Any] = {
        "prepare": prepare_submission,
        "import": run_import,
        "refresh": refresh_status,
    }
    return workers.get(name)


@contextmanager
def open_desk(
    aws: AwsWorld,
    platform: Platform,
    clock: FixedClock,
    folder: Path,
    insurers: Sequence[str] = (),
    tenant_id: str = "T1",
) -> Iterator[Desk]:
    """The context of this process on ``platform``, with the named insurers running."""
    running = start_insurers(folder, clock.now, tuple(insurers)) if insurers else []
    os.environ["KOPRU_INSURER_ENDPOINTS"] = json.dumps({each.name: each.url for each in running})
    bootstrap.application.cache_clear()
    app = bootstrap.application()
    app.platform = platform
    app.gateway_of = _gateway_of(app)
    for code in insurers or ("garanti",):
        aws.create_queue(f"pensions-send-{code}")
    try:
        yield Desk(aws, app, clock, key_of(tenant_id), {each.name: each for each in running})
    finally:
        bootstrap.application.cache_clear()
        for each in running:
            each.stop()


def _gateway_of(app: Application) -> Any:
    from pensions.adapters.insurers.registry import InsurerRegistry
    from pensions.bootstrap import exchange_archive

    def gateway_of(context: Any) -> InsurerRegistry:
        archive = exchange_archive(app.platform, context)
        return InsurerRegistry(app.settings.insurer_endpoints, archive, http=shared_http)

    return gateway_of
