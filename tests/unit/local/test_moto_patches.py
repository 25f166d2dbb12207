"""Each correction of moto: what goes wrong without it, and that it is right with it.

A test whose *first* half fails says that an upgrade of moto repaired (or moved) something: the
patch can go. A test whose *second* half fails says that the upgrade broke the patch.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import backends, mock_aws
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.kms.models import kms_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local.cloud import moto_patches
from infra.local.cloud.dynamodb import expressions
from infra.local.cloud.dynamodb.front import DynamoDbFront
from infra.local.cloud.moto_patches import PATCHES, patched
from infra.local.template import Scope
from tests.support.aws import Unrecorded

REGION = "eu-central-1"
ACCOUNT = "123456789012"
TABLE = "core"

INDEXES = [("due", "due_pk", "due_sk"), ("listing", "by_pk", "by_sk")]


class Refused(Exception):
    """An error answer of DynamoDB."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(json.dumps(answer))
        self.answer = answer
        self.code = str(answer["__type"]).rpartition("#")[2]


class Database:
    """moto's DynamoDB, called as the endpoint calls it: no HTTP, no SDK."""

    def __init__(self) -> None:
        dynamodb_backends[ACCOUNT][REGION].reset()
        names = ["pk", "sk", *(name for _, *keys in INDEXES for name in keys)]
        dynamodb_backends[ACCOUNT][REGION].create_table(
            TABLE,
            schema=keys("pk", "sk"),
            throughput=None,
            attr=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            global_indexes=[
                {
                    "IndexName": name,
                    "KeySchema": keys(hash_name, range_name),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for name, hash_name, range_name in INDEXES
            ],
            indexes=[],
            streams=None,
            billing_mode="PAY_PER_REQUEST",
            sse_specification=None,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )
        self._front = DynamoDbFront(Scope(REGION, ACCOUNT), Unrecorded())

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        """One request. Raises: Refused."""
        if "Transact" not in operation and "Batch" not in operation:
            request["TableName"] = TABLE
        status, body = self._front.answer(operation, json.dumps(request).encode())
        answer: dict[str, Any] = json.loads(body)
        if status != 200:
            raise Refused(answer)
        return answer

    def get(self, pk: str) -> Any:
        """One item, or None."""
        return self("GetItem", Key=key(pk)).get("Item")


def keys(hash_name: str, range_name: str) -> Any:
    return [
        {"AttributeName": hash_name, "KeyType": "HASH"},
        {"AttributeName": range_name, "KeyType": "RANGE"},
    ]


@contextmanager
def world(*names: str) -> Iterator[Database]:
    """A fresh table on moto with these patches."""
    with patched(names):
        yield Database()


def both(scenario: Callable[[Database], Any], *names: str) -> tuple[Any, Any]:
    """What a scenario answers without and with patches."""
    with world() as database:
        before = scenario(database)
    with world(*names) as database:
        after = scenario(database)
    return before, after


def key(pk: str, sk: str = "META") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def table() -> Any:
    return dynamodb_backends[ACCOUNT][REGION].tables[TABLE]


# ---------------------------------------------------------------------- one test per patch


def test_service_list_once() -> None:
    once = [backends.list_of_moto_modules() for _ in range(2)]
    assert once[0] is not once[1]
    names = list(backends.list_of_moto_modules())
    with patched(["service-list-once"]):
        again = [backends.list_of_moto_modules() for _ in range(2)]
        assert again[0] is again[1]
        assert list(again[0]) == names


def test_one_request_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []
    most = 0
    original = DynamoHandler.put_item

    def slowly(self: Any) -> Any:
        nonlocal most
        running.append(1)
        most = max(most, len(running))
        time.sleep(0.05)
        running.pop()
        return original(self)

    monkeypatch.setattr(DynamoHandler, "put_item", slowly)

    def scenario(*names: str) -> int:
        nonlocal most
        most = 0
        with mock_aws(), patched(names):
            client = boto3.client("dynamodb", region_name=REGION)
            client.create_table(
                TableName=TABLE,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                KeySchema=keys("pk", "pk")[:1],
            )
            threads = [
                threading.Thread(
                    target=client.put_item,
                    kwargs={"TableName": TABLE, "Item": {"pk": {"S": str(number)}}},
                )
                for number in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return most

    assert scenario() > 1
    assert scenario("one-request-at-a-time") == 1


def test_indexed_items(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    original = Table.all_items

    def all_items(self: Any) -> Any:
        nonlocal looked
        looked += 1
        return original(self)

    monkeypatch.setattr(Table, "all_items", all_items)

    def scenario(database: Database) -> tuple[list[Any], int]:
        nonlocal looked
        for number in range(5):
            row = {**key("T", f"{number}"), "due_pk": {"S": "D"}, "due_sk": {"S": f"{-number}"}}
            database("PutItem", Item=row)
        looked = 0
        return [query(database, "due", "D"), query(database, None, "T")], looked

    (rows, looks), (fast_rows, fast_looks) = both(scenario, "indexed-items", "updates-on-copies")
    assert looks == 2
    assert fast_looks == 0
    assert fast_rows == rows


def query(database: Database, index: str | None, value: str, **more: Any) -> Any:
    name = {name: hash_name for name, hash_name, _ in INDEXES}.get(index or "", "pk")
    return database(
        "Query",
        KeyConditionExpression="#h = :h",
        ExpressionAttributeNames={"#h": name},
        ExpressionAttributeValues={":h": {"S": value}},
        **({"IndexName": index} if index else {}),
        **more,
    )["Items"]


def test_updates_on_copies() -> None:
    def scenario(database: Database) -> Any:
        database("PutItem", Item={**key("A"), "a": {"S": "old"}, "n": {"S": "text"}})
        with pytest.raises(Refused, match="ValidationException"):
            database(
                "UpdateItem",
                Key=key("A"),
                UpdateExpression="SET a = :new ADD n :one",
                ExpressionAttributeValues={":new": {"S": "new"}, ":one": {"N": "1"}},
            )
        return database.get("A")["a"]["S"]

    assert both(scenario, "updates-on-copies") == ("new", "old")


def test_transactions_in_place() -> None:
    def scenario(database: Database) -> tuple[bool, Any]:
        database("PutItem", Item=key("taken"))
        same = table()
        with pytest.raises(Refused) as caught:
            database(
                "TransactWriteItems",
                TransactItems=[
                    {"Put": {"TableName": TABLE, "Item": key("new")}},
                    {
                        "Put": {
                            "TableName": TABLE,
                            "Item": {**key("taken"), "x": {"S": "y"}},
                            "ConditionExpression": "attribute_not_exists(pk)",
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                        }
                    },
                ],
            )
        assert database.get("new") is None
        reasons = caught.value.answer["CancellationReasons"]
        return table() is same, [(one["Code"], one.get("Item")) for one in reasons]

    before, after = both(scenario, "indexed-items", "updates-on-copies", "transactions-in-place")
    assert before[0] is False
    assert after[0] is True
    assert before[1] == after[1] == [("None", None), ("ConditionalCheckFailed", key("taken"))]


def test_request_tokens() -> None:
    def scenario(database: Database) -> str:
        add = {
            "TableName": TABLE,
            "Key": key("sum"),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        for _ in range(2):
            database("TransactWriteItems", TransactItems=[{"Update": add}], ClientRequestToken="t")
        return str(database.get("sum")["n"]["N"])

    assert both(scenario, "request-tokens") == ("2", "1")


def test_a_request_token_belongs_to_one_request() -> None:
    with world("request-tokens") as database:
        put = {"TableName": TABLE, "Item": key("a")}
        database("TransactWriteItems", TransactItems=[{"Put": put}], ClientRequestToken="t")
        other = {"TableName": TABLE, "Item": key("b")}
        with pytest.raises(Refused, match="IdempotentParameterMismatch"):
            database("TransactWriteItems", TransactItems=[{"Put": other}], ClientRequestToken="t")


def test_request_limits() -> None:
    def scenario(database: Database) -> tuple[bool, int]:
        puts = [{"PutRequest": {"Item": key(str(number))}} for number in range(26)]
        try:
            database("BatchWriteItem", RequestItems={TABLE: puts})
            accepted = True
        except Refused:
            accepted = False
        gets = [{"Get": {"TableName": TABLE, "Key": key(str(n))}} for n in range(26)]
        try:
            return accepted, len(database("TransactGetItems", TransactItems=gets)["Responses"])
        except Refused:
            return accepted, 0

    assert both(scenario, "request-limits") == ((True, 0), (False, 26))


def test_expressions_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = 0
    original = ConditionExpressionParser._lex_condition_expression

    def count(self: Any) -> Any:
        nonlocal parsed
        parsed += 1
        return original(self)

    monkeypatch.setattr(ConditionExpressionParser, "_lex_condition_expression", count)
    expressions._conditions.clear()

    def scenario(database: Database) -> int:
        nonlocal parsed
        parsed = 0
        for number in range(5):
            database(
                "PutItem",
                Item=key(str(number)),
                ConditionExpression="attribute_not_exists(pk) OR pk = :v",
                ExpressionAttributeValues={":v": {"S": str(number)}},
            )
        return parsed

    before, after = both(scenario, "expressions-once")
    assert before >= 10
    assert after == 1


def test_item_size_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = 0
    original = DynamoType.size

    def size(self: Any) -> Any:
        nonlocal measured
        measured += 1
        return original(self)

    monkeypatch.setattr(DynamoType, "size", size)
    attributes = {f"a{number}": {"S": "x"} for number in range(40)}

    def scenario() -> int:
        nonlocal measured
        measured = 0
        Item(DynamoType({"S": "h"}), None, attributes)
        return measured

    assert scenario() > 40 * 10
    with patched(["item-size-once"]):
        assert scenario() == 40


def test_an_item_is_not_larger_than_400_kilobytes() -> None:
    def scenario(database: Database) -> str:
        item = {**key("big"), "x": {"S": "x" * 405_001}}
        with pytest.raises(Refused) as caught:
            database("PutItem", Item=item)
        return str(caught.value)

    before, after = both(scenario, "item-size-once", "indexed-items")
    assert before == after


def test_a_transaction_is_not_larger_than_4_megabytes() -> None:
    items = [{**key(str(number)), "x": {"S": "x" * 399_000}} for number in range(11)]

    def scenario(database: Database) -> tuple[str, Any]:
        try:
            database(
                "TransactWriteItems",
                TransactItems=[{"Put": {"TableName": TABLE, "Item": item}} for item in items],
            )
        except Refused as error:
            return str(error), database.get("0")
        return "", database.get("0")

    patches = ("indexed-items", "updates-on-copies", "transactions-in-place")
    before, after = both(scenario, *patches)
    assert before[0] == ""
    assert "4 MB" in after[0]
    assert after[1] is None


class TestKms:
    @pytest.mark.parametrize(
        ("disable", "code"),
        [("disable_key", "DisabledException"), ("schedule_key_deletion", "KMSInvalidState")],
    )
    def test_disabled_keys_refuse(self, disable: str, code: str) -> None:
        def scenario() -> bytes:
            client = boto3.client("kms", region_name=REGION)
            key_id = client.create_key()["KeyMetadata"]["KeyId"]
            sealed = client.encrypt(KeyId=key_id, Plaintext=b"secret")["CiphertextBlob"]
            getattr(client, disable)(KeyId=key_id)
            return bytes(client.decrypt(CiphertextBlob=sealed)["Plaintext"])

        with mock_aws():
            assert scenario() == b"secret"
        with mock_aws(), patched(["disabled-keys-refuse"]), pytest.raises(ClientError, match=code):
            scenario()

    def test_symmetric_keys_are_cheap(self) -> None:
        def pair(spec: str) -> Any:
            backend = kms_backends[ACCOUNT][REGION]
            usage = "ENCRYPT_DECRYPT" if spec == "SYMMETRIC_DEFAULT" else "SIGN_VERIFY"
            return backend.create_key(None, usage, spec, "", None).private_key

        assert pair("SYMMETRIC_DEFAULT") is not None
        with patched(["symmetric-keys-are-cheap"]):
            assert pair("SYMMETRIC_DEFAULT") is None
            assert pair("ECC_NIST_P256") is not None

    def test_enabled_keys_still_work(self) -> None:
        with mock_aws(), patched(["disabled-keys-refuse"]):
            client = boto3.client("kms", region_name=REGION)
            key_id = client.create_key()["KeyMetadata"]["KeyId"]
            client.create_alias(AliasName="alias/a", TargetKeyId=key_id)
            sealed = client.encrypt(KeyId="alias/a", Plaintext=b"secret")["CiphertextBlob"]
            assert client.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"secret"
            assert client.generate_data_key(KeyId=key_id, KeySpec="AES_256")["Plaintext"]


class TestStateMachines:
    """Executions, on the interpreter inside moto."""

    ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"

    @contextmanager
    def machine(self, definition: dict[str, Any], *names: str) -> Iterator[tuple[Any, str]]:
        with (
            mock_aws(config={"stepfunctions": {"execute_state_machine": True}}),
            patched(names),
        ):
            client = boto3.client("stepfunctions", region_name=REGION)
            arn = client.create_state_machine(
                name="m", definition=json.dumps(definition), roleArn=self.ROLE
            )["stateMachineArn"]
            yield client, arn

    def waiting(self, **task: Any) -> dict[str, Any]:
        """One task that sends its token to a queue and waits."""
        return {
            "StartAt": "Ask",
            "States": {
                "Ask": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                    "Parameters": {
                        "QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/tokens",
                        "MessageBody.$": "$$.Task.Token",
                    },
                    "End": True,
                    **task,
                }
            },
        }

    def token(self) -> str:
        sqs = boto3.client("sqs", region_name=REGION)
        url = sqs.get_queue_url(QueueName="tokens")["QueueUrl"]
        for _ in range(200):
            for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
                return str(message["Body"])
            time.sleep(0.02)
        raise AssertionError("no token came")

    def ended(self, client: Any, arn: str) -> Any:
        for _ in range(400):
            execution = client.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(0.02)
        raise AssertionError("the execution did not end")

    def test_state_machines_run(self) -> None:
        definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": 1, "End": True}}}

        def scenario() -> Any:
            client = boto3.client("stepfunctions", region_name=REGION)
            arn = client.create_state_machine(
                name="m", definition=json.dumps(definition), roleArn=self.ROLE
            )["stateMachineArn"]
            run = client.start_execution(stateMachineArn=arn, name="n")["executionArn"]
            time.sleep(0.3)
            return client.describe_execution(executionArn=run).get("output")

        with mock_aws():
            assert scenario() is None
        with mock_aws(), patched(["state-machines-run"]):
            assert scenario() == "1"

    def test_executions_have_names(self) -> None:
        definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}

        def names(client: Any, arn: str) -> list[str]:
            for number in range(2):
                client.start_execution(stateMachineArn=arn, input=json.dumps(number))
            executions = client.list_executions(stateMachineArn=arn)["executions"]
            return [one["name"] for one in executions]

        with self.machine(definition) as (client, arn), pytest.raises(ClientError):
            names(client, arn)
        with self.machine(definition, "executions-have-names") as (client, arn):
            assert len(set(names(client, arn))) == 2

    def test_failures_keep_their_cause(self) -> None:
        def cause(client: Any, arn: str) -> str | None:
            boto3.client("sqs", region_name=REGION).create_queue(QueueName="tokens")
            run = client.start_execution(stateMachineArn=arn, name="n")["executionArn"]
            client.send_task_failure(taskToken=self.token(), error="No", cause="because")
            found: str | None = self.ended(client, run).get("cause")
            return found

        with self.machine(self.waiting()) as (client, arn):
            assert cause(client, arn) is None
        with self.machine(self.waiting(), "failures-keep-their-cause") as (client, arn):
            assert cause(client, arn) == "because"

    def test_tokens_are_good_once(self) -> None:
        slow_end = self.waiting(Next="Slow")
        del slow_end["States"]["Ask"]["End"]
        slow_end["States"]["Slow"] = {"Type": "Wait", "Seconds": 2, "End": True}

        def twice(client: Any, arn: str) -> None:
            boto3.client("sqs", region_name=REGION).create_queue(QueueName="tokens")
            client.start_execution(stateMachineArn=arn, name="n")
            token = self.token()
            client.send_task_success(taskToken=token, output="1")
            time.sleep(0.1)
            client.send_task_success(taskToken=token, output="2")

        with self.machine(slow_end) as (client, arn):
            twice(client, arn)
        with (
            self.machine(slow_end, "tokens-are-good-once") as (client, arn),
            pytest.raises(client.exceptions.TaskTimedOut),
        ):
            twice(client, arn)

    def test_a_token_of_an_ended_execution_has_timed_out(self) -> None:
        with self.machine(self.waiting(), "tokens-are-good-once") as (client, arn):
            boto3.client("sqs", region_name=REGION).create_queue(QueueName="tokens")
            run = client.start_execution(stateMachineArn=arn, name="n")["executionArn"]
            token = self.token()
            client.send_task_success(taskToken=token, output="1")
            assert self.ended(client, run)["status"] == "SUCCEEDED"
            with pytest.raises(client.exceptions.TaskTimedOut):
                client.send_task_failure(taskToken=token, error="late")
            with pytest.raises(client.exceptions.InvalidToken):
                client.send_task_success(taskToken="invented", output="1")

    def test_starting_executions_wait(self) -> None:
        def answer(client: Any, arn: str) -> str:
            boto3.client("sqs", region_name=REGION).create_queue(QueueName="tokens")
            run = client.start_execution(stateMachineArn=arn, name="n")["executionArn"]
            token = self.token()
            machine = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines[0]
            # An execution whose thread has not begun yet, found before the one that waits.
            worker = machine.executions[0].exec_worker
            starting = copy.copy(machine.executions[0])
            starting.exec_worker = copy.copy(worker)
            starting.exec_worker.env = None
            machine.executions.insert(0, starting)
            client.send_task_success(taskToken=token, output="1")
            machine.executions.remove(starting)
            return str(self.ended(client, run)["status"])

        with self.machine(self.waiting()) as (client, arn), pytest.raises(AttributeError):
            answer(client, arn)
        with self.machine(self.waiting(), "starting-executions-wait") as (client, arn):
            assert answer(client, arn) == "SUCCEEDED"

    def test_heartbeats_time_out_by_name(self) -> None:
        caught = {"Type": "Pass", "Result": "late", "End": True}
        definition = self.waiting(
            HeartbeatSeconds=1,
            TimeoutSeconds=30,
            Catch=[{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Late"}],
        )
        definition["States"]["Late"] = caught

        def status(client: Any, arn: str) -> str:
            boto3.client("sqs", region_name=REGION).create_queue(QueueName="tokens")
            run = client.start_execution(stateMachineArn=arn, name="n")["executionArn"]
            return str(self.ended(client, run)["status"])

        with self.machine(definition) as (client, arn):
            assert status(client, arn) != "SUCCEEDED"
        with self.machine(definition, "heartbeats-time-out-by-name") as (client, arn):
            assert status(client, arn) == "SUCCEEDED"


def test_every_patch_has_its_test() -> None:
    written = {name for name in globals() if name.startswith("test_")}
    written |= {*vars(TestKms), *vars(TestStateMachines)}
    for name in PATCHES:
        assert f"test_{name.replace('-', '_')}" in written


def test_patches_leave_no_trace() -> None:
    before = (Table.query, DynamoHandler.call_action, vars(Item)["__init__"])
    with patched():
        assert Table.query is not before[0]
    moto_patches.install()
    moto_patches.install()
    with pytest.raises(RuntimeError), patched():
        pass
    moto_patches.uninstall()
    assert (Table.query, DynamoHandler.call_action, vars(Item)["__init__"]) == before


# ---------------------------------------------------------------------- equal results

_TEXTS = st.sampled_from(["", "a", "ab", "b", "İ", "ş", "z"])
_SORTS = st.text("abş1", min_size=1, max_size=3)


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, Any]:
    row = key(draw(st.sampled_from("AB")), draw(_SORTS))
    if draw(st.booleans()):
        row["due_pk"] = {"S": draw(st.sampled_from("XY"))}
        if draw(st.booleans()):
            row["due_sk"] = {"S": draw(_SORTS)}
    row["text"] = {"S": draw(_TEXTS)}
    return row


_CONDITIONS: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.just(("", {})),
    st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), _SORTS).map(
        lambda pair: (f" AND #r {pair[0]} :r", {":r": {"S": pair[1]}})
    ),
    _SORTS.map(lambda text: (" AND begins_with(#r, :r)", {":r": {"S": text}})),
    st.tuples(_SORTS, _SORTS).map(
        lambda pair: (
            " AND #r BETWEEN :r AND :s",
            {":r": {"S": min(pair)}, ":s": {"S": max(pair)}},
        )
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(_rows(), max_size=14),
    removed=st.sets(st.integers(0, 13), max_size=4),
    index=st.sampled_from([None, "due"]),
    condition=_CONDITIONS,
    forward=st.booleans(),
    limit=st.sampled_from([1, 2, 3, 50]),
)
def test_queries_answer_as_before(
    rows: list[dict[str, Any]],
    removed: set[int],
    index: str | None,
    condition: tuple[str, dict[str, Any]],
    forward: bool,
    limit: int,
) -> None:
    hash_name, range_name = ("due_pk", "due_sk") if index else ("pk", "sk")

    def scenario(database: Database) -> list[Any]:
        for row in rows:
            database("PutItem", Item=row)
        for number in removed & set(range(len(rows))):
            gone = {name: rows[number][name] for name in ("pk", "sk")}
            present = database("GetItem", Key=gone).get("Item", {})
            if number % 2 or "due_pk" not in present:
                database("DeleteItem", Key=gone)
            else:
                database("UpdateItem", Key=gone, UpdateExpression="REMOVE due_pk SET kept = due_pk")
        found: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            names = {"#h": hash_name, **({"#r": range_name} if condition[0] else {})}
            answer = database(
                "Query",
                KeyConditionExpression=f"#h = :h{condition[0]}",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":h": {"S": "X" if index else "A"}, **condition[1]},
                ScanIndexForward=forward,
                Limit=limit,
                **({"IndexName": index} if index else {}),
                **more,
            )
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return found
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    before, after = both(scenario, *PATCHES)
    assert after == before


_VALUES = st.one_of(
    st.integers(-5, 5).map(lambda number: {"N": str(number)}),
    _TEXTS.map(lambda text: {"S": text}),
    st.just({"L": [{"S": "x"}, {"N": "1"}]}),
    st.just({"M": {"k": {"S": "v"}}}),
    st.just({"BOOL": True}),
)
_UPDATES = st.sampled_from(
    [
        "SET a = :x",
        "SET #n = :x, b = :y",
        "SET a = a + :x",
        "SET a = :x - a",
        "SET a = if_not_exists(a, :x)",
        "SET a = if_not_exists(b, :x) + :y",
        "SET a = b, b = a",
        "SET a = list_append(a, :x)",
        "SET a.k = :x",
        "SET a[0] = :x",
        "SET due_pk = :x",
        "SET pk = :x",
        "SET a = :x, a = :y",
        "SET a = :missing",
        "SET state = :x",
        "REMOVE a",
        "REMOVE a, b SET c = :x",
        "REMOVE a[0]",
        "ADD a :x",
        "ADD a :x SET b = :y",
        "DELETE a :x",
        "SET a = :x SET b = :y",
        "nonsense",
    ]
)
_CHECKS = st.sampled_from(
    [
        None,
        "attribute_exists(pk)",
        "attribute_not_exists(pk)",
        "a = :x",
        "a <> :x AND attribute_exists(a)",
        "a < :x OR b > :y",
        "NOT (a = :x)",
        "a IN (:x, :y)",
        "a BETWEEN :x AND :y",
        "begins_with(a, :x)",
        "contains(a, :x)",
        "attribute_type(a, :x)",
        "size(a) > :x",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    present=st.one_of(st.none(), st.fixed_dictionaries({}, optional={"a": _VALUES, "b": _VALUES})),
    update=_UPDATES,
    check=_CHECKS,
    x=_VALUES,
    y=_VALUES,
    together=st.booleans(),
)
def test_updates_answer_as_before(
    present: dict[str, Any] | None,
    update: str,
    check: str | None,
    x: Any,
    y: Any,
    together: bool,
) -> None:
    def scenario(database: Database) -> tuple[Any, Any]:
        if present is not None:
            database("PutItem", Item={**key("A"), **present})
        used = f"{update} {check or ''}"
        values = {name: value for name, value in ((":x", x), (":y", y)) if name in used}
        operation: dict[str, Any] = {
            "Key": key("A"),
            "UpdateExpression": update,
            **({"ConditionExpression": check} if check else {}),
            **({"ExpressionAttributeValues": values} if values else {}),
            **({"ExpressionAttributeNames": {"#n": "a"}} if "#n" in used else {}),
        }
        try:
            if together:
                other = {"Put": {"TableName": TABLE, "Item": key("B")}}
                update_action = {"Update": {"TableName": TABLE, **operation}}
                database("TransactWriteItems", TransactItems=[other, update_action])
                outcome: Any = "done"
            else:
                outcome = database("UpdateItem", **operation, ReturnValues="ALL_NEW")["Attributes"]
        except Refused as error:
            outcome = error
        except (TypeError, AttributeError, AssertionError, NotImplementedError) as error:
            # moto trips over its own types; AWS has an answer of its own here.
            outcome = error
        return outcome, database.get("A")

    (before, stored_before), (after, stored_after) = both(scenario, *PATCHES)
    if not isinstance(before, Exception):
        assert (after, stored_after) == (before, stored_before)
    else:
        assert isinstance(after, Exception)
        if isinstance(before, Refused) and isinstance(after, Refused):
            assert after.code == before.code or tripped(before)
        assert stored_after == ({**key("A"), **present} if present is not None else None)


def tripped(refused: Refused) -> bool:
    """Whether moto's answer is a mistake of its own: a Python error as a reason, or the size of
    something that has none, which AWS takes as false.
    """
    codes = [str(one["Code"]) for one in refused.answer.get("CancellationReasons", ())]
    return any(code.endswith("Error") for code in codes) or any(
        text in str(refused) for text in ("Invalid attribute name", "Invalid filter expression")
    )


# ---------------------------------------------------------------------- speed


def test_a_query_over_an_index_of_20_000_items_takes_milliseconds() -> None:
    with world(*PATCHES) as database:
        stored = table()
        for number in range(20_000):
            stored.put_item(
                {
                    **key(f"pen#T#1#EMP#{number:05d}"),
                    "by_pk": {"S": "pen#T#1#EMPLOYEES"},
                    "by_sk": {"S": f"{number:05d}"},
                    "due_pk": {"S": f"pen#SYS#DUE#{number % 4}"},
                    "due_sk": {"S": f"2026-01-01T00:00:00Z#{number:05d}"},
                },
                overwrite=True,
            )
        for index, value in (("listing", "pen#T#1#EMPLOYEES"), ("due", "pen#SYS#DUE#1")):
            query(database, index, value, Limit=100)
            times = []
            for _ in range(5):
                started = time.thread_time()
                assert len(query(database, index, value, Limit=100)) == 100
                times.append(time.thread_time() - started)
            assert min(times) < 0.020


def test_a_transaction_of_40_actions_takes_milliseconds() -> None:
    with world(*PATCHES) as database:
        times = []
        for turn in range(6):
            items: list[Any] = []
            for number in range(10):
                name = f"pen#T#1#EMP#{number}"
                items.append(
                    {
                        "Update": {
                            "TableName": TABLE,
                            "Key": key(name),
                            "UpdateExpression": "SET #s = :s, version = :v, m = :c REMOVE due_pk",
                            "ConditionExpression": "attribute_not_exists(pk) OR version < :v",
                            "ExpressionAttributeNames": {"#s": "state"},
                            "ExpressionAttributeValues": {
                                ":s": {"S": "SENDING"},
                                ":v": {"N": str(turn)},
                                ":c": {"S": "2026-01-01T00:00:00Z"},
                            },
                        }
                    }
                )
                items += [
                    {
                        "Put": {
                            "TableName": TABLE,
                            "Item": {
                                **key(f"{name}#{kind}", f"{turn}"),
                                **{f"a{n}": {"S": "value"} for n in range(10)},
                            },
                            "ConditionExpression": "attribute_not_exists(pk)",
                        }
                    }
                    for kind in ("HIST", "AUDIT", "OUT")
                ]
            started = time.thread_time()
            database("TransactWriteItems", TransactItems=items)
            times.append(time.thread_time() - started)
        assert min(times) < 0.025
