"""Queue records: one by one, partial failures, errors as style.md §11 says."""

import json
from typing import Any

import pytest

from kernel.errors import (
    ConflictError,
    ForbiddenError,
    KopruError,
    NotFoundError,
    PermanentGatewayError,
    TransientGatewayError,
    UnknownOutcomeError,
    ValidationError,
)
from tests.support.events import bus_event, queue_event, schedule_event
from tests.support.lambda_context import LambdaContext
from toolkit.entrypoints.queue import MAX_HOPS, QueueMessage, RetryLaterError, queue_handler
from toolkit.entrypoints.schedule import schedule_handler

GOOD = {"v": 1, "tenant_id": "T1", "hops": 0, "job_id": "j1"}


def _run(act: Any, *bodies: Any, **more: Any) -> list[str]:
    handler = queue_handler("queue-test")(act)
    answer = handler(queue_event(*bodies, **more), LambdaContext(remaining_ms=1_500))
    assert set(answer) == {"batchItemFailures"}
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_a_good_record_is_acknowledged_and_read() -> None:
    seen: list[QueueMessage] = []
    assert _run(seen.append, GOOD, receive_count=3) == []
    (message,) = seen
    assert message.text("job_id") == "j1"
    assert (message.message_id, message.receive_count) == ("m1", 3)
    assert message.remaining_seconds() == 1.5


def test_one_bad_record_of_ten_fails_alone() -> None:
    def act(message: QueueMessage) -> None:
        if message.text("job_id") == "j5":
            raise RuntimeError("bug")

    bodies = [{**GOOD, "job_id": f"j{number}"} for number in range(10)]
    assert _run(act, *bodies) == ["m6"]


@pytest.mark.parametrize(
    ("error", "comes_again"),
    [
        (RetryLaterError(), True),
        (TransientGatewayError("c", "m"), True),
        (ConflictError("c", "m"), True),
        (RuntimeError("bug"), True),
        (PermanentGatewayError("c", "m"), False),
        (UnknownOutcomeError("c", "m"), False),
        (ValidationError("c", "m"), False),
        (NotFoundError("c", "m"), False),
        (ForbiddenError("c", "m"), False),
        (KopruError("c", "m"), False),
    ],
)
def test_every_error_is_acknowledged_or_repeated(error: Exception, comes_again: bool) -> None:
    def act(_message: QueueMessage) -> None:
        raise error

    assert _run(act, GOOD) == (["m1"] if comes_again else [])


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[1, 2]",
        '"text"',
        "[" * 100_000,
        json.dumps({**GOOD, "hops": MAX_HOPS + 1}),
        json.dumps({"v": 1, "tenant_id": "T1"}),
        json.dumps({**GOOD, "job_id": 5}),
        json.dumps({**GOOD, "job_id": ""}),
    ],
)
def test_what_no_retry_makes_readable_is_parked(
    body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(lambda message: message.text("job_id") and None, body) == []
    assert "record parked" in capsys.readouterr().out


def test_a_newer_version_waits_for_the_code_that_knows_it() -> None:
    seen: list[QueueMessage] = []
    assert _run(seen.append, {**GOOD, "v": 2}, {"job_id": "j"}) == ["m1", "m2"]
    assert seen == []


def test_an_event_of_the_bus_is_its_detail() -> None:
    envelope = {
        "id": "e1",
        "type": "pensions.X.v1",
        "source": "kopru.pensions",
        "tenant_id": "T1",
        "data": {"a": 1},
    }
    seen: list[QueueMessage] = []
    assert _run(seen.append, bus_event(envelope)) == []
    assert seen[0].body == envelope


def test_the_log_of_one_record_knows_nothing_of_the_one_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def act(_message: QueueMessage) -> None:
        raise ValidationError("c", "m")

    _run(act, {**GOOD, "tenant_id": "T-FIRST"}, {**GOOD, "tenant_id": "T-SECOND"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "level" in line]
    assert [line["tenant_id"] for line in lines] == ["T-FIRST", "T-SECOND"]


def test_a_schedule_counts_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    @schedule_handler("schedule-test")
    def run() -> dict[str, int]:
        """Sweep."""
        return {"Swept": 2}

    assert run(schedule_event(), LambdaContext()) == {"Swept": 2}
    assert "scheduled run" in capsys.readouterr().out
    assert run.__doc__ == "Sweep."

    @schedule_handler("schedule-test")
    def idle() -> dict[str, int]:
        return {"Swept": 0}

    idle(schedule_event(), LambdaContext())
    assert capsys.readouterr().out == "", "nothing done is nothing said"
