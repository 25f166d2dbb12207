"""Processes over the API: start, complete, refuse, approve, correct, cancel, expire."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.processes import (
    AGREEMENT,
    FEES,
    REQUEST,
    command,
    connection,
    decided,
    kinds,
    purchase,
    read,
    small_definition,
    started,
    work,
)
from tests.support.rules_world import OTHER, SECOND, RulesWorld

TERMINATION: dict[str, Any] = {
    "contract_no": "K-8",
    "requested_on": "2026-05-20",
    "cause": "REQUEST",
    "deposit": "4135.00",
    "last_index": "120",
}


def codes(answer: Any) -> set[str]:
    return {error["code"] for error in answer.json()["errors"]}


def refused(world: RulesWorld, process: Any, name: str, data: Any) -> Any:
    path = f"/processes/{process['id']}/commands"
    return world.call("POST", path, {"command": name, "data": data})


def test_a_connection_goes_step_by_step_to_its_end(world: RulesWorld) -> None:
    made = connection(world)
    assert made["status"] == "running"
    assert made["next"]["command"] == "COLLECT_FEES"
    assert [field["name"] for field in made["next"]["inputs"]] == [
        "fees_paid", "paid_on", "receipt_no",
    ]  # fmt: skip
    paid = command(world, made, "COLLECT_FEES", FEES, headers={"if-match": '"v1"'})
    assert paid["step"] == "print_agreement"
    done = command(world, paid, "PRINT_AGREEMENT", AGREEMENT)
    assert (done["status"], done["next"]) == ("finished", None)
    assert kinds(done) == [
        "started",
        "step_started:collect_fees",
        "step_completed:collect_fees",
        "step_started:print_agreement",
        "step_completed:print_agreement",
        "finished",
    ]
    assert done["data"]["receipt_no"] == "M-77"
    assert done["definition_version"] == "connection.1"


def test_a_command_is_accepted_only_in_its_state(world: RulesWorld) -> None:
    """R6: fees before the agreement; the state does not change and the answer names the step."""
    made = connection(world)
    answer = refused(world, made, "PRINT_AGREEMENT", AGREEMENT)
    assert (answer.status, answer.json()["code"]) == (409, "wrong_step")
    assert "COLLECT_FEES" in answer.json()["errors"][0]["message"]
    assert read(world, made)["step"] == "collect_fees"
    assert refused(world, made, "NO_SUCH", {}).status == 422


def test_a_refusal_names_everything_that_is_missing(world: RulesWorld) -> None:
    made = connection(world)
    data = {"fees_paid": "1.00", "paid_on": "2026-07-01", "colour": "red"}
    answer = refused(world, made, "COLLECT_FEES", data)
    assert answer.status == 422
    found = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert found == {
        ("/data/colour", "unknown"),
        ("/data/receipt_no", "missing"),
        ("/data/fees_paid", "inconsistent"),
        ("/data/paid_on", "inconsistent"),
    }
    assert read(world, made)["version"] == 1


def test_a_start_needs_its_data_and_its_kind_of_subject(world: RulesWorld) -> None:
    body = {"definition": "connection", "subject": "application:B-1", "data": {}}
    assert codes(world.call("POST", "/processes", body)) == {"missing"}
    wrong = {**body, "subject": "meter:M-1"}
    assert codes(world.call("POST", "/processes", wrong)) == {"subject_kind"}
    unknown = {**body, "definition": "nothing"}
    assert world.call("POST", "/processes", unknown).status == 404


def test_the_same_key_starts_one_process(world: RulesWorld) -> None:
    body = {
        "definition": "tender",
        "subject": "tender:I-1",
        "data": {"tender_no": "I-1"},
    }
    first = world.ok("POST", "/processes", body, key="k-1")
    again = world.ok("POST", "/processes", body, key="k-1")
    assert first["id"] == again["id"]
    assert len(world.ok("GET", "/processes")["items"]) == 1


def test_no_deposit_goes_back_while_debts_are_open(world: RulesWorld) -> None:
    """R9 and R10 through a whole termination, with the decision kept beside the step."""
    made = started(world, "termination", "contract:K-8", TERMINATION)
    made = command(world, made, "OPEN_ORDER", {"order_no": "E-1"})
    made = command(world, made, "READ_METER", {"final_index": "130", "read_on": "2026-05-22"})
    made = command(world, made, "DISCONNECT", {"disconnected_on": "2026-05-23", "seal_no": "S-1"})
    bill = {"invoice_no": "F-1", "invoice_total": "250.00", "collected": "250.00"}
    made = command(world, made, "COLLECT_FINAL_INVOICE", bill)
    back = {"open_debt": "10.00", "refunded_on": "2026-05-30"}
    answer = refused(world, made, "REFUND_DEPOSIT", back)
    assert codes(answer) == {"forbidden"}
    done = command(world, made, "REFUND_DEPOSIT", {**back, "open_debt": "0.00"})
    assert done["status"] == "finished"
    assert done["data"]["refund"] == "4135.00"
    decision = done["timeline"][-2]["decisions"][0]
    kept = world.ok("GET", f"/decisions/{decision}")
    assert kept["rule"] == "guard.deposit_refund"
    assert kept["causation_id"] == f"process-{done['id']}"


def test_no_payment_without_approved_progress_payments(world: RulesWorld) -> None:
    """R11: an empty list blocks."""
    data = {"contractor_code": "Y-1", "amount": "5000.00"}
    made = started(world, "contractor_payment", "contractor:Y-1", data)
    made = command(world, made, "COLLECT_STATEMENTS", {"progress_payments": []})
    assert made["next"]["missing"][0]["code"] == "forbidden"
    pay = {"paid_amount": "5000.00", "paid_on": "2026-06-01"}
    assert codes(refused(world, made, "PAY", pay)) == {"forbidden"}
    first = made["timeline"][2]["id"]
    fix = {
        "event_id": first,
        "data": {"progress_payments": [["2026-05", True]]},
        "reason": "Hakediş sonradan onaylandı",
    }
    world.ok("POST", f"/processes/{made['id']}/corrections", fix)
    assert command(world, made, "PAY", pay)["status"] == "finished"


def test_a_tender_closes_only_with_a_final_report(world: RulesWorld) -> None:
    """R12."""
    made = started(world, "tender", "tender:I-1", {"tender_no": "I-1"})
    draft = {"result_report": "DRAFT", "prepared_on": "2026-05-30"}
    made = command(world, made, "PREPARE_REPORT", draft)
    assert codes(refused(world, made, "CLOSE", {"closed_on": "2026-06-01"})) == {"forbidden"}


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        ({"posted": True, "period_closed": True}, "storno_open"),
        ({"posted": True, "period_closed": False}, "storno"),
        ({"posted": False, "period_closed": True}, "mark"),
    ],
)
def test_a_voucher_is_reversed_as_its_rule_says(
    world: RulesWorld, facts: dict[str, Any], step: str
) -> None:
    """R15 decides the way of the process."""
    made = started(world, "voucher_cancellation", "voucher:F-1", {"voucher_no": "F-1", **facts})
    assert command(world, made, "DECIDE", {"reason": "yanlış hesap"})["step"] == step


def test_a_collected_invoice_is_not_cancelled(world: RulesWorld) -> None:
    """R14."""
    data = {"invoice_no": "F-1", "posted": True, "collected": "5.00", "cancelled": False}
    made = started(world, "invoice_cancellation", "invoice:F-1", data)
    assert codes(refused(world, made, "DECIDE", {"reason": "x"})) == {"forbidden"}


# ---------------------------------------------------------------------------- approvals


def test_a_purchase_waits_for_its_approval_and_goes_on(world: RulesWorld) -> None:
    made = command(world, purchase(world), "REQUEST", REQUEST)
    assert made["status"] == "waiting_approval"
    assert refused(world, made, "REQUEST", REQUEST).json()["code"] == "approval_pending"
    asked = made["timeline"][-1]["detail"]
    assert asked["rule"] == "approval.criteria"
    assert asked["facts"] == {"amount": "999.99", "beyond_contract": False, "foreign": False}
    content = asked["content"]
    assert content["amount"] == {"amount": "999.99", "currency": "TRY"}
    # Whoever approves reads the process, the step and the labels in the own language.
    for said in (content["title"], *(field["label"] for field in content["fields"])):
        assert set(said) == {"tr", "el", "en"}
        assert len(set(said.values())) > 1
    done = decided(world, made, "approved")
    assert (done["status"], done["step"]) == ("running", "order")
    assert done["timeline"][-2]["actor"] == "user:01JXQ60A1B2C3D4E5F6G7H8J9R"
    assert decided(world, made, "rejected")["version"] == done["version"]


def test_a_refused_approval_sends_the_step_back(world: RulesWorld) -> None:
    """R17: the flow restarts at the step before; a returned request keeps its id."""
    made = command(world, purchase(world), "REQUEST", REQUEST)
    first = made["timeline"][-1]["detail"]["request_id"]
    back = decided(world, made, "returned", reason="Bütçe yok")
    assert (back["status"], back["step"], back["round"]) == ("running", "request", 2)
    again = command(world, back, "REQUEST", REQUEST)
    assert again["timeline"][-1]["detail"]["request_id"] == first
    final = decided(world, again, "rejected")
    assert final["round"] == 3
    third = command(world, final, "REQUEST", REQUEST)
    assert third["timeline"][-1]["detail"]["request_id"] != first


def test_an_approval_of_something_else_counts_nothing(world: RulesWorld) -> None:
    made = command(world, purchase(world), "REQUEST", REQUEST)
    assert decided(world, made, "approved", content_hash="0" * 64)["status"] == "waiting_approval"


# ---------------------------------------------------------------------------- corrections


def test_a_correction_counts_from_the_start_and_both_stay_visible(world: RulesWorld) -> None:
    made = connection(world)
    paid = command(world, made, "COLLECT_FEES", FEES)
    event = paid["timeline"][2]["id"]
    fix = {"event_id": event, "data": {"receipt_no": "M-78"}, "reason": "Makbuz no yanlış"}
    fixed = world.ok("POST", f"/processes/{made['id']}/corrections", fix)
    assert fixed["data"]["receipt_no"] == "M-78"
    assert fixed["timeline"][2]["outputs"]["receipt_no"] == "M-77"
    last = fixed["timeline"][-1]
    assert (last["event"], last["corrects"], last["reason"]) == (
        "corrected", event, "Makbuz no yanlış",
    )  # fmt: skip


def test_a_correction_that_would_have_been_refused_is_refused(world: RulesWorld) -> None:
    made = connection(world)
    paid = command(world, made, "COLLECT_FEES", FEES)
    done = command(world, paid, "PRINT_AGREEMENT", AGREEMENT)
    path = f"/processes/{made['id']}/corrections"
    late = {
        "event_id": done["timeline"][2]["id"],
        "data": {"paid_on": "2026-05-30"},
        "reason": "x",
    }
    # The agreement would have been printed before the fees were paid.
    assert codes(world.call("POST", path, late)) == {"inconsistent"}
    fee = {"event_id": done["timeline"][0]["id"], "data": {"connection_fee": "2000.00"}}
    assert codes(world.call("POST", path, {**fee, "reason": "x"})) == {"inconsistent"}
    assert codes(world.call("POST", path, {**late, "reason": " "})) == {"required"}
    assert read(world, done)["version"] == done["version"]


def test_what_an_approval_saw_is_not_corrected_behind_it(world: RulesWorld) -> None:
    made = command(world, purchase(world), "REQUEST", REQUEST)
    done = decided(world, made, "approved")
    fix = {
        "event_id": done["timeline"][0]["id"],
        "data": {"amount": "5000.00"},
        "reason": "tutar",
    }
    answer = world.call("POST", f"/processes/{made['id']}/corrections", fix)
    assert codes(answer) == {"approved"}


def test_a_derived_fact_is_corrected_along(world: RulesWorld) -> None:
    """The way a voucher is reversed follows from its facts: another way refuses, the same stays."""
    data = {"voucher_no": "F-1", "posted": True, "period_closed": True}
    made = started(world, "voucher_cancellation", "voucher:F-1", data)
    done = command(world, made, "DECIDE", {"reason": "x"})
    fix = {
        "event_id": done["timeline"][0]["id"],
        "data": {"period_closed": False},
        "reason": "dönem açıktı",
    }
    answer = world.call("POST", f"/processes/{made['id']}/corrections", fix)
    assert codes(answer) == {"other_way"}


# ---------------------------------------------------------------------------- cancelling


def test_a_cancellation_compensates_what_was_done(world: RulesWorld) -> None:
    made = connection(world)
    paid = command(world, made, "COLLECT_FEES", FEES)
    gone = world.ok("POST", f"/processes/{made['id']}/cancel", {"reason": "Vazgeçti"})
    assert gone["status"] == "cancelled"
    assert kinds(gone)[-2:] == ["cancelled:print_agreement", "compensated:collect_fees"]
    assert gone["timeline"][-1]["corrects"] == paid["timeline"][2]["id"]
    assert refused(world, made, "PRINT_AGREEMENT", AGREEMENT).json()["code"] == "process_closed"
    again = world.call("POST", f"/processes/{made['id']}/cancel", {"reason": "x"})
    assert again.json()["code"] == "process_closed"


def test_an_order_with_received_goods_is_not_cancelled(world: RulesWorld) -> None:
    """R13: first the goods, then the invoice; an order without either releases its budget."""
    made = command(world, purchase(world), "REQUEST", REQUEST)
    path = f"/processes/{made['id']}/cancel"
    given = {"reason": "x", "data": {"received_qty": "3", "invoiced": False}}
    assert codes(world.call("POST", path, given)) == {"forbidden"}
    assert codes(world.call("POST", path, {"reason": "x"})) == {"missing"}
    given["data"] = {"received_qty": "0", "invoiced": False}
    gone = world.ok("POST", path, given)
    assert gone["timeline"][-1]["detail"]["effect"] == "CANCELLED+RELEASE_BUDGET"


# ---------------------------------------------------------------------------- time


def test_forty_days_fire_everything_in_order_and_only_once(world: RulesWorld) -> None:
    made = connection(world, applied_on="2026-05-30")
    world.clock.advance(timedelta(days=40))
    assert work(world) == 1
    late = read(world, made)
    fired = [(line["event"], line["detail"]["timer"]) for line in late["timeline"][2:]]
    assert fired == [("reminded", "answer_due"), ("escalated", "answer_late")]
    assert late["late"]
    assert work(world) == 0
    assert read(world, made)["version"] == late["version"]
    world.clock.advance(timedelta(days=60))
    work(world)
    over = read(world, made)
    assert (over["status"], kinds(over)[-1]) == ("expired", "expired:collect_fees")
    world.clock.advance(timedelta(days=60))
    assert work(world) == 0
    assert read(world, made)["timeline"] == over["timeline"]


def test_all_timers_at_once_fire_in_order_and_an_expiry_ends_it(world: RulesWorld) -> None:
    made = connection(world)
    world.clock.advance(timedelta(days=200))
    work(world)
    assert [line["event"] for line in read(world, made)["timeline"][2:]] == [
        "reminded", "escalated", "expired",
    ]  # fmt: skip


def test_a_step_that_moved_on_is_not_reminded(world: RulesWorld) -> None:
    made = command(world, connection(world), "COLLECT_FEES", FEES)
    done = command(world, made, "PRINT_AGREEMENT", AGREEMENT)
    world.clock.advance(timedelta(days=40))
    assert work(world) == 0
    assert read(world, made)["timeline"] == done["timeline"]


# ---------------------------------------------------------------------------- definitions


def test_a_definition_needs_two_people_and_a_clean_check(world: RulesWorld) -> None:
    made = world.ok("POST", "/process-definitions", small_definition())
    path = f"/process-definitions/{made['id']}"
    assert world.ok("POST", f"{path}/check") == {"passes": True, "problems": []}
    assert world.call("POST", f"{path}/publish").json()["code"] == "four_eyes"
    published = world.ok("POST", f"{path}/publish", principal=world.principal(SECOND))
    assert published["status"] == "published"
    process = started(world, "small", "thing:1", {})
    assert process["definition_version"] == made["id"]
    assert command(world, process, "DO", {})["status"] == "finished"


def test_a_broken_definition_is_not_published(world: RulesWorld) -> None:
    made = world.ok("POST", "/process-definitions", small_definition(needs=["nowhere"], next=[]))
    path = f"/process-definitions/{made['id']}/publish"
    answer = world.call("POST", path, principal=world.principal(SECOND))
    assert answer.json()["code"] == "publication_refused"
    assert codes(answer) == {"not_produced", "dead_end"}
    shapeless = {**small_definition(), "definition": {"steps": [{"key": "A b"}]}}
    assert world.call("POST", "/process-definitions", shapeless).status == 422


def test_what_runs_keeps_the_version_it_started_with(world: RulesWorld) -> None:
    second = world.principal(SECOND)
    first = world.ok("POST", "/process-definitions", small_definition())
    world.ok("POST", f"/process-definitions/{first['id']}/publish", principal=second)
    process = started(world, "small", "thing:1", {})
    other = world.ok("POST", "/process-definitions", small_definition(command="OTHER"))
    world.clock.advance(timedelta(seconds=1))
    world.ok("POST", f"/process-definitions/{other['id']}/publish", principal=second)
    assert command(world, process, "DO", {})["status"] == "finished"
    later = started(world, "small", "thing:2", {})
    assert later["next"]["command"] == "OTHER"


def test_another_company_sees_nothing(world: RulesWorld) -> None:
    made = connection(world)
    stranger = world.principal(tenant=OTHER)
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/commands", {"command": "COLLECT_FEES", "data": FEES}),
        ("POST", "/cancel", {"reason": "x"}),
    ):
        answer = world.call(method, f"/processes/{made['id']}{path}", body, principal=stranger)
        assert answer.status == 404
    assert world.ok("GET", "/processes", principal=stranger)["items"] == []


def test_lists_show_the_longest_waiting_first(world: RulesWorld) -> None:
    first = connection(world)
    world.clock.advance(timedelta(days=1))
    second = connection(world)
    listed = world.ok("GET", "/processes", query={"limit": "1"})
    assert [item["id"] for item in listed["items"]] == [first["id"]]
    rest = world.ok("GET", "/processes", query={"cursor": listed["next_cursor"], "limit": "5"})
    assert [item["id"] for item in rest["items"]] == [second["id"]]
    world.ok("POST", f"/processes/{first['id']}/cancel", {"reason": "x"})
    closed = world.ok("GET", "/processes", query={"state": "closed"})
    assert [item["status"] for item in closed["items"]] == ["cancelled"]
