"""The whole path on a running stack: document, mail, payment at the network, news in time."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.stack import Company, StackProcess
from infra.local.client import RunningStack

BASE = "/v1/payment-codes"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[tuple[RunningStack, Company]]:
    process = StackProcess(tmp_path / "state")
    try:
        running = process.start()
        key = str(process.credentials()["operator_key"])
        company = Company.opened(running, key, "Αυτοκίνητα Δοκιμή ΑΕ")
        with contextlib.closing(company.client):
            yield running, company
    finally:
        process.stop()


def _until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


def test_from_a_document_to_a_payment_known_in_time(
    stack: tuple[RunningStack, Company],
) -> None:
    running, company = stack

    def ask(method: str, path: str, body: Any = None) -> Any:
        answer = company.ask(method, path, body, headers={"idempotency-key": f"k-{time.time_ns()}"})
        assert answer.status_code < 300, answer.text
        return answer.json()

    def simulate(**script: Any) -> Any:
        address = f"{running.base_url}/_local/simulators/dias"
        answer = httpx.post(address, json=script, timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(code: dict[str, Any]) -> dict[str, Any]:
        return dict(ask("GET", f"{BASE}/{code['id']}"))

    def document(number: str) -> dict[str, Any]:
        event = {
            "kind": "repair_order.ready_for_invoicing",
            "document": {
                "id": number,
                "customer": {"id": "C-1", "name": "Ελένη Δοκιμή", "email": "eleni@c.example"},
                "amount": {"amount": "1250.00", "currency": "EUR"},
            },
        }
        return dict(ask("POST", f"{BASE}/document-events", event)["code"])

    settings = {"org_code": "91234", "provider": "dias", "api_key": "demo-key-of-dias"}
    ask("PUT", f"{BASE}/organisation", {**settings, "mail_on_issue": True})
    secret = ask("POST", f"{BASE}/organisation/notification-secret", {})["secret"]
    address = f"{running.base_url}{BASE}/notifications/dias"
    simulate(notify={"url": address, "secret": secret})

    told = document("RO-1")
    _until(lambda: state(told)["status"] == "sent", 60)
    assert state(told)["registration"] == "registered"
    headers = {"accept": "application/json"}
    inbox = httpx.get(f"{running.base_url}/_local/inbox", headers=headers, trust_env=False).text
    assert told["code_grouped"] in inbox
    page = httpx.get(told["pay_url"], trust_env=False)
    assert (page.status_code, told["code_grouped"] in page.text) == (200, True)

    simulate(pay={"rf": told["code"], "amount": "1250.00", "notify": "twice"})
    _until(lambda: state(told)["status"] == "paid", 60)
    assert len(ask("GET", f"{BASE}/{told['id']}/payments")["items"]) == 1

    untold = document("RO-2")
    _until(lambda: state(untold)["registration"] == "registered", 60)
    simulate(pay={"rf": untold["code"], "amount": "1250.00", "notify": "never"})
    simulate(send={"rf": untold["code"], "as": "forged"})
    assert state(untold)["status"] != "paid"
    _until(lambda: state(untold)["status"] == "paid", 110)
    assert state(untold)["news_age_seconds"] < 120
