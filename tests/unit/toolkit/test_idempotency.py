"""``Idempotency-Key``: the first answer again, another body refused, another scope another key."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.clock import FixedClock
from kernel.errors import MalformedError, ValidationError
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import UnitOfWork
from toolkit.http.idempotency import (
    Command,
    IdempotencyStore,
    StoredAnswer,
    body_hash,
    parse_key,
)
from toolkit.platform import Platform

KEYS = Keyspace("wsp", "T1")
COMMAND = Command("key:1", "POST /v1/users", "k-1", body_hash(b"{}"))
ANSWER = StoredAnswer(201, {"id": "ö"}, {"etag": '"v1"'})


def _store(platform: Platform, tenant_id: str = "T1") -> IdempotencyStore:
    return IdempotencyStore(platform.database, Keyspace("wsp", tenant_id))


def _record(platform: Platform, command: Command = COMMAND) -> None:
    unit = UnitOfWork(platform.machinery, KEYS, TenantContext("T1", "key:1"))
    _store(platform).record(unit, command, ANSWER)
    unit.commit()


def _now(clock: FixedClock) -> int:
    return int(clock.now().timestamp())


def test_the_first_answer_is_found_again(platform: Platform, clock: FixedClock) -> None:
    store = _store(platform)
    assert store.find(COMMAND, now_seconds=_now(clock)) is None
    _record(platform)
    assert store.find(COMMAND, now_seconds=_now(clock)) == ANSWER


def test_another_body_is_refused(platform: Platform, clock: FixedClock) -> None:
    _record(platform)
    with pytest.raises(ValidationError) as refused:
        _store(platform).find(replace(COMMAND, body_hash="x"), now_seconds=_now(clock))
    assert refused.value.code == "idempotency_key_reused"


@pytest.mark.parametrize(
    "other",
    [
        replace(COMMAND, principal="key:2"),
        replace(COMMAND, route="POST /v1/tenants"),
        replace(COMMAND, key="k-2"),
    ],
)
def test_another_principal_route_or_key_is_another_command(
    platform: Platform, clock: FixedClock, other: Command
) -> None:
    _record(platform)
    assert _store(platform).find(other, now_seconds=_now(clock)) is None


def test_another_tenant_is_another_command(platform: Platform, clock: FixedClock) -> None:
    _record(platform)
    assert _store(platform, "T2").find(COMMAND, now_seconds=_now(clock)) is None


def test_it_is_forgotten_after_two_days_even_if_the_row_is_still_there(
    platform: Platform, clock: FixedClock
) -> None:
    _record(platform)
    later = _now(clock) + 48 * 3_600
    assert _store(platform).find(COMMAND, now_seconds=later - 1) == ANSWER
    assert _store(platform).find(COMMAND, now_seconds=later) is None


def test_a_key_may_be_used_again_when_its_answer_is_forgotten(
    platform: Platform, clock: FixedClock
) -> None:
    _record(platform)
    clock.advance(timedelta(hours=48, seconds=-1))
    with pytest.raises(TransactionRefusedError):
        _record(platform)
    clock.advance(timedelta(seconds=1))
    second = replace(COMMAND, body_hash=body_hash(b"[]"))
    _record(platform, second)
    assert _store(platform).find(second, now_seconds=_now(clock)) == ANSWER
    with pytest.raises(TransactionRefusedError):
        _record(platform, second)


def test_two_at_once_have_one_winner(platform: Platform) -> None:
    _record(platform)
    with pytest.raises(TransactionRefusedError) as refused:
        _record(platform)
    assert refused.value.failed("idempotency")


@pytest.mark.parametrize("header", ["8f14e45f-ceea-467f-a9f1-2d1d3c0a5b11", "x", "~" * 255])
def test_visible_keys_are_taken(header: str) -> None:
    assert parse_key(header) == header


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "idempotency_key_required"),
        ("", "idempotency_key_invalid"),
        ("a b", "idempotency_key_invalid"),
        ("a,b", "idempotency_key_invalid"),
        ("anahtarı", "idempotency_key_invalid"),
        ("x" * 256, "idempotency_key_invalid"),
        ("a\n", "idempotency_key_invalid"),
    ],
)
def test_other_keys_are_refused(header: str | None, code: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parse_key(header)
    assert refused.value.code == code
