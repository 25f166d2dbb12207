"""Approvals from the HTTP API to the queue: chain, rounds, duties, time (WFL-05)."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kernel.clock import FixedClock
from tests.support.approvals_world import (
    CHIEF,
    CHIEF_2,
    MANAGER,
    MANAGER_2,
    REQUESTER,
    ApprovalsWorld,
    approvals_world,
    pensions_wish,
)
from tests.support.aws import AwsWorld
from toolkit.platform import Platform


@pytest.fixture
def world(aws: AwsWorld, platform: Platform, clock: FixedClock) -> Iterator[ApprovalsWorld]:
    with approvals_world(aws, platform, clock) as made:
        yield made


def decided(world: ApprovalsWorld) -> list[dict[str, Any]]:
    return [event["data"] for event in world.aws.published("workflow.ApprovalDecided.v1")]


@pytest.mark.parametrize(
    ("amount", "levels"),
    [
        ("999.99", ["CHIEF"]),
        ("1000.00", ["CHIEF", "MANAGER"]),
        ("1000.01", ["CHIEF", "MANAGER"]),
    ],
)
def test_the_chain_follows_the_amount(
    world: ApprovalsWorld, amount: str, levels: list[str]
) -> None:
    made = world.ask(amount)
    assert made["status"] == "pending"
    assert [stage["level"] for stage in made["stages"]] == levels
    assert made["why"]
    assert {"tr", "el", "en"} <= set(made["why"][0]["text"])
    assert made["policy"]["rule"] == "approval.purchase_chain"


def test_two_stages_approve_and_the_asker_hears_once(world: ApprovalsWorld) -> None:
    made = world.ask()
    world.settle()
    assert world.decide(made, CHIEF).status == 200
    world.settle()
    after = world.decide(made, MANAGER).json()
    assert after["status"] == "approved"
    assert [stage["status"] for stage in after["stages"]] == ["approved", "approved"]
    world.settle()
    (said,) = decided(world)
    assert said["outcome"] == "approved"
    assert said["content_hash"] == made["content_hash"]
    # One execution per task, each woken by its own decision.
    assert [name.rsplit("-", 3)[1:] for name in world.machine.started] == [
        ["0", "1", "1"],
        ["1", "1", "1"],
    ]
    assert [outcome["status"] for _, outcome in world.machine.woken] == ["APPROVED", "APPROVED"]
    assert world.machine.running == {}


def test_below_the_limit_of_a_rule_nothing_is_needed(world: ApprovalsWorld) -> None:
    made = world.ask(
        kind="pension_remittance", rule=None, facts={"amount": "0.00"}, content={"note": "none"}
    )
    assert made["status"] == "not_required"
    assert decided(world)[0]["outcome"] == "not_required"


def test_a_rejection_goes_one_stage_back_in_a_new_round(world: ApprovalsWorld) -> None:
    made = world.ask()
    world.decide(made, CHIEF)
    assert world.decide(made, MANAGER, "reject").status == 422
    after = world.decide(made, MANAGER, "reject", "too expensive").json()
    assert (after["status"], after["round"], after["task"]["level"]) == ("pending", 2, "CHIEF")
    assert world.decide(made, CHIEF).json()["task"]["level"] == "MANAGER"
    back = world.decide(made, MANAGER, "reject", "still too expensive").json()
    assert (back["round"], back["task"]["level"]) == (3, "CHIEF")
    returned = world.decide(made, CHIEF, "reject", "no").json()
    assert (returned["status"], returned["round"], returned["task"]) == ("returned", 4, None)
    (said,) = decided(world)
    assert (said["outcome"], said["stage"], said["reason"]) == ("returned", "CHIEF", "no")
    # Earlier decisions stay in the history and count no more.
    assert sum(len(task["decisions"]) for task in returned["tasks"]) == 5
    assert {stage["status"] for stage in returned["stages"]} == {"waiting"}


def test_returned_work_is_asked_for_again(world: ApprovalsWorld) -> None:
    made = world.ask("1500.00", request_id="R-1")
    world.decide(made, CHIEF, "reject", "cheaper please")
    again = world.ask("900.00", request_id="R-1")
    assert again["id"] == made["id"]
    assert (again["status"], again["round"]) == ("pending", 2)
    assert [stage["level"] for stage in again["stages"]] == ["CHIEF"]
    assert world.decide(again, CHIEF).json()["status"] == "approved"


def test_changed_content_voids_what_was_approved(world: ApprovalsWorld) -> None:
    made = world.ask("1500.00", request_id="R-1")
    old = world.task(made["id"])["id"]
    world.decide(made, CHIEF)
    again = world.ask("1600.00", request_id="R-1")
    assert (again["round"], again["task"]["level"]) == (2, "CHIEF")
    assert again["stages"][0]["approved_by"] == []
    same = world.ask("1600.00", request_id="R-1")
    assert same["round"] == 2
    late = world.call("POST", f"/tasks/{old}/decision", {"outcome": "approve"}, who=CHIEF_2)
    assert late.status == 409
    assert late.json()["code"] == "task_closed"


def test_who_asks_does_not_approve_and_the_violation_is_noted(world: ApprovalsWorld) -> None:
    made = world.ask()
    answer = world.decide(made, REQUESTER)
    assert (answer.status, answer.json()["code"]) == (403, "duty_requester")
    history = world.ok("GET", f"/approvals/{made['id']}/history", who=REQUESTER)["items"]
    assert history[-1]["action"] == "approval.duty_violation"
    # Others are asked instead of the work getting stuck.
    assert "role:owner" in world.task(made["id"])["candidates"]


def test_nobody_approves_two_stages(world: ApprovalsWorld) -> None:
    made = world.ask()
    assert world.decide(made, MANAGER).status == 200
    answer = world.decide(made, MANAGER)
    assert (answer.status, answer.json()["code"]) == (403, "duty_twice")
    assert world.decide(made, MANAGER_2).json()["status"] == "approved"


def test_a_duty_kept_apart_forbids_the_decision(world: ApprovalsWorld) -> None:
    made = world.ask(duties={"creator": f"user:{CHIEF}"})
    answer = world.decide(made, CHIEF)
    assert (answer.status, answer.json()["code"]) == (403, "duty_apart")
    assert world.decide(made, CHIEF_2).status == 200


def test_the_second_of_two_hears_what_was_decided(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    task = world.task(made["id"])["id"]
    world.decide(made, CHIEF)
    path = f"/tasks/{task}/decision"
    answer = world.call("POST", path, {"outcome": "reject", "reason": "no"}, who=CHIEF_2)
    assert answer.status == 409
    assert {"pointer": "/outcome", "code": "approved", "message": "Recorded: approved."} in (
        answer.json()["errors"]
    )
    again = world.call("POST", path, {"outcome": "approve"}, who=CHIEF)
    assert again.status == 200  # the same decision again is the first one


def test_time_reminds_escalates_and_expires(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    world.settle()
    task = world.task(made["id"])
    assert task["due_at"] > task["opened_at"]
    world.pass_hours(24)
    assert world.task(made["id"])["escalated_at"] is None
    world.pass_hours(48)
    assert world.task(made["id"])["escalated_at"] is not None
    assert world.task(made["id"])["breached"] is True
    world.pass_hours(24 * 14)
    after = world.read(made["id"])
    assert after["status"] == "expired"
    assert decided(world)[0]["outcome"] == "expired"
    late = world.call("POST", f"/tasks/{task['id']}/decision", {"outcome": "approve"}, who=CHIEF)
    assert late.status == 409


def test_a_question_stops_the_clock(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    path = f"/tasks/{made['task']['id']}"
    asked = world.ok("POST", f"{path}/questions", {"question": "why two?"}, who=CHIEF)
    assert asked["task"]["clock_stopped"] is True
    world.pass_hours(24 * 30)
    assert world.read(made["id"])["status"] == "pending"
    mine = world.ok("GET", "/tasks", who=REQUESTER)["items"]
    assert [each["id"] for each in mine] == [made["task"]["id"]]
    answered = world.ok("POST", f"{path}/answers", {"answer": "one is spare"}, who=REQUESTER)
    assert answered["task"]["clock_stopped"] is False
    assert answered["task"]["due_at"] > made["task"]["due_at"]
    assert answered["task"]["elapsed_seconds"] == 0


def test_what_needs_fewer_stages_after_a_change_still_shows_its_history(
    world: ApprovalsWorld,
) -> None:
    made = world.ask("1500.00", request_id="R-1")
    assert world.decide(made, CHIEF).status == 200
    again = world.ask("900.00", request_id="R-1")
    assert again["id"] == made["id"]
    shown = world.read(made["id"])
    assert [stage["level"] for stage in shown["stages"]] == [shown["task"]["level"]]
    levels = [stage["level"] for stage in made["stages"]]
    assert [task["level"] for task in shown["tasks"]] == [*levels, shown["task"]["level"]]
    assert world.decide(made, CHIEF).json()["status"] == "approved"


def test_the_requester_withdraws_and_nobody_else(world: ApprovalsWorld) -> None:
    made = world.ask()
    path = f"/approvals/{made['id']}/withdraw"
    assert world.call("POST", path, {}, who=CHIEF).status == 403
    assert world.ok("POST", path, {"reason": "not needed"}, who=REQUESTER)["status"] == "withdrawn"
    assert world.call("POST", path, {}, who=REQUESTER).status == 409
    assert decided(world)[0]["outcome"] == "withdrawn"


def test_a_delegated_task_is_decided_on_behalf(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    path = f"/tasks/{made['task']['id']}/delegate"
    answer = world.call("POST", path, {"to": f"user:{REQUESTER}"}, who=CHIEF)
    assert (answer.status, answer.json()["code"]) == (403, "duty_requester")
    assert world.call("POST", path, {"to": "nobody"}, who=CHIEF).status == 422
    # A viewer holds no role that is asked; the task makes the person a candidate.
    by_name = {"who": MANAGER_2, "role": "payroll"}
    task = f"/tasks/{made['task']['id']}/decision"
    assert world.call("POST", task, {"outcome": "approve"}, **by_name).status == 403
    world.ok("POST", path, {"to": f"user:{MANAGER_2}"}, who=CHIEF)
    mine = world.ok("GET", "/tasks", **by_name)["items"]
    assert mine[0]["mine"]["on_behalf_of"] == f"user:{CHIEF}"
    after = world.ok("POST", task, {"outcome": "approve"}, **by_name)
    (vote,) = after["tasks"][0]["decisions"]
    assert (vote["by"], vote["on_behalf_of"]) == (f"user:{MANAGER_2}", f"user:{CHIEF}")


def test_a_substitute_decides_what_is_asked_by_name_and_only_in_time(
    world: ApprovalsWorld,
) -> None:
    world.rules.ok(
        "POST",
        "/parameters",
        {
            "key": "approval.candidates[CHIEF]",
            "value": [f"user:{CHIEF}"],
            "valid_from": "2026-01-01",
        },
    )
    absence = {
        "substitute": f"user:{MANAGER_2}",
        "starts_at": "2026-06-01T10:00:00Z",
        "ends_at": "2026-06-03T10:00:00Z",
    }
    chained = {**absence, "substitute": f"user:{CHIEF}"}
    made = world.ok("POST", "/delegations", absence, who=CHIEF)
    world.ok("POST", "/delegations", chained, who=MANAGER_2)  # a cycle leads nowhere
    asked = world.ask("900.00")
    by_name = {"who": MANAGER_2, "role": "payroll"}
    path = f"/tasks/{asked['task']['id']}/decision"
    assert world.call("POST", path, {"outcome": "approve"}, **by_name).status == 403
    world.pass_hours(2)
    (task,) = world.ok("GET", "/tasks", **by_name)["items"]
    assert task["mine"]["on_behalf_of"] == f"user:{CHIEF}"
    stranger = world.call("POST", f"/delegations/{made['id']}/end", {}, who=MANAGER)
    assert stranger.status == 403
    after = world.ok("POST", path, {"outcome": "approve"}, **by_name)
    assert after["status"] == "approved"
    assert world.ok("POST", f"/delegations/{made['id']}/end", {}, who=CHIEF)["state"] == "ended"
    assert world.call("POST", f"/delegations/{made['id']}/end", {}, who=CHIEF).status == 409


def test_a_lost_execution_is_replaced_and_a_lost_wake_up_repeated(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    world.settle()
    world.machine.lose()
    world.pass_hours(2)
    assert len(world.machine.started) == 2
    world.give_tokens()
    # The decision is recorded, its message is lost.
    world.decide(made, CHIEF)
    world.aws.messages("workflow-approvals")
    assert world.machine.woken == []
    world.pass_hours(0.1)
    assert [outcome["status"] for _, outcome in world.machine.woken] == ["APPROVED"]
    world.pass_hours(24)
    assert len(world.machine.started) == 2


def test_a_decision_before_the_token_wakes_it_when_it_comes(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    world.drive()
    world.decide(made, CHIEF)
    world.drive()
    assert world.machine.woken == []
    world.give_tokens()
    world.drive()
    assert [outcome["status"] for _, outcome in world.machine.woken] == ["APPROVED"]


def test_the_machine_asks_what_its_deadline_means(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    said = world.step("deadline", made["task"]["id"])
    assert said["status"] == "WAITING"
    assert said["timeout_seconds"] > 3600
    world.decide(made, CHIEF)
    assert world.step("deadline", made["task"]["id"]) == {
        "status": "APPROVED",
        "timeout_seconds": 0,
    }


def test_an_event_asks_once_and_a_broken_one_is_an_incident(world: ApprovalsWorld) -> None:
    envelope = pensions_wish()
    assert world.hear(envelope) == []
    assert world.hear(envelope) == []
    found = world.ok("GET", "/approvals", who=MANAGER)["items"]
    assert [each["kind"] for each in found] == ["pension_remittance"]
    broken = {**envelope, "id": "01JXQ60A1B2C3D4E5F6G7H8J9F"}
    broken["data"] = {**envelope["data"], "request_id": "X", "kind": "unheard_of"}
    assert world.hear(broken) == []
    (incident,) = world.aws.published("workflow.IncidentOpened.v1")
    assert incident["data"]["code"] == "approval_unresolved"


def test_the_report_counts_what_happened(world: ApprovalsWorld) -> None:
    first, second = world.ask("900.00"), world.ask("1500.00")
    world.decide(first, CHIEF)
    world.decide(second, CHIEF, "reject", "no")
    world.ask("10.00")
    found = world.ok("GET", "/reports/approvals", who=MANAGER)
    assert found["outcomes"] == {"approved": 1}
    assert found["rejections"] == [{"level": "CHIEF", "reason": "no", "count": 1}]
    assert {each["candidate"]: each["count"] for each in found["pending"]} == {
        "role:accountant": 1,
        "role:owner": 1,
    }
    (stage,) = found["stages"]
    assert (stage["level"], stage["count"], stage["breached"]) == ("CHIEF", 2, 0)


def test_a_stage_that_wants_evidence_is_signed_by_the_hub(world: ApprovalsWorld) -> None:
    for key, value in (
        ("approval.signature[CHIEF]", "evidence"),
        ("approval.reauthenticate[CHIEF]", True),
    ):
        body = {"key": key, "value": value, "valid_from": "2026-01-01"}
        world.rules.ok("POST", "/parameters", body)
    made = world.ask("900.00")
    refused = world.decide(made, CHIEF)
    assert (refused.status, refused.json()["code"]) == (403, "proof_required")
    world.proved_at = world.clock.now().isoformat()
    after = world.decide(made, CHIEF).json()
    (vote,) = after["tasks"][0]["decisions"]
    signature = vote["signature"]
    statement = json.loads(signature["statement"])
    assert statement["document_hash"] == made["content_hash"]
    assert statement["decided_by"] == f"user:{CHIEF}"
    verified = world.aws.client("kms").verify(
        KeyId=signature["key"],
        Message=signature["statement"].encode(),
        MessageType="RAW",
        Signature=base64.b64decode(signature["signature"]),
        SigningAlgorithm=signature["algorithm"],
    )
    assert verified["SignatureValid"] is True


def test_an_administrator_names_somebody_else(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    path = f"/tasks/{made['task']['id']}/reassign"
    body = {"candidates": [f"user:{CHIEF_2}"]}
    assert world.call("POST", path, body, who=CHIEF).status == 403
    after = world.ok("POST", path, body, who=MANAGER)
    assert after["task"]["candidates"] == body["candidates"]
    refused = world.decide(made, CHIEF)
    assert (refused.status, refused.json()["code"]) == (403, "not_a_candidate")
    assert world.decide(made, CHIEF_2).json()["status"] == "approved"


def test_a_role_that_is_gone_decides_nothing(world: ApprovalsWorld) -> None:
    """A7: the role counts at the moment of the decision, not when the task was opened."""
    made = world.ask("900.00")
    path = f"/tasks/{made['task']['id']}/decision"
    refused = world.call("POST", path, {"outcome": "approve"}, who=CHIEF, role="payroll")
    assert (refused.status, refused.json()["code"]) == (403, "not_a_candidate")
    assert world.read(made["id"])["version"] == made["version"]


def test_the_news_says_who_gets_a_mail_and_why(world: ApprovalsWorld) -> None:
    made = world.ask("900.00")
    task = f"/tasks/{made['task']['id']}"
    world.ok("POST", f"{task}/questions", {"question": "why"}, who=CHIEF)
    world.ok("POST", f"{task}/answers", {"answer": "so"}, who=REQUESTER)
    absent = {
        "substitute": f"user:{MANAGER_2}",
        "starts_at": "2026-01-01T00:00:00Z",
        "ends_at": "2027-01-01T00:00:00Z",
    }
    world.ok("POST", "/delegations", absent, who=CHIEF_2)
    world.ok("POST", f"{task}/delegate", {"to": f"user:{CHIEF_2}"}, who=CHIEF)
    world.pass_hours(24 * 5)
    mails = [event["data"]["mail"] for event in world.aws.published("workflow.AttentionRaised.v1")]
    asked = ["role:accountant", "role:owner"]
    assert mails == [
        {"why": "opened", "to": asked, "not_to": [f"user:{REQUESTER}"]},
        {"why": "question", "to": [f"user:{REQUESTER}"], "not_to": []},
        {"why": "answer", "to": [f"user:{CHIEF}"], "not_to": []},
        # Whoever stands in for somebody who is asked by name hears of it too.
        {
            "why": "given",
            "to": [f"user:{CHIEF_2}", f"user:{MANAGER_2}"],
            "not_to": [f"user:{REQUESTER}"],
        },
        {
            "why": "escalated",
            "to": [*asked, f"user:{CHIEF_2}", f"user:{MANAGER_2}"],
            "not_to": [f"user:{REQUESTER}"],
        },
    ]


def test_what_a_rule_says_later_does_not_touch_what_is_pending(world: ApprovalsWorld) -> None:
    """A9: chain, limit and candidates are those of the submission, and are shown."""
    made = world.ask("1500.00")
    for key, value in (
        ("purchase.limit", "2000.00"),
        ("approval.candidates[CHIEF]", ["role:payroll"]),
    ):
        body = {"key": key, "value": value, "valid_from": "2026-01-01"}
        world.rules.ok("POST", "/parameters", body)
    assert world.decide(made, CHIEF).json()["task"]["level"] == "MANAGER"
    after = world.read(made["id"])
    assert (after["policy"], after["stages"][0]["candidates"]) == (
        made["policy"],
        ["role:accountant", "role:owner"],
    )
    later = world.ask("1500.00", subject="purchase:P-2")
    assert [stage["level"] for stage in later["stages"]] == ["CHIEF"]
    assert later["task"]["candidates"] == ["role:payroll"]
