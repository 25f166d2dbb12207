"""Personal facts decide, are shown nowhere, and make a decision again."""

from typing import Any, Final

from tests.support.rules_world import OTHER, SECOND, TENANT, RulesWorld

KEY: Final = "tariff.social"
NAME: Final = "Ayşe Örnek"
SOCIAL: Final[dict[str, Any]] = {
    "valid_from": "2026-01-01",
    "facts": [
        {"name": "born_on", "type": "date", "personal": True},
        {"name": "customer", "type": "text", "personal": True, "nullable": True},
        {"name": "kwh", "type": "int"},
    ],
    "columns": ["born_on", "kwh"],
    "outputs": [{"name": "discount", "type": "int"}],
    "rows": [
        {"id": "old", "cells": ["<1960-01-01", "-"], "outputs": {"discount": 50}},
        {"id": "young", "cells": [">=1960-01-01", "-"], "outputs": {"discount": 0}},
    ],
}
FACTS: Final = {"born_on": "1950-03-04", "customer": NAME, "kwh": 120}


def row_of(world: RulesWorld, decision_id: str, tenant: str = TENANT) -> dict[str, Any]:
    found = world.app.platform.database.get(
        "core", f"wfl#T#{tenant}#DECISION#{decision_id}", "META"
    )
    assert found is not None
    return found


def test_a_personal_fact_decides_is_masked_and_replays(world: RulesWorld) -> None:
    world.published(KEY, SOCIAL)
    made = world.decide(KEY, FACTS)
    assert made["result"] == {"discount": 50}
    kept = world.ok("GET", f"/decisions/{made['id']}")
    assert kept["facts"] == {"born_on": "•••", "customer": "•••", "kwh": 120}
    assert kept["rows"][1]["failed"]["value"] == "•••"
    assert "1950" not in str(kept)
    assert NAME not in str(kept)
    stored = str(row_of(world, made["id"]))
    assert "1950" not in stored
    assert NAME not in stored
    again = world.ok("POST", f"/decisions/{made['id']}/replay")
    assert again == {
        "same": True,
        "recorded_hash": made["trace_hash"],
        "trace_hash": made["trace_hash"],
        "result": {"discount": 50},
    }


def test_the_past_is_tried_with_the_personal_facts_and_shown_without(world: RulesWorld) -> None:
    world.published(KEY, SOCIAL)
    world.decide(KEY, FACTS)
    world.decide(KEY, {**FACTS, "born_on": "1990-01-01"})
    rows = [{**SOCIAL["rows"][0], "outputs": {"discount": 60}}, SOCIAL["rows"][1]]
    draft = world.ok("POST", f"/tables/{KEY}/versions", {**SOCIAL, "rows": rows})
    days = {"from": "2020-01-01", "to": "2030-01-01"}
    made = world.ok("POST", f"/tables/{KEY}/versions/{draft['id']}/back-test", days)
    assert (made["same"], made["changed"]) == (1, 1)
    assert made["differences"][0]["facts"]["born_on"] == "•••"


def test_sealed_facts_open_for_their_own_decision_only(world: RulesWorld) -> None:
    world.published(KEY, SOCIAL)
    first = world.decide(KEY, FACTS)["id"]
    second = world.decide(KEY, {**FACTS, "born_on": "1990-01-01"})["id"]
    database = world.app.platform.database
    other, key = row_of(world, first)["sealed"], row_of(world, second)["pk"]
    database.update("core", key, "META", assign={"sealed": other})
    answer = world.call("POST", f"/decisions/{second}/replay")
    assert answer.status == 500
    assert world.ok("POST", f"/decisions/{first}/replay")["same"] is True


def test_personal_facts_that_do_not_fit_are_refused(world: RulesWorld) -> None:
    letters = [f"text{number}" for number in range(30)]
    facts = [{"name": name, "type": "text", "personal": True} for name in letters]
    document = {
        "valid_from": "2026-01-01",
        "facts": [{"name": "kwh", "type": "int"}, *facts],
        "rows": [{"id": "all", "cells": ["-"], "outputs": {"told": "yes"}}],
    }
    world.published("tariff.long", document)
    # Letters that cannot be packed: each differs from every other.
    long = {
        name: "".join(chr(0x4E00 + n * 200 + i) for i in range(200))
        for n, name in enumerate(letters)
    }
    answer = world.call("POST", "/rules/tariff.long/evaluate", {"facts": {"kwh": 1, **long}})
    assert answer.status == 422
    assert answer.json()["errors"][0]["code"] == "PERSONAL_SIZE"


def test_another_company_neither_reads_nor_replays_them(world: RulesWorld) -> None:
    world.published(KEY, SOCIAL)
    made = world.decide(KEY, FACTS)
    foreign = world.principal(SECOND, tenant=OTHER)
    for method, path in (("GET", ""), ("POST", "/replay")):
        answer = world.call(method, f"/decisions/{made['id']}{path}", principal=foreign)
        assert answer.status == 404
