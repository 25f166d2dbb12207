"""Copies of exchanges: whole calls in one object, halves, and what nobody may ever see in clear."""

import io
from datetime import timedelta
from typing import Any

import pytest

from kernel.clock import FixedClock
from kernel.exchange import Direction, KeptHalves, RawCall, RawPart
from kernel.ids import SequenceIds
from tests.support.aws import START
from toolkit.aws.exchange_archive import MAX_BYTES, MOST, ExchangeArchive

CODE = "01JXQ60A1B2C3D4E5F6G7H8J9Q"


class Bucket:
    """As much of S3 as the archive uses."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.broken = False

    class exceptions:
        NoSuchKey = KeyError

    def put_object(self, **sent: Any) -> None:
        if self.broken:
            raise ConnectionError
        self.objects[sent["Key"]] = sent["Body"]

    def get_object(self, **asked: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[asked["Key"]])}

    def get_paginator(self, _name: str) -> "Bucket":
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        found = [
            {"Key": key, "Size": len(body)}
            for key, body in self.objects.items()
            if key.startswith(asked["Prefix"])
        ]
        return [{"Contents": found}]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def archive(bucket: Bucket) -> ExchangeArchive:
    ids = SequenceIds(at=START)
    return ExchangeArchive(bucket, "raw", "T1", ids, shelf="calls", harmless={"rf"})


def _read(archive: ExchangeArchive) -> KeptHalves:
    return archive.halves(CODE, START - timedelta(days=1))


def call(body: bytes) -> RawCall:
    return RawCall(RawPart("GET /payments"), RawPart("HTTP 200", body))


def test_a_call_is_one_object_and_two_halves(archive: ExchangeArchive, bucket: Bucket) -> None:
    clock = FixedClock(START)
    archive.keep(CODE, clock.now(), call(b'{"rf": "RF1", "payer": "Name"}'))
    assert len(bucket.objects) == 1
    request, answer = _read(archive).halves
    assert (request.direction, answer.direction) == (Direction.REQUEST, Direction.ANSWER)
    assert (request.at, request.size) == (START, 0)
    assert request.text is not None
    assert answer.text is not None
    assert request.text.masked == "GET /payments"
    assert '"rf": "RF1"' in answer.text.masked
    assert "Name" not in answer.text.masked
    assert "Name" in answer.text.reveal("test")
    assert "Name" not in repr(call(b"Name")), "nor does a log that prints the call"


def test_bytes_that_are_no_text_come_back_as_they_were(archive: ExchangeArchive) -> None:
    archive.keep(CODE, START, call(b"<html>\xff"))
    _, answer = _read(archive).halves
    assert answer.size == 7
    assert answer.text is not None
    assert answer.text.masked == "HTTP 200\n\n********"


def test_what_is_hidden_before_it_is_written_has_no_clear_text(
    archive: ExchangeArchive, bucket: Bucket
) -> None:
    archive.keep(CODE, START, call(b'{"rf": "RF1", "payer": "Name"}'), masked=True)
    archive.keep_notice(CODE, b'{"rf": "RF2", "payer": "Name"}', masked=True)
    assert b"Name" not in b"".join(bucket.objects.values())
    texts = [half.text.reveal("test") for half in _read(archive).halves if half.text]
    assert "RF1" in texts[1]
    assert "RF2" in texts[2]


def test_a_bucket_that_refuses_is_no_error(archive: ExchangeArchive, bucket: Bucket) -> None:
    bucket.broken = True
    archive.keep(CODE, START, call(b"{}"))
    archive.keep_notice(CODE, b"{}")
    assert _read(archive).halves == ()


def test_long_calls_are_named_and_old_ones_counted(archive: ExchangeArchive) -> None:
    for _ in range(MOST + 3):
        archive.keep(CODE, START, call(b"{}"))
    archive.keep(CODE, START, call(b"x" * MAX_BYTES))
    found = _read(archive)
    assert found.left_off == 4
    assert len(found.halves) == 2 * (MOST - 1) + 1
    assert found.halves[-1].text is None
