"""ONE suite for seals: memory and DynamoDB keep the tally with the parts, and find the same one."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kernel.storing import WriteRefusedError
from tests.support.aws import RULES, AwsWorld
from tests.support.fakes.seals import MemorySealDesk
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import to_item
from toolkit.platform import Platform
from workspace.adapters.dynamodb_seals import DynamoSealDesk
from workspace.domain.seal import Part, Seal
from workspace.ports import SealDesk

CONTEXT = TenantContext("01KT16JKM00000000000000001", "system:seal")
STRANGER = TenantContext("01KT16JKM00000000000000002", "system:seal")
FIRST = date(2026, 5, 30)
TALLY = {"pen/employee": (3, 8), "wsp/user": (1, 2)}


@pytest.fixture(params=["memory", "dynamodb"])
def desk(request: pytest.FixtureRequest) -> SealDesk:
    """Both implementations, one after the other."""
    if request.param == "memory":
        return MemorySealDesk()
    platform: Platform = request.getfixturevalue("platform")
    aws: AwsWorld = request.getfixturevalue("aws")
    return DynamoSealDesk(platform.machinery, aws.queue_url("workspace-seal-audit"))


def _seal(day: date) -> Seal:
    return Seal(f"S{day:%m%d}", CONTEXT.tenant_id, day)


def _completed(desk: SealDesk, day: date) -> Seal:
    seals = desk.company(CONTEXT)
    seals.begin(_seal(day))
    begun = seals.seal(_seal(day).id)
    assert begun is not None
    whole = replace(
        begun, parts=(Part("p", "d", 4),), root="r", sealed_at="2026-06-01T00:15:01Z", tally=TALLY
    )
    seals.save(whole, None)
    return whole


def test_the_tally_moves_with_the_parts_and_only_once(desk: SealDesk) -> None:
    seals = desk.company(CONTEXT)
    seals.begin(_seal(FIRST))
    begun = seals.seal(_seal(FIRST).id)
    assert begun is not None
    assert (begun.tally, begun.parts) == ({}, ())
    part = replace(begun, parts=(Part("p", "d", 4),), tally=TALLY)
    seals.save(part, {"context": "pen", "key": None})
    with pytest.raises(WriteRefusedError) as refused:
        seals.save(part, None)
    assert refused.value.refused("seal")
    found = seals.progress(begun.id)
    assert found is not None
    assert (found[0].tally, found[1]) == (TALLY, {"context": "pen", "key": None})
    assert desk.company(STRANGER).progress(begun.id) is None


def test_the_newest_seal_that_stands_until_a_day(desk: SealDesk) -> None:
    seals = desk.company(CONTEXT)
    assert seals.last_complete() is None
    _completed(desk, FIRST)
    # More unfinished ones than a read brings at once.
    for days in range(1, 6):
        seals.begin(_seal(FIRST + timedelta(days=days)))
    last = _completed(desk, FIRST + timedelta(days=6))

    def day(until: date | None) -> date | None:
        found = seals.last_complete(until)
        return found.day if found else None

    assert day(None) == last.day == day(last.day)
    assert day(last.day - timedelta(days=1)) == FIRST == day(FIRST)
    assert day(FIRST - timedelta(days=1)) is None
    assert desk.company(STRANGER).last_complete() is None


def test_a_seal_of_the_time_before_tallies_has_none(aws: AwsWorld, platform: Platform) -> None:
    desk = DynamoSealDesk(platform.machinery, aws.queue_url("workspace-seal-audit"))
    _completed(desk, FIRST)
    (row,) = [row for row in aws.rows("core") if "#SEAL#" in row["pk"]]
    del row["tally"]
    with RULES.paused():
        aws.client("dynamodb").put_item(TableName="kopru-test-core", Item=to_item(row))
    found = desk.company(CONTEXT).last_complete()
    assert found is not None
    assert found.tally is None
