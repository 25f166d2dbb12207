"""Out through the outbox: delivered at least once, marked, repeated by the sweep."""

from datetime import timedelta
from typing import Any

import pytest

from kernel.clock import FixedClock
from tests.support.aws import AwsWorld
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Keyspace
from toolkit.aws.outbox import RELAY_LIMIT, Outbox, UndeliveredError
from toolkit.aws.unit_of_work import UnitOfWork
from toolkit.platform import Platform

KEYS = Keyspace("wsp", "T1")


def _left(platform: Platform, aws: AwsWorld, messages: int = 1, events: int = 0) -> None:
    """Rows whose process died between commit and dispatch."""
    unit = UnitOfWork(platform.machinery, KEYS, TenantContext("T1", "user:u"))
    for number in range(messages):
        unit.enqueue(aws.queue_url("workspace-send-mail"), {"message_id": f"m{number}"})
    for number in range(events):
        unit.publish("workspace.TenantCreated.v1", f"tenant:{number}", {})
    unit.commit(dispatch=False)


def test_what_was_left_is_delivered_by_the_sweep(
    platform: Platform, aws: AwsWorld, clock: FixedClock
) -> None:
    _left(platform, aws, messages=12, events=11)
    outbox = platform.machinery.outbox
    assert outbox.relay(KEYS) == 0, "not before its minute"
    clock.advance(timedelta(seconds=61))
    assert outbox.relay(KEYS) == 23
    assert len(aws.messages("workspace-send-mail")) == 12
    assert len(aws.published()) == 11
    assert outbox.relay(KEYS) == 0
    assert all(row["ttl"] > 0 for row in aws.rows("flow"))


def test_another_context_is_not_touched(
    platform: Platform, aws: AwsWorld, clock: FixedClock
) -> None:
    _left(platform, aws)
    clock.advance(timedelta(minutes=5))
    assert platform.machinery.outbox.relay(Keyspace("pen")) == 0


def test_two_sweepers_do_not_storm(platform: Platform, aws: AwsWorld, clock: FixedClock) -> None:
    _left(platform, aws, messages=4)
    clock.advance(timedelta(minutes=2))
    seen: list[int] = []

    class Racing(Outbox):
        """A second sweeper runs completely before the first one delivers."""

        def dispatch(self, deliveries: Any) -> int:
            seen.append(platform.machinery.outbox.relay(KEYS))
            return super().dispatch(deliveries)

    first = Racing(
        platform.database,
        events=platform.client("events"),
        queues=platform.client("sqs"),
        bus=platform.settings.bus,
        clock=clock,
    )
    assert first.relay(KEYS) == 4
    assert seen == [0]
    assert len(aws.messages("workspace-send-mail")) == 4


class _Refusing:
    """A bus and a queue service that take every second entry."""

    def put_events(self, Entries: Any) -> Any:
        return {
            "Entries": [
                {"EventId": "x"} if number % 2 else {"ErrorCode": "Throttled"}
                for number, _ in enumerate(Entries)
            ]
        }

    def send_message_batch(self, QueueUrl: str, Entries: Any) -> Any:
        taken = [{"Id": entry["Id"]} for entry in Entries if int(entry["Id"]) % 2]
        return {"Successful": taken, "Failed": []}


def test_what_was_not_taken_stays_due(platform: Platform, aws: AwsWorld, clock: FixedClock) -> None:
    _left(platform, aws, messages=4, events=4)
    clock.advance(timedelta(minutes=2))
    picky = Outbox(platform.database, events=_Refusing(), queues=_Refusing(), bus="b", clock=clock)
    with pytest.raises(UndeliveredError, match="4 of 8"):
        picky.relay(KEYS)
    assert sum("due_pk" in row for row in aws.rows("flow")) == 4
    clock.advance(timedelta(minutes=2))
    assert platform.machinery.outbox.relay(KEYS) == 4


def test_a_sweep_has_a_limit_per_shard(
    platform: Platform, aws: AwsWorld, clock: FixedClock
) -> None:
    for _ in range(5):
        _left(platform, aws, messages=60)
    clock.advance(timedelta(minutes=2))
    moved = platform.machinery.outbox.relay(KEYS)
    assert 0 < moved <= RELAY_LIMIT
    total = moved
    while moved:
        moved = platform.machinery.outbox.relay(KEYS)
        total += moved
    assert total == 300
