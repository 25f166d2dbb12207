"""The scanner and the key rules find what they are there to find."""

import logging
import os
from typing import Any

import pytest

from tests.infra import stack
from tests.support.aws import (
    ROLES,
    AwsWorld,
    KeyRuleError,
    aws_world,
    platform_of,
    table_definition,
)
from tests.support.events import http_event, invoke
from tests.support.scanner import CANARY_PASSWORD, LeakError, Scanner, scan_world
from toolkit.auth import Principal

TCKN = "10000000146"
IBAN = "TR330006100519786457841326"


@pytest.mark.parametrize(
    "text",
    [
        f"kimlik {TCKN}",
        f'"iban":"{IBAN}"',
        "TR33 0006 1005 1978 6457 8413 26",
        "kopru_live_" + "x" * 43,
        f"parola {CANARY_PASSWORD}!",
    ],
)
def test_identities_accounts_and_secrets_are_found(text: str) -> None:
    with pytest.raises(LeakError) as found:
        Scanner().check(text, "here")
    assert TCKN not in str(found.value)
    assert CANARY_PASSWORD not in str(found.value)


@pytest.mark.parametrize(
    "text",
    ["12345678901", "100******46", "TR33…1326", "01KT16JKM00000000000000001", "kopru_test_***"],
)
def test_masked_and_other_numbers_are_left_alone(text: str) -> None:
    Scanner().check(text, "here")


def test_a_word_of_another_tenant_is_a_leak(identity_scanner: Scanner) -> None:
    word = identity_scanner.canary("T1")
    identity_scanner.check(f"Merhaba {word}", "here", tenant_id="T1")
    with pytest.raises(LeakError, match="tenant T1"):
        identity_scanner.check(f"Merhaba {word}", "here", tenant_id="T2")

    def answers(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
        return {"statusCode": 200, "body": f"hello {word}", "headers": {}}

    mine, yours = (Principal("api_key", "k", tenant) for tenant in ("T1", "T2"))
    assert invoke(answers, http_event("GET", "/", principal=mine)).status == 200
    with pytest.raises(AssertionError, match="a word of tenant T1"):
        invoke(answers, http_event("GET", "/", principal=yours))


def test_a_secret_of_the_test_is_a_leak(identity_scanner: Scanner) -> None:
    identity_scanner.secret("my-token")
    with pytest.raises(LeakError, match="a secret of this test"):
        identity_scanner.check("x my-token y", "here")


# ---------------------------------------------------------------------------- stored rows


def _store(world: AwsWorld, role: Any, row: dict[str, Any]) -> None:
    assert platform_of(world).database.put_new(role, row)


@pytest.mark.parametrize(
    ("role", "pk"),
    [
        ("flow", "pen#T#T1#OUT#e1"),
        ("ledger", "pen#T#T1#ACC#a"),
        ("audit", "pen#T#T1#ENT#employee:e1"),
        ("core", "pen#T#T1#HIST#employee:e1"),
    ],
)
def test_a_stored_identity_is_found(role: Any, pk: str) -> None:
    with aws_world() as world:
        _store(world, role, {"pk": pk, "sk": "1", "detail": {"no": TCKN}})
        with pytest.raises(LeakError, match="an identity number"):
            scan_world(world)


def test_an_identity_in_its_own_row_is_no_leak_but_a_secret_is() -> None:
    with aws_world() as world:
        _store(world, "core", {"pk": "pen#T#T1#EMPLOYEE#e1", "sk": "META", "no": TCKN})
        scan_world(world)
        _store(world, "core", {"pk": "pen#T#T1#X#e1", "sk": "META", "p": CANARY_PASSWORD})
        with pytest.raises(LeakError, match="a secret of this test"):
            scan_world(world)


def test_a_queued_identity_is_found() -> None:
    with aws_world() as world:
        world.client("sqs").send_message(
            QueueUrl=world.queue_url("pensions-import"), MessageBody=f"no {TCKN}"
        )
        with pytest.raises(LeakError, match="a message in"):
            scan_world(world)


# ---------------------------------------------------------------------------- output


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A test run inside this one, with our conftest and our roots."""
    roots = [str(stack.ROOT / part) for part in ("functions", "layers/common", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(roots))
    pytester.makeconftest(
        "import tests.conftest as ours\n"
        "globals().update({k: v for k, v in vars(ours).items() if not k.startswith('__')})\n"
    )
    return pytester


def _run(pytester: pytest.Pytester, body: str) -> pytest.RunResult:
    pytester.makepyfile(body)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")


pytest_plugins = ("pytester",)


@pytest.mark.slow
@pytest.mark.prints_identities
@pytest.mark.parametrize(
    "leak",
    [
        f"print('no {TCKN}')",
        f"import sys; sys.stderr.write('{IBAN}')",
        f"import logging; logging.getLogger('zeep').warning('body {TCKN}')",
    ],
)
def test_a_test_that_prints_an_identity_fails(inner: pytest.Pytester, leak: str) -> None:
    result = _run(inner, f"def test_leak():\n    {leak}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*security.md*"])


@pytest.mark.slow
@pytest.mark.prints_identities
def test_a_test_that_logs_masked_passes_and_sockets_are_blocked(
    inner: pytest.Pytester,
) -> None:
    body = f'''
import pytest, socket
from toolkit.observability import logger
def test_masked():
    logger("svc").info("no {TCKN}")
@pytest.mark.prints_identities
def test_allowed():
    print("{TCKN}")
def test_socket():
    with pytest.raises(Exception):
        socket.create_connection(("127.0.0.1", 9))
'''
    _run(inner, body).assert_outcomes(passed=3)


# ---------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"pk": "pensions#T#T1#X", "sk": "1"}, "grammar"),
        ({"pk": "pen#T1#X", "sk": "1"}, "grammar"),
        ({"pk": "pen#T#T1", "sk": "1"}, "grammar"),
        ({"pk": "pen#T#T1#X", "sk": "1", "by_pk": "LIST", "by_sk": "1"}, "grammar"),
        ({"pk": "pen#T#T1#UNIQ#x", "sk": "-", "ttl": 5}, "expires"),
    ],
)
def test_a_wrong_key_fails_even_if_swallowed(row: dict[str, Any], complaint: str) -> None:
    def careless() -> None:
        with aws_world() as world:
            try:
                _store(world, "flow", row)
            except AssertionError:
                logging.getLogger("swallowed").debug("by the code under test")

    with pytest.raises(KeyRuleError, match=complaint):
        careless()


def test_unguarded_deletes_scans_and_foreign_tenants_fail() -> None:
    acts: list[Any] = [
        lambda world: world.client("dynamodb").put_item(
            TableName=world.settings.tables.core,
            Item={"pk": {"S": "pen#T#T1#X"}, "sk": {"S": "1"}},
        ),
        lambda world: world.client("dynamodb").delete_item(
            TableName=world.settings.tables.core,
            Key={"pk": {"S": "pen#T#T1#X"}, "sk": {"S": "1"}},
        ),
        lambda world: world.client("dynamodb").scan(TableName=world.settings.tables.core),
        lambda world: world.client("s3").put_object(
            Bucket=world.settings.files_bucket, Key="other/x", Body=b""
        ),
    ]
    for act in acts:
        with pytest.raises(KeyRuleError), aws_world() as world:
            act(world)


def test_a_run_for_one_tenant_names_no_other(aws: AwsWorld) -> None:
    database = platform_of(aws).database
    with aws.rules.only(contexts=("pen",), tenants=("T1",)):
        database.get("core", "pen#T#T1#X", "1")
        database.get("core", "pen#SYS#X#1", "1")
        for foreign in ("pen#T#T2#X", "wsp#T#T1#X"):
            with pytest.raises(KeyRuleError):
                database.get("core", foreign, "1")
    database.get("core", "pen#T#T2#X", "1")
    aws.rules.violations.clear()


def test_the_tables_of_the_tests_are_those_of_the_template() -> None:
    tables = stack.source("infra/data.yaml")["Resources"]
    compared = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    for role in ROLES:
        theirs = tables[f"{role.capitalize()}Table"]["Properties"]
        mine = table_definition(role)
        assert {name: theirs.get(name) for name in compared} == {
            name: mine.get(name) for name in compared
        }
        expires = "TimeToLiveSpecification" in theirs
        # Of core only what an archive has is ever forgotten: decisions of rules.
        assert expires is (role in ("flow", "edge", "core"))
