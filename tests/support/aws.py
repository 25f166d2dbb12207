"""One AWS account in memory (moto) for a test, with the hook that watches every key we write.

Fixtures (exported by ``tests/conftest.py``):

* ``aws``: an ``AwsWorld``; tables, key, buckets, queues, bus and secret exist, the environment
  variables of a function are set, nothing is kept between two tests.
* ``clock``, ``ids``, ``settings``, ``platform``: a clock that stands still, counting ids, the typed
  settings of the world, and the plumbing a context's bootstrap is built from.

``platform_of(world, clock=…, ids=…)`` builds further platforms, for a second actor for example.
The clients of the process are created once and survive the tests; only their state is reset (X15
of reliability.md). Whatever breaks a rule of reliability.md §8 fails the test, also where the code
under test swallowed the exception: see ``KeyRules``.
"""

import contextlib
import functools
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from unittest import mock

import botocore.handlers
import jsonpath_ng.ext
import pytest
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from infra.local.cloud import moto_patches
from infra.local.cloud.dynamodb.front import ITEM_OPERATIONS, DynamoDbFront
from infra.local.cloud.dynamodb.items import IndexedItems
from infra.local.cloud.dynamodb.memory import ItemRecorder
from infra.local.template import Scope
from kernel.clock import Clock, FixedClock
from kernel.ids import IdSource, SequenceIds
from tests.support.scanner import scan_world
from toolkit.aws.clients import client
from toolkit.aws.dynamodb import INDEX_NAMES, Keyspace, TableRole, from_item
from toolkit.platform import Platform
from toolkit.settings import CommonSettings, Environment

REGION: Final = "eu-central-1"
ACCOUNT: Final = "123456789012"
STACK: Final = "kopru-test"
BASE_URL: Final = "http://localhost:8000"
START: Final = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
ROLES: Final[tuple[TableRole, ...]] = ("core", "ledger", "flow", "secrets", "audit", "edge")
QUEUES: Final = (
    "workspace-send-mail",
    "workspace-deliver-webhooks",
    "workspace-seal-audit",
    "workspace-on-events",
    "workspace-mail-events",
    "pensions-import",
    "pensions-prepare",
    "pensions-refresh",
    "payment-codes-issue",
    "payment-codes-pull",
    "payment-codes-mail",
    "payment-codes-statement",
    "payment-codes-batch",
    "card-contracts-sales",
    "card-contracts-import",
    "reconciliation-import",
    "workflow-work",
    "reconciliation-mailing",
    "reconciliation-mail",
    "reconciliation-portal",
    "workflow-approvals",
    "workspace-privacy",
    "pensions-privacy",
    "payment-codes-privacy",
    "reconciliation-privacy",
    "card-contracts-privacy",
    "workflow-privacy",
)
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}
_INDEXES: Final[Mapping[str, tuple[str, ...]]] = {"core": ("due", "by"), "flow": ("due",)}
_EXPIRING: Final = ("core", "flow", "edge")


# The corrections that the local stack runs with: moto alone loses writes of concurrent transactions
# and copies whole tables for each of them. Not the request tokens: nothing may rely on them (X6).
_FAITHFUL: Final = tuple(
    name
    for name in moto_patches.PATCHES
    if name not in ("request-tokens", "one-request-at-a-time", "state-machines-run")
)


def table_name(role: str) -> str:
    """Physical name of a table in the tests."""
    return f"{STACK}-{role}"


def queue_url(name: str) -> str:
    """URL of a queue of the product, by its name without the stack's."""
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{STACK}-{name}"


def table_definition(role: str) -> dict[str, Any]:
    """CreateTable arguments, equal to ``infra/data.yaml`` (a test compares them)."""
    indexes = _INDEXES.get(role, ())
    names = ["pk", "sk", *(f"{index}_{part}" for index in indexes for part in ("pk", "sk"))]
    definition: dict[str, Any] = {
        "TableName": table_name(role),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "KeySchema": _key_schema("pk", "sk"),
    }
    if indexes:
        definition["GlobalSecondaryIndexes"] = [
            {
                "IndexName": INDEX_NAMES[index],
                "KeySchema": _key_schema(f"{index}_pk", f"{index}_sk"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index in indexes
        ]
    return definition


def _key_schema(hash_name: str, range_name: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_name, "KeyType": "HASH"},
        {"AttributeName": range_name, "KeyType": "RANGE"},
    ]


# ---------------------------------------------------------------------------- rules of keys

_GRAMMAR: Final = re.compile(r"(wsp|pen|pay|rec|crd|wfl)#(?:T#([^#]+)|SYS)(?:#[^#]+)+")
_HASH_VALUE: Final = re.compile(r"^\s*(\S+)\s*=\s*(:\w+)")


class KeyRuleError(AssertionError):
    """The code under test broke a rule of reliability.md §8."""


@dataclass
class KeyRules:
    """Looks at every request before it is sent.

    Keys follow the grammar; rows are added with ``attribute_not_exists`` and never deleted except
    in ``edge``; nothing scans; uniqueness rows do not expire; objects live below ``T/<tenant>/``,
    or below ``E/<tenant>/`` when they are kept for good;
    encryption contexts name tenant and context. Inside ``only(...)`` keys must also belong to the
    named contexts and tenants (I-16).
    """

    violations: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    contexts: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    active: bool = False

    @contextlib.contextmanager
    def only(
        self, *, contexts: tuple[str, ...] = (), tenants: tuple[str, ...] = ()
    ) -> Iterator[None]:
        """Within this block every key names one of these contexts and tenants (or the system)."""
        before = (self.contexts, self.tenants)
        self.contexts = frozenset(contexts) if contexts else None
        self.tenants = frozenset(tenants) if tenants else None
        try:
            yield
        finally:
            self.contexts, self.tenants = before

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The test itself looks around."""
        before, self.active = self.active, False
        try:
            yield
        finally:
            self.active = before

    def on_request(self, params: Any, event_name: str, **_: Any) -> None:
        """The botocore hook (``before-parameter-build``)."""
        if not self.active or not isinstance(params, dict):
            return
        service, operation = event_name.split(".")[1:3]
        self.requests.append(f"{service}.{operation}")
        if service == "dynamodb":
            self._dynamodb(operation, params)
        elif service == "s3" and "Key" in params:
            self._require(
                str(params["Key"]).startswith(("T/", "E/")), f"object key {params['Key']}"
            )
        elif service == "kms" and operation in ("Encrypt", "Decrypt"):
            context = params.get("EncryptionContext", {})
            self._require(
                {"tenant_id", "context", "purpose"} <= set(context), "incomplete encryption context"
            )

    def _require(self, holds: bool, complaint: str) -> None:
        if not holds:
            self.violations.append(complaint)
            raise KeyRuleError(complaint)

    def _key(self, pk: str) -> None:
        match = _GRAMMAR.fullmatch(pk)
        self._require(match is not None, f"key {pk!r} does not follow the grammar")
        assert match is not None
        context, tenant = match.groups()
        self._require(
            self.contexts is None or context in self.contexts, f"key {pk!r} of another context"
        )
        self._require(
            self.tenants is None or tenant is None or tenant in self.tenants,
            f"key {pk!r} of another tenant",
        )

    def _item(self, item: Mapping[str, Any]) -> None:
        for name in ("pk", "by_pk", "due_pk"):
            if name in item:
                self._key(item[name]["S"])
        if "#UNIQ#" in item["pk"]["S"]:
            self._require("ttl" not in item, "a uniqueness row expires")

    def _put(self, table: str, request: Mapping[str, Any]) -> None:
        self._item(request["Item"])
        guarded = "attribute_not_exists" in request.get("ConditionExpression", "")
        self._require(guarded or table.endswith("-edge"), f"unguarded put into {table}")

    def _dynamodb(self, operation: str, params: dict[str, Any]) -> None:
        table = str(params.get("TableName", ""))
        match operation:
            case "GetItem":
                self._key(params["Key"]["pk"]["S"])
            case "UpdateItem":
                self._key(params["Key"]["pk"]["S"])
                self._require(not table.endswith("-audit"), "an audit row is updated")
            case "PutItem":
                self._put(table, params)
            case "DeleteItem":
                self._key(params["Key"]["pk"]["S"])
                self._require(table.endswith("-edge"), f"a row of {table} is deleted")
            case "Query":
                match = _HASH_VALUE.match(params["KeyConditionExpression"])
                self._require(match is not None, "a query without a partition key")
                assert match is not None
                self._key(params["ExpressionAttributeValues"][match[2]]["S"])
            case "BatchGetItem":
                for wanted in params["RequestItems"].values():
                    for key in wanted["Keys"]:
                        self._key(key["pk"]["S"])
            case "BatchWriteItem":
                for name, writes in params["RequestItems"].items():
                    for write in writes:
                        self._require("PutRequest" in write, "a batch deletes rows")
                        item = write["PutRequest"]["Item"]
                        self._item(item)
                        self._require(
                            name.endswith("-flow") and "#OUT#" in item["pk"]["S"],
                            "a batch overwrites rows that are not dispatched outbox rows",
                        )
            case "TransactWriteItems":
                for action in params["TransactItems"]:
                    kind, request = next(iter(action.items()))
                    if kind == "Put":
                        self._put(str(request["TableName"]), request)
                    else:
                        self._key(request["Key"]["pk"]["S"])
                        self._require(kind != "Delete", "a transaction deletes a row")
            case "Scan" | "ExecuteStatement":
                self._require(False, f"{operation} is never allowed")
            case _:
                pass


RULES: Final = KeyRules()
botocore.handlers.BUILTIN_HANDLERS.append(("before-parameter-build.*.*", RULES.on_request))


# ---------------------------------------------------------------------------- the world


def stored_items(role: str) -> Iterator[Any]:
    """moto's own items of a table, without a request."""
    items: Any = dynamodb_backends[ACCOUNT][REGION].tables[table_name(role)].items
    return iter(items.every_item())


TablesSnapshot = Mapping[str, Sequence[tuple[Any, Any, Any]]]
"""Items of every table by its name, each with its two keys as the emulation holds them."""


@dataclass
class AwsWorld:
    """The account of one test: names of its resources and ways to look inside."""

    environment: dict[str, str]
    settings: CommonSettings
    rules: KeyRules

    def client(self, service: str) -> Any:
        """The process's client of a service, as the code under test uses it."""
        return client(service)

    def rows(self, role: TableRole) -> list[dict[str, Any]]:
        """Every row of a table, in key order, without a request."""
        plain = [from_item(item.to_json()["Attributes"]) for item in stored_items(role)]
        return sorted(plain, key=lambda row: (row["pk"], row["sk"]))

    def row(self, role: TableRole, pk: str, sk: str = "META") -> dict[str, Any] | None:
        """One row, or None."""
        return next((row for row in self.rows(role) if (row["pk"], row["sk"]) == (pk, sk)), None)

    def tables(self) -> TablesSnapshot:
        """What stands in all tables; items are never changed in place, so references are enough."""
        return {
            name: [
                (hash_key, range_key, item)
                for hash_key, partition in table.items.items()
                for range_key, item in partition.items()
            ]
            for name, table in dynamodb_backends[ACCOUNT][REGION].tables.items()
        }

    def restore(self, tables: TablesSnapshot) -> None:
        """Put all tables back as they were, and empty the queues."""
        for name, table in dynamodb_backends[ACCOUNT][REGION].tables.items():
            items = IndexedItems(table, moto_patches.ITEM_CHANGES)
            table.items = items
            for hash_key, range_key, item in tables[name]:
                items[hash_key][range_key] = item
        for queue in sqs_backends[ACCOUNT][REGION].queues.values():
            queue._messages = []

    def queue_url(self, name: str) -> str:
        """URL of a queue of the product, by its name without the stack's."""
        return queue_url(name)

    def create_queue(self, name: str) -> str:
        """One more queue, such as ``pensions-send-agesa``; returns its URL."""
        return str(self.client("sqs").create_queue(QueueName=f"{STACK}-{name}")["QueueUrl"])

    def queues(self) -> list[str]:
        """Names of all queues, without the stack's."""
        return [name.removeprefix(f"{STACK}-") for name in sqs_backends[ACCOUNT][REGION].queues]

    def messages(self, name: str, *, delete: bool = True) -> list[dict[str, Any]]:
        """Bodies waiting in a queue, parsed; taken out unless told otherwise.

        Asks the emulation directly: empty queues are looked at more often than anything else.
        """
        queue = sqs_backends[ACCOUNT][REGION].queues[f"{STACK}-{name}"]
        waiting = queue.messages
        if delete:
            queue._messages = [each for each in queue._messages if each not in waiting]
        return [json.loads(each.body) for each in waiting]

    def published(self, event_type: str | None = None) -> list[dict[str, Any]]:
        """Envelopes put on the bus since the last look, oldest first."""
        details = [message["detail"] for message in self.messages("bus-log")]
        return [detail for detail in details if event_type is None or detail["type"] == event_type]

    def mails(self) -> list[dict[str, Any]]:
        """What was handed to SES: one plain dict a mail, in order."""
        from moto.ses.models import ses_backends

        backend: Any = ses_backends[ACCOUNT][REGION]
        return [
            {
                "to": message.destinations.get("ToAddresses", []),
                "source": message.source,
                "subject": message.subject,
                "body": message.body,
            }
            for message in backend.sent_messages
        ]


def _environment(key_id: str, secret_arn: str) -> dict[str, str]:
    return {
        **CREDENTIALS,
        "KOPRU_STAGE": "local",
        "KOPRU_STACK": STACK,
        "KOPRU_BASE_URL": BASE_URL,
        **{f"KOPRU_TABLE_{role.upper()}": table_name(role) for role in ROLES},
        "KOPRU_KEY_CREDENTIALS": key_id,
        "KOPRU_APP_SECRET": secret_arn,
        "KOPRU_APPROVAL_MACHINE": (
            f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STACK}-approval"
        ),
        "KOPRU_BUCKET_FILES": f"{STACK}-files",
        "KOPRU_BUCKET_RAW": f"{STACK}-raw",
        "KOPRU_BUCKET_ARCHIVE": f"{STACK}-archive",
        "KOPRU_BUCKET_SEALS": f"{STACK}-seals",
        "KOPRU_BUS": f"{STACK}-bus",
        "KOPRU_QUEUE_PREFIX": queue_url(""),
        "KOPRU_INSURER_ENDPOINTS": "{}",
        "KOPRU_PAYMENT_ENDPOINTS": "{}",
        "KOPRU_SENDER": "kopru@example.com",
        "KOPRU_MAIL_CONFIGURATION_SET": f"{STACK}-mail",
        "KOPRU_LETTER_CONFIGURATION_SET": f"{STACK}-letters",
        "POWERTOOLS_SERVICE_NAME": "kopru",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def _create() -> AwsWorld:
    dynamodb = client("dynamodb")
    for role in ROLES:
        dynamodb.create_table(**table_definition(role))
        if role in _EXPIRING:
            dynamodb.update_time_to_live(
                TableName=table_name(role),
                TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"},
            )
    key_id = client("kms").create_key(Description="credentials")["KeyMetadata"]["KeyId"]
    evidence = client("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    secret = client("secretsmanager").create_secret(
        Name=f"{STACK}-app", SecretString="root of derived keys in tests"
    )
    for bucket in ("files", "raw"):
        client("s3").create_bucket(
            Bucket=f"{STACK}-{bucket}",
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
    for bucket in ("archive", "seals"):
        client("s3").create_bucket(
            Bucket=f"{STACK}-{bucket}",
            CreateBucketConfiguration={"LocationConstraint": REGION},
            ObjectLockEnabledForBucket=True,
        )
        client("s3").put_object_lock_configuration(
            Bucket=f"{STACK}-{bucket}",
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3653}},
            },
        )
    # Asking the emulation directly: some twenty requests a test would cost more than most tests.
    for name in (*QUEUES, "bus-log"):
        sqs_backends[ACCOUNT][REGION].create_queue(f"{STACK}-{name}", tags=None)
    events = client("events")
    events.create_event_bus(Name=f"{STACK}-bus")
    events.put_rule(
        Name="log",
        EventBusName=f"{STACK}-bus",
        EventPattern=json.dumps({"source": [{"prefix": "kopru."}]}),
    )
    events.put_targets(
        Rule="log",
        EventBusName=f"{STACK}-bus",
        Targets=[{"Id": "log", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-bus-log"}],
    )
    ses = client("sesv2")
    ses.create_email_identity(EmailIdentity="example.com")
    ses.create_email_identity(EmailIdentity="kopru@example.com")
    ses.create_configuration_set(ConfigurationSetName=f"{STACK}-mail")
    ses.create_configuration_set(ConfigurationSetName=f"{STACK}-letters")
    environment = _environment(key_id, secret["ARN"])
    environment["KOPRU_KEY_EVIDENCE"] = evidence["KeyMetadata"]["KeyId"]
    settings = CommonSettings.from_environment(Environment(environment))
    return AwsWorld(environment, settings, RULES)


@contextlib.contextmanager
def _faster_emulation() -> Iterator[None]:
    """Answer item requests the short way of the local stack, and parse event paths once.

    moto finds the service by trying the addresses of all of them, and serialises every attribute
    value member by member: most of the time of most tests. Half of what is left of an item request
    is its signature and the name of its client, which nobody here reads.
    """
    slow = BotocoreStubber.process_request
    signed = RequestSigner.sign
    front = DynamoDbFront(Scope(REGION, ACCOUNT), Unrecorded())
    paths: Any = jsonpath_ng.ext

    def process_request(self: Any, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target", b"")
        name = target.decode() if isinstance(target, bytes) else str(target)
        service, _, operation = name.partition(".")
        if service != "DynamoDB_20120810" or operation not in ITEM_OPERATIONS:
            return slow(self, request)
        status, body = front.answer(operation, request.body)
        return status, {"content-type": "application/x-amz-json-1.0"}, body

    def sign(self: Any, operation_name: str, *args: Any, **more: Any) -> None:
        if operation_name not in ITEM_OPERATIONS:
            signed(self, operation_name, *args, **more)

    with (
        mock.patch.object(BotocoreStubber, "process_request", process_request),
        mock.patch.object(RequestSigner, "sign", sign),
        mock.patch.object(UserAgentString, "to_string", return_value="tests"),
        mock.patch.object(paths, "parse", functools.cache(paths.parse)),
    ):
        yield


class Unrecorded(ItemRecorder):
    """A recorder of nothing: what a test stores dies with it."""

    def __init__(self) -> None:
        pass

    def flush(self) -> None:
        """Nothing was noted."""


@contextlib.contextmanager
def aws_world() -> Iterator[AwsWorld]:
    """A fresh account; the environment is that of a function while it lasts.

    Raises: KeyRuleError at the end for a broken rule that the code under test swallowed.
    """
    before = dict(os.environ)
    os.environ.update(CREDENTIALS)
    with mock_aws(), moto_patches.patched(_FAITHFUL), _faster_emulation():
        RULES.violations.clear()
        RULES.requests.clear()
        RULES.active = False
        world = _create()
        os.environ.update(world.environment)
        RULES.active = True
        try:
            yield world
        finally:
            RULES.active = False
            os.environ.clear()
            os.environ.update(before)
    if RULES.violations:
        raise KeyRuleError("; ".join(RULES.violations))


def platform_of(
    world: AwsWorld, *, clock: Clock | None = None, ids: IdSource | None = None
) -> Platform:
    """Plumbing over this world; own clock and ids where a test needs a second actor."""
    time = clock or FixedClock(START)
    return Platform(world.settings, clock=time, ids=ids or SequenceIds(at=START))


def keyspace(context: str, tenant_id: str) -> Keyspace:
    """Keyspace of a tenant, for tests that look at rows."""
    return Keyspace(context, tenant_id)


@pytest.fixture
def aws() -> Iterator[AwsWorld]:
    """A fresh AWS account in memory."""
    with aws_world() as world:
        yield world
        scan_world(world)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 1 June 2026, 09:00 UTC, until the test moves it."""
    return FixedClock(START)


@pytest.fixture
def ids() -> SequenceIds:
    """Ids that count, so that a failing test is the same every time."""
    return SequenceIds(at=START)


@pytest.fixture
def settings(aws: AwsWorld) -> CommonSettings:
    """Typed settings of the world."""
    return aws.settings


@pytest.fixture
def platform(aws: AwsWorld, clock: FixedClock, ids: SequenceIds) -> Platform:
    """Plumbing over the world with the clock and ids of the test."""
    return platform_of(aws, clock=clock, ids=ids)
