"""Signed events of card sales from ERP systems: whose they are, once each, none lost (CRD-04)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from card_contracts.schemas import CardSaleIn, RefundIn, SaleEventIn
from tests.support.card_contracts_builders import api_sale
from tests.support.cards_world import BASE, OTHER, CardsWorld
from toolkit.aws.dynamodb import TableRole

EVENTS = Path(__file__).resolve().parents[3] / "events"
SCHEMA = json.loads(
    (EVENTS / "inbound" / "card_contracts.SaleEvent.v1.json").read_text(encoding="utf-8")
)
REFUSED = f"{BASE}/sale-events/refused"


def closed(**changes: Any) -> dict[str, Any]:
    """A sale that was closed."""
    return {"kind": "sale.closed", "sale": api_sale(**changes)}


def refunded(amount: str = "400.00") -> dict[str, Any]:
    """Part of the sale that goes back."""
    refund = {
        "document_no": "I-1",
        "refunded_on": "2026-05-04",
        "amount": {"amount": amount, "currency": "TRY"},
        "deductions": "kept",
    }
    return {"kind": "sale.refunded", "document_no": "FTR-1", "refund": refund}


CANCELLED = {"kind": "sale.cancelled", "document_no": "FTR-1"}


@pytest.fixture
def key(world: CardsWorld) -> bytes:
    world.contract()
    return world.event_key()


def _refused(world: CardsWorld) -> list[dict[str, Any]]:
    return list(world.call("GET", REFUSED).json()["items"])


def _sale(world: CardsWorld) -> dict[str, Any]:
    found = world.call("GET", f"{BASE}/sales", query="document_no=FTR-1").json()["items"]
    return dict(found[0])


def test_a_signed_event_posts_a_sale_once_also_over_the_bus(world: CardsWorld, key: bytes) -> None:
    message = world.signed(key, closed())
    Draft202012Validator(SCHEMA).validate(message)
    envelope = {"version": "0", "detail-type": "card_contracts.SaleEvent.v1", "detail": message}
    assert world.deliver(message)
    assert world.deliver(message)
    assert world.deliver({**envelope, "source": "erp.netsis"})
    assert len(world.receivables()) == 6
    assert _refused(world) == []


def test_refunds_and_cancellations_come_by_the_same_door(world: CardsWorld, key: bytes) -> None:
    assert world.deliver(world.signed(key, closed()))
    for _ in range(2):
        assert world.deliver(world.signed(key, refunded(), "erp-2"))
        assert _sale(world)["refunded"]["amount"] == "400.00"
    assert world.deliver(world.signed(key, CANCELLED, "erp-3"))  # part of it was refunded
    (waiting,) = _refused(world)
    assert (waiting["reason"], waiting["document"]) == ("card_contracts.sale_refunded", "FTR-1")


def test_a_cancellation_is_taken_once(world: CardsWorld, key: bytes) -> None:
    assert world.deliver(world.signed(key, closed()))
    for name in ("erp-2", "erp-2", "erp-3"):
        assert world.deliver(world.signed(key, CANCELLED, name))
        assert _sale(world)["status"] == "cancelled"
    assert _refused(world) == []


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda m: m | {"tenant_id": OTHER}, id="another company"),
        pytest.param(lambda m: m | {"tenant_id": "nobody"}, id="no company"),
        pytest.param(lambda m: m | {"payload": m["payload"].replace("1000", "9000")}, id="changed"),
        pytest.param(lambda m: m | {"headers": {}}, id="unsigned"),
        pytest.param(lambda m: m | {"headers": "none"}, id="no headers"),
        pytest.param(lambda m: m | {"payload": None}, id="no payload"),
        pytest.param(lambda m: m | {"v": 2}, id="another version"),
        pytest.param(lambda m: m | {"payload": "x" * 70_000}, id="huge"),
    ],
)
def test_what_the_company_did_not_sign_stays_for_the_dead_letters_and_writes_nothing(
    world: CardsWorld, key: bytes, spoil: Any
) -> None:
    world.event_key(OTHER)
    roles: tuple[TableRole, ...] = ("core", "flow", "audit", "ledger")
    before = {role: world.aws.rows(role) for role in roles}
    assert not world.deliver(spoil(world.signed(key, closed())))
    assert {role: world.aws.rows(role) for role in roles} == before


def test_without_a_secret_nothing_is_believed(world: CardsWorld) -> None:
    world.contract()
    assert not world.deliver(world.signed(b"x" * 32, closed()))


def test_an_event_and_a_retired_secret_count_as_long_as_a_queue_keeps_a_message(
    world: CardsWorld, key: bytes
) -> None:
    day = 86_400
    assert not world.deliver(world.signed(key, closed(), age=14 * day + 1))
    waiting = world.signed(key, closed())
    world.event_key()
    world.clock.advance(timedelta(days=13))
    assert world.deliver(waiting)
    world.clock.advance(timedelta(days=2))
    assert not world.deliver(world.signed(key, closed(document_no="FTR-2"), "erp-2"))


@pytest.mark.parametrize(
    ("event", "code", "pointer"),
    [
        (closed(instalments=13), "card_contracts.no_range", "/instalments"),
        (closed(contract_code="X"), "not_found", ""),
        (closed(amount="1"), "invalid_input", "/sale/amount"),
        (closed(contract_code=None), "invalid_input", "/sale/contract_code"),
        ({"kind": "sale.closed"}, "invalid_input", "/sale"),
        ({**CANCELLED, "refund": refunded()["refund"]}, "invalid_input", "/refund"),
        (CANCELLED, "sale_unknown", "/document_no"),
        (refunded("0.00"), "invalid_input", "/refund/amount"),
        ("[1]", "body_not_object", ""),
        ("no JSON", "body_not_json", ""),
    ],
)
def test_what_cannot_be_taken_waits_once_with_its_places(
    world: CardsWorld, key: bytes, event: Any, code: str, pointer: str
) -> None:
    for _ in range(2):
        assert world.deliver(world.signed(key, event))
    (waiting,) = _refused(world)
    assert waiting["reason"] == code
    assert any(one["pointer"].startswith(pointer) for one in waiting["errors"])
    assert world.receivables() == []
    (raised,) = world.aws.published("card_contracts.AttentionRaised.v1")
    assert raised["data"]["code"] == "sale_event_refused"
    path = f"{REFUSED}/{waiting['id']}/dismiss"
    assert world.call("POST", path, {"note": "wrong export"}).json()["status"] == "dismissed"
    assert _refused(world) == []
    assert world.aws.published("card_contracts.AttentionCleared.v1")
    assert world.call("POST", path, {"note": "again"}).status == 409


def test_a_refused_event_can_be_taken_after_its_reason_is_gone(
    world: CardsWorld, key: bytes
) -> None:
    assert world.deliver(world.signed(key, closed(contract_code="LATE")))
    (waiting,) = _refused(world)
    path = f"{REFUSED}/{waiting['id']}/retry"
    assert world.call("POST", path).status == 404
    world.call("DELETE", f"{BASE}/AXESS-26", headers={"if-match": '"v1"'})
    world.contract("LATE")
    assert world.call("POST", path).json()["status"] == "taken"
    assert len(world.receivables()) == 6
    assert _refused(world) == []


def test_another_company_sees_and_touches_none_of_it(world: CardsWorld, key: bytes) -> None:
    assert world.deliver(world.signed(key, "no JSON"))
    (waiting,) = _refused(world)
    other = world.principal(OTHER)
    assert world.call("GET", REFUSED, principal=other).json()["items"] == []
    path = f"{REFUSED}/{waiting['id']}/dismiss"
    assert world.call("POST", path, {"note": "x"}, principal=other).status == 404


def test_the_schema_says_what_the_model_takes() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    definitions = SCHEMA["$defs"]
    for example in SCHEMA["examples"]:
        Draft202012Validator(SCHEMA).validate(example)
        content = json.loads(example["payload"])
        whole = {"$defs": definitions, **definitions["SaleEvent"]}
        Draft202012Validator(whole).validate(content)
        SaleEventIn.model_validate(content).to_event()
    for name, model in (("SaleEvent", SaleEventIn), ("Sale", CardSaleIn), ("Refund", RefundIn)):
        assert set(definitions[name]["properties"]) == set(model.model_fields)
