"""Rules under a fault at every call: nothing lost, nothing doubled (reliability.md §10).

Each schedule is (use case, mode, n). After the faults stop, what was not acknowledged comes again
and the schedules run; then there is exactly one decision, parameter or published version, its
history is whole, the news is out and the archive has every decision once.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from tests.integration.workflow.test_personal_facts import FACTS, KEY, SOCIAL
from tests.support.aws import START, aws_world, platform_of
from tests.support.fault_bench import FaultBench
from tests.support.faults import MODES, switched_on
from tests.support.lambda_context import LambdaContext
from tests.support.rule_tables import PURCHASE_AS_WRITTEN
from tests.support.rules_world import SECOND, RulesWorld, rules_world

CHAIN: Final = "approval.purchase_chain"
VERSIONS: Final = f"/tables/{CHAIN}/versions"
DRAFT: Final[dict[str, Any]] = {
    **PURCHASE_AS_WRITTEN,
    "valid_from": "2026-01-01",
    "rows": [{"id": "all", "cells": ["-"], "outputs": {"chain": ["CHIEF"]}}],
}


Bench = FaultBench[RulesWorld]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One account for all schedules, with a draft and a table that knows people."""
    with aws_world() as aws:
        clock, ids = FixedClock(START), SequenceIds(at=START)
        platform = platform_of(aws, clock=clock, ids=ids)
        with rules_world(aws, platform, clock) as world, switched_on(clock):
            world.published(KEY, SOCIAL)
            world.ok("POST", VERSIONS, DRAFT)
            # What the archive took and did not finish waits a quarter of an hour.
            made = Bench(world, clock, minutes=6)
            made.remember()
            yield made


@pytest.fixture
def bench(shared: Bench) -> Iterator[Bench]:
    with shared.kept() as bench:
        yield bench


def _rows(bench: Bench, kind: str) -> list[dict[str, Any]]:
    """Entities of a kind."""
    rows = bench.world.aws.rows("core")
    return [row for row in rows if row.get("kind") == kind and row["sk"] == "META"]


def _decisions(bench: Bench) -> list[dict[str, Any]]:
    return [row for row in bench.world.aws.rows("core") if "#DECISION#" in row["pk"]]


def _holds(bench: Bench) -> None:
    """No news waits, and history has no hole."""
    flow = bench.world.aws.rows("flow")
    assert not [row for row in flow if "#OUT#" in row["pk"] and "due_pk" in row]
    for kind in ("rule_version", "parameter"):
        for row in _rows(bench, kind):
            mine = f"#HIST#{kind}:{row['id']}"
            lines = [one for one in bench.world.aws.rows("core") if one["pk"].endswith(mine)]
            assert len(lines) == row["version"]


@pytest.mark.parametrize("mode", MODES)
def test_a_decision_with_personal_facts(bench: Bench, mode: str) -> None:
    world = bench.world

    def act() -> bool:
        body = {"facts": FACTS}
        return world.call("POST", f"/rules/{KEY}/evaluate", body, key="one").status == 200

    def check() -> None:
        (row,) = _decisions(bench)
        assert "ttl" in row
        assert "due_pk" not in row
        again = world.ok("POST", f"/decisions/{row['id']}/replay")
        assert again["same"] is True
        _holds(bench)

    assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_publishing_a_version(bench: Bench, mode: str) -> None:
    world = bench.world
    (draft,) = [row for row in _rows(bench, "rule_version") if row["key"] == CHAIN]
    path = f"{VERSIONS}/{draft['id']}/publish"

    def act() -> bool:
        answer = world.call("POST", path, principal=world.principal(SECOND))
        known = world.call("GET", f"{VERSIONS}/{draft['id']}").json()["status"]
        # A repetition after a lost answer finds it published: that is what was wanted.
        return answer.status == 200 or (answer.status == 409 and known == "published")

    def check() -> None:
        (row,) = [one for one in _rows(bench, "rule_version") if one["key"] == CHAIN]
        assert (row["state"], row["version"]) == ("published", 2)
        news = [one for one in world.aws.rows("flow") if "#OUT#" in one["pk"]]
        mine = [one for one in news if draft["id"] in str(one)]
        assert len(mine) == 1
        _holds(bench)

    assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_recording_a_parameter(bench: Bench, mode: str) -> None:
    world = bench.world
    body = {"key": "purchase.limit", "value": "800.00", "valid_from": "2026-02-01"}

    def act() -> bool:
        return world.call("POST", "/parameters", body, key="one").status == 201

    def check() -> None:
        assert len(_rows(bench, "parameter")) == 1
        _holds(bench)

    assert bench.try_all(act, check, mode) >= 4


@pytest.mark.parametrize("mode", MODES)
def test_archiving_a_decision(bench: Bench, mode: str) -> None:
    world = bench.world
    made = world.decide(CHAIN, {"amount": "10.00"})
    bench.remember()

    def act() -> bool:
        from workflow.handlers import archive_decisions

        try:
            archive_decisions.handler({}, LambdaContext(remaining_ms=120_000))
        except Exception:
            return False
        return True

    def check() -> None:
        (row,) = _decisions(bench)
        assert "ttl" in row
        s3, bucket = world.app.platform.client("s3"), world.app.settings.archive_bucket
        versions = s3.list_object_versions(Bucket=bucket)["Versions"]
        mine = [one for one in versions if one["Key"].endswith(f"/{made['id']}.json")]
        assert len(mine) == 1

    assert bench.try_all(act, check, mode) >= 3
