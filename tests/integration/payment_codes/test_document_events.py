"""Signed events of documents from ERP systems: whose they are, once each, none lost (PAY-02)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kernel.sensitive import Secret
from payment_codes.handlers import take_document_events
from payment_codes.schemas import DocumentEventIn
from tests.support.events import queue_event
from tests.support.lambda_context import LambdaContext
from tests.support.payment_world import BASE, OTHER, TENANT, PaymentWorld
from tests.support.scanner import SCANNER
from toolkit.aws.dynamodb import TableRole
from toolkit.http.webhook_signature import headers as signed_headers
from toolkit.http.webhook_signature import key_of

EVENTS = Path(__file__).resolve().parents[3] / "events"
SCHEMA = json.loads(
    (EVENTS / "inbound" / "payment_codes.DocumentEvent.v1.json").read_text(encoding="utf-8")
)
REFUSED = f"{BASE}/document-events/refused"


def _event(amount: str = "1250.00", **more: Any) -> dict[str, Any]:
    return {
        "kind": "repair_order.ready_for_invoicing",
        "document": {
            "id": "RO-77",
            "customer": {"id": "C-1", "name": "Ελένη Δοκιμή"},
            "amount": {"amount": amount, "currency": "EUR"},
        },
        **more,
    }


class Erp:
    """An ERP system that signs with the secret it was given."""

    def __init__(self, world: PaymentWorld, secret: str, tenant: str = TENANT) -> None:
        self.world = world
        self.key = key_of(Secret(secret))
        self.tenant = tenant
        self.count = 0

    def message(
        self, event: Any, *, identity: str = "", age: int = 0, tenant: str = ""
    ) -> dict[str, Any]:
        """One message as it is sent to the queue."""
        self.count += 1
        payload = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
        stamp = int(self.world.clock.now().timestamp()) - age
        headers = signed_headers(self.key, identity or f"erp-{self.count}", stamp, payload.encode())
        return {
            "v": 1,
            "tenant_id": tenant or self.tenant,
            "headers": headers,
            "payload": payload,
        }


def _deliver(message: dict[str, Any]) -> bool:
    """Whether the record was taken off the queue."""
    answer = take_document_events.handler(queue_event(message), LambdaContext())
    return not answer["batchItemFailures"]


def _secret(world: PaymentWorld, tenant: str = TENANT) -> str:
    answer = world.call(
        "POST",
        f"{BASE}/organisation/document-event-secret",
        principal=world.principal(tenant),
        shows="the new secret",
    )
    assert answer.status == 201
    return SCANNER.secret(str(answer.json()["secret"]))


@pytest.fixture
def erp(world: PaymentWorld) -> Erp:
    world.organisation("offline")
    return Erp(world, _secret(world))


def _codes(world: PaymentWorld) -> list[dict[str, Any]]:
    return list(world.call("GET", BASE).json()["items"])


def test_a_signed_event_issues_the_code_of_its_document(world: PaymentWorld, erp: Erp) -> None:
    message = erp.message(_event())
    Draft202012Validator(SCHEMA).validate(message)
    assert _deliver(message)
    (code,) = _codes(world)
    assert code["source"] == {"kind": "repair_order", "id": "RO-77"}
    assert code["amount"] == {"amount": "1250.00", "currency": "EUR"}


def test_the_same_from_the_bus(world: PaymentWorld, erp: Erp) -> None:
    envelope = {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000002",
        "detail-type": "payment_codes.DocumentEvent.v1",
        "source": "erp.serviceplus",
        "account": "123456789012",
        "time": "2026-06-01T09:00:00Z",
        "detail": erp.message(_event()),
    }
    assert _deliver(envelope)
    assert len(_codes(world)) == 1


def test_a_repeated_event_changes_nothing_also_after_the_code_was_cancelled(
    world: PaymentWorld, erp: Erp
) -> None:
    message = erp.message(_event())
    assert _deliver(message)
    (code,) = _codes(world)
    assert world.call("POST", f"{BASE}/{code['id']}/cancel", {}).status == 200
    for _ in range(2):
        world.clock.advance(timedelta(days=6))
        assert _deliver(message)
    assert [item["status"] for item in _codes(world)] == ["cancelled"]


def test_older_news_never_replaces_newer(world: PaymentWorld, erp: Erp) -> None:
    first = erp.message(_event("100.00"), age=60)
    corrected = erp.message(_event("120.00"))
    assert _deliver(corrected)
    assert _deliver(first)
    (code,) = _codes(world)
    assert code["amount"]["amount"] == "120.00"


def test_newer_news_replaces_older(world: PaymentWorld, erp: Erp) -> None:
    assert _deliver(erp.message(_event("100.00"), age=60))
    assert _deliver(erp.message(_event("120.00")))
    states = {code["amount"]["amount"]: code["status"] for code in _codes(world)}
    assert states == {"100.00": "cancelled", "120.00": "issued"}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda m: m | {"tenant_id": OTHER}, id="another company"),
        pytest.param(lambda m: m | {"tenant_id": "nobody"}, id="no company"),
        pytest.param(lambda m: m | {"payload": m["payload"].replace("1250", "0001")}, id="changed"),
        pytest.param(lambda m: m | {"headers": {}}, id="unsigned"),
        pytest.param(lambda m: m | {"headers": "none"}, id="no headers"),
        pytest.param(lambda m: m | {"payload": None}, id="no payload"),
        pytest.param(lambda m: m | {"hops": "many"}, id="odd hops"),
        pytest.param(lambda m: m | {"v": 2}, id="another version"),
        pytest.param(lambda m: m | {"payload": "x" * 70_000}, id="huge"),
    ],
)
def test_what_the_company_did_not_sign_stays_for_the_dead_letters_and_writes_nothing(
    world: PaymentWorld, erp: Erp, spoil: Any
) -> None:
    world.call(
        "PUT",
        f"{BASE}/organisation",
        {"org_code": "91235", "provider": "offline"},
        principal=world.principal(OTHER),
    )
    _secret(world, OTHER)
    roles: tuple[TableRole, ...] = ("core", "flow", "audit", "ledger")
    before = {role: world.aws.rows(role) for role in roles}
    assert not _deliver(spoil(erp.message(_event())))
    assert {role: world.aws.rows(role) for role in roles} == before


def test_an_event_is_good_for_as_long_as_a_queue_keeps_it(world: PaymentWorld, erp: Erp) -> None:
    day = 86_400
    assert not _deliver(erp.message(_event(), age=14 * day + 1))
    assert not _deliver(erp.message(_event(), age=-400))
    assert _deliver(erp.message(_event(), age=13 * day))


def test_a_new_secret_leaves_time_for_messages_on_their_way(world: PaymentWorld, erp: Erp) -> None:
    waiting = erp.message(_event())
    _secret(world)
    world.clock.advance(timedelta(days=13))
    assert _deliver(waiting)
    world.clock.advance(timedelta(days=2))
    assert not _deliver(erp.message(_event("99.00")))


def test_a_refused_event_is_kept_told_and_can_be_taken_later(world: PaymentWorld, erp: Erp) -> None:
    code = world.issue(
        source={"kind": "repair_order", "id": "RO-77"}, amount={"amount": "9.00", "currency": "EUR"}
    )
    store = world.app.for_system(TENANT, "test").store
    paid = store.code(code["id"])
    from dataclasses import replace

    unit = store.unit()
    unit.save_code(paid, replace(paid, paid=900), "code.payment", {})
    unit.commit()
    world.clock.advance(timedelta(seconds=60))
    message = erp.message(_event())
    assert _deliver(message)
    assert _deliver(message)  # refused once, whatever the queue does
    (refused,) = world.call("GET", REFUSED).json()["items"]
    assert (refused["reason"], refused["document"]) == ("document_has_code", "RO-77")
    (raised,) = world.aws.published("payment_codes.AttentionRaised.v1")
    assert raised["data"]["code"] == "document_event_refused"
    path = f"{REFUSED}/{refused['id']}"
    assert world.call("POST", f"{path}/retry").status == 409  # it still stands in the way
    changed = store.code(code["id"])
    unit = store.unit()
    unit.save_code(changed, replace(changed, paid=0), "code.payment", {})
    unit.commit()
    assert world.call("POST", f"{path}/retry").json()["status"] == "taken"
    assert world.call("GET", REFUSED).json()["items"] == []
    assert world.aws.published("payment_codes.AttentionCleared.v1")
    assert world.call("POST", f"{path}/retry").status == 409
    assert {item["amount"]["amount"] for item in _codes(world)} == {"9.00", "1250.00"}


@pytest.mark.parametrize(
    ("event", "pointer"),
    [
        ({"kind": "repair_order.ready_for_invoicing"}, "/document"),
        (_event("12.345"), "/document/amount"),
        (_event(tenant_id=OTHER), "/tenant_id"),
        ("[1]", ""),
        ("no JSON", ""),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_places(
    world: PaymentWorld, erp: Erp, event: Any, pointer: str
) -> None:
    assert _deliver(erp.message(event))
    (refused,) = world.call("GET", REFUSED).json()["items"]
    assert any(error["pointer"].startswith(pointer) for error in refused["errors"])
    path = f"{REFUSED}/{refused['id']}/dismiss"
    assert world.call("POST", path, {"note": "wrong export"}).json()["status"] == "dismissed"
    assert world.call("GET", REFUSED).json()["items"] == []


def test_no_code_by_rule_is_an_answer_too(world: PaymentWorld, erp: Erp) -> None:
    message = erp.message(_event(issue_payment_code=False))
    assert _deliver(message)
    assert _codes(world) == []
    assert world.call("GET", REFUSED).json()["items"] == []


def test_another_company_sees_and_touches_none_of_it(world: PaymentWorld, erp: Erp) -> None:
    assert _deliver(erp.message("no JSON"))
    (refused,) = world.call("GET", REFUSED).json()["items"]
    other = world.principal(OTHER)
    assert world.call("GET", REFUSED, principal=other).json()["items"] == []
    path = f"{REFUSED}/{refused['id']}/dismiss"
    assert world.call("POST", path, {"note": "x"}, principal=other).status == 404


def test_the_schema_says_what_the_model_takes() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["examples"]
    signed = SCHEMA["$defs"]["DocumentEvent"]
    for example in SCHEMA["examples"]:
        Draft202012Validator(SCHEMA).validate(example)
        content = json.loads(example["payload"])
        Draft202012Validator({"$defs": SCHEMA["$defs"], **signed}).validate(content)
        DocumentEventIn.model_validate(content)
    assert set(signed["properties"]) == set(DocumentEventIn.model_fields)
    document = DocumentEventIn.model_fields["document"].annotation
    assert set(SCHEMA["$defs"]["Document"]["properties"]) == set(document.model_fields)  # type: ignore[union-attr]
