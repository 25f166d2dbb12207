"""Time-driven starts: subjects with facts, a run each morning, proposals once per period."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.lambda_context import LambdaContext
from tests.support.processes import command, work
from tests.support.rules_world import OTHER, TENANT, RulesWorld
from workflow.application import propose_work
from workflow.domain.processes.subjects import Subject
from workflow.domain.processes.triggers import View

METER: dict[str, Any] = {
    "meter_kind": "GAS",
    "stamp_year": 2016,
    "consecutive_unread": 2,
    "subscriber_group": "RESIDENTIAL",
    "period_consumption": "900",
    "period": "2026-05",
    "payment_mode": "PREPAID",
    "last_verified_on": "2026-02-28",
}


def tell(world: RulesWorld, kind: str, reference: str, **facts: Any) -> Any:
    body = {"kind": kind, "subjects": [{"reference": reference, "facts": facts}]}
    return world.ok("POST", "/subjects", body)


def morning(world: RulesWorld) -> int:
    """The schedule of the morning and the work it asks for."""
    from workflow.handlers import start_triggers

    started = start_triggers.handler({}, LambdaContext())
    work(world)
    return int(started["RunsStarted"])


def proposals(world: RulesWorld, state: str = "open") -> list[dict[str, Any]]:
    answer = world.ok("GET", "/proposals", query={"state": state, "limit": "200"})
    return list(answer["items"])


def actions(world: RulesWorld) -> list[str]:
    return sorted(item["action"] for item in proposals(world))


def test_every_rule_of_a_meter_proposes_its_work(world: RulesWorld) -> None:
    """R3, R4 and R34 on one fact in order, R5, R35."""
    tell(world, "meter", "S-1", **METER)
    assert morning(world) == 1
    assert actions(world) == [
        "CUT_GAS",
        "PROPOSE_FIELD_WORK_ORDER",
        "PROPOSE_READING_WORK_ORDER",
        "PROPOSE_THEFT_IRREGULAR_CHECK",
        "VERIFICATION_READING",
    ]
    periods = {item["action"]: item["period"] for item in proposals(world)}
    assert periods["PROPOSE_FIELD_WORK_ORDER"] == "2025-12-31"
    assert periods["VERIFICATION_READING"] == "2026-05-28"
    assert periods["PROPOSE_THEFT_IRREGULAR_CHECK"] == "2026-05"
    made = proposals(world)[0]
    decision = world.ok("GET", f"/decisions/{made['decision_id']}")
    assert decision["rule"] == made["rule"]


def test_the_same_is_proposed_once_per_period(world: RulesWorld) -> None:
    tell(world, "meter", "S-1", **METER)
    morning(world)
    assert morning(world) == 0
    world.ok("POST", "/trigger-runs")
    work(world)
    assert len(proposals(world)) == 5
    world.clock.advance(timedelta(days=1))
    assert morning(world) == 1
    assert len(proposals(world)) == 5
    world.clock.advance(timedelta(days=30))
    morning(world)
    # A new month: what is proposed monthly comes again, what has its own period does not.
    assert len(proposals(world)) == 7


def test_forty_days_of_mornings_twice_give_the_same(world: RulesWorld) -> None:
    tell(world, "application", "B-1", applied_on="2026-05-25", connection_fee="900.00")
    seen: list[list[str]] = []
    for _ in range(2):
        for _ in range(20):
            world.clock.advance(timedelta(days=1))
            morning(world)
            morning(world)
        seen.append(actions(world))
    assert seen == [["PROPOSE_ANSWER", "PROPOSE_LATE_ANSWER"]] * 2


def test_maintenance_is_opened_and_its_unit_alerted(world: RulesWorld) -> None:
    """R7: the work order is opened by the system, once."""
    tell(world, "asset", "V-1", last_done_on="2025-08-31", interval_months=6, open_order=False)
    morning(world)
    assert proposals(world) == []
    (opened,) = proposals(world, "closed")
    assert (opened["state"], opened["period"]) == ("opened", "2026-02-28")
    process = world.ok("GET", f"/processes/{opened['process_id']}")
    assert (process["definition"], process["subject"]) == ("maintenance", "asset:V-1")
    assert process["timeline"][0]["causation_id"] == opened["id"]
    told = [row for row in world.aws.rows("flow") if "AttentionRaised" in str(row)]
    assert any("work_opened" in row["body"] for row in told)


def test_debt_leads_to_notice_then_to_a_termination(world: RulesWorld) -> None:
    """R16: nothing is terminated by the system; accepting opens the process with its approval."""
    facts = {"oldest_due_on": "2026-02-01", "deposit": "4135.00", "last_index": "12"}
    tell(world, "contract", "K-1", **facts)
    morning(world)
    (notice,) = proposals(world)
    assert notice["action"] == "PROPOSE_NOTICE"
    tell(world, "contract", "K-1", notice_on="2026-05-20")
    world.ok("POST", "/trigger-runs")
    work(world)
    assert actions(world) == ["PROPOSE_NOTICE", "PROPOSE_TERMINATION"]
    termination = next(p for p in proposals(world) if p["id"] != notice["id"])
    done = world.ok("POST", f"/proposals/{termination['id']}/accept", {})
    process = world.ok("GET", f"/processes/{done['process_id']}")
    assert process["data"]["cause"] == "DEBT"
    process = command(world, process, "OPEN_ORDER", {"order_no": "E-1"})
    debt = {"oldest_due_on": "2026-02-01", "notice_on": "2026-05-20"}
    process = command(world, process, "CONFIRM_DEBT", debt)
    assert process["status"] == "waiting_approval"
    assert process["timeline"][-1]["detail"]["stages"] == ["MANAGER"]


def test_a_bank_file_is_proposed_with_its_sums(world: RulesWorld) -> None:
    """R8: contracts with a mandate, debt and no dispute; once per month; nothing is sent."""
    for number, (active, debt, disputed) in enumerate(
        [(True, "100.10", False), (True, "50.00", True), (False, "9.00", False),
         (True, "0.00", False), (True, "20.05", False)]
    ):  # fmt: skip
        tell(
            world, "contract", f"K-{number}",
            mandate_active=active, open_debt=debt, disputed=disputed,
        )  # fmt: skip
    morning(world)
    (made,) = proposals(world)
    assert made["data"] == {"period": "2026-06", "contracts": 2, "total": "120.15"}
    lines = world.ok("GET", f"/proposals/{made['id']}/lines")["items"]
    assert [line["reference"] for line in lines] == ["K-0", "K-4"]
    world.clock.advance(timedelta(days=1))
    morning(world)
    assert len(proposals(world)) == 1
    done = world.ok("POST", f"/proposals/{made['id']}/accept", {})
    process = world.ok("GET", f"/processes/{done['process_id']}")
    assert (process["definition"], process["subject"]) == ("bank_debt_file", "debt_file:2026-06")


def test_a_bank_file_is_prepared_so_many_business_days_before_its_day(world: RulesWorld) -> None:
    """R8 with ``autopay.file_lead_days``: one file for each day of collection, prepared in time."""
    lead = {"key": "autopay.file_lead_days", "value": 3, "valid_from": "2026-01-01"}
    world.ok("POST", "/parameters", lead)
    days = {"K-1": "2026-06-08", "K-2": "2026-06-08", "K-3": "2026-06-09", "K-4": None}
    for number, day in days.items():
        tell(
            world, "contract", number,
            mandate_active=True, open_debt="10.00", disputed=False, collect_on=day,
        )  # fmt: skip
    # Monday 1 June: only the contract without a day; three business days before 8 June is the 3rd.
    morning(world)
    assert [made["period"] for made in proposals(world)] == ["2026-06"]
    world.clock.advance(timedelta(days=1))
    morning(world)
    assert len(proposals(world)) == 1
    world.clock.advance(timedelta(days=1))
    morning(world)
    made = proposals(world)[-1]
    assert made["data"] == {"period": "2026-06-08", "contracts": 2, "total": "20.00"}
    # What comes after a file was proposed does not slip into it.
    tell(
        world, "contract", "K-5",
        mandate_active=True, open_debt="99.00", disputed=False, collect_on="2026-06-08",
    )  # fmt: skip
    world.clock.advance(timedelta(days=1))
    morning(world)
    assert [one["period"] for one in proposals(world)] == ["2026-06", "2026-06-08", "2026-06-09"]
    lines = world.ok("GET", f"/proposals/{made['id']}/lines")["items"]
    assert [line["reference"] for line in lines] == ["K-1", "K-2"]


def test_a_late_amount_is_worked_out_once_a_month_and_only_proposed(world: RulesWorld) -> None:
    """R2 and R40 by schedule: nothing on the last day, a proposal on the first day after it."""
    invoice = {"customer_type": "REGULATED", "open_amount": "1000.00", "due_on": "2026-06-01"}
    tell(world, "invoice", "F-1", **invoice)
    tell(world, "invoice", "F-2", **{**invoice, "open_amount": "0.00"})
    tell(world, "invoice", "F-3", **{**invoice, "customer_type": "FREE"})  # no contract rate
    morning(world)
    assert proposals(world) == []
    world.clock.advance(timedelta(days=10))
    morning(world)
    (made,) = proposals(world)
    assert (made["action"], made["subject"]) == ("PROPOSE_LATE_FEE", "invoice:F-1")
    assert (made["period"], made["data"]["late_fee"]) == ("2026-06", "12.33")
    assert world.ok("GET", f"/decisions/{made['decision_id']}")["result"]["basis"] == "EPDK_6183"
    world.clock.advance(timedelta(days=1))
    morning(world)
    assert len(proposals(world)) == 1
    done = world.ok("POST", f"/proposals/{made['id']}/accept", {})
    process = world.ok("GET", f"/processes/{done['process_id']}")
    too_much = {"command": "CONFIRM", "data": {"charged": "12.34"}}
    assert world.call("POST", f"/processes/{process['id']}/commands", too_much).status == 422
    assert command(world, process, "CONFIRM", {"charged": "12.00"})["step"] == "post"


def test_accepting_starts_the_work_once(world: RulesWorld) -> None:
    tell(world, "meter", "S-1", **METER)
    morning(world)
    made = next(p for p in proposals(world) if p["action"] == "CUT_GAS")
    done = world.ok("POST", f"/proposals/{made['id']}/accept", {})
    assert done["state"] == "accepted"
    process = world.ok("GET", f"/processes/{done['process_id']}")
    assert (process["definition"], process["cause"]) == ("gas_cut", made["id"])
    again = world.call("POST", f"/proposals/{made['id']}/accept", {})
    assert (again.status, again.json()["code"]) == (409, "proposal_decided")
    assert len(world.ok("GET", "/processes")["items"]) == 1


def test_dismissing_needs_a_reason_and_holds_for_the_period(world: RulesWorld) -> None:
    tell(world, "meter", "S-1", meter_kind="GAS", stamp_year=2016)
    morning(world)
    (made,) = proposals(world)
    path = f"/proposals/{made['id']}/dismiss"
    assert world.call("POST", path, {"reason": " "}).status == 422
    done = world.ok("POST", path, {"reason": "Sayaç söküldü"})
    assert (done["state"], done["reason"]) == ("dismissed", "Sayaç söküldü")
    world.clock.advance(timedelta(days=1))
    morning(world)
    assert proposals(world) == []


def test_what_a_subject_lacks_is_counted_not_guessed(world: RulesWorld) -> None:
    """A missing fact never leads to the default row; an impossible one is refused by its rule."""
    tell(world, "meter", "S-1", consecutive_unread=0)
    tell(world, "meter", "S-2", subscriber_group="PUBLIC", period_consumption="10")
    run = world.ok("POST", "/trigger-runs")
    work(world)
    done = world.ok("GET", f"/trigger-runs/{run['id']}")
    assert (done["status"], done["seen"], done["proposed"]) == ("done", 2, 0)
    assert done["incomplete"] == 6
    assert done["refused"] == 1


def test_facts_count_from_their_day(world: RulesWorld) -> None:
    since = {"reference": "S-1", "facts": {"consecutive_unread": 3}, "valid_from": "2026-06-10"}
    world.ok("POST", "/subjects", {"kind": "meter", "subjects": [since]})
    morning(world)
    assert proposals(world) == []
    world.clock.advance(timedelta(days=9))
    morning(world)
    assert actions(world) == ["CUT_GAS", "PROPOSE_READING_WORK_ORDER"]


def test_telling_again_changes_nothing_and_wrong_facts_are_all_named(world: RulesWorld) -> None:
    assert tell(world, "meter", "S-1", stamp_year=2017)["added"] == 1
    assert tell(world, "meter", "S-1", stamp_year=2017)["unchanged"] == 1
    assert tell(world, "meter", "S-1", stamp_year=2018)["changed"] == 1
    (subject,) = world.ok("GET", "/subjects", query={"kind": "meter"})["items"]
    assert subject["facts"] == {"stamp_year": 2018}
    body = {
        "kind": "meter",
        "subjects": [
            {"reference": "S-1", "facts": {"stamp_year": "x", "colour": "red"}},
            {"reference": "S-1", "facts": {}},
        ],
    }
    answer = world.call("POST", "/subjects", body)
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/subjects/0/facts/stamp_year",
        "/subjects/0/facts/colour",
        "/subjects/1/reference",
    }
    assert world.call("GET", "/subjects", query={"kind": "nothing"}).status == 422


def imported(world: RulesWorld, content: str, query: str = "meter") -> dict[str, Any]:
    answer = world.call(
        "POST",
        "/subjects/imports",
        content.encode(),
        headers={"content-type": "text/csv"},
        query={"kind": query},
    )
    assert answer.status == 202, answer.body
    work(world)
    row = world.app.platform.database.get(
        "core", f"wfl#T#{TENANT}#JOB#{answer.json()['id']}", "META"
    )
    assert row is not None
    return row


def test_a_file_of_meters_is_recorded_whole(world: RulesWorld) -> None:
    lines = "".join(f"S-{number};GAZ {number};2017;;evet\r\n" for number in range(60))
    header = "No;Açıklama;Damga yılı;Üst üste okunamayan dönem;x\r\n"
    job = imported(world, header + lines)
    assert (job["status"], job["total"]) == ("succeeded", 60)
    assert job["result"] == {"added": 60, "changed": 0, "unchanged": 0}
    contracts = "No;Kalan borç;İtirazlı mı;Otomatik ödeme talimatı\r\nK-1;1.250,50;hayır;evet\r\n"
    assert imported(world, contracts, "contract")["status"] == "succeeded"
    (one,) = world.ok("GET", "/subjects", query={"kind": "contract"})["items"]
    assert one["facts"] == {"open_debt": "1250.50", "disputed": False, "mandate_active": True}


def test_a_file_with_one_wrong_row_records_nothing(world: RulesWorld) -> None:
    job = imported(world, "No;Damga yılı\r\nS-1;2017\r\nS-2;yirmi\r\nS-1;2016\r\n")
    assert (job["status"], job["failed"]) == ("failed", 2)
    assert {problem["pointer"] for problem in job["problems"]} == {
        "/rows/3/stamp_year",
        "/rows/4/reference",
    }
    assert world.ok("GET", "/subjects", query={"kind": "meter"})["items"] == []


def test_a_run_goes_on_in_slices(world: RulesWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time left a worker does one slice and hands the rest over by a message."""
    monkeypatch.setattr(propose_work, "SLICE", 2)
    monkeypatch.setattr(propose_work, "_RESERVE", 1_000_000.0)
    for number in range(5):
        tell(world, "meter", f"S-{number}", consecutive_unread=2)
    run = world.ok("POST", "/trigger-runs")
    assert work(world) >= 5
    done = world.ok("GET", f"/trigger-runs/{run['id']}")
    assert (done["status"], done["seen"], done["proposed"]) == ("done", 5, 10)


def test_a_lost_message_of_a_run_is_made_good(world: RulesWorld) -> None:
    tell(world, "meter", "S-1", consecutive_unread=2)
    run = world.ok("POST", "/trigger-runs")
    world.aws.messages("workflow-work")  # lost
    world.clock.advance(timedelta(minutes=11))
    work(world)
    assert world.ok("GET", f"/trigger-runs/{run['id']}")["status"] == "done"


def test_another_company_is_looked_at_for_itself(world: RulesWorld) -> None:
    stranger = world.principal(tenant=OTHER)
    body = {
        "kind": "meter",
        "subjects": [{"reference": "S-1", "facts": {"consecutive_unread": 2}}],
    }
    world.ok("POST", "/subjects", body, principal=stranger)
    tell(world, "meter", "S-1", consecutive_unread=0)
    assert morning(world) == 2
    assert proposals(world) == []
    theirs = world.ok("GET", "/proposals", principal=stranger)["items"]
    assert len(theirs) == 2
    path = f"/proposals/{theirs[0]['id']}"
    for method, ending, sent in (("GET", "", None), ("POST", "/accept", {})):
        assert world.call(method, path + ending, sent).status == 404
    done = world.ok("POST", f"{path}/accept", {}, principal=stranger)
    assert world.call("GET", f"/processes/{done['process_id']}").status == 404


def test_the_period_of_an_unknown_fact_is_no_period() -> None:
    from workflow.adapters.shipped_triggers import time_driven

    anomaly = next(one for one in time_driven().triggers if one.key == "anomaly")
    subject = Subject("1", "meter", "S-1")
    view = View(subject, {}, date(2026, 6, 1), {})
    assert view.period(anomaly.consequences[0]) == ""
