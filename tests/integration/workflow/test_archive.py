"""Decisions go into a bucket that nobody can change, and only then does the hot store forget."""

import json
from datetime import timedelta
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.integration.workflow.test_personal_facts import FACTS, KEY, NAME, SOCIAL, row_of
from tests.support.lambda_context import LambdaContext
from tests.support.rules_world import OTHER, SECOND, TENANT, RulesWorld

CHAIN: Final = "approval.purchase_chain"


def archive(world: RulesWorld) -> None:
    from workflow.handlers import archive_decisions

    archive_decisions.handler({}, LambdaContext(remaining_ms=120_000))


def objects(world: RulesWorld) -> dict[str, dict[str, Any]]:
    """Archived documents by key."""
    s3, bucket = world.app.platform.client("s3"), world.app.settings.archive_bucket
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        each["Key"]: json.loads(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
        for each in found
    }


def test_a_decision_is_archived_once_and_may_be_forgotten_afterwards(world: RulesWorld) -> None:
    made = world.decide(CHAIN, {"amount": "999.99"})
    assert "ttl" not in row_of(world, made["id"])
    archive(world)
    ((key, kept),) = objects(world).items()
    assert key.startswith(f"T/{TENANT}/decisions/")
    assert key.endswith(f"/{made['id']}.json")
    assert kept["trace_hash"] == made["trace_hash"]
    assert kept["rows"] == made["rows"]
    row = row_of(world, made["id"])
    decided = world.clock.now()
    assert row["ttl"] == int((decided + timedelta(days=400)).timestamp())
    assert "due_pk" not in row
    archive(world)
    assert list(objects(world)) == [key]
    assert world.ok("POST", f"/decisions/{made['id']}/replay")["same"] is True


def test_nobody_changes_or_removes_what_is_archived(world: RulesWorld) -> None:
    world.decide(CHAIN, {"amount": "999.99"})
    archive(world)
    (key,) = objects(world)
    s3, bucket = world.app.platform.client("s3"), world.app.settings.archive_bucket
    (version,) = s3.list_object_versions(Bucket=bucket)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])


def test_the_archive_holds_no_personal_fact(world: RulesWorld) -> None:
    world.published(KEY, SOCIAL)
    world.decide(KEY, FACTS)
    archive(world)
    (kept,) = objects(world).values()
    assert kept["facts"] == {"born_on": "•••", "customer": "•••", "kwh": 120}
    text = json.dumps(kept, ensure_ascii=False)
    assert NAME not in text
    assert "1950" not in text
    assert "sealed" not in text


def test_two_companies_are_archived_apart(world: RulesWorld) -> None:
    other = world.principal(SECOND, tenant=OTHER)
    world.decide(CHAIN, {"amount": "1.00"})
    body = {"facts": {"amount": "2.00"}}
    world.ok("POST", f"/rules/{CHAIN}/evaluate", body, principal=other)
    archive(world)
    tenants = {key.split("/")[1] for key in objects(world)}
    assert tenants == {TENANT, OTHER}
