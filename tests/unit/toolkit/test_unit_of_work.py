"""The commit of every use case: state, history, audit, uniqueness, ledger and outbox together."""

from typing import Any

import pytest

from kernel.errors import ConflictError
from tests.support.aws import START, AwsWorld
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Item, Keyspace, equals
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import (
    GENESIS,
    Change,
    UnitOfWork,
    chain_hash,
    entity_key,
    sequence,
)
from toolkit.platform import Platform

KEYS = Keyspace("pen", "T1")
CONTEXT = TenantContext("T1", "user:u1", "corr-1")


def _unit(platform: Platform, context: TenantContext = CONTEXT) -> UnitOfWork:
    return UnitOfWork(platform.machinery, KEYS, context)


def _created(platform: Platform, identity: str = "i1") -> Item:
    unit = _unit(platform)
    row = unit.create(
        "thing", identity, {"name": "x"}, Change("thing.made", "open", detail={"n": 1})
    )
    unit.commit()
    return row


def test_a_new_entity_comes_with_history_and_audit(platform: Platform, aws: AwsWorld) -> None:
    row = _created(platform)
    stored = aws.row("core", entity_key(KEYS, "thing", "i1"))
    assert stored is not None
    assert {**stored, "w": None} == {**row, "w": None}
    assert (stored["state"], stored["version"]) == ("open", 1)
    history = aws.row("core", KEYS.key("HIST", "thing:i1"), sequence(1))
    assert history is not None
    assert (history["action"], history["actor"], history["to"]) == (
        "thing.made",
        "user:u1",
        "open",
    )
    assert history["correlation_id"] == "corr-1"
    audit = aws.row("audit", KEYS.key("ENT", "thing:i1"), sequence(1))
    assert audit is not None
    assert audit["prev_hash"] == GENESIS
    assert audit["hash"] == chain_hash(audit) == stored["audit_hash"]


def test_a_change_moves_version_history_and_chain_together(
    platform: Platform, aws: AwsWorld
) -> None:
    row = _created(platform)
    unit = _unit(platform)
    changed = unit.change(
        row,
        Change("thing.closed", "closed", detail={"why": "done"}),
        assign={"name": "y"},
        remove=("colour",),
    )
    unit.commit()
    assert (changed["state"], changed["version"], changed["name"]) == ("closed", 2, "y")
    rows = aws.rows("audit")
    assert [row["seq"] for row in rows] == [1, 2]
    assert rows[1]["prev_hash"] == rows[0]["hash"]
    assert rows[1]["from"] == "open"
    assert all(row["hash"] == chain_hash(row) for row in rows)


def test_a_stale_read_costs_a_retry_and_writes_nothing(platform: Platform, aws: AwsWorld) -> None:
    row = _created(platform)
    first, second = _unit(platform), _unit(platform)
    first.change(row, Change("a", "closed"))
    second.change(row, Change("b", "lost"))
    first.commit()
    with pytest.raises(TransactionRefusedError) as refused:
        second.commit()
    assert refused.value.failed("thing:i1")
    assert len(aws.rows("audit")) == 2
    again = _unit(platform)
    again.create("thing", "i1", {}, Change("made", "open"))
    with pytest.raises(ConflictError):
        again.commit()


def test_an_extra_condition_guards_the_change(platform: Platform) -> None:
    row = _created(platform)
    unit = _unit(platform)
    unit.change(row, Change("a", "open"), when=equals("name", "other"))
    with pytest.raises(TransactionRefusedError):
        unit.commit()


def test_every_entity_is_in_the_register(platform: Platform) -> None:
    row = _created(platform)
    _created(platform, "i2")
    unit = _unit(platform)
    unit.change(row, Change("a", "closed"))
    unit.commit()
    page = platform.database.query("core", KEYS.key("ENTITIES"), index="by")
    assert [item["by_sk"] for item in page.items] == ["thing:i1", "thing:i2"]


def test_a_business_key_is_reserved_for_ever(platform: Platform, aws: AwsWorld) -> None:
    unit = _unit(platform)
    unit.unique("CONTRACT", "c1", owner="i1")
    unit.commit()
    (row,) = aws.rows("flow")
    assert "ttl" not in row
    twice = _unit(platform)
    twice.unique("CONTRACT", "c1", owner="i2")
    with pytest.raises(TransactionRefusedError) as refused:
        twice.commit()
    assert refused.value.failed("unique:CONTRACT:c1")
    over = _unit(platform)
    over.unique("CONTRACT", "c1", owner="i2", replaces="i1")
    over.commit()
    assert aws.rows("flow")[0]["owner"] == "i2"


def test_an_incoming_event_counts_once(platform: Platform, aws: AwsWorld) -> None:
    unit = _unit(platform)
    unit.received("kopru.workspace", "e1")
    unit.commit()
    (row,) = aws.rows("flow")
    assert row["ttl"] == int(START.timestamp()) + 90 * 86_400
    twice = _unit(platform)
    twice.received("kopru.workspace", "e1")
    with pytest.raises(TransactionRefusedError) as refused:
        twice.commit()
    assert refused.value.failed("inbox")


def test_an_entry_has_two_equal_legs_and_moves_the_balance(
    platform: Platform, aws: AwsWorld
) -> None:
    unit = _unit(platform)
    for number, amount in enumerate((500, 468)):
        unit.entry(
            "contract-2026-06",
            f"c{number}",
            debit="withheld",
            credit="owed",
            amount=amount,
            currency="TRY",
        )
    unit.commit()
    rows = aws.rows("ledger")
    entries = [row for row in rows if row["sk"].startswith("ENTRY#")]
    balance = next(row for row in rows if row["sk"] == "BAL")
    for leg in ("D", "C"):
        assert sum(row["amount"] for row in entries if row["leg"] == leg) == 968
    assert (balance["D_withheld"], balance["C_owed"]) == (968, 968)
    twice = _unit(platform)
    twice.entry("contract-2026-06", "c0", debit="a", credit="b", amount=1, currency="TRY")
    with pytest.raises(TransactionRefusedError):
        twice.commit()


def test_news_and_work_leave_with_the_commit(platform: Platform, aws: AwsWorld) -> None:
    unit = _unit(platform)
    unit.publish("pensions.SubmissionFinished.v1", "job:j1", {"job_id": "j1"})
    unit.enqueue(aws.queue_url("pensions-import"), {"job_id": "j1"}, delay_seconds=0)
    unit.commit()
    (event,) = aws.published()
    assert (event["type"], event["tenant_id"], event["source"]) == (
        "pensions.SubmissionFinished.v1",
        "T1",
        "kopru.pensions",
    )
    assert aws.messages("pensions-import") == [
        {"v": 1, "tenant_id": "T1", "hops": 0, "job_id": "j1"}
    ]
    rows = aws.rows("flow")
    assert len(rows) == 2
    assert all("dispatched_at" in row and "due_pk" not in row for row in rows)


def test_nothing_leaves_when_nothing_was_written(platform: Platform, aws: AwsWorld) -> None:
    row = _created(platform)
    unit = _unit(platform)
    unit.change({**row, "version": 9}, Change("a", "closed"))
    unit.publish("pensions.SubmissionFinished.v1", "job:j1", {})
    with pytest.raises(TransactionRefusedError):
        unit.commit()
    assert aws.published() == []
    assert aws.rows("flow") == []


def test_a_failed_delivery_is_no_failed_commit(platform: Platform, aws: AwsWorld) -> None:
    unit = _unit(platform)
    unit.create("thing", "i1", {}, Change("made", "open"))
    unit.enqueue(aws.queue_url("no-such-queue"), {"x": "y"})
    unit.commit()
    assert aws.row("core", entity_key(KEYS, "thing", "i1")) is not None
    (row,) = aws.rows("flow")
    assert "due_pk" in row, "the sweep will repeat it"


def test_dispatch_can_be_left_to_the_sweep(platform: Platform, aws: AwsWorld) -> None:
    unit = _unit(platform)
    unit.enqueue(aws.queue_url("pensions-import"), {"x": "y"})
    unit.commit(dispatch=False)
    assert aws.messages("pensions-import") == []


def test_two_keyspaces_share_one_commit(platform: Platform, aws: AwsWorld) -> None:
    system = UnitOfWork(
        platform.machinery, Keyspace.of_system("wsp"), TenantContext("", "system:x")
    )
    tenant = system.beside(Keyspace("wsp", "T2"), TenantContext("T2", "user:u"))
    system.create("person", "p1", {}, Change("made", "active"))
    tenant.create("user", "p1", {}, Change("made", "active"))
    tenant.publish("workspace.TenantCreated.v1", "tenant:T2", {})
    assert len(system) == len(tenant) == 7
    system.commit()
    keys = {row["pk"] for row in aws.rows("core")}
    assert {"wsp#SYS#PERSON#p1", "wsp#T#T2#USER#p1"} <= keys
    assert aws.published()[0]["tenant_id"] == "T2"


@pytest.mark.parametrize("field", ["actor", "action", "to", "seq", "content_hash", "prev_hash"])
def test_any_changed_field_changes_the_hash(field: str, platform: Platform, aws: AwsWorld) -> None:
    _created(platform)
    (row,) = aws.rows("audit")
    forged: dict[str, Any] = {**row, field: "forged"}
    assert chain_hash(forged) != row["hash"]


def test_every_unit_stamps_its_writes_with_its_own_id(platform: Platform) -> None:
    assert _unit(platform).transaction.write_id != _unit(platform).transaction.write_id
