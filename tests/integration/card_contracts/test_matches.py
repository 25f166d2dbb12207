"""Statements through the real handlers: matched once, explained, undone, nothing left behind."""

from collections import Counter
from typing import Any

import pytest

from tests.support.cards_world import BASE, OTHER, TENANT, CardsWorld

IBAN = "TR330006100519786457841326"
HEADER = "Tarih;Valör;Tutar;Bakiye;IBAN;Açıklama"


def csv(*rows: tuple[str, str, str], iban: str = IBAN) -> bytes:
    """A table: day, amount and text of each row."""
    lines = [HEADER, *(f"{day};{day};{amount};;{iban};{text}" for day, amount, text in rows)]
    return "\r\n".join(lines).encode()


def prepare(world: CardsWorld, **contract: Any) -> None:
    """A card account whose money lands on an account with an IBAN."""
    for body in (
        {"code": "102.01", "name": "Vadesiz", "kind": "deposit", "iban": IBAN},
        {
            "code": "102.01.001",
            "name": "Kart",
            "kind": "card",
            "linked_account_code": "102.01",
        },
    ):
        answer = world.call("POST", f"{BASE}/bank-accounts", body)
        assert answer.status == 201, answer.body
    world.contract(**contract)


def upload(world: CardsWorld, file: bytes, query: str = "profile=turkish") -> dict[str, Any]:
    """Import a file; gives the job afterwards."""
    answer = world.call(
        "POST",
        f"{BASE}/statements/imports",
        file,
        headers={"content-type": "text/csv"},
        query=query,
    )
    assert answer.status == 202, answer.body
    world.work()
    return world.job(answer.json()["id"])


def matches(world: CardsWorld, status: str) -> list[dict[str, Any]]:
    answer = world.call("GET", f"{BASE}/matches", query=f"status={status}")
    assert answer.status == 200, answer.body
    return list(answer.json()["items"])


def act(world: CardsWorld, match_id: str, what: str) -> Any:
    return world.call("POST", f"{BASE}/matches/{match_id}/{what}")


def statuses(world: CardsWorld) -> Counter[str]:
    return Counter(row["status"] for row in world.receivables() if row["kind"] == "instalment")


def snapshot(world: CardsWorld) -> list[Any]:
    """Everything but jobs, history of the outbox and news."""
    return sorted(
        str(sorted((k, str(v)) for k, v in row.items()))
        for table in ("core", "ledger", "audit")
        for row in world.aws.rows(table)
        if "#JOB#" not in row["pk"]
    )


def ledger(world: CardsWorld) -> Counter[str]:
    """Balance per account name over everything that was booked."""
    found: Counter[str] = Counter()
    for row in world.aws.rows("ledger"):
        if row["sk"] != "BAL":
            found[row["name"]] += row["amount"] if row["leg"] == "D" else -row["amount"]
    return found


def test_a_statement_settles_what_it_pays_and_says_why(world: CardsWorld) -> None:
    prepare(world)
    sale = world.sale()
    file = csv(
        ("01.06.2026", "325,34", "POS SATIS"),
        ("29.06.2026", "325,33", "POS"),
        ("15.06.2026", "-4.000,00", "KIRA 10000000146"),
    )
    job = upload(world, file)
    assert (job["status"], job["result"]["counts"]) == ("succeeded", {"new": 3, "confirmed": 2})
    assert statuses(world) == {"settled": 2, "expected": 1}
    found = matches(world, "confirmed")
    assert [one["kind"] for one in found] == ["exact", "exact"]
    assert "325.34" in found[0]["why"][0]
    assert found[0]["contracts"][0]["gross"] == {"amount": "333.34", "currency": "TRY"}
    (left,) = matches(world, "unmatched")
    assert left["text"] == "KIRA 100******46"
    cancelled = world.call("POST", f"{BASE}/sales/{sale['id']}/cancel")
    assert (cancelled.status, cancelled.json()["code"]) == (409, "sale_settled")
    assert ledger(world)["card_receivable"] == 32_533
    assert ledger(world)["bank"] == 65_067


def test_the_same_file_twice_changes_nothing(world: CardsWorld) -> None:
    prepare(world)
    world.sale()
    file = csv(
        ("01.06.2026", "325,34", "POS"), ("01.06.2026", "1,00", "X"), ("01.06.2026", "1,00", "X")
    )
    assert upload(world, file)["result"]["counts"] == {"new": 3, "confirmed": 1}
    before = snapshot(world)
    assert upload(world, file)["result"]["counts"] == {"known": 3}
    assert snapshot(world) == before


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "statement.empty"),
        (csv(("01.06.2026", "325,34", "POS"), ("99.06.2026", "1,00", "X")), "statement_wrong"),
        (csv(("01.06.2026", "325,34", "ş")).decode().encode("cp1254"), "statement.encoding"),
        (
            csv(("01.06.2026", "325,34", "POS"), iban="TR640001009010100000000001"),
            "statement_wrong",
        ),
        (b"<Document><Other>", "statement.syntax"),
        (HEADER.encode() + b"\r\n01.06.2026;01.06.2026;5,00", "statement_wrong"),
    ],
)
def test_a_wrong_file_lists_its_problems_and_leaves_nothing(
    world: CardsWorld, file: bytes, code: str
) -> None:
    prepare(world)
    world.sale()
    before = snapshot(world)
    job = upload(world, file)
    assert (job["status"], job["result"]["code"]) == ("failed", code)
    assert job["problems"]
    assert snapshot(world) == before


def test_a_sale_that_the_bank_paid_stays_when_its_import_is_taken_back(world: CardsWorld) -> None:
    prepare(world)
    sales = (
        "Belge No;Sözleşme Kodu;Satış Tarihi;Tutar;Taksit Sayısı\r\n"
        "FTR-1;AXESS-26;28.04.2026;1.000,00;3\r\nFTR-2;AXESS-26;28.04.2026;10,00;1\r\n"
    )
    answer = world.call(
        "POST", f"{BASE}/sales/imports", sales.encode(), headers={"content-type": "text/csv"}
    )
    world.work()
    upload(world, csv(("01.06.2026", "325,34", "POS SATIS")))
    undo = world.call("POST", f"{BASE}/sales/imports/{answer.json()['id']}/undo").json()["id"]
    world.work()
    job = world.job(undo)
    assert job["result"] == {"undone": 1, "kept": 1}
    assert [(one["pointer"], one["code"]) for one in job["problems"]] == [
        ("/rows/2/document_no", "sale_settled")
    ]
    assert statuses(world) == {"settled": 1, "expected": 2, "cancelled": 1}


def test_a_suggestion_waits_and_is_confirmed_undone_and_not_suggested_again(
    world: CardsWorld,
) -> None:
    prepare(world)
    world.sale(amount={"amount": "100000.00", "currency": "TRY"}, instalments=1)
    # 97.600,00 was agreed; the bank keeps 0,2 points more.
    file = csv(("28.05.2026", "97.400,00", "POS"), ("01.06.2026", "97.400,00", "POS"))
    assert upload(world, file)["result"]["counts"] == {"new": 2, "suggested": 1}
    (one,) = matches(world, "suggested")
    assert one["difference"] == {"amount": "-200.00", "currency": "TRY"}
    assert statuses(world) == {"expected": 1}
    assert act(world, one["id"], "confirm").json()["status"] == "confirmed"
    assert act(world, one["id"], "confirm").status == 200
    assert statuses(world) == {"settled": 1}
    assert ledger(world)["settlement_difference"] == 20_000
    assert ledger(world)["card_receivable"] == 0
    world.work()
    (drift,) = world.call("GET", f"{BASE}/drift").json()["items"]
    assert (drift["rate_planned"], drift["rate_taken"]) == ("2.4000", "2.6000")
    assert drift["beyond_tolerance"] is True
    (raised,) = world.aws.published("card_contracts.AttentionRaised.v1")
    assert raised["data"]["money_minor"] == 20_000
    assert act(world, one["id"], "undo").json()["status"] == "undone"
    world.work()
    assert len(world.aws.published("card_contracts.AttentionCleared.v1")) == 1
    assert (statuses(world), ledger(world)["bank"]) == ({"expected": 1}, 0)
    counts = upload(world, file)["result"]["counts"]
    assert counts == {"known": 2}
    assert len(matches(world, "unmatched")) == 2


def test_one_credit_for_more_payments_than_a_transaction_holds(world: CardsWorld) -> None:
    prepare(world)
    for number in range(200):
        world.sale(
            f"F-{number}",
            amount={"amount": f"{100 + number}.00", "currency": "TRY"},
            instalments=1,
        )
    net = sum(row["gross"] - sum(row["deductions"].values()) for row in _rows(world))
    file = csv(("01.06.2026", f"{net // 100},{net % 100:02d}", "GUN SONU"))
    assert upload(world, file)["result"]["counts"] == {"new": 1, "confirmed": 1}
    (one,) = matches(world, "confirmed")
    assert (one["kind"], len(one["payment_ids"])) == ("merged", 200)
    assert statuses_of(world) == {"settled": 200}
    assert act(world, one["id"], "undo").json()["status"] == "undone"
    assert statuses_of(world) == {"expected": 200}
    assert ledger(world)["bank"] == 0
    again = act(world, one["id"], "confirm")
    assert again.json()["status"] == "confirmed"
    assert statuses_of(world) == {"settled": 200}


def _rows(world: CardsWorld) -> list[dict[str, Any]]:
    return [row for row in world.aws.rows("core") if "#RECEIVABLES#" in row["pk"]]


def statuses_of(world: CardsWorld) -> Counter[str]:
    return Counter(row["status"] for row in _rows(world))


def test_a_match_by_hand_and_what_cannot_be_matched(world: CardsWorld) -> None:
    prepare(world)
    world.sale()
    upload(world, csv(("10.06.2026", "300,00", "POS"), ("10.06.2026", "300,00", "HAVALE")))
    first, second = matches(world, "unmatched")
    ids = [row["payment_id"] for row in world.receivables() if row["kind"] == "instalment"]
    body = {"line_ids": [first["id"]], "payment_ids": ids[:1]}
    made = world.call("POST", f"{BASE}/matches", body, key="k")
    assert made.status == 201, made.body
    assert made.json()["difference"]["amount"] == "-25.34"
    assert world.call("POST", f"{BASE}/matches", body, key="k").json()["id"] == made.json()["id"]
    taken = {"line_ids": [second["id"]], "payment_ids": ids[:1]}
    answer = world.call("POST", f"{BASE}/matches", taken)
    assert (answer.status, answer.json()["code"]) == (409, "match_taken")
    unknown = {
        "line_ids": [second["id"]],
        "payment_ids": ["2026-06-01.01JXQ60A1B2C3D4E5F6G7H8J9Z.001"],
    }
    assert world.call("POST", f"{BASE}/matches", unknown).status == 404


def test_a_cancelled_sale_takes_its_suggestion_along(world: CardsWorld) -> None:
    prepare(world)
    sale = world.sale(amount={"amount": "100000.00", "currency": "TRY"}, instalments=1)
    upload(world, csv(("28.05.2026", "97.400,00", "POS"), ("01.06.2026", "97.400,00", "POS")))
    (one,) = matches(world, "suggested")
    assert world.call("POST", f"{BASE}/sales/{sale['id']}/cancel").status == 200
    answer = act(world, one["id"], "confirm")
    assert (answer.status, answer.json()["code"]) == (409, "match_taken")
    assert act(world, one["id"], "undo").status == 200


def test_an_import_goes_on_where_its_time_ended(world: CardsWorld) -> None:
    from card_contracts.handlers import run_import
    from tests.support.events import queue_event
    from tests.support.lambda_context import LambdaContext

    prepare(world)
    world.sale()
    rows = [("01.06.2026", f"{n},00", "X") for n in range(1, 200)]
    file = csv(*rows, ("01.06.2026", "325,34", "POS"))
    answer = world.call(
        "POST",
        f"{BASE}/statements/imports",
        file,
        headers={"content-type": "text/csv"},
        query="profile=turkish",
    )
    job_id = answer.json()["id"]
    message = {"v": 1, "tenant_id": TENANT, "job_id": job_id, "hops": 0}
    short = LambdaContext(remaining_ms=20_000)
    assert run_import.handler(queue_event(message), short)["batchItemFailures"] == []
    assert world.job(job_id)["status"] == "running"
    world.work()
    assert world.job(job_id)["result"]["counts"] == {"new": 200, "confirmed": 1}


def test_the_account_is_chosen_where_the_file_does_not_name_it(world: CardsWorld) -> None:
    prepare(world)
    world.sale()
    file = csv(("01.06.2026", "325,34", "POS"), iban="")
    assert upload(world, file)["result"]["code"] == "statement_wrong"
    query = "profile=turkish&bank_account_code=102.01.001"
    assert upload(world, file, query)["result"]["counts"] == {"new": 1, "confirmed": 1}
    bad = world.call(
        "POST",
        f"{BASE}/statements/imports",
        file,
        headers={"content-type": "text/csv"},
        query="profile=turkish&bank_account_code=NONE",
    )
    assert bad.status == 422


def test_another_company_sees_and_moves_nothing(world: CardsWorld) -> None:
    prepare(world)
    world.sale()
    upload(world, csv(("01.06.2026", "325,34", "POS"), ("10.06.2026", "300,00", "X")))
    other = world.principal(OTHER)
    for status in ("confirmed", "unmatched"):
        listed = world.call("GET", f"{BASE}/matches", query=f"status={status}", principal=other)
        assert listed.json()["items"] == []
    (left,) = matches(world, "unmatched")
    ids = [row["payment_id"] for row in world.receivables() if row["status"] == "expected"]
    body = {"line_ids": [left["id"]], "payment_ids": ids[:1]}
    assert world.call("POST", f"{BASE}/matches", body, principal=other).status == 404
    assert world.call("GET", f"{BASE}/drift", principal=other).json()["items"] == []
