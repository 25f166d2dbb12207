"""Sales over API, file and queue; reversals; receivables; the cash calendar (CRD-04, CRD-06)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.card_contracts_builders import api_contract, api_sale
from tests.support.cards_world import BASE, TENANT, CardsWorld
from tests.support.fault_bench import buckets


def money(text: str) -> dict[str, str]:
    return {"amount": text, "currency": "TRY"}


def test_every_row_says_why_in_three_languages(world: CardsWorld) -> None:
    world.contract()
    world.sale()
    said = set()
    for language in ("tr", "el", "en"):
        who = world.principal(language=language)
        row = world.call("GET", f"{BASE}/receivables", principal=who).json()["items"][0]
        assert [one["key"].rpartition(".")[2] for one in row["reasons"]][:2] == [
            "blocked_days",
            "shifted",
        ]
        assert not any("card_contracts.why" in text or "%(" in text for text in row["why"])
        said.add(row["why"][0])
    assert len(said) == 3


def test_a_document_is_posted_once(world: CardsWorld) -> None:
    world.contract()
    first = world.sale()
    again = world.call("POST", f"{BASE}/sales", api_sale())
    assert (again.status, again.json()["id"]) == (200, first["id"])
    other = world.call("POST", f"{BASE}/sales", api_sale(instalments=4))
    assert (other.status, other.json()["code"]) == (409, "document_posted")
    assert len(world.receivables()) == 6


def test_the_largest_sale_is_one_transaction_also_when_it_goes_back(world: CardsWorld) -> None:
    body = api_contract()
    (term,) = body["terms"]
    term["to"] = 60
    term["deductions"] = [
        {**term["deductions"][0], "sequence": number, "code": f"D{number}", "value": "0.5"}
        for number in range(10)
    ]
    assert world.call("POST", BASE, body).status == 201
    first = world.sale(instalments=60, amount=money("123456.78"))
    assert len(first["receivables"]) == 660
    answer = world.call(
        "POST", f"{BASE}/sales/{first['id']}/refunds", refund("I-1", "1000.01"), key="r"
    )
    assert answer.status == 201
    second = world.sale("FTR-2", instalments=60)
    assert world.call("POST", f"{BASE}/sales/{second['id']}/cancel").status == 200
    term["to"] = 61
    assert world.call("POST", BASE, {**body, "code": "MORE"}).status == 422


def test_a_repeated_command_gets_the_first_answer(world: CardsWorld) -> None:
    world.contract()
    path = f"{BASE}/sales"
    first = world.call("POST", path, api_sale(), key="k-1")
    again = world.call("POST", path, api_sale(), key="k-1")
    assert (first.status, again.status) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    reused = world.call("POST", path, api_sale("FTR-2"), key="k-1")
    assert (reused.status, reused.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"instalments": 13}, 422, "card_contracts.no_range"),
        ({"instalments": 0}, 422, "card_contracts.no_points"),
        ({"sold_on": "2025-12-31"}, 422, "card_contracts.not_valid"),
        ({"contract_code": "NO-SUCH"}, 404, "not_found"),
        ({"card_code": "AXESS"}, 422, "invalid_input"),
        ({"amount": money("0.00")}, 422, "invalid_input"),
    ],
)
def test_a_sale_that_cannot_be_posted_leaves_nothing(
    world: CardsWorld, changes: dict[str, Any], status: int, code: str
) -> None:
    world.contract()
    answer = world.call("POST", f"{BASE}/sales", api_sale(**changes))
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert world.receivables() == []
    assert world.call("GET", f"{BASE}/sales").json()["items"] == []


def test_a_locked_contract_takes_no_sale_and_keeps_its_history(world: CardsWorld) -> None:
    world.contract()
    world.sale()
    world.call("POST", f"{BASE}/AXESS-26/lock", {"locked": True})
    refused = world.call("POST", f"{BASE}/sales", api_sale("FTR-2"))
    assert (refused.status, refused.json()["code"]) == (409, "card_contracts.locked")
    assert len(world.receivables()) == 6


def test_a_change_of_the_contract_never_alters_what_was_posted(world: CardsWorld) -> None:
    """C5: the plan is a snapshot; the same bytes before and after."""
    world.contract()
    sale = world.sale()
    before = world.call("GET", f"{BASE}/sales/{sale['id']}").body
    body = api_contract(business_day_rule="none")
    body["terms"][0]["deductions"][0]["value"] = "9"
    world.call("PUT", f"{BASE}/AXESS-26", body, headers={"if-match": '"v1"'})
    day = {"kind": "holiday", "name": "Tatil", "source": "RG"}
    put = world.call("PUT", f"{BASE}/calendars/TR/days/2026-07-28", day)
    assert put.status == 200
    assert world.call("GET", f"{BASE}/sales/{sale['id']}").body == before
    assert world.sale("FTR-2")["contract_revision"] == 2


def test_the_contract_of_a_card_is_found_by_the_day_of_the_sale(world: CardsWorld) -> None:
    world.contract()
    world.contract("NEXT", starts_on="2027-01-01", ends_on=None)
    by_card: dict[str, Any] = {"contract_code": None, "card_code": "AXESS"}
    assert world.sale(**by_card)["contract_code"] == "AXESS-26"
    assert world.sale("F2", sold_on="2027-03-01", **by_card)["contract_code"] == "NEXT"
    world.contract("OTHER", bank_account_code="102.02")
    several = world.call("POST", f"{BASE}/sales", api_sale("F3", **by_card))
    assert (several.status, several.json()["code"]) == (409, "contract_ambiguous")
    one = world.sale("F4", bank_account_code="102.02", **by_card)
    assert one["contract_code"] == "OTHER"
    none = world.call("POST", f"{BASE}/sales", api_sale("F5", contract_code=None, card_code="X"))
    assert none.json()["code"] == "card_contracts.no_contract"


def test_points_are_a_range_of_their_own_and_paid_in_one_sum(world: CardsWorld) -> None:
    body = api_contract()
    (term,) = body["terms"]
    body["terms"] = [{**term, "from": 0, "to": 0, "deductions": []}, term]
    assert world.call("POST", BASE, body).status == 201
    (row,) = world.sale(instalments=0)["receivables"]
    assert (row["kind"], row["no"], row["amount"]) == ("instalment", 1, money("1000.00"))
    assert len(world.sale("FTR-2", instalments=2)["receivables"]) == 4


# ---------------------------------------------------------------------------- reversals


def refund(document_no: str, amount: str, **changes: Any) -> dict[str, Any]:
    body = {
        "document_no": document_no,
        "refunded_on": "2026-05-04",
        "amount": money(amount),
        "deductions": "proportional",
    }
    return {**body, **changes}


def test_refunds_are_linked_reversals_and_never_exceed_the_sale(world: CardsWorld) -> None:
    world.contract()
    sale = world.sale()
    path = f"{BASE}/sales/{sale['id']}/refunds"
    first = world.call("POST", path, refund("I-1", "400.00"))
    assert (first.status, first.json()["sale"]["status"]) == (201, "partly_refunded")
    assert first.json()["returned"] == {"COMMISSION": money("9.60")}
    again = world.call("POST", path, refund("I-1", "400.00"))
    assert again.json()["id"] == first.json()["id"]
    too_much = world.call("POST", path, refund("I-2", "600.01"))
    assert too_much.json()["code"] == "card_contracts.refund_too_large"
    rest = world.call("POST", path, refund("I-2", "600.00"))
    assert rest.json()["sale"]["status"] == "refunded"
    rows = world.receivables()
    assert sum(Decimal(row["amount"]["amount"]) for row in rows) == 0
    assert {row["sale_id"] for row in rows} == {sale["id"]}
    assert {row["origin"] for row in rows} == {"sale", "refund"}
    calendar = world.call("GET", f"{BASE}/cash-calendar").json()
    assert calendar["totals"][0]["net"] == money("0.00")
    assert len(world.call("GET", path).json()["items"]) == 2


def test_how_the_bank_treats_its_deductions_must_be_said(world: CardsWorld) -> None:
    world.contract()
    body = refund("I-1", "1.00")
    del body["deductions"]
    answer = world.call("POST", f"{BASE}/sales/{world.sale()['id']}/refunds", body)
    assert answer.status == 422
    assert answer.json()["errors"][0]["pointer"] == "/deductions"


def test_a_cancelled_sale_lands_never_and_stays_readable(world: CardsWorld) -> None:
    world.contract()
    sale = world.sale()
    cancelled = world.call("POST", f"{BASE}/sales/{sale['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    assert world.call("POST", f"{BASE}/sales/{sale['id']}/cancel").status == 200
    assert {row["status"] for row in world.receivables()} == {"cancelled"}
    assert world.call("GET", f"{BASE}/cash-calendar").json()["days"] == []
    answer = world.call("POST", f"{BASE}/sales/{sale['id']}/refunds", refund("I", "1.00"))
    assert (answer.status, answer.json()["code"]) == (409, "card_contracts.sale_cancelled")


def test_the_ledger_balances_after_every_kind_of_posting(world: CardsWorld) -> None:
    world.contract()
    first, second = world.sale(), world.sale("FTR-2")
    world.call("POST", f"{BASE}/sales/{first['id']}/refunds", refund("I-1", "333.33"))
    world.call("POST", f"{BASE}/sales/{second['id']}/cancel")
    key = f"crd#T#{TENANT}#ACC#AXESS-26@2026-04-28"
    rows = world.app.platform.database.query("ledger", key).items
    entries = [row for row in rows if row["sk"] != "BAL"]
    balance = next(row for row in rows if row["sk"] == "BAL")
    sums: dict[str, int] = {}
    for row in entries:
        name = f"{row['leg']}_{row['name']}"
        sums[name] = sums.get(name, 0) + row["amount"]
    assert {name: balance[name] for name in sums} == sums
    legs = [sum(r["amount"] for r in entries if r["leg"] == leg) for leg in "DC"]
    assert legs[0] == legs[1]
    receivable = sums["D_card_receivable"] - sums["C_card_receivable"]
    net = sum(
        (1 if row["kind"] == "instalment" else -1) * int(Decimal(row["amount"]["amount"]) * 100)
        for row in world.receivables("status=expected")
    )
    assert receivable == net


# ---------------------------------------------------------------------------- lists


def test_receivables_are_paged_without_gap_or_double(world: CardsWorld) -> None:
    world.contract()
    for number in range(3):
        world.sale(f"FTR-{number}", sold_on=f"2026-0{number + 3}-15", instalments=12)
    whole = world.receivables("limit=200")
    assert len(whole) == 72
    pages, cursor = [], ""
    while True:
        query = f"limit=7{'&cursor=' + cursor if cursor else ''}"
        answer = world.call("GET", f"{BASE}/receivables", query=query).json()
        assert len(answer["items"]) <= 7
        pages += answer["items"]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert [row["id"] for row in pages] == [row["id"] for row in whole]
    assert [row["date"] for row in whole] == sorted(row["date"] for row in whole)
    june = world.receivables("from=2026-06-01&to=2026-06-30")
    assert june == [row for row in whole if row["date"].startswith("2026-06")]
    foreign = world.call("GET", f"{BASE}/receivables", query="cursor=x")
    assert foreign.status == 400


def test_the_cash_calendar_sums_days_and_months(world: CardsWorld) -> None:
    world.contract()
    world.sale()
    world.sale("FTR-2", sold_on="2026-04-29")
    answer = world.call("GET", f"{BASE}/cash-calendar", query="from=2026-05-01&to=2026-12-31")
    calendar = answer.json()
    assert [(day["date"], day["net"]["amount"], day["count"]) for day in calendar["days"]] == [
        ("2026-06-01", "650.68", 2),
        ("2026-06-29", "650.66", 2),
        ("2026-07-28", "325.33", 1),
        ("2026-07-29", "325.33", 1),
    ]
    assert [(month["month"], month["net"]["amount"]) for month in calendar["months"]] == [
        ("2026-06", "1301.34"),
        ("2026-07", "650.66"),
    ]
    assert calendar["totals"][0]["net"] == money("1952.00")


def test_the_feed_works_with_its_secret_address_only(world: CardsWorld) -> None:
    world.contract()
    world.sale()
    url = world.call("POST", f"{BASE}/calendar-feed", shows="the address").json()["url"]
    token = url.rpartition("/")[2]
    feed = world.feed(token)
    assert feed.headers["content-type"].startswith("text/calendar")
    text = feed.body.decode() if isinstance(feed.body, bytes) else feed.body
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert text.count("BEGIN:VEVENT") == 3
    assert "DTSTART;VALUE=DATE:20260601" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    for wrong in (token[:-2] + "AA", "x", token + "="):
        assert world.feed(wrong).status == 404
    renewed = world.call("POST", f"{BASE}/calendar-feed").json()["url"]
    assert renewed != url
    assert world.feed(token).status == 404
    assert "url" not in world.call("GET", f"{BASE}/calendar-feed").json()
    inside = world.call("GET", f"{BASE}/cash-calendar.ics")
    assert inside.headers["content-type"].startswith("text/calendar")


@pytest.mark.parametrize("chosen", ["csv", "xlsx", "json"])
def test_receivables_are_exported_whole(world: CardsWorld, chosen: str) -> None:
    world.contract()
    world.sale()
    answer = world.call("GET", f"{BASE}/receivables/export", query=f"format={chosen}")
    assert answer.status == 200
    assert answer.headers["content-disposition"].endswith(f'card-receivables.{chosen}"')
    if chosen == "json":
        entries = answer.json()["entries"]
        assert len(entries) == 6
        assert [(e["debit"], e["credit"], e["amount"]["amount"]) for e in entries[:2]] == [
            ("card_receivable:102.01.001", "sales", "333.34"),
            ("deduction:COMMISSION", "card_receivable:102.01.001", "8.00"),
        ]
    wrong = world.call("GET", f"{BASE}/receivables/export", query="format=doc")
    assert wrong.status == 422


def test_the_same_sale_under_every_contract(world: CardsWorld) -> None:
    world.contract()
    cheap = api_contract("CHEAP", card_code="WORLD")
    cheap["terms"][0]["deductions"][0]["value"] = "1.10"
    assert world.call("POST", BASE, cheap).status == 201
    short = api_contract("SHORT", card_code="BONUS")
    short["terms"][0]["to"] = 2
    assert world.call("POST", BASE, short).status == 201
    body = {"sold_on": "2026-04-28", "amount": money("1000.00"), "instalments": 3}
    items = world.call("POST", f"{BASE}/what-if", body).json()["items"]
    assert [(one["contract_code"], one["totals"] and one["totals"]["net"]) for one in items] == [
        ("CHEAP", money("989.00")),
        ("AXESS-26", money("976.00")),
        ("SHORT", None),
    ]
    assert items[2]["refusal"]["code"] == "card_contracts.no_range"
    named = world.call("POST", f"{BASE}/what-if", {**body, "contract_codes": ["CHEAP"]}).json()
    assert len(named["items"]) == 1
    missing = world.call("POST", f"{BASE}/what-if", {**body, "contract_codes": ["X"]})
    assert missing.status == 404
    assert world.receivables() == []


# ---------------------------------------------------------------------------- file and queue

HEADER = "Belge No;Sözleşme Kodu;Satış Tarihi;Tutar;Taksit Sayısı\r\n"


def upload(world: CardsWorld, rows: str, query: str = "", header: str = HEADER) -> dict[str, Any]:
    answer = world.call(
        "POST",
        f"{BASE}/sales/imports",
        (header + rows).encode(),
        query=query,
        headers={"content-type": "text/csv"},
    )
    assert answer.status == 202, answer.body
    world.work()
    return world.job(answer.json()["id"])


def test_a_file_of_sales_is_posted_whole(world: CardsWorld) -> None:
    world.contract()
    rows = "F1;AXESS-26;28.04.2026;1.000,00;3\r\nF2;AXESS-26;29.04.2026;10,00;1\r\n"
    dry = upload(world, rows, "dry_run=true")
    assert (dry["status"], dry["result"]) == ("succeeded", {"valid": 2, "refused": 0})
    assert world.receivables() == []
    job = upload(world, rows)
    assert (job["status"], job["result"]) == ("succeeded", {"posted": 2})
    assert (job["total"], job["done"], job["failed"]) == (2, 2, 0)
    assert len(world.receivables()) == 8
    again = upload(world, rows)
    assert (again["status"], again["result"]) == ("succeeded", {"unchanged": 2})
    assert len(world.receivables()) == 8


def test_one_wrong_row_stops_the_file_and_all_of_it_is_told(world: CardsWorld) -> None:
    world.contract()
    rows = (
        "F1;AXESS-26;28.04.2026;1.000,00;3\r\n"
        "F2;AXESS-26;31.02.2026;1.000;x\r\n"
        "F1;AXESS-26;28.04.2026;5,00;1\r\n"
        "F4;AXESS-26;28.04.2026;5,00;13\r\n"
    )
    job = upload(world, rows)
    assert job["status"] == "failed"
    assert (job["total"], job["failed"]) == (4, 3)
    assert [(one["pointer"], one["code"]) for one in job["problems"]] == [
        ("/rows/3/sold_on", "date"),
        ("/rows/3/amount", "ambiguous"),
        ("/rows/3/instalments", "instalments"),
        ("/rows/4/document_no", "duplicate_row"),
        ("/rows/5/instalments", "no_range"),
    ]
    assert world.receivables() == []


REVERSALS = (
    "İşlem;Belge No;Satış Belge No;Sözleşme Kodu;Tarih;Tutar;Taksit Sayısı;Kesinti İadesi\r\n"
)


def test_a_file_refunds_and_cancels_sales_of_its_own_and_of_before(world: CardsWorld) -> None:
    world.contract()
    before = world.sale("F0")
    rows = (
        ";F1;;AXESS-26;28.04.2026;1.000,00;3;\r\n"
        "İade;I1;F1;;04.05.2026;400,00;;Oransal\r\n"
        "iade;I2;F1;;05.05.2026;600,00;;proportional\r\n"
        "SATIŞ;F2;;AXESS-26;28.04.2026;500,00;1;\r\n"
        "İPTAL;F2;;;;;;\r\n"
        "Ακύρωση;F0;;;;;;\r\n"
    )
    dry = upload(world, rows, "dry_run=true", REVERSALS)
    assert (dry["status"], dry["result"]) == ("succeeded", {"valid": 6, "refused": 0})
    assert len(world.receivables()) == 6
    job = upload(world, rows, header=REVERSALS)
    assert (job["status"], job["result"], job["done"]) == ("succeeded", {"posted": 6}, 6)
    listed = world.call("GET", f"{BASE}/sales").json()["items"]
    assert {one["document_no"]: one["status"] for one in listed} == {
        "F0": "cancelled",
        "F1": "refunded",
        "F2": "cancelled",
    }
    counted = [row for row in world.receivables() if row["status"] != "cancelled"]
    assert sum(Decimal(row["amount"]["amount"]) for row in counted) == 0
    sale = next(one for one in listed if one["document_no"] == "F1")
    assert {row["sale_id"] for row in counted} == {sale["id"]}  # linked, whichever document
    refunds = world.call("GET", f"{BASE}/sales/{sale['id']}/refunds").json()["items"]
    assert [one["document_no"] for one in refunds] == ["I1", "I2"]
    again = upload(world, rows, header=REVERSALS)
    assert (again["status"], again["result"]) == ("succeeded", {"unchanged": 6})
    assert world.call("GET", f"{BASE}/sales/{before['id']}").json()["status"] == "cancelled"


def undo(world: CardsWorld, import_id: str, query: str = "") -> dict[str, Any]:
    answer = world.call("POST", f"{BASE}/sales/imports/{import_id}/undo", query=query)
    assert answer.status == 202, answer.body
    world.work()
    return world.job(answer.json()["id"])


def test_an_import_is_taken_back_except_what_money_or_a_refund_touched(world: CardsWorld) -> None:
    world.contract()
    world.sale("F0")
    world.sale("F9")
    rows = (
        ";F0;;AXESS-26;28.04.2026;1.000,00;3;\r\n"  # posted before: not of this import
        ";F1;;AXESS-26;28.04.2026;1.000,00;3;\r\n"
        ";F2;;AXESS-26;28.04.2026;500,00;1;\r\n"
        ";F3;;AXESS-26;28.04.2026;500,00;1;\r\n"
        "İptal;F3;;;;;;\r\n"
        "İade;I0;F0;;04.05.2026;400,00;;Oransal\r\n"
        "İptal;F9;;;;;;\r\n"
    )
    job = upload(world, rows, header=REVERSALS)
    assert job["status"] == "succeeded"
    listed = world.call("GET", f"{BASE}/sales").json()["items"]
    ids = {one["document_no"]: one["id"] for one in listed}
    refund = {
        "document_no": "I2",
        "refunded_on": "2026-05-04",
        "amount": {"amount": "100.00", "currency": "TRY"},
        "deductions": "kept",
    }
    assert world.call("POST", f"{BASE}/sales/{ids['F2']}/refunds", refund).status == 201
    kept = [
        ("/rows/4/document_no", "card_contracts.sale_refunded"),
        ("/rows/7/document_no", "refund_stays"),
        ("/rows/8/document_no", "cancellation_stays"),
    ]
    check = undo(world, job["id"], "dry_run=true")
    assert check["result"] == {"undoable": 1, "kept": 3, "gone": 1}
    assert [(one["pointer"], one["code"]) for one in check["problems"]] == kept
    assert world.call("GET", f"{BASE}/sales/{ids['F1']}").json()["status"] == "posted"
    done = undo(world, job["id"])
    assert (done["kind"], done["status"]) == ("card_sales_import_undo", "partially_succeeded")
    assert done["result"] == {"undone": 1, "kept": 3, "gone": 1}
    assert done["problems"][0]["subject"] == f"card_sale:{ids['F2']}"
    assert undo(world, job["id"])["id"] == done["id"]  # twice is once
    states = {
        one["document_no"]: one["status"]
        for one in world.call("GET", f"{BASE}/sales").json()["items"]
    }
    assert states == {
        "F0": "partly_refunded",
        "F1": "cancelled",
        "F2": "partly_refunded",
        "F3": "cancelled",
        "F9": "cancelled",
    }
    # Nothing was deleted: what was posted stands in the ledger with its reversal beside it.
    entries = [row for row in world.aws.rows("ledger") if row["sk"] != "BAL"]
    whole = [row["name"] for row in entries if row["amount"] == 100_000]
    assert len(whole) == 2 * (3 + 2)  # F0, F1 and F9, and the reversals of two of them
    undone = [row for row in world.aws.rows("core") if row.get("action") == "sale.import_undone"]
    assert {row["detail"]["import_id"] for row in undone if "detail" in row} == {job["id"]}
    # The corrected file may use the document again, and refund it at once.
    corrected = ";F1;;AXESS-26;28.04.2026;900,00;2;\r\nİade;I1;F1;;04.05.2026;400,00;;Oransal\r\n"
    assert upload(world, corrected, header=REVERSALS)["result"] == {"posted": 2}
    again = world.call("GET", f"{BASE}/sales", query="document_no=F1").json()["items"]
    assert [(one["status"], one["instalments"]) for one in again] == [("partly_refunded", 2)]


def test_an_import_that_cannot_be_taken_back_says_why(world: CardsWorld) -> None:
    world.contract()
    rows = "F1;AXESS-26;28.04.2026;10,00;1\r\n"
    checked = upload(world, rows, "dry_run=true")
    posted = upload(world, rows)
    known = upload(world, rows)
    for job in (checked, known):
        answer = world.call("POST", f"{BASE}/sales/imports/{job['id']}/undo")
        assert (answer.status, answer.json()["code"]) == (409, "not_undoable")
    path = f"{BASE}/sales/imports/{posted['id']}/undo"
    assert world.call("POST", f"{BASE}/sales/imports/01JC3V9QJ8Z6T4M2N0P7R5S3XK/undo").status == 404
    started = world.call("POST", path).json()["id"]
    for bucket in buckets():
        dict.clear(bucket.keys)
    world.work()
    assert world.job(started)["problems"][0]["code"] == "undo_expired"
    answer = world.call("POST", path, query="dry_run=true")
    assert (answer.status, answer.json()["code"]) == (409, "undo_expired")
    assert world.call("GET", f"{BASE}/sales").json()["items"][0]["status"] == "posted"


def test_reversals_that_cannot_be_are_told_together_and_nothing_is_done(world: CardsWorld) -> None:
    world.contract()
    world.sale("F0")
    rows = (
        ";F1;;AXESS-26;28.04.2026;1.000,00;3;\r\n"
        "İade;I1;F1;;04.05.2026;400,00;;Oransal\r\n"
        "İade;I2;F1;;04.05.2026;600,01;;Oransal\r\n"  # more than is left after the row above
        "İptal;F1;;;;;;\r\n"  # part of it was refunded
        "İade;I3;F9;;04.05.2026;1,00;;Oransal\r\n"
        "İade;I4;F0;AXESS-26;04.05.2026;1,00;3;\r\n"
        "İptal;F0;;;;5,00;;\r\n"
        "Tahsilat;F0;;;;;;\r\n"
        "İptal;F8;;;;;;\r\n"
        "İade;I1;F1;;04.05.2026;1,00;;Kalır\r\n"
    )
    job = upload(world, rows, header=REVERSALS)
    assert (job["status"], job["total"]) == ("failed", 10)
    assert [(one["pointer"], one["code"]) for one in job["problems"]] == [
        ("/rows/4/amount", "refund_too_large"),
        ("/rows/5", "card_contracts.sale_refunded"),
        ("/rows/6/sale_document_no", "not_found"),
        ("/rows/7/contract_code", "unexpected"),
        ("/rows/7/instalments", "unexpected"),
        ("/rows/7/deductions", "choice"),
        ("/rows/8/amount", "unexpected"),
        ("/rows/9/kind", "choice"),
        ("/rows/10/document_no", "not_found"),
        ("/rows/11/document_no", "duplicate_row"),
    ]
    assert len(world.receivables()) == 6
    assert world.call("GET", f"{BASE}/sales").json()["items"][0]["status"] == "posted"


def test_a_file_that_is_no_table_of_sales_is_refused(world: CardsWorld) -> None:
    answer = world.call(
        "POST",
        f"{BASE}/sales/imports",
        b"a;b\r\n1;2\r\n",
        headers={"content-type": "text/csv"},
    )
    world.work()
    job = world.job(answer.json()["id"])
    assert (job["status"], job["result"]) == ("failed", {"code": "columns_missing"})
    assert {one["code"] for one in job["problems"]} == {"column_missing"}


def test_a_job_whose_message_was_lost_is_run_by_the_sweep(world: CardsWorld) -> None:
    world.contract()
    answer = world.call(
        "POST",
        f"{BASE}/sales/imports",
        (HEADER + "F1;AXESS-26;28.04.2026;10,00;1\r\n").encode(),
        headers={"content-type": "text/csv"},
    )
    assert len(list(world.aws.messages("card-contracts-import"))) == 1  # taken and lost
    world.minute()
    assert world.receivables() == []
    world.clock.advance(timedelta(minutes=11))
    world.minute()
    assert len(world.receivables()) == 2
    assert world.job(answer.json()["id"])["status"] == "succeeded"
