"""One payment split among several codes: all of it, once, exactly booked (PAY-03)."""

from typing import Any

import pytest

from tests.integration.payment_codes.test_payments import _balance
from tests.support.events import Answer
from tests.support.payment_world import BASE, OTHER, PaymentWorld

EUR = "EUR"


def _stray(world: PaymentWorld, amount: str) -> dict[str, Any]:
    """A payment under a code of ours that nobody issued."""
    world.pay("RF86912348100000000000001", amount)
    world.minute()
    (payment,) = world.unmatched()
    return payment


def _split(world: PaymentWorld, payment_id: str, *parts: tuple[str, str], **more: Any) -> Answer:
    body = {
        "parts": [
            {"code_id": code_id, "amount": {"amount": amount, "currency": EUR}}
            for code_id, amount in parts
        ],
        "note": "two orders, one transfer",
    }
    return world.call("POST", f"{BASE}/unmatched/{payment_id}/split", body, **more)


@pytest.fixture
def codes(world: PaymentWorld) -> list[dict[str, Any]]:
    world.organisation()
    return [
        world.issue(amount={"amount": amount, "currency": EUR}) for amount in ("300.00", "700.00")
    ]


def test_every_part_is_booked_under_its_code_and_the_whole_leaves_the_bench(
    world: PaymentWorld, codes: list[dict[str, Any]]
) -> None:
    payment = _stray(world, "1250.00")
    first, second = (code["id"] for code in codes)
    answer = _split(world, payment["id"], (first, "300.00"), (second, "950.00"))
    assert answer.status == 200, answer.body
    found = answer.json()
    assert found["payment"]["state"] == "split"
    outcomes = [(part["payment"]["outcome"], part["code"]["status"]) for part in found["parts"]]
    assert outcomes == [("exact", "paid"), ("over", "overpaid")]
    assert {part["payment"]["part_of"] for part in found["parts"]} == {payment["id"]}
    assert world.unmatched() == []
    assert _balance(world, "unmatched") == {"bank": -125000, "assigned": 125000}
    assert _balance(world, f"code:{first}") == {"assigned": -30000, "receivable": 30000}
    assert _balance(world, f"code:{second}") == {
        "assigned": -95000,
        "receivable": 70000,
        "surplus": 25000,
    }
    (listed,) = world.payments(first)
    assert (listed["amount"]["amount"], listed["state"]) == ("300.00", "assigned")
    history = world.call("GET", f"{BASE}/{first}/history").json()["items"]
    assert history[-1]["action"] == "code.payment"
    cleared = world.aws.published("payment_codes.AttentionCleared.v1")
    assert f"payment:{payment['id']}" in {event["subject"] for event in cleared}


def test_the_same_payment_is_split_once_and_listed_again_books_nothing(
    world: PaymentWorld, codes: list[dict[str, Any]]
) -> None:
    payment = _stray(world, "1000.00")
    parts = [(codes[0]["id"], "300.00"), (codes[1]["id"], "700.00")]
    assert _split(world, payment["id"], *parts).status == 200
    again = _split(world, payment["id"], *parts)
    assert (again.status, again.json()["code"]) == (409, "payment_settled")
    world.minute()
    assert world.unmatched() == []
    assert [world.code(code["id"])["paid_total"]["amount"] for code in codes] == [
        "300.00",
        "700.00",
    ]
    assert world.code(codes[0]["id"])["missing_payments"] == 0


@pytest.mark.parametrize(
    ("amounts", "pointers"),
    [
        (("300.00", "700.01"), {"/parts"}),
        (("300.00", "699.99"), {"/parts"}),
        (("1000.00",), {"/parts"}),
        ((), {"/parts"}),
    ],
)
def test_parts_that_are_not_the_whole_are_refused_and_change_nothing(
    world: PaymentWorld,
    codes: list[dict[str, Any]],
    amounts: tuple[str, ...],
    pointers: set[str],
) -> None:
    payment = _stray(world, "1000.00")
    before = world.aws.rows("core"), world.aws.rows("ledger")
    parts = [(code["id"], amount) for code, amount in zip(codes, amounts, strict=False)]
    answer = _split(world, payment["id"], *parts)
    assert answer.status == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers
    assert (world.aws.rows("core"), world.aws.rows("ledger")) == before


def test_a_code_named_twice_is_refused(world: PaymentWorld, codes: list[dict[str, Any]]) -> None:
    payment = _stray(world, "1000.00")
    same = codes[0]["id"]
    answer = _split(world, payment["id"], (same, "300.00"), (same, "700.00"))
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/parts/1/code_id"]


def test_seven_codes_fit_into_one_transaction(world: PaymentWorld) -> None:
    world.organisation()
    parts = [
        (world.issue(amount={"amount": "10.00", "currency": EUR})["id"], "11.00") for _ in range(7)
    ]
    payment = _stray(world, "77.00")
    assert _split(world, payment["id"], *parts).status == 200
    assert {world.code(code_id)["surplus"]["amount"] for code_id, _ in parts} == {"1.00"}
    more = _split(world, payment["id"], *parts, (parts[0][0], "11.00"))
    assert more.status == 409


def test_codes_and_payments_of_others_are_not_there(
    world: PaymentWorld, codes: list[dict[str, Any]]
) -> None:
    payment = _stray(world, "1000.00")
    other = world.principal(OTHER)
    parts = [(code["id"], "500.00") for code in codes]
    assert _split(world, payment["id"], *parts, principal=other).status == 404
    unknown = [(codes[0]["id"], "500.00"), ("01JXQ60A1B2C3D4E5F6G7H8J9Z", "500.00")]
    assert _split(world, payment["id"], *unknown).status == 404
    assert len(world.unmatched()) == 1


# ---------------------------------------------------------------------------- QR of the provider


def test_a_qr_text_is_kept_and_shown_only_as_the_provider_gave_it(world: PaymentWorld) -> None:
    from payment_codes.handlers import show_pay_page
    from tests.support.events import http_event, invoke

    world.organisation(mail_on_issue=True)
    world.network.queue({"kind": "with_qr", "operation": "create", "text": "DIAS-QR|1|ΑΒΓ"})
    with_qr, without = world.issue(), world.issue()
    assert world.code(with_qr["id"])["qr"] == "DIAS-QR|1|ΑΒΓ"
    assert world.code(without["id"])["qr"] is None
    pages = [
        invoke(
            show_pay_page.handler,
            http_event("GET", code["pay_url"].removeprefix("http://localhost:8000")),
        ).body
        for code in (with_qr, without)
    ]
    assert ["DIAS-QR|1|ΑΒΓ" in page for page in pages] == [True, False]
    assert ["QR" in page for page in pages] == [True, False]
    assert ["DIAS-QR" in mail["body"] for mail in world.aws.mails()] == [True, False]


@pytest.mark.parametrize("text", ["two\nlines", "x" * 1_001, ""])
def test_a_qr_text_that_makes_no_sense_is_left_out(world: PaymentWorld, text: str) -> None:
    world.organisation()
    world.network.queue({"kind": "with_qr", "operation": "create", "text": text})
    code = world.code(world.issue()["id"])
    assert (code["registration"], code["qr"]) == ("registered", None)
