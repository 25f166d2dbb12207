"""Signed events of the books from ERP systems: whose they are, once each, none lost (REC-01)."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kernel.sensitive import Secret
from reconciliation.application.counterparties import CHUNK
from reconciliation.domain.book_event import MAX_CARDS
from reconciliation.schemas import BookEventIn, CounterpartyIn, EntryIn
from tests.support.events import queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.reconciliation_builders import api_counterparty, api_entry, ubl
from tests.support.reconciliation_world import OTHER, TENANT, ReconciliationWorld
from toolkit.http.webhook_signature import headers as signed_headers
from toolkit.http.webhook_signature import key_of

INBOUND = Path(__file__).resolve().parents[3] / "events" / "inbound"
SCHEMA = json.loads((INBOUND / "reconciliation.BookEvent.v1.json").read_text(encoding="utf-8"))
REFUSED = "/book-events/refused"
CARDS = {"kind": "counterparties.stated", "counterparties": [api_counterparty()]}
LINES = {"kind": "ledger_entries.stated", "entries": [api_entry("A-1"), api_entry("A-2")]}
INVOICE = {"kind": "e_invoice.stated", "document": ubl().decode(), "direction": "purchase"}


@pytest.fixture
def key(world: ReconciliationWorld) -> bytes:
    """The secret of the company's ERP system."""
    answer = world.call("POST", "/book-events/secret")
    assert answer.status == 201, answer.body
    return key_of(Secret(answer.json()["secret"]))


def signed(
    world: ReconciliationWorld, key: bytes, event: Any, name: str = "erp-1", age: int = 0
) -> dict[str, Any]:
    """One message of an ERP system, as it is sent to the queue."""
    payload = event if isinstance(event, str) else json.dumps(event)
    at = int(world.clock.now().timestamp()) - age
    given = signed_headers(key, name, at, payload.encode())
    headers = {header: given[header] for header in given if header.startswith("webhook-")}
    return {"v": 1, "tenant_id": TENANT, "headers": headers, "payload": payload}


def _deliver(message: Any) -> bool:
    from reconciliation.handlers import take_book_events

    answer = take_book_events.handler(queue_event(message), LambdaContext(remaining_ms=60_000))
    return bool(answer["batchItemFailures"] == [])


def _refused(world: ReconciliationWorld) -> list[dict[str, Any]]:
    return list(world.call("GET", REFUSED).json()["items"])


def test_cards_lines_and_e_invoices_come_signed_and_count_once_also_over_the_bus(
    world: ReconciliationWorld, key: bytes
) -> None:
    for number, event in enumerate((CARDS, LINES, INVOICE)):
        message = signed(world, key, event, f"erp-{number}")
        Draft202012Validator(SCHEMA).validate(message)
        detail = {"version": "0", "detail-type": "reconciliation.BookEvent.v1", "detail": message}
        for body in (message, message, {**detail, "source": "erp.netsis"}):
            assert _deliver(body)
    cards = world.call("GET", "/counterparties").json()["items"]
    assert [card["code"] for card in cards] == ["120.01.001"]
    assert sorted(line["document_no"] for line in world.lines()) == ["A-1", "A-2"]
    assert {line["version"] for line in world.lines()} == {1}
    assert len(world.call("GET", "/e-invoices").json()["items"]) == 1
    assert _refused(world) == []
    world.work_portal()
    assert [row for row in world.aws.rows("core") if row.get("kind") == "portal_access"]


def test_the_same_content_under_another_id_changes_nothing_and_another_content_replaces(
    world: ReconciliationWorld, key: bytes
) -> None:
    assert _deliver(signed(world, key, CARDS))
    changed = {**LINES, "entries": [api_entry("A-1", net="4000.00")]}
    for name, event in (("erp-2", LINES), ("erp-3", LINES), ("erp-4", changed)):
        assert _deliver(signed(world, key, event, name))
    assert {line["document_no"]: line["version"] for line in world.lines()} == {"A-1": 2, "A-2": 1}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda m: m | {"tenant_id": OTHER}, id="another company"),
        pytest.param(lambda m: m | {"tenant_id": "nobody"}, id="no company"),
        pytest.param(lambda m: m | {"payload": m["payload"].replace("A.", "B.")}, id="changed"),
        pytest.param(lambda m: m | {"headers": {}}, id="unsigned"),
        pytest.param(lambda m: m | {"payload": "x" * 70_000}, id="huge"),
    ],
)
def test_what_the_company_did_not_sign_goes_to_the_dead_letters_and_writes_nothing(
    world: ReconciliationWorld, key: bytes, spoil: Any
) -> None:
    before = world.aws.tables()
    assert not _deliver(spoil(signed(world, key, CARDS)))
    assert world.aws.tables() == before


def test_old_events_and_retired_secrets_end(world: ReconciliationWorld, key: bytes) -> None:
    assert not _deliver(signed(world, key, CARDS, age=14 * 86_400 + 1))
    waiting = signed(world, key, CARDS)
    world.call("POST", "/book-events/secret")
    assert _deliver(waiting)


@pytest.mark.parametrize(
    ("event", "code", "pointer"),
    [
        (LINES, "invalid_input", "/entries/0/counterparty_code"),
        ({"kind": "ledger_entries.stated"}, "invalid_input", "/entries"),
        ({**CARDS, "document": "<x/>"}, "invalid_input", "/document"),
        (
            {**CARDS, "counterparties": [api_counterparty(tax_no="1"), api_counterparty()]},
            "invalid_input",
            "/counterparties/0/tax_no",
        ),
        (
            {**CARDS, "counterparties": [api_counterparty(), api_counterparty()]},
            "invalid_input",
            "/counterparties/1/code",
        ),
        ({**INVOICE, "document": "<!DOCTYPE x><x/>"}, "ubl.dtd", ""),
        ("no JSON", "body_not_json", ""),
    ],
)
def test_what_cannot_be_taken_waits_once_with_its_places_and_records_nothing(
    world: ReconciliationWorld, key: bytes, event: Any, code: str, pointer: str
) -> None:
    for _ in range(2):
        assert _deliver(signed(world, key, event))
    (waiting,) = _refused(world)
    places = [one["pointer"] for one in waiting["errors"]]
    assert code in (waiting["reason"], waiting["errors"][0]["code"])
    assert any(place.startswith(pointer) for place in places), places
    assert world.lines() == []
    assert world.call("GET", "/counterparties").json()["items"] == []
    (raised,) = world.aws.published("reconciliation.AttentionRaised.v1")
    assert raised["data"]["code"] == "book_event_refused"
    path = f"{REFUSED}/{waiting['id']}/dismiss"
    assert world.call("POST", path, {"note": "yanlış dosya"}).json()["status"] == "dismissed"
    assert _refused(world) == []
    assert world.aws.published("reconciliation.AttentionCleared.v1")
    assert world.call("POST", path, {"note": "yine"}).status == 409


def test_a_refused_event_is_taken_after_its_reason_is_gone(
    world: ReconciliationWorld, key: bytes
) -> None:
    assert _deliver(signed(world, key, LINES))
    (waiting,) = _refused(world)
    assert waiting["document"] == "A-1"
    page = world.page("/reconciliation/book-events").body
    assert "/entries/0/counterparty_code" in page
    path = f"{REFUSED}/{waiting['id']}/retry"
    assert world.call("POST", path).status == 422
    world.counterparty()
    assert world.call("POST", path).json()["status"] == "taken"
    assert len(world.lines()) == 2
    assert _refused(world) == []


def test_the_page_shows_a_secret_once_and_settles_events(
    world: ReconciliationWorld, key: bytes
) -> None:
    shown = world.post("/reconciliation/book-events/secret").body
    assert "whsec_" in shown
    assert "whsec_" not in world.page("/reconciliation/book-events").body
    assert _deliver(signed(world, key, LINES))
    (waiting,) = _refused(world)
    base = f"/reconciliation/book-events/{waiting['id']}"
    assert world.post(f"{base}/retry").status == 422
    assert world.post(f"{base}/dismiss", note="").status == 422
    assert world.post(f"{base}/dismiss", note="yanlış").status == 303
    assert _refused(world) == []


def test_another_company_sees_and_touches_none_of_it(
    world: ReconciliationWorld, key: bytes
) -> None:
    assert _deliver(signed(world, key, "no JSON"))
    (waiting,) = _refused(world)
    stranger = world.principal(OTHER)
    assert world.call("GET", REFUSED, principal=stranger).json()["items"] == []
    path = f"{REFUSED}/{waiting['id']}/dismiss"
    assert world.call("POST", path, {"note": "x"}, principal=stranger).status == 404


def test_the_published_schema_says_what_is_taken() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    definitions = SCHEMA["$defs"]
    for example in SCHEMA["examples"]:
        Draft202012Validator(SCHEMA).validate(example)
        content = json.loads(example["payload"])
        whole = {"$defs": definitions, **definitions["BookEvent"]}
        Draft202012Validator(whole).validate(content)
        BookEventIn.model_validate(content).to_event()
    cards = definitions["BookEvent"]["properties"]["counterparties"]["anyOf"][0]
    assert (cards["maxItems"], MAX_CARDS) == (CHUNK, CHUNK), "one event, one transaction"
    for name, model in (
        ("BookEvent", BookEventIn),
        ("Counterparty", CounterpartyIn),
        ("LedgerEntry", EntryIn),
    ):
        assert set(definitions[name]["properties"]) == set(model.model_fields)
