"""E-invoices over the API: taken once, found again, linked to account cards."""

from tests.support.reconciliation_builders import ETTN, OTHER_VKN, VKN, ubl
from tests.support.reconciliation_world import ReconciliationWorld


def test_a_document_is_taken_once_and_linked_to_its_cards(world: ReconciliationWorld) -> None:
    card = world.counterparty(tax_no=VKN)
    world.counterparty("999", tax_no=OTHER_VKN)
    taken = world.invoice(ubl())
    assert taken.status == 201, taken.body
    shown = taken.json()
    assert (shown["uuid"], shown["counterparty_ids"]) == (ETTN, [card["id"]])
    assert shown["payable"] == {"amount": "1200.00", "currency": "TRY"}
    assert len(shown["sha256"]) == 64
    again = world.invoice(ubl())
    assert (again.status, again.json()) == (200, shown)
    read = world.call("GET", f"/e-invoices/{shown['id']}")
    assert read.json() == shown
    listed = world.call("GET", "/e-invoices").json()["items"]
    assert [(item["id"], "lines" in item) for item in listed] == [(shown["id"], False)]


def test_another_document_under_the_same_uuid_is_a_conflict(world: ReconciliationWorld) -> None:
    world.invoice(ubl())
    other = world.invoice(ubl(number="ABC2026000000124"))
    assert (other.status, other.json()["code"]) == (409, "document_differs")
    assert len(world.call("GET", "/e-invoices").json()["items"]) == 1


def test_a_number_that_a_card_had_before_links_nothing(world: ReconciliationWorld) -> None:
    card = world.counterparty(tax_no=VKN)
    body = {"code": card["code"], "title": card["title"], "tax_no": OTHER_VKN}
    changed = world.call("PUT", f"/counterparties/{card['id']}", body, headers={"if-match": '"v1"'})
    assert changed.status == 200
    assert world.invoice(ubl()).json()["counterparty_ids"] == []
    assert world.invoice(ubl(), "sales").json()["counterparty_ids"] == [card["id"]]


def test_the_door_takes_xml_with_a_direction_only(world: ReconciliationWorld) -> None:
    assert world.invoice(ubl(), "sideways").status == 422
    plain = world.call(
        "POST",
        "/e-invoices",
        ubl(),
        headers={"content-type": "text/plain"},
        query="direction=sales",
    )
    assert plain.status == 415
    assert world.invoice(b"<!DOCTYPE a><a/>").json()["code"] == "ubl.dtd"
    assert world.invoice(b" " * 1_048_577).status == 413
    assert world.aws.rows("core") == []


def test_a_refusal_is_said_in_the_readers_language(world: ReconciliationWorld) -> None:
    headers = {"content-type": "application/xml", "accept-language": "tr"}
    refused = world.call("POST", "/e-invoices", b"<a/>", headers=headers, query="direction=sales")
    assert refused.json()["detail"] == "Bu XML bir UBL fatura değil."
