"""Drafts that are put aside, definitions out of force, work that goes back, words beside it."""

from datetime import timedelta

from kernel.clock import FixedClock
from tests.support.approvals_world import CHIEF, MANAGER, REQUESTER, approvals_world
from tests.support.aws import AwsWorld
from tests.support.processes import small_definition
from tests.support.rule_tables import PURCHASE_AS_WRITTEN
from tests.support.rules_world import SECOND, RulesWorld
from toolkit.platform import Platform

DEFINITIONS = "/process-definitions"


def test_a_draft_of_a_rule_is_put_aside(world: RulesWorld) -> None:
    versions = "/tables/approval.purchase_chain/versions"
    wish = {**PURCHASE_AS_WRITTEN, "valid_from": "2026-01-01"}
    made = world.ok("POST", versions, wish)
    aside = world.ok("POST", f"{versions}/{made['id']}/withdraw")
    assert aside["status"] == "withdrawn"
    assert world.call("POST", f"{versions}/{made['id']}/submit").status == 409


def test_a_definition_is_submitted_put_aside_and_taken_out_of_force(world: RulesWorld) -> None:
    second = world.principal(SECOND)
    draft = world.ok("POST", DEFINITIONS, small_definition())
    one = f"{DEFINITIONS}/{draft['id']}"
    assert world.ok("POST", f"{one}/submit")["status"] == "review"
    assert world.ok("POST", f"{one}/withdraw")["status"] == "withdrawn"
    other = world.ok("POST", DEFINITIONS, small_definition())
    one = f"{DEFINITIONS}/{other['id']}"
    world.ok("POST", f"{one}/publish", principal=second)
    world.clock.advance(timedelta(seconds=1))
    assert world.ok("POST", f"{one}/retire", principal=second)["status"] == "retired"
    gone = world.call("POST", "/processes", {"definition": "small", "subject": "thing:1"})
    assert gone.status == 404


def test_work_goes_back_to_an_earlier_stage(
    aws: AwsWorld, platform: Platform, clock: FixedClock
) -> None:
    with approvals_world(aws, platform, clock) as world:
        made = world.ask()
        said = world.ok(
            "POST", f"/approvals/{made['id']}/comments", {"text": "Urgent."}, who=REQUESTER
        )
        assert said["status"] == "pending"
        world.decide(made, CHIEF)
        back = {"stage": 1, "reason": "Two offers, please."}
        path = f"/tasks/{world.task(made['id'])['id']}/return"
        assert world.ok("POST", path, back, who=MANAGER)["status"] == "pending"
        assert world.task(made["id"])["level"] == "CHIEF"
