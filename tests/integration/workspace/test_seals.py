"""Daily seals: every chain is in them, and whoever rewrites one is found out."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.tools import evidence
from kernel.clock import FixedClock
from tests.support.aws import RULES, AwsWorld
from tests.support.builders import Company, WorkspaceWorld, workspace_world
from tests.support.events import schedule_event
from tests.support.lambda_context import LambdaContext
from toolkit.aws.dynamodb import to_item
from toolkit.aws.unit_of_work import chain_hash
from toolkit.platform import Platform
from workspace.application import seal_audit as sealing
from workspace.domain.seal import NO_SEAL, digest, heads_of, parts_of

BUCKET = "kopru-test-seals"


@pytest.fixture
def world(
    aws: AwsWorld, platform: Platform, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkspaceWorld]:
    """A workspace whose parts hold three heads."""
    monkeypatch.setattr(sealing, "AT_ONCE", 3)
    with workspace_world(aws, platform, clock) as made:
        yield made


@pytest.fixture
def company(world: WorkspaceWorld) -> Company:
    """A company with people, so that there are chains."""
    return world.company(roles=("owner", "viewer", "finance", "payroll"))


def _seals(world: WorkspaceWorld, company: Company) -> list[dict[str, Any]]:
    answer = world.call("GET", "/v1/audit/seals", company.owner)
    assert answer.status == 200, answer.body
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _verify(world: WorkspaceWorld, company: Company, seal_id: str) -> dict[str, Any]:
    """The whole verification, step by step; the last answer."""
    path = f"/v1/audit/seals/{seal_id}/verify"
    query: dict[str, str] = {}
    for _ in range(50):
        answer = world.call("GET", path, company.owner, query=query)
        assert answer.status == 200, answer.body
        report: dict[str, Any] = answer.json()
        if report["next_cursor"] is None:
            return report
        query = {"cursor": report["next_cursor"]}
    raise AssertionError("the verification does not end")


def _object(world: WorkspaceWorld, key: str) -> bytes:
    body = world.aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"]
    return bytes(body.read())


def _audit_rows(world: WorkspaceWorld, entity: str) -> list[dict[str, Any]]:
    rows = [row for row in world.aws.rows("audit") if row["entity"] == entity]
    return sorted(rows, key=lambda row: int(row["seq"]))


def _overwrite(world: WorkspaceWorld, row: dict[str, Any]) -> None:
    with RULES.paused():  # no code of ours may do this
        world.aws.client("dynamodb").put_item(TableName="kopru-test-audit", Item=to_item(row))


def test_every_chain_is_sealed_once_a_day_and_seals_follow_each_other(
    world: WorkspaceWorld, company: Company
) -> None:
    other = world.company("Ege Muhasebe")
    world.night()
    world.night()  # the schedule fires twice
    (seal,) = _seals(world, company)
    assert (seal["status"], seal["day"], seal["previous"]) == ("complete", "2026-06-01", NO_SEAL)
    folder = f"T/{company.id}/2026-06-01"
    root = _object(world, f"{folder}/seal-{seal['root']}.json")
    assert digest(root) == seal["root"]
    _, parts = parts_of(root)
    assert len(parts) == seal["parts"] > 1
    sealed = []
    for part in parts:
        content = _object(world, f"{folder}/{part.name}")
        assert digest(content) == part.digest
        sealed += heads_of(content)
    own = {f"{row['pk']}" for row in world.aws.rows("audit") if f"#T#{company.id}#" in row["pk"]}
    assert {f"wsp#T#{company.id}#ENT#{head.entity}" for head in sealed} == own
    assert len(sealed) == seal["entities"] == len(own)
    assert _verify(world, company, seal["id"])["complete"] is True
    assert _seals(world, other)[0]["root"] != seal["root"]
    stranger = world.call("GET", f"/v1/audit/seals/{seal['id']}/verify", other.owner)
    assert stranger.status == 404
    world.clock.advance(timedelta(days=1))
    world.night()
    second, first = _seals(world, company)
    assert (second["day"], second["previous"]) == ("2026-06-02", first["root"])


def test_a_chain_written_anew_is_consistent_and_still_found(
    world: WorkspaceWorld, company: Company
) -> None:
    """Whoever may write rows writes the whole chain anew, with right hashes all through."""
    world.night()
    (seal,) = _seals(world, company)
    entity = f"tenant:{company.id}"
    previous = ""
    for row in _audit_rows(world, entity):
        forged = {**row, "actor": "user:nobody"}
        if previous:
            forged["prev_hash"] = previous
        forged["hash"] = previous = chain_hash(forged)
        _overwrite(world, forged)
    chains = world.call("GET", "/v1/audit/verify", company.owner).json()
    assert chains["status"] == "intact", "the chain alone does not show it"
    report = _verify(world, company, seal["id"])
    assert report["complete"] is False
    assert (report["first_broken"]["entity"], report["first_broken"]["code"]) == (
        entity,
        "sealed_row_changed",
    )


def test_a_row_taken_away_is_found(world: WorkspaceWorld, company: Company) -> None:
    world.night()
    (seal,) = _seals(world, company)
    entity = f"user:{company.members['finance'].id}"
    last = _audit_rows(world, entity)[-1]
    with RULES.paused():
        world.aws.client("dynamodb").delete_item(
            TableName="kopru-test-audit", Key=to_item({"pk": last["pk"], "sk": last["sk"]})
        )
    report = _verify(world, company, seal["id"])
    assert (report["first_broken"]["entity"], report["first_broken"]["code"]) == (
        entity,
        "sealed_row_missing",
    )


def test_what_was_done_after_the_seal_does_not_contradict_it(
    world: WorkspaceWorld, company: Company
) -> None:
    world.night()
    (seal,) = _seals(world, company)
    tenant = world.call("GET", "/v1/tenants/me", company.owner)
    changed = world.call(
        "PATCH",
        "/v1/tenants/me",
        company.owner,
        body={"language": "el"},
        headers={"if-match": tenant.headers["etag"]},
    )
    assert changed.status == 200
    assert _verify(world, company, seal["id"])["complete"] is True


def test_a_seal_cannot_be_removed(world: WorkspaceWorld, company: Company) -> None:
    world.night()
    (seal,) = _seals(world, company)
    s3 = world.aws.client("s3")
    key = f"T/{company.id}/2026-06-01/seal-{seal['root']}.json"
    version = s3.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    with pytest.raises(ClientError):
        s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version)
    # Hiding it behind a delete marker is found out.
    s3.delete_object(Bucket=BUCKET, Key=key)
    assert _verify(world, company, seal["id"])["first_broken"]["code"] == "seal_missing"


def test_a_seal_that_stopped_is_ordered_again_the_next_night(
    world: WorkspaceWorld, company: Company
) -> None:
    from workspace.handlers import start_seals

    start_seals.handler(schedule_event(), LambdaContext())
    world.aws.messages("workspace-seal-audit")  # lost
    world.clock.advance(timedelta(days=1))
    world.night()
    assert [seal["status"] for seal in _seals(world, company)] == ["complete", "complete"]


def test_the_example_of_an_order_is_understood(world: WorkspaceWorld) -> None:
    from workspace.handlers import seal_audit

    path = Path(__file__).parents[3] / "events" / "workspace" / "seal_audit.json"
    event = json.loads(path.read_text(encoding="utf-8"))
    assert seal_audit.handler(event, LambdaContext()) == {"batchItemFailures": []}


def test_ids_of_seals_say_company_and_day() -> None:
    day = date(2026, 6, 1)
    assert sealing.seal_id("A", day) == sealing.seal_id("A", day) != sealing.seal_id("B", day)


def test_evidence_is_verified_offline_and_says_what_does_not_hold(
    world: WorkspaceWorld, company: Company, tmp_path: Path
) -> None:
    world.night()
    world.clock.advance(timedelta(days=1))
    world.night()

    def get(path: str, query: Mapping[str, str]) -> Any:
        answer = world.call("GET", f"/v1/audit/{path}", company.owner, query=query)
        assert answer.status == 200, answer.body
        return answer.json()

    collected = evidence.collect(get)
    roots = [seal["root"] for seal in _seals(world, company)]
    assert list(evidence.complaints(collected, roots)) == []
    file = tmp_path / "evidence.json"

    def verify(change: Callable[[dict[str, Any]], None], *kept: str) -> int:
        document = json.loads(json.dumps(collected))
        change(document)
        file.write_text(json.dumps(document), encoding="utf-8")
        arguments = [word for root in kept for word in ("--root", root)]
        return evidence.main(["verify", str(file), *arguments])

    def rewrite(document: dict[str, Any]) -> None:
        """A chain written anew, right in itself."""
        previous = ""
        for row in document["chains"][0]["rows"]:
            row["actor"] = "user:nobody"
            row["prev_hash"] = previous or row["prev_hash"]
            row["hash"] = previous = chain_hash(row)

    def change_row(document: dict[str, Any]) -> None:
        document["chains"][1]["rows"][0]["actor"] = "user:nobody"

    def drop_seal(document: dict[str, Any]) -> None:
        document["seals"].pop()

    def change_part(document: dict[str, Any]) -> None:
        document["seals"][0]["parts"][0] += "\n"

    assert verify(lambda _document: None, *roots) == evidence.OK
    for change in (rewrite, change_row, change_part):
        assert verify(change) == evidence.BROKEN
    assert verify(drop_seal, *roots) == evidence.BROKEN
