"""Rules over the API: decide, explain, make again; drafts, gate, four eyes, parameters."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kernel.errors import ConflictError
from tests.acceptance.runner import matches
from tests.support.rule_tables import (
    INSTALMENTS_AS_WRITTEN,
    PREPAID_AS_WRITTEN,
    PURCHASE_AS_WRITTEN,
)
from tests.support.rules_world import OTHER, SECOND, TENANT, RulesWorld
from toolkit.auth import TenantContext
from workflow.application.publish_version import CheckVersion, PublishVersion
from workflow.domain.rules.gate import Check
from workflow.domain.rules.versions import TableVersion

CASES = json.loads(
    (Path(__file__).parents[2] / "acceptance" / "cases" / "rules.json").read_text(encoding="utf-8")
)["cases"]
CHAIN = "approval.purchase_chain"
VERSIONS = f"/tables/{CHAIN}/versions"
# A company that wants everything above 5,000 TL to go to the manager.
OWN: dict[str, Any] = {
    **PURCHASE_AS_WRITTEN,
    "valid_from": "2026-01-01",
    "rows": [
        {"id": "small", "cells": ["<=5000.00"], "outputs": {"chain": ["CHIEF"]}},
        {"id": "large", "cells": [">5000.00"], "outputs": {"chain": ["CHIEF", "MANAGER"]}},
    ],
    "cases": [
        {"id": "limit", "facts": {"amount": "5000.00"}, "expect": {"chain": ["CHIEF"]}},
    ],
}


def codes(answer: Any) -> set[str]:
    return {error["code"] for error in answer.json()["errors"]}


def test_every_acceptance_row_through_the_api(world: RulesWorld) -> None:
    rows = [case for case in CASES if case["kind"] == "rule"]
    for case in rows:
        decided = world.decide(case["rule"], case["given"])
        assert matches(case["expect"], decided["result"]), case["id"]
    assert len(rows) > 100


def test_a_decision_is_kept_with_the_reason_of_every_row(world: RulesWorld) -> None:
    made = world.decide(CHAIN, {"amount": "1000.00"}, causation_id="order-1")
    kept = world.ok("GET", f"/decisions/{made['decision_id']}")
    assert kept == made
    assert kept["result"] == {"chain": ["CHIEF", "MANAGER"]}
    assert kept["rows"] == [
        {
            "row": "below",
            "matched": False,
            "failed": {"column": "amount", "cell": "<@purchase.limit", "value": "1000.00"},
        },
        {"row": "from-limit", "matched": True},
    ]
    assert (kept["causation_id"], kept["table"], kept["outcome"]) == ("order-1", CHAIN, "DECIDED")
    assert kept["parameters"][0]["value"] == "1000.00"
    assert len(kept["sha256"]) == len(kept["trace_hash"]) == 64
    said = {why["key"]: why["text"] for why in kept["why"]}
    assert said["workflow.why.reason"]["tr"].startswith("from-limit satırı: Sınıra eşit")
    assert said["workflow.why.reason"]["el"].startswith("Γραμμή from-limit: Για ποσό")
    assert "amount = 1000.00" in said["workflow.why.failed"]["en"]
    for texts in said.values():
        assert len(set(texts.values())) == 3


def test_facts_that_are_missing_wrong_or_unknown_are_named_and_nothing_is_kept(
    world: RulesWorld,
) -> None:
    for facts, code in (
        ({}, "MISSING_FACT"),
        ({"amount": True}, "TYPE"),
        ({"amount": None}, "NULL_FACT"),
        ({"amount": "-1.00"}, "DOMAIN"),
        ({"amount": "1.00", "colour": "red"}, "UNKNOWN_FACT"),
    ):
        answer = world.call("POST", f"/rules/{CHAIN}/evaluate", {"facts": facts})
        assert answer.status == 422
        assert codes(answer) == {code}
    assert world.call("POST", "/rules/nobody.knows/evaluate", {"facts": {}}).status == 404
    early = {"facts": {"amount": "1.00"}, "valid_on": "1999-12-31"}
    assert world.call("POST", f"/rules/{CHAIN}/evaluate", early).status == 404
    future = {"facts": {"amount": "1.00"}, "known_on": "2999-01-01T00:00:00Z"}
    assert world.call("POST", f"/rules/{CHAIN}/evaluate", future).status == 422
    assert world.ok("GET", "/decisions", query={"rule": CHAIN})["items"] == []


def test_a_date_before_the_first_rate_and_a_missing_contract_rate_are_errors(
    world: RulesWorld,
) -> None:
    answer = world.call(
        "POST", "/rules/param.effective_dating/evaluate", {"facts": {"valid_on": "2018-09-04"}}
    )
    assert (answer.status, answer.json()["code"]) == (422, "PARAMETER_MISSING")
    free = {
        "customer_type": "FREE",
        "principal": "1000.00",
        "due_on": "2025-08-15",
        "paid_on": "2025-08-25",
        "contract_annual_pct": None,
    }
    answer = world.call("POST", "/rules/collection.late_fee_basis/evaluate", {"facts": free})
    assert (answer.status, answer.json()["code"]) == (422, "CONTRACT_RATE_MISSING")


def test_decisions_are_listed_by_rule_newest_first(world: RulesWorld) -> None:
    for number in range(3):
        world.decide(CHAIN, {"amount": f"{number}.00"})
        world.clock.advance(timedelta(seconds=1))
    first = world.ok("GET", "/decisions", query={"rule": CHAIN, "limit": "2"})
    rest = world.ok("GET", "/decisions", query={"rule": CHAIN, "cursor": first["next_cursor"]})
    shown = [item["facts"]["amount"] for item in [*first["items"], *rest["items"]]]
    assert shown == ["2.00", "1.00", "0.00"]
    assert world.call("GET", "/decisions").status == 422
    assert world.call("GET", "/decisions", query={"rule": "a#b"}).status == 422


def test_the_same_key_makes_one_decision(world: RulesWorld) -> None:
    body = {"facts": {"amount": "10.00"}}
    path = f"/rules/{CHAIN}/evaluate"
    first = world.ok("POST", path, body, key="once")
    assert world.ok("POST", path, body, key="once") == first
    assert len(world.ok("GET", "/decisions", query={"rule": CHAIN})["items"]) == 1
    other = world.call("POST", path, {"facts": {"amount": "11.00"}}, key="once")
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")


# ------------------------------------------------------------------ versions


@pytest.mark.parametrize(
    ("key", "document", "code", "witness"),
    [
        (CHAIN, PURCHASE_AS_WRITTEN, "GAP", "amount = 1000.00"),
        (
            "billing.prepaid_residential",
            PREPAID_AS_WRITTEN,
            "OVERLAP",
            "subscriber_group = RESIDENTIAL, public_institution = true",
        ),
        ("collection.instalments", INSTALMENTS_AS_WRITTEN, "OVERLAP", "debt = 500.01"),
    ],
)
def test_the_source_as_written_is_refused_with_the_witness(
    world: RulesWorld, key: str, document: dict[str, Any], code: str, witness: str
) -> None:
    made = world.ok("POST", f"/tables/{key}/versions", {**document, "valid_from": "2026-01-01"})
    one = f"/tables/{key}/versions/{made['id']}"
    found = world.ok("POST", f"{one}/check")
    assert not found["publishable"]
    assert set(found) >= {"overlaps", "gaps", "unreachable", "failing_cases"}
    answer = world.call("POST", f"{one}/publish", principal=world.principal(SECOND))
    assert (answer.status, answer.json()["code"]) == (422, "publication_refused")
    said = {error["code"]: error["message"] for error in answer.json()["errors"]}
    assert witness in said[code]
    assert world.ok("GET", one)["status"] == "draft"


def test_a_draft_decides_nothing_until_somebody_else_publishes_it(world: RulesWorld) -> None:
    made = world.ok("POST", VERSIONS, OWN)
    one = f"{VERSIONS}/{made['id']}"
    assert made["status"] == "draft"
    assert world.decide(CHAIN, {"amount": "4000.00"})["result"]["chain"] == ["CHIEF", "MANAGER"]
    assert world.ok("POST", f"{one}/submit")["status"] == "review"
    own = world.call("POST", f"{one}/publish")
    assert (own.status, own.json()["code"]) == (403, "four_eyes")
    stale = world.call(
        "POST", f"{one}/publish", principal=world.principal(SECOND), headers={"if-match": '"v1"'}
    )
    assert stale.status == 412
    done = world.ok("POST", f"{one}/publish", principal=world.principal(SECOND))
    assert (done["status"], done["publisher"]) == ("published", f"key:{SECOND}")
    decided = world.decide(CHAIN, {"amount": "4000.00"})
    assert (decided["result"]["chain"], decided["table_version"]) == (["CHIEF"], made["id"])
    before = world.decide(CHAIN, {"amount": "4000.00"}, valid_on="2025-12-31")
    assert before["result"]["chain"] == ["CHIEF", "MANAGER"]
    again = world.call("POST", f"{one}/publish", principal=world.principal("x" * 26))
    assert again.status == 409
    lines = world.ok("GET", f"{one}/history")["items"]
    assert [line["action"] for line in lines] == [
        "rule_version.drafted",
        "rule_version.submitted",
        "rule_version.published",
    ]
    assert [event["type"] for event in world.aws.published()] == ["workflow.RulePublished.v1"]


def test_a_retired_version_gives_way_and_old_decisions_replay(world: RulesWorld) -> None:
    done = world.published(CHAIN, OWN)
    decided = world.decide(CHAIN, {"amount": "4000.00"})
    world.clock.advance(timedelta(minutes=1))
    one = f"{VERSIONS}/{done['id']}"
    retired = world.ok("POST", f"{one}/retire", principal=world.principal(SECOND))
    assert retired["status"] == "retired"
    assert world.decide(CHAIN, {"amount": "4000.00"})["result"]["chain"] == ["CHIEF", "MANAGER"]
    again = world.ok("POST", f"/decisions/{decided['id']}/replay")
    assert (again["same"], again["result"]) == (True, {"chain": ["CHIEF"]})


def test_of_two_who_publish_at_once_one_wins(world: RulesWorld) -> None:
    made = world.ok("POST", VERSIONS, OWN)
    first, second = (
        world.app.for_tenant(TenantContext(TENANT, actor)) for actor in ("user:b", "user:c")
    )

    class Meanwhile(CheckVersion):
        """The other one is quicker while this one still checks."""

        def __call__(self, version: TableVersion) -> Check:
            second.publish_version()(CHAIN, made["id"])
            return super().__call__(version)

    with pytest.raises(ConflictError):
        PublishVersion(first.scope, Meanwhile(first.scope))(CHAIN, made["id"])
    assert world.ok("GET", f"{VERSIONS}/{made['id']}")["publisher"] == "user:c"
    assert len(world.aws.published()) == 1


def test_a_failing_case_refuses_publication(world: RulesWorld) -> None:
    wrong = {"id": "wrong", "facts": {"amount": "1.00"}, "expect": {"chain": ["MANAGER"]}}
    made = world.ok("POST", VERSIONS, {**OWN, "cases": [wrong]})
    one = f"{VERSIONS}/{made['id']}"
    (failing,) = world.ok("POST", f"{one}/check")["failing_cases"]
    assert (failing["case"], failing["got"]) == ("wrong", {"chain": ["CHIEF"]})
    answer = world.call("POST", f"{one}/publish", principal=world.principal(SECOND))
    assert codes(answer) == {"CASE"}


def test_everything_wrong_with_a_draft_is_said_at_once(world: RulesWorld) -> None:
    rows = [
        {"id": "a", "cells": ["<x"], "outputs": {"chain": ["BOSS"]}},
        {"id": "a", "cells": ["-", "-"]},
    ]
    answer = world.call("POST", VERSIONS, {**OWN, "rows": rows, "hit_policy": "BEST"})
    assert answer.status == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers >= {"/hit_policy", "/rows/0/cells/0", "/rows/0/outputs/chain", "/rows/1/cells"}
    assert len(world.ok("GET", VERSIONS)["items"]) == 1


def test_a_draft_is_tried_on_cases_and_on_the_past(world: RulesWorld) -> None:
    for amount in ("500.00", "1500.00", "2500.00", "9000.00"):
        world.decide(CHAIN, {"amount": amount})
    made = world.ok("POST", VERSIONS, OWN)
    one = f"{VERSIONS}/{made['id']}"
    cases = [{"amount": "500.00"}, {"amount": "1500.00"}]
    simulated = world.ok("POST", f"{one}/simulate", {"cases": cases})
    assert (simulated["same"], simulated["changed"]) == (1, 1)
    today = world.clock.now().date().isoformat()
    tested = world.ok("POST", f"{one}/back-test", {"from": today, "to": today})
    assert (tested["total"], tested["changed"], tested["hits"]) == (4, 2, {"small": 3, "large": 1})
    nothing = world.ok("POST", f"{one}/back-test", {"from": "2020-01-01", "to": "2020-01-02"})
    assert nothing["total"] == 0


def test_a_repeated_draft_is_one_draft(world: RulesWorld) -> None:
    first = world.ok("POST", VERSIONS, OWN, key="draft-1")
    assert world.ok("POST", VERSIONS, OWN, key="draft-1")["id"] == first["id"]
    assert len(world.ok("GET", VERSIONS)["items"]) == 2


def test_a_company_writes_tables_of_its_own(world: RulesWorld) -> None:
    document = {
        "valid_from": "2026-01-01",
        "facts": {"amount": "money", "kind": "enum(A|B)"},
        "rows": [
            {"id": "a", "cells": {"kind": "A"}, "outputs": {"bonus": "1.00"}},
            {"id": "b", "cells": {"kind": "B"}, "outputs": {"bonus": "2.00"}},
        ],
    }
    world.published("own.bonus", document)
    assert world.decide("own.bonus", {"amount": "1.00", "kind": "B"})["result"] == {"bonus": "2.00"}
    listed = {item["key"]: item for item in world.ok("GET", "/tables")["items"]}
    assert listed["own.bonus"] == {"key": "own.bonus", "shipped": False, "own": True}
    assert listed[CHAIN]["shipped"]


# ------------------------------------------------------------------ parameters


def test_a_limit_changes_from_a_date_on_without_new_software(world: RulesWorld) -> None:
    body = {"key": "purchase.limit", "value": "2500.00", "valid_from": "2026-07-01"}
    recorded = world.ok("POST", "/parameters", body)
    assert recorded["scope"] == "company"
    for day, chain in (("2026-06-30", ["CHIEF", "MANAGER"]), ("2026-07-01", ["CHIEF"])):
        decided = world.decide(CHAIN, {"amount": "1500.00"}, valid_on=day)
        assert decided["result"]["chain"] == chain
    values = world.ok("GET", "/parameters", query={"key": "purchase.limit"})["items"]
    assert [value["value"] for value in values] == ["1000.00", "2500.00"]


def test_a_correction_leaves_what_was_known_before_alone(world: RulesWorld) -> None:
    facts = {"valid_on": "2025-11-15"}
    first = world.decide("param.effective_dating", facts)
    known_on = world.clock.now().isoformat().replace("+00:00", "Z")
    world.clock.advance(timedelta(days=1))
    body = {"key": "late_fee.monthly_rate", "value": "3.90", "valid_from": "2025-11-13"}
    world.ok("POST", "/parameters", body)
    assert world.decide("param.effective_dating", facts)["result"] == {"rate": "3.90"}
    then = world.decide("param.effective_dating", facts, known_on=known_on)
    assert then["result"] == {"rate": "3.70"}
    assert world.ok("POST", f"/decisions/{first['id']}/replay")["same"]


def test_a_closer_scope_wins(world: RulesWorld) -> None:
    body = {
        "key": "purchase.limit",
        "value": "9000.00",
        "valid_from": "2026-01-01",
        "scope": "region:R1",
    }
    world.ok("POST", "/parameters", body)
    facts = {"amount": "5000.00"}
    near = world.decide(CHAIN, facts, scope={"region": "R1"})
    assert near["result"]["chain"] == ["CHIEF"]
    assert world.decide(CHAIN, facts)["result"]["chain"] == ["CHIEF", "MANAGER"]


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("purchase.limit", "soon", "PARAMETER"),
        ("reading.min_days", 40, "OVERLAP"),
        ("anomaly.min[PUBLIC]", "many", "TYPE"),
    ],
)
def test_a_value_that_breaks_a_table_in_force_is_refused(
    world: RulesWorld, key: str, value: Any, code: str
) -> None:
    body = {"key": key, "value": value, "valid_from": "2026-07-01"}
    answer = world.call("POST", "/parameters", body)
    assert (answer.status, answer.json()["code"]) == (422, "parameter_breaks_tables")
    assert code in codes(answer)
    known = world.ok("GET", "/parameters", query={"key": key})["items"]
    assert "company" not in {item["scope"] for item in known}


# ------------------------------------------------------------------ who may


def test_rights_are_apart(world: RulesWorld) -> None:
    viewer = world.principal(role="viewer")
    assert world.call("GET", "/rules", principal=viewer).status == 200
    for method, path, body in (
        ("POST", f"/rules/{CHAIN}/evaluate", {"facts": {"amount": "1.00"}}),
        ("POST", VERSIONS, OWN),
        ("POST", "/parameters", {"key": "a.b", "value": 1, "valid_from": "2026-01-01"}),
    ):
        assert world.call(method, path, body, principal=viewer).status == 403
    made = world.ok("POST", VERSIONS, OWN)
    accountant = world.principal(SECOND, role="accountant")
    one = f"{VERSIONS}/{made['id']}"
    assert world.call("POST", f"{one}/publish", principal=accountant).status == 403


def test_nothing_of_one_company_counts_for_another(world: RulesWorld) -> None:
    done = world.published(CHAIN, OWN)
    decided = world.decide(CHAIN, {"amount": "4000.00"})
    stranger = world.principal(tenant=OTHER)
    path = f"/rules/{CHAIN}/evaluate"
    theirs = world.ok("POST", path, {"facts": {"amount": "4000.00"}}, principal=stranger)
    assert theirs["result"]["chain"] == ["CHIEF", "MANAGER"]
    for method, path in (
        ("GET", f"/decisions/{decided['id']}"),
        ("POST", f"/decisions/{decided['id']}/replay"),
        ("GET", f"{VERSIONS}/{done['id']}"),
        ("POST", f"{VERSIONS}/{done['id']}/retire"),
    ):
        assert world.call(method, path, principal=stranger).status == 404
    with world.aws.rules.only(contexts=("wfl",), tenants=(OTHER,)):
        world.ok("GET", "/decisions", query={"rule": CHAIN}, principal=stranger)


def test_rules_are_listed_with_the_words_of_their_source(world: RulesWorld) -> None:
    listed = world.ok("GET", "/rules")
    assert listed["total"] == 48
    one = world.ok("GET", f"/rules/{CHAIN}")
    assert one["in_force"]["scope"] == "default"
    assert one["quote"].startswith("1.000 TL'nin altındaki")


def test_the_outbox_is_relayed_by_the_schedule(world: RulesWorld) -> None:
    from tests.support.lambda_context import LambdaContext
    from workflow.handlers import relay_outbox

    world.published(CHAIN, OWN)
    relay_outbox.handler({}, LambdaContext())
    assert len(world.aws.published()) == 1
