"""Bank statements and the provider's list tell of the same money, which is booked once (PAY-03)."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.payment_world import BASE, TENANT, PaymentWorld
from tests.support.statements import Move, camt, csv_text, mt940

DAY = date(2026, 6, 1)


def _pull(world: PaymentWorld, code: dict[str, Any]) -> None:
    world.call("POST", f"{BASE}/{code['id']}/refresh")
    world.work()


def _counts(job: dict[str, Any]) -> dict[str, int]:
    return dict(job["result"]["counts"])


def _paid(world: PaymentWorld, code: dict[str, Any]) -> tuple[str, str]:
    found = world.code(code["id"])
    return found["status"], found["paid_total"]["amount"]


def _balanced(world: PaymentWorld) -> None:
    sides: Counter[tuple[str, str]] = Counter()
    for row in world.aws.rows("ledger"):
        if row["sk"] != "BAL":
            sides[row["pk"], row["leg"]] += row["amount"]
    for pk, _ in sides:
        assert sides[pk, "D"] == sides[pk, "C"]


@pytest.mark.parametrize("kind", ["camt.053", "camt.054", "mt940", "csv"])
def test_a_payment_only_the_bank_knows_is_booked(world: PaymentWorld, kind: str) -> None:
    world.organisation("offline")
    code = world.issue()
    moves = [Move(125_000, code["code"], "Service"), Move(-500, "", "Fee"), Move(900, "", "Rent")]
    query: dict[str, Any] = {}
    if kind == "mt940":
        data = mt940(moves)
    elif kind == "csv":
        data, query = csv_text(moves).encode("cp1253"), {"profile": "greek_cp1253"}
    else:
        data = camt(moves, kind=kind[-3:])
    job = world.statement(data, **query)
    assert job["status"] == "succeeded", job
    assert _counts(job) == {"booked": 1, "without_code": 2}
    assert _paid(world, code) == ("paid", "1250.00")
    (payment,) = world.payments(code["id"])
    assert (payment["outcome"], payment["date"]) == ("exact", "2026-06-01")
    assert (payment["told_by"], payment["on_statement"]) == ("statement", True)
    assert payment["in_provider_list"] is False
    _balanced(world)


def test_the_same_file_again_changes_nothing(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue(amount=None, source={"kind": "vehicle_order", "id": "V-1"})
    data = camt([Move(30_000, code["code"]), Move(30_000, code["code"]), Move(100)])
    assert _counts(world.statement(data)) == {"booked": 2, "without_code": 1}
    before = world.aws.rows("ledger")
    assert _counts(world.statement(data)) == {"known": 2, "without_code": 1}
    assert world.aws.rows("ledger") == before
    assert _paid(world, code) == ("partially_paid", "600.00")


@pytest.mark.parametrize("with_id", [True, False])
def test_a_pulled_payment_is_agreed_and_not_booked_twice(
    world: PaymentWorld, with_id: bool
) -> None:
    world.organisation()
    code = world.issue()
    payment = world.pay(code["code"], "1250.00", with_id=with_id)
    _pull(world, code)
    move = Move(125_000, code["code"], bank_reference=payment["id"] if with_id else "B-1")
    job = world.statement(camt([move]))
    assert _counts(job) == {"agreed": 1}
    assert _paid(world, code) == ("paid", "1250.00")
    (booked,) = world.payments(code["id"])
    assert (booked["told_by"], booked["on_statement"]) == ("provider", True)


@pytest.mark.parametrize("with_id", [True, False])
def test_a_payment_of_a_statement_is_agreed_when_the_list_has_it(
    world: PaymentWorld, with_id: bool
) -> None:
    world.organisation()
    code = world.issue()
    payment = world.pay(code["code"], "1250.00", with_id=with_id)
    reference = payment["id"] if with_id else ""
    job = world.statement(camt([Move(125_000, code["code"], end_to_end=reference)]))
    assert _counts(job) == {"booked": 1}
    for _ in range(2):
        _pull(world, code)
    assert _paid(world, code) == ("paid", "1250.00")
    (booked,) = world.payments(code["id"])
    assert (booked["told_by"], booked["in_provider_list"]) == ("statement", True)
    assert world.code(code["id"])["missing_payments"] == 0
    # Once agreed it is watched like any payment of the list.
    world.network.set_times(payment["key"], 0)
    _pull(world, code)
    assert world.code(code["id"])["missing_payments"] == 1


def test_equal_payments_are_agreed_one_for_one(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue(amount=None, source={"kind": "vehicle_order", "id": "V-1"})
    for _ in range(2):
        world.pay(code["code"], "50.00", with_id=False)
    _pull(world, code)
    job = world.statement(camt([Move(5_000, code["code"])] * 3))
    assert _counts(job) == {"agreed": 2, "booked": 1}
    assert _paid(world, code)[1] == "150.00"
    world.pay(code["code"], "50.00", with_id=False)
    _pull(world, code)
    assert _paid(world, code)[1] == "150.00"
    world.pay(code["code"], "50.00", with_id=False)
    _pull(world, code)
    assert _paid(world, code)[1] == "200.00"


def test_the_same_line_in_another_format_is_the_same_payment(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue(amount=None, source={"kind": "vehicle_order", "id": "V-1"})
    moves = [Move(5_000, code["code"], bank_reference="B1"), Move(5_000, code["code"])]
    assert _counts(world.statement(camt(moves, kind="054"))) == {"booked": 2}
    assert _counts(world.statement(camt(moves, kind="053"))) == {"known": 2}
    assert _counts(world.statement(mt940(moves))) == {"known": 2}
    other = [Move(5_000, code["code"], bank_reference="B2")]
    assert _paid(world, code)[1] == "100.00"
    # One of the first two had no reference, so this may be it: not booked, and shown.
    assert _counts(world.statement(camt(other))) == {"known": 1}


def test_the_bank_books_after_the_weekend_and_both_easters(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue(amount=None, source={"kind": "vehicle_order", "id": "V-1"})
    # 1 June 2026 is Whit Monday: closed in Greece, open at TARGET.
    world.pay(code["code"], "10.00", with_id=False)
    _pull(world, code)
    job = world.statement(camt([Move(1_000, code["code"], day=date(2026, 6, 2))]))
    assert _counts(job) == {"agreed": 1}


def test_what_cannot_be_agreed_waits_for_a_person(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue(amount=None, source={"kind": "vehicle_order", "id": "V-1"})
    first = world.pay(code["code"], "10.00")
    world.pay(code["code"], "20.00")
    _pull(world, code)
    both = f"{code['code']} {world.issue()['code']}"
    job = world.statement(
        camt(
            [
                Move(1_100, code["code"], bank_reference=first["id"]),
                Move(2_000, code["code"], day=DAY + timedelta(days=4)),
                Move(3_000, "", both),
            ]
        )
    )
    assert job["status"] == "partially_succeeded"
    assert _counts(job) == {"differs": 3}
    assert _paid(world, code)[1] == "30.00"
    found = {line["reason"]: line for line in world.differences()}
    assert set(found) == {"amount_differs", "date_differs", "several_codes"}
    told = Counter(event["type"] for event in world.aws.published())
    assert told["payment_codes.AttentionRaised.v1"] == 3
    assert told["payment_codes.StatementImported.v1"] == 1

    def decide(reason: str, decision: str) -> Any:
        path = f"{BASE}/statements/differences/{found[reason]['id']}/resolve"
        return world.call("POST", path, {"decision": decision, "note": "seen"})

    assert decide("date_differs", "same").json()["outcome"] == "known"
    assert decide("date_differs", "same").status == 409
    assert decide("amount_differs", "book").json()["outcome"] == "booked"
    assert decide("several_codes", "book").status == 409
    assert decide("several_codes", "same").status == 200
    assert world.differences() == []
    assert _paid(world, code)[1] == "41.00"
    assert [p["on_statement"] for p in world.payments(code["id"])] == [False, True, True]
    _balanced(world)


def test_unknown_codes_go_to_the_bench_once(world: PaymentWorld) -> None:
    world.organisation()
    stray = "RF86912348100000000000001"
    foreign = "RF49923973001012300035905"
    data = camt([Move(1_200, stray), Move(1_300, "", f"paid {foreign}"), Move(-900, foreign)])
    assert _counts(world.statement(data)) == {"unmatched": 2, "outgoing": 1}
    reasons = {p["code"]: p["reason"] for p in world.unmatched()}
    assert reasons == {stray: "unknown_code", foreign: "other_organisation"}
    world.pay(stray, "12.00")
    world.minute()
    assert len(world.unmatched()) == 2
    _balanced(world)


def test_a_returned_payment_is_taken_back_once(world: PaymentWorld) -> None:
    world.organisation()
    code = world.issue()
    payment = world.pay(code["code"], "1250.00")
    _pull(world, code)
    back = Move(-125_000, code["code"], reversal=True)
    job = world.statement(camt([Move(125_000, code["code"]), back]))
    assert _counts(job) == {"agreed": 1, "booked": 1}
    assert _paid(world, code) == ("issued", "0.00")
    world.network.reverse({"payment_id": payment["id"]})
    _pull(world, code)
    assert _paid(world, code) == ("issued", "0.00")
    assert [p["outcome"] for p in world.payments(code["id"])] == ["exact", "reversal"]
    stray = camt([Move(-7_700, code["code"], reversal=True)])
    assert _counts(world.statement(stray)) == {"unmatched": 1}
    assert [p["reason"] for p in world.unmatched()] == ["reversal_of_unknown"]
    _balanced(world)


def test_closed_days_are_in_the_payers_favour(world: PaymentWorld) -> None:
    world.organisation("offline")
    # Saturday 13 June is the last day; the bank books on Monday what may have been paid before.
    code = world.issue(valid_until="2026-06-13")
    late = world.issue(valid_until="2026-06-11")
    told = world.issue(valid_until="2026-06-12")
    monday = date(2026, 6, 15)
    data = camt(
        [
            Move(125_000, code["code"], day=monday),
            Move(125_000, late["code"], day=monday),
            Move(125_000, told["code"], day=monday, accepted="2026-06-13T10:00:00+03:00"),
        ]
    )
    world.clock.advance(timedelta(days=14))
    world.statement(data)
    outcomes = [world.payments(each["id"])[0]["outcome"] for each in (code, late, told)]
    assert outcomes == ["exact", "late", "late"]


def test_a_wrong_file_books_nothing_and_says_everything(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue()
    good = camt([Move(125_000, code["code"]), Move(100)])
    broken = good.replace(b"<Dt>2026-06-01</Dt>", b"<Dt>2026-13-01</Dt>")
    job = world.statement(broken)
    assert (job["status"], job["result"]["code"]) == ("failed", "statement_wrong")
    assert [(p["code"], p["path"]) for p in job["problems"]] == [
        ("date", "Stmt[1]/Ntry[1]/TxDtls[1]"),
        ("date", "Stmt[1]/Ntry[2]/TxDtls[1]"),
    ]
    short = world.statement(camt([Move(125_000, code["code"])], closing=1))
    assert [p["code"] for p in short["problems"]] == ["balance_mismatch"]
    entity = good.replace(b"<Document", b"<!DOCTYPE x [<!ENTITY y 'z'>]><Document", 1)
    assert world.statement(entity)["problems"][0]["code"] == "statement.dtd"
    assert world.statement(good[:-30])["problems"][0]["code"] == "statement.syntax"
    table = world.statement(b"a;b\n1;2\n")
    assert table["problems"][0]["code"] == "statement.profile_missing"
    assert world.payments(code["id"]) == []
    assert [r for r in world.aws.rows("core") if r.get("kind") == "statement_line"] == []


def test_a_dry_run_writes_nothing(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue()
    job = world.statement(camt([Move(125_000, code["code"]), Move(5)]), dry_run="true")
    assert _counts(job) == {"with_code": 1, "without_code": 1}
    assert world.payments(code["id"]) == []


def test_every_line_can_be_seen(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue(amount=None, source={"kind": "vehicle_order", "id": "V-1"})
    wrong = code["code"][:-1] + ("1" if code["code"][-1] != "1" else "2")
    moves = [Move(100 + n, code["code"] if n < 2 else "") for n in range(60)]
    job = world.statement(mt940([*moves, Move(7, "", wrong)]))
    lines = world.lines(job["id"])
    assert [line["outcome"] for line in lines] == ["booked"] * 2 + ["without_code"] * 59
    assert lines[-1]["reason"] == "damaged_code"
    assert (lines[0]["amount"]["amount"], lines[0]["line"]) == ("1.00", 6)
    booked = world.lines(job["id"], outcome="booked")
    assert [line["amount"]["amount"] for line in booked] == ["1.00", "1.01"]
    path = f"{BASE}/statements/imports/{job['id']}/lines"
    assert world.call("GET", path, query={"outcome": "x"}).status == 422
    # Accounts are masked wherever they are shown.
    assert job["result"]["statements"][0]["account"] == "GR16…0695"


def test_time_runs_out_and_the_next_message_goes_on(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue(amount=None, source={"kind": "vehicle_order", "id": "V-1"})
    moves = [Move(100), *[Move(100 + n, "", "x") for n in range(58)], Move(500, code["code"])]
    job = world.statement(camt(moves), work=False)
    world.aws.messages("payment-codes-statement")
    use = world.app.for_system(TENANT, "statement")
    times = iter([100.0, 29.0])
    use.import_statement()(job["id"], remaining=lambda: next(times))
    half = world.job(job["id"])
    assert (half["status"], half["done"], half["total"]) == ("running", 50, 60)
    assert world.payments(code["id"]) == []
    (message,) = world.aws.messages("payment-codes-statement")
    assert message["job_id"] == job["id"]
    use.import_statement()(job["id"], remaining=lambda: 100.0)
    assert (world.job(job["id"])["status"], world.job(job["id"])["done"]) == ("succeeded", 60)
    assert len(world.payments(code["id"])) == 1


def test_a_lost_message_comes_again_from_the_sweep(world: PaymentWorld) -> None:
    world.organisation("offline")
    code = world.issue()
    job = world.statement(camt([Move(125_000, code["code"])]), work=False)
    world.aws.messages("payment-codes-statement")  # lost
    world.clock.advance(timedelta(minutes=11))
    world.minute()
    assert world.job(job["id"])["status"] == "succeeded"
    assert _paid(world, code) == ("paid", "1250.00")


def test_another_company_sees_nothing(world: PaymentWorld) -> None:
    from tests.support.payment_world import OTHER

    world.organisation("offline")
    job = world.statement(camt([Move(5)]))
    stranger = world.principal(OTHER)
    path = f"{BASE}/statements/imports/{job['id']}/lines"
    assert world.call("GET", path, principal=stranger).status == 404
    viewer = world.principal(role="viewer")
    assert world.call("GET", path, principal=viewer).status == 200
    answer = world.call(
        "POST",
        f"{BASE}/statements/imports",
        b"x",
        principal=viewer,
        headers={"content-type": "text/plain"},
    )
    assert answer.status == 403


def test_imports_are_refused_with_reasons(world: PaymentWorld) -> None:
    path = f"{BASE}/statements/imports"
    missing = {"upload_id": "01JXQ60A1B2C3D4E5F6G7H8J9Q"}
    assert world.call("POST", path, missing).json()["code"] == "organisation_missing"
    world.organisation("offline")
    assert world.call("POST", path, missing).status == 404
    wrong = world.call("POST", path, {**missing, "profile": {"columns": {}, "decimal": "x"}})
    assert [e["pointer"] for e in wrong.json()["errors"]] == [
        "/profile/decimal",
        "/profile/columns/booking_date",
        "/profile/columns/amount",
    ]
    assert world.call("POST", path, {**missing, "profile": "mars"}).status == 422
