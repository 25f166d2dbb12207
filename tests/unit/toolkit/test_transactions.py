"""One TransactWriteItems as a value: all or nothing, and an own success is no conflict."""

import random
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from kernel.errors import ConflictError
from tests.support.aws import AwsWorld, table_name
from toolkit.aws.dynamodb import (
    Condition,
    Database,
    Keyspace,
    absent,
    at_most,
    equals,
    exists,
    from_item,
    more_than,
    one_of,
    to_attribute,
    to_item,
)
from toolkit.aws.transactions import MAX_ACTIONS, Transaction, TransactionRefusedError
from toolkit.platform import Platform

KEYS = Keyspace("wsp", "T1")


@pytest.fixture
def database(platform: Platform) -> Database:
    """The six tables of this test."""
    return platform.database


def _row(name: str, **attributes: Any) -> dict[str, Any]:
    return {"pk": KEYS.key("THING", name), "sk": "META", **attributes}


def _put(database: Database, name: str, write_id: str = "w0", **attributes: Any) -> None:
    transaction = Transaction(write_id)
    transaction.put_new("core", _row(name, **attributes))
    transaction.commit(database)


def test_all_writes_appear_together(database: Database, aws: AwsWorld) -> None:
    _put(database, "a", state="open", n=1)
    transaction = Transaction("w1")
    transaction.put_new("core", _row("b"))
    transaction.update(
        "core",
        KEYS.key("THING", "a"),
        "META",
        assign={"state": "done"},
        add={"n": 4},
        remove=("gone",),
        when=equals("state", "open"),
    )
    transaction.check("core", KEYS.key("THING", "c"), "META", absent())
    transaction.commit(database)
    rows = {row["pk"]: row for row in aws.rows("core")}
    assert rows[KEYS.key("THING", "a")]["state"] == "done"
    assert rows[KEYS.key("THING", "a")]["n"] == 5
    assert len(rows) == 2


def test_one_failed_condition_writes_nothing_and_is_named(
    database: Database, aws: AwsWorld
) -> None:
    _put(database, "a", state="done")
    transaction = Transaction("w1")
    transaction.put_new("core", _row("b"), label="new")
    transaction.update(
        "core",
        KEYS.key("THING", "a"),
        "META",
        assign={"n": 1},
        when=equals("state", "open"),
        label="move",
    )
    with pytest.raises(TransactionRefusedError) as refused:
        transaction.commit(database)
    assert refused.value.failed("move")
    assert not refused.value.failed("new")
    current = refused.value.current("move")
    assert current is not None
    assert current["state"] == "done"
    assert len(aws.rows("core")) == 1


def test_a_row_that_is_not_there_has_no_current_form(database: Database) -> None:
    transaction = Transaction("w1")
    transaction.check("core", KEYS.key("THING", "x"), "META", exists(), label="need")
    with pytest.raises(TransactionRefusedError) as refused:
        transaction.commit(database)
    assert refused.value.failed("need")
    assert refused.value.current("need") is None


class _LostResponse:
    """The first call is applied, its response is lost, and the SDK asks again."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.exceptions = client.exceptions
        self.calls = 0

    def transact_write_items(self, **request: Any) -> Any:
        self.calls += 1
        answer = self._client.transact_write_items(**request)
        if self.calls == 1:
            # What the SDK does after a read timeout: the same request once more.
            return self.transact_write_items(**request)
        return answer


def test_an_own_success_behind_a_lost_response_is_a_success(
    database: Database, aws: AwsWorld
) -> None:
    _put(database, "a", state="open", version=1)
    lossy = Database(_LostResponse(database.client), database.tables)
    transaction = Transaction("w1")
    transaction.update(
        "core",
        KEYS.key("THING", "a"),
        "META",
        assign={"state": "done", "version": 2},
        when=equals("version", 1),
        label="move",
    )
    transaction.put_new("flow", {"pk": KEYS.key("OUT", "e1"), "sk": "-", "kind": "event"})
    transaction.commit(lossy)
    assert aws.row("core", KEYS.key("THING", "a")) is not None
    assert len(aws.rows("flow")) == 1


def test_somebody_elses_success_is_a_conflict(database: Database) -> None:
    _put(database, "a", write_id="somebody")
    transaction = Transaction("w1")
    transaction.put_new("core", _row("a"), label="new")
    with pytest.raises(TransactionRefusedError):
        transaction.commit(database)


class _Contended:
    """Other writers keep winning for some calls."""

    def __init__(self, client: Any, times: int, code: str = "TransactionConflict") -> None:
        self._client = client
        self._times = times
        self._code = code
        self.exceptions = client.exceptions

    def transact_write_items(self, **request: Any) -> Any:
        self._times -= 1
        if self._times >= 0:
            reasons = [{"Code": self._code}] + [{"Code": "None"}] * (
                len(request["TransactItems"]) - 1
            )
            raise self.exceptions.TransactionCanceledException(
                {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons},
                "TransactWriteItems",
            )
        return self._client.transact_write_items(**request)


def test_contention_is_waited_out_then_told(database: Database) -> None:
    waits: list[float] = []
    transaction = Transaction("w1")
    transaction.put_new("core", _row("a"))
    busy = Database(_Contended(database.client, 4), database.tables)
    transaction.commit(busy, sleep=waits.append)
    assert len(waits) == 4
    assert all(0 <= wait <= 0.05 * 2**number for number, wait in enumerate(waits))
    again = Transaction("w2")
    again.put_new("core", _row("b"))
    with pytest.raises(ConflictError) as told:
        again.commit(Database(_Contended(database.client, 9), database.tables), sleep=waits.append)
    assert told.value.code == "too_much_contention"


def test_an_unexplained_cancellation_is_not_swallowed(database: Database) -> None:
    transaction = Transaction("w1")
    transaction.put_new("core", _row("a"))
    odd = Database(_Contended(database.client, 1, "ItemCollectionSizeLimit"), database.tables)
    with pytest.raises(database.client.exceptions.TransactionCanceledException):
        transaction.commit(odd)


class _Silent:
    """No answer ever comes."""

    def __init__(self, client: Any) -> None:
        self.exceptions = client.exceptions

    def transact_write_items(self, **_request: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="https://dynamodb")


def test_no_answer_at_all_is_an_error_for_the_record(database: Database) -> None:
    transaction = Transaction("w1")
    transaction.put_new("core", _row("a"))
    with pytest.raises(ReadTimeoutError):
        transaction.commit(Database(_Silent(database.client), database.tables))


def test_an_empty_transaction_asks_nobody(database: Database, aws: AwsWorld) -> None:
    aws.rules.requests.clear()
    Transaction("w1").commit(database)
    assert aws.rules.requests == []


def test_a_row_is_touched_once_and_a_hundred_actions_fit(database: Database, aws: AwsWorld) -> None:
    twice = Transaction("w1")
    twice.put_new("core", _row("a"))
    with pytest.raises(ValueError, match="touches a row once"):
        twice.put_new("core", _row("a"))
    twice.check("core", KEYS.key("THING", "a"), "META", absent())
    assert len(twice) == 1
    full = Transaction("w2")
    for number in range(MAX_ACTIONS):
        full.put_new("core", _row(f"n{number}"))
    full.commit(database)
    assert len(aws.rows("core")) == MAX_ACTIONS
    over = Transaction("w3")
    for number in range(MAX_ACTIONS + 1):
        over.put_new("core", _row(f"m{number}"))
    with pytest.raises(ValueError, match="do not fit"):
        over.commit(database)


def test_counters_of_one_row_become_one_addition(database: Database, aws: AwsWorld) -> None:
    transaction = Transaction("w1")
    transaction.put_new("core", _row("guard"))
    for _ in range(5):
        transaction.count("core", KEYS.key("SUM"), "BAL", {"total": 3, "lines": 1})
    transaction.count("core", KEYS.key("SUM"), "BAL", {"lines": -5})
    assert len(transaction) == 2
    transaction.commit(database)
    row = aws.row("core", KEYS.key("SUM"), "BAL")
    assert row is not None
    assert row["total"] == 15
    assert row.get("lines", 0) == 0


# ---------------------------------------------------------------------------- conditions


def _holds(database: Database, condition: Condition) -> bool:
    return (
        database.update("core", KEYS.key("THING", "a"), "META", assign={"seen": 1}, when=condition)
        is not None
    )


def test_conditions_mean_what_they_say(database: Database) -> None:
    _put(database, "a", state="open", n=5)
    assert _holds(database, exists() & equals("state", "open"))
    assert _holds(database, one_of("state", ("x", "open")))
    assert _holds(database, at_most("n", 5) & more_than("n", 4))
    assert _holds(database, equals("state", "x") | absent("missing"))
    assert not _holds(database, absent())
    assert not _holds(database, one_of("state", ("x", "y")))
    assert not _holds(database, at_most("n", 4))
    assert not _holds(database, more_than("n", 5))


# ---------------------------------------------------------------------------- values


def test_values_come_back_as_they_went() -> None:
    values = {
        "text": "Şükrü",
        "number": -12,
        "flag": True,
        "nothing": None,
        "bytes": b"\x00\xff",
        "list": [1, "a", [None]],
        "map": {"a": {"b": 2}},
    }
    assert from_item(to_item(values)) == values
    assert to_attribute(True) == {"BOOL": True}
    assert from_item(to_item({"t": (1, 2)})) == {"t": [1, 2]}


@pytest.mark.parametrize("value", [1.5, object(), {1, 2}])
def test_floats_and_strangers_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        to_attribute(value)


# ---------------------------------------------------------------------------- keys


def test_keys_belong_to_a_tenant_or_to_the_system() -> None:
    assert KEYS.key("THING", "1") == "wsp#T#T1#THING#1"
    assert KEYS.system("LINK", "h") == "wsp#SYS#LINK#h"
    assert Keyspace.of_system("wsp").key("PERSON", "1") == "wsp#SYS#PERSON#1"
    assert KEYS.due("x").startswith("wsp#SYS#DUE#")
    assert KEYS.due("x") in KEYS.due_shards()
    with pytest.raises(ValueError, match="needs a tenant"):
        Keyspace("wsp").key("THING")
    with pytest.raises(ValueError, match="unknown context"):
        Keyspace("xyz", "T1")
    with pytest.raises(ValueError, match="tenant or to the system"):
        Keyspace("wsp", "T1", system_wide=True)
    for wrong in ("", "a#b"):
        with pytest.raises(ValueError, match="segment"):
            KEYS.key("THING", wrong)
        with pytest.raises(ValueError, match="segment"):
            Keyspace("wsp", wrong)


# ---------------------------------------------------------------------------- reading


@pytest.fixture
def many(database: Database) -> list[str]:
    """Two hundred and fifty rows in a list."""
    names = [f"{number:04d}" for number in range(250)]
    for start in range(0, 250, 100):
        transaction = Transaction(f"w{start}")
        for name in names[start : start + 100]:
            transaction.put_new("core", _row(name, by_pk=KEYS.key("LIST"), by_sk=name, n=int(name)))
        transaction.commit(database)
    return names


def test_lists_are_read_whole_in_pages_and_backwards(
    database: Database, many: list[str], aws: AwsWorld
) -> None:
    assert [row["by_sk"] for row in database.list_all(KEYS.key("LIST"))] == many
    page = database.list_rows(KEYS.key("LIST"), limit=100)
    rest = database.list_rows(KEYS.key("LIST"), limit=100, after=page.next_key)
    assert [row["by_sk"] for row in (*page.items, *rest.items)] == many[:200]
    last = database.list_rows(KEYS.key("LIST"), limit=2, forward=False)
    assert [row["by_sk"] for row in last.items] == ["0249", "0248"]
    upto = database.list_rows(KEYS.key("LIST"), up_to="0010", limit=3, forward=False)
    assert [row["by_sk"] for row in upto.items] == ["0010", "0009", "0008"]
    between = database.query("core", KEYS.key("LIST"), index="by", since="0100", up_to="0103")
    assert [row["by_sk"] for row in between.items] == ["0100", "0101", "0102", "0103"]
    prefixed = database.list_rows(KEYS.key("LIST"), prefix="002")
    assert len(prefixed.items) == 10
    keys = [(KEYS.key("THING", name), "META") for name in (*many, "none", many[0])]
    aws.rules.requests.clear()
    assert len(database.get_many("core", keys)) == 250
    assert aws.rules.requests == ["dynamodb.BatchGetItem"] * 3
    assert database.get("core", KEYS.key("THING", "none"), "META") is None


class _Forgetful:
    """Answers only half of what a batch asks, now and then nothing."""

    def __init__(self, client: Any, *, never: bool = False) -> None:
        self._client = client
        self._dice = random.Random(7)
        self._never = never

    def batch_get_item(self, RequestItems: Any) -> Any:
        ((table, wanted),) = RequestItems.items()
        keys = list(wanted["Keys"])
        self._dice.shuffle(keys)
        now = [] if self._never else keys[: max(1, len(keys) // 2)]
        left = keys[len(now) :]
        if not now:
            return {"Responses": {}, "UnprocessedKeys": {table: {"Keys": left}}}
        answer = self._client.batch_get_item(RequestItems={table: {**wanted, "Keys": now}})
        answer["UnprocessedKeys"] = {table: {"Keys": left}} if left else {}
        return answer

    def batch_write_item(self, RequestItems: Any) -> Any:
        ((table, writes),) = RequestItems.items()
        half = [] if self._never else writes[: max(1, len(writes) // 2)]
        if half:
            self._client.batch_write_item(RequestItems={table: half})
        left = writes[len(half) :]
        return {"UnprocessedItems": {table: left} if left else {}}


def test_leftovers_of_batches_are_asked_again(database: Database, many: list[str]) -> None:
    slow = Database(_Forgetful(database.client), database.tables)
    keys = [(KEYS.key("THING", name), "META") for name in many[:60]]
    assert len(slow.get_many("core", keys)) == 60
    rows = [{"pk": KEYS.key("OUT", f"e{n}"), "sk": "-", "kind": "event"} for n in range(20)]
    slow.overwrite_many("flow", rows)
    found = database.get_many("flow", [(row["pk"], "-") for row in rows])
    assert len(found) == 20
    never = Database(_Forgetful(database.client, never=True), database.tables)
    with pytest.raises(RuntimeError, match="unprocessed"):
        never.get_many("core", keys)
    with pytest.raises(RuntimeError, match="unprocessed"):
        never.overwrite_many("flow", rows)


def test_single_rows_are_put_once_and_edge_rows_deleted(database: Database, aws: AwsWorld) -> None:
    pk = KEYS.system("LINK", "h")
    assert database.put_new("edge", {"pk": pk, "sk": "-", "n": 1})
    assert not database.put_new("edge", {"pk": pk, "sk": "-", "n": 1})
    changed = database.update("edge", pk, "-", assign={"a": 1}, remove=("n",))
    assert changed == {"pk": pk, "sk": "-", "a": 1}
    database.delete_edge(pk)
    assert aws.rows("edge") == []
    assert database.tables.name("core") == table_name("core")
