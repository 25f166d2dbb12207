"""What is behind the messages: queues that lose everything, deliveries that never happen, weeks."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from kernel.errors import ConflictError
from tests.crash.use_cases import (
    BY_NAME,
    LINES,
    calculated,
    command,
    count_of,
    enrolled,
    prepared_people,
    small_groups,
    submit_money,
    submit_people,
)
from tests.support.aws import platform_of
from tests.support.drive import PROVIDER, Drive, Explorer, UnsettledError, Work, driving
from tests.support.faults import SWITCHBOARD, Faults, Killed
from tests.support.invariants import settled
from toolkit.aws.dynamodb import Keyspace, equals
from toolkit.aws.outbox import Outbox
from toolkit.aws.transactions import Transaction, TransactionRefusedError

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _groups() -> Iterator[None]:
    with small_groups():
        yield


@pytest.fixture
def drive() -> Iterator[Drive]:
    """A world of its own."""
    with driving() as made:
        yield made


# ---------------------------------------------------------------------------- lost messages


def test_queues_that_lose_every_message_cost_time_and_nothing_else(drive: Drive) -> None:
    """The message of every step is thrown away; only the sweep knows that there is work (Q7)."""
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    submit_people(drive, contract_id)
    seen: set[str] = set()
    for _ in range(30):
        lost = [work for work in drive.mailbox if str(work.body) not in seen]
        seen |= {str(work.body) for work in lost}
        drive.mailbox[:] = [work for work in drive.mailbox if work not in lost]
        with contextlib.suppress(UnsettledError):
            drive.settle(1)
    assert count_of(drive, "employee", "enrolled") == LINES
    assert settled(drive) == []


def test_without_any_inline_delivery_the_minute_run_delivers_all(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Outbox.dispatch

    def relayed_only(outbox: Outbox, deliveries: Any) -> int:
        rows = list(deliveries)
        # The relay reads rows back from the table; the inline delivery has them in hand.
        return real(outbox, rows) if all("w" in delivery.row for delivery in rows) else 0

    monkeypatch.setattr(Outbox, "dispatch", relayed_only)
    contract_id = drive.contract()
    drive.people(contract_id, LINES)
    drive.use().submit_employees()(contract_id, None, command("one"))
    drive.collect()
    assert drive.mailbox == []
    drive.settle(30)
    assert count_of(drive, "employee", "enrolled") == LINES
    assert settled(drive) == []


def test_a_redrive_weeks_later_changes_nothing(drive: Drive) -> None:
    contract_id, ids = enrolled(drive, 3)
    calculated(drive, contract_id, ids)
    drive.deliver(submit_money(drive, contract_id))
    drive.work()
    drive.settle()
    drive.clock.advance(timedelta(days=30))
    before = {role: drive.rows(role) for role in ("core", "ledger", "audit")}
    for _ in range(2):
        for work in list(drive.received):
            assert drive.deliver(work)
    assert {role: drive.rows(role) for role in ("core", "ledger", "audit")} == before
    assert settled(drive) == []


@pytest.mark.parametrize(
    ("body", "acknowledged"),
    [
        ({"v": 2, "tenant_id": "TENANT-A", "hops": 0, "transmission_id": "X"}, False),
        ({"v": 1, "tenant_id": "TENANT-A", "hops": 6, "transmission_id": "X"}, True),
        ({"v": 1, "tenant_id": "TENANT-A", "hops": 0}, True),
        ({"v": 1, "hops": 0, "transmission_id": "X"}, True),
        ({"v": 1, "tenant_id": "TENANT-A", "hops": 0, "transmission_id": "X"}, True),
    ],
    ids=["newer version", "too many hops", "no id", "no tenant", "unknown id"],
)
def test_messages_nobody_can_do_are_parked_or_wait_for_newer_code(
    drive: Drive, body: dict[str, Any], acknowledged: bool
) -> None:
    before = drive.rows("core")
    assert drive.deliver(Work("send", body)) is acknowledged
    assert drive.rows("core") == before


# ---------------------------------------------------------------------------- lost responses


@pytest.mark.parametrize("name", ["send enrolment", "send collection", "prepare collection"])
def test_a_lost_response_of_aws_is_finished_in_the_same_run(drive: Drive, name: str) -> None:
    """D2: the repeated write meets our own stamp and is success, not a conflict."""
    explorer = Explorer(drive, BY_NAME[name], settled)
    for n, label in enumerate(explorer.trace(), 1):
        if not label.startswith("insurer."):
            assert explorer.delivered_at_once(Faults(n, "LR")), label


def test_the_own_write_is_known_by_its_stamp_and_a_foreign_one_is_a_refusal(drive: Drive) -> None:
    database = drive.platform.database
    pk = Keyspace("pen", "TENANT-A").key("UNIQ", "X")

    def transaction(write_id: str) -> Transaction:
        made = Transaction(write_id)
        made.put_new("flow", {"pk": pk, "sk": "-", "owner": write_id}, label="unique:X")
        return made

    transaction("first").commit(database)
    transaction("first").commit(database)  # the response was lost, the SDK gave up, we repeat
    with pytest.raises(TransactionRefusedError) as caught:
        transaction("second").commit(database)
    assert caught.value.failed("unique:X")
    assert (caught.value.current("unique:X") or {})["owner"] == "first"


def test_the_own_write_is_known_even_after_somebody_went_on_from_it(drive: Drive) -> None:
    database = drive.platform.database
    keys = Keyspace("pen", "TENANT-A")

    def transaction() -> Transaction:
        made = Transaction("first")
        head = keys.key("UNIQ", "HEAD")
        made.update("flow", head, "-", assign={"n": 2}, when=equals("n", 1), label="head")
        made.put_new("flow", {"pk": keys.key("IN", "X"), "sk": "-"}, label="guard")
        return made

    database.put_new("flow", {"pk": keys.key("UNIQ", "HEAD"), "sk": "-", "n": 1})
    transaction().commit(database)
    later = Transaction("later")
    later.update("flow", keys.key("UNIQ", "HEAD"), "-", assign={"n": 3}, when=equals("n", 2))
    later.commit(database)
    transaction().commit(database)  # the head has moved on; the guard row still says it was us
    row = database.get("flow", keys.key("UNIQ", "HEAD"), "-")
    assert row is not None
    assert row["n"] == 3


def test_a_conflict_between_transactions_is_tried_again_then_told(drive: Drive) -> None:
    """moto never answers TransactionConflict (HX, D4)."""

    class Conflicting:
        """A client that is refused by a conflict some times."""

        def __init__(self, real: Any, times: int) -> None:
            self._real, self.times = real, times

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        def transact_write_items(self, **request: Any) -> Any:
            """Refused until the times are used up."""
            if self.times:
                self.times -= 1
                reasons = [{"Code": "TransactionConflict"} for _ in request["TransactItems"]]
                raise self._real.exceptions.TransactionCanceledException(
                    {
                        "Error": {"Code": "TransactionCanceledException"},
                        "CancellationReasons": reasons,
                    },
                    "TransactWriteItems",
                )
            return self._real.transact_write_items(**request)

    platform = platform_of(drive.aws, clock=drive.clock)
    database = platform.database
    waits: list[float] = []
    pk = Keyspace("pen", "TENANT-A").key("UNIQ", "Y")
    for times, number in ((4, 1), (9, 2)):
        database.client = Conflicting(drive.platform.client("dynamodb"), times)
        made = Transaction(f"write {number}")
        made.put_new("flow", {"pk": f"{pk}{number}", "sk": "-"})
        if times < 5:
            made.commit(database, sleep=waits.append)
        else:
            with pytest.raises(ConflictError) as caught:
                made.commit(database, sleep=waits.append)
            assert caught.value.code == "too_much_contention"
    assert len(waits) == 4 + 5


# ---------------------------------------------------------------------------- the harness itself


def test_a_killed_process_reaches_nothing_any_more(drive: Drive) -> None:
    contract_id = drive.contract()
    drive.people(contract_id, 1)
    work = prepared_people(drive, contract_id)
    SWITCHBOARD.faults = faults = Faults(3, "KB")
    try:
        assert not drive.deliver(work)
        assert len(faults.trace) == 3
        queues = drive.platform.client("sqs")
        with SWITCHBOARD.actor() as actor:
            actor.dead = True
            with pytest.raises(Killed):
                queues.list_queues()
    finally:
        SWITCHBOARD.faults = None
    assert drive.insurers.calls[PROVIDER, "enrol"] == 0


def test_a_refused_call_leaves_no_effect_behind(drive: Drive) -> None:
    """Without switching the emulation off, moto would apply what was refused (X9)."""
    database = drive.platform.database
    pk = Keyspace("pen", "TENANT-A").key("UNIQ", "Z")
    client = drive.platform.client("dynamodb")
    for mode, there in (("TP", False), ("E5", True)):
        SWITCHBOARD.faults = Faults(1, mode)
        try:
            if mode == "TP":
                with pytest.raises(client.exceptions.ClientError):
                    database.put_new("flow", {"pk": pk, "sk": "-"})
            else:
                assert not database.put_new("flow", {"pk": pk, "sk": "-"})
        finally:
            SWITCHBOARD.faults = None
        assert (database.get("flow", pk, "-") is not None) is there
