"""Ids, clock, events, errors."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import Clock, FixedClock, SystemClock, local_date
from kernel.errors import (
    ParseError,
    Problem,
    TooManyRequestsError,
    TransientGatewayError,
    ValidationError,
)
from kernel.events import Event
from kernel.ids import IdSource, SequenceIds, SystemIds, is_id, new_id

NOW = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)
instants = st.integers(min_value=0, max_value=253_370_764_800_000_000).map(
    lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
)


@given(instants, st.binary(min_size=9, max_size=9))
def test_a_new_id_is_a_canonical_ulid(now: datetime, noise: bytes) -> None:
    assert is_id(new_id(now, lambda _n: noise))


@given(instants, st.integers(min_value=1, max_value=10**9), st.binary(min_size=18, max_size=18))
def test_ids_sort_by_the_microsecond_whatever_the_randomness(
    now: datetime, later: int, noise: bytes
) -> None:
    first = new_id(now, lambda _n: noise[:9])
    then = now + timedelta(microseconds=later)
    assert first < new_id(then, lambda _n: noise[9:])


def test_known_ulid() -> None:
    assert new_id(datetime(1970, 1, 1, tzinfo=UTC), bytes) == "0" * 26
    highest = new_id(datetime(2026, 1, 1, tzinfo=UTC), lambda n: b"\xff" * n)
    assert highest == "01KDVDNA0000" + "Z" * 14


def test_ids_need_an_instant_a_ulid_can_hold() -> None:
    with pytest.raises(ValueError, match="range"):
        new_id(datetime(1969, 12, 31, tzinfo=UTC))
    with pytest.raises(TypeError):
        new_id(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive instant is the point


def test_many_ids_of_one_moment_differ() -> None:
    ids: IdSource = SystemIds(FixedClock(NOW))
    assert len({ids.new() for _ in range(2000)}) == 2000


def test_sequence_counts_in_order() -> None:
    ids = SequenceIds()
    made = [ids.new() for _ in range(40)]
    assert made == sorted(set(made))
    assert all(map(is_id, made))
    assert SequenceIds(start=40).new() == made[-1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01jc3v9qj8z6t4m2n0p7r5s3xk",
        "01JC3V9QJ8Z6T4M2N0P7R5S3XK\n",
        "01JC3V9QJ8Z6T4M2N0P7R5S3X",
        "01JC3V9QJ8Z6T4M2N0P7R5S3XI",
        "01JC3V9QJ8Z6T4M2N0P7R5S3XU",
        "0190163D-8694-739B-AEA5-966C26F8AD91",
        "0190163d-8694-439b-aea5-966c26f8ad91",
        "0190163d-8694-739b-cea5-966c26f8ad91",
        "0190163d8694739baea5966c26f8ad91",
        None,
        12345678950,
    ],
)
def test_anything_else_is_no_path_id(text: object) -> None:
    assert not is_id(text)


def test_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(NOW.astimezone(ZoneInfo("Europe/Istanbul")))
    assert clock.now() == NOW
    assert clock.now().tzinfo is UTC
    assert clock.advance(timedelta(hours=12)) == clock.now() == NOW + timedelta(hours=12)
    assert clock.today("Europe/Istanbul") == date(2026, 3, 21)
    clock.set(NOW)
    assert clock.today(UTC) == date(2026, 3, 20)
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive instant is the point
    with pytest.raises(ValueError, match="offset"):
        local_date(datetime(2026, 1, 1), "UTC")  # noqa: DTZ001


def test_system_clock_is_moved_by_its_offset() -> None:
    plain: Clock = SystemClock()
    moved = SystemClock(lambda now: now + timedelta(days=400))
    assert timedelta(days=399) < moved.now() - plain.now() < timedelta(days=401)
    assert moved.today("UTC") > plain.today("UTC")


def _event(**changes: object) -> Event:
    members: dict[str, object] = {
        "id": SequenceIds().new(),
        "type": "pensions.SubmissionFinished.v1",
        "source": "kopru.pensions",
        "time": NOW,
        "tenant_id": "T1",
        "subject": "submission:1",
        "data": {"accepted": 2},
    }
    return Event(**{**members, **changes})  # type: ignore[arg-type]


def test_event_round_trips_through_its_json_members() -> None:
    event = _event()
    assert event.context == "pensions"
    assert event.to_dict()["time"] == "2026-03-20T10:00:00Z"
    assert Event.from_dict({**event.to_dict(), "added_later": 1}) == event


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "pensions.finished.v1"}, "event.type"),
        ({"type": "pensions.Finished"}, "event.type"),
        ({"source": "kopru.workflow"}, "event.source"),
        ({"time": datetime(2026, 1, 1)}, "event.time"),  # noqa: DTZ001
    ],
)
def test_a_wrong_event_cannot_exist(changes: dict[str, object], code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _event(**changes)
    assert caught.value.code == code


@pytest.mark.parametrize("member", ["id", "type", "source", "tenant_id", "subject", "data"])
def test_an_incomplete_envelope_is_refused(member: str) -> None:
    envelope = _event().to_dict()
    del envelope[member]
    with pytest.raises(ValidationError, match="envelope"):
        Event.from_dict(envelope)


def test_an_envelope_with_a_broken_time_is_refused() -> None:
    with pytest.raises(ValidationError, match="time"):
        Event.from_dict({**_event().to_dict(), "time": "yesterday"})


def test_errors_survive_copies_and_carry_their_parts() -> None:
    error = ParseError("CHECK", "a digit is wrong", "TR33", detail="row 7")
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert (twin.code, twin.message, twin.suggestion) == ("CHECK", "a digit is wrong", "TR33")
        assert twin.detail == "row 7"
    assert error.at("/iban").under("/lines/3") == Problem("/lines/3/iban", "CHECK", error.message)
    assert "row 7" not in str(error)
    assert TransientGatewayError("busy", "later", retry_after=30).retry_after == 30
    assert TooManyRequestsError("limit", "later", retry_after=5).retry_after == 5
