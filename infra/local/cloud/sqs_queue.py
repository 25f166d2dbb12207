"""Messages and queues as values: what one queue holds and in which state.

The engine (:mod:`infra.local.cloud.sqs_engine`) decides and writes the log; the bookkeeping of one
queue, its heaps and its message groups, lives here.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from infra.local.cloud.model import Json, last_arn_part

State = Literal["ready", "delayed", "in_flight"]
"""Where a message is: visible, not yet visible for the first time, or held by a receiver."""


class SqsError(Exception):
    """An answer that the SQS API documents as an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Message:
    """One received (or peeked) message, all system attributes included."""

    message_id: str
    receipt_handle: str
    body: str
    attributes: Mapping[str, str]
    message_attributes: Mapping[str, Json]

    def lambda_record(self, queue_arn: str, region: str) -> dict[str, Json]:
        """The record that an event source mapping puts into ``event["Records"]``."""
        return {
            "messageId": self.message_id,
            "receiptHandle": self.receipt_handle,
            "body": self.body,
            "attributes": dict(self.attributes),
            "messageAttributes": {
                name: {
                    key[0].lower() + key[1:]: value
                    for key, value in {
                        "StringValue": attribute.get("StringValue"),
                        "BinaryValue": attribute.get("BinaryValue"),
                        "StringListValues": [],
                        "BinaryListValues": [],
                        "DataType": attribute["DataType"],
                    }.items()
                    if value is not None
                }
                for name, attribute in self.message_attributes.items()
            },
            "md5OfBody": md5(self.body.encode()),
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": region,
        }


@dataclass(frozen=True, slots=True)
class Sent:
    """Receipt of one accepted message; FIFO queues also number it."""

    message_id: str
    sequence_number: str | None = None


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How full a queue is. Units: ``oldest_age_seconds`` counts from the first send."""

    visible: int
    in_flight: int
    delayed: int
    oldest_age_seconds: float


@dataclass(slots=True)
class Stored:
    """One message as the engine keeps it (mutable; only the engine touches it)."""

    row: int
    message_id: str
    body: str
    attributes: Mapping[str, Json]
    trace: str | None
    sent_at: float
    visible_at: float
    receives: int = 0
    first_received_at: float | None = None
    receipt: str | None = None
    group: str | None = None
    deduplication: str | None = None
    sequence: str | None = None
    source: str | None = None
    state: State = "ready"


@dataclass(slots=True)
class Queue:
    """One queue: its settings, its messages and the bookkeeping of their states."""

    name: str
    attributes: dict[str, str]
    changed: threading.Condition
    messages: dict[int, Stored] = field(default_factory=dict)
    # One heap of row numbers per message group; the order of the groups is the turn to be served.
    ready: dict[str | None, list[int]] = field(default_factory=dict)
    hidden: list[tuple[float, int]] = field(default_factory=list)
    in_flight: dict[str | None, int] = field(default_factory=dict)

    @property
    def fifo(self) -> bool:
        """Whether this is a FIFO queue."""
        return self.name.endswith(".fifo")

    def number(self, attribute: str) -> int:
        """A numeric setting."""
        return int(self.attributes[attribute])

    @property
    def redrive(self) -> tuple[str, int] | None:
        """Dead-letter queue and the number of receives after which a message goes there."""
        text = self.attributes.get("RedrivePolicy")
        if not text:
            return None
        policy = json.loads(text)
        return last_arn_part(policy["deadLetterTargetArn"]), int(policy["maxReceiveCount"])

    def admit(self, message: Stored, state: State) -> None:
        """Put a message under the bookkeeping of ``state``."""
        message.state = state
        self.messages[message.row] = message
        if state == "ready":
            heapq.heappush(self.ready.setdefault(message.group, []), message.row)
        else:
            heapq.heappush(self.hidden, (message.visible_at, message.row))
            if state == "in_flight":
                self.in_flight[message.group] = self.in_flight.get(message.group, 0) + 1

    def release(self, message: Stored) -> None:
        """Take a message out of the bookkeeping of its state; heap entries expire lazily."""
        self.messages.pop(message.row, None)
        if message.state == "in_flight":
            left = self.in_flight[message.group] - 1
            if left:
                self.in_flight[message.group] = left
            else:
                del self.in_flight[message.group]

    def head(self, group: str | None) -> Stored | None:
        """First ready message of a group, after dropping entries that are no longer true."""
        rows = self.ready.get(group)
        while rows:
            message = self.messages.get(rows[0])
            if message is not None and message.state == "ready":
                return message
            heapq.heappop(rows)
        self.ready.pop(group, None)
        return None


def md5(data: bytes) -> str:
    """The checksum of a body, as the API says it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Mapping[str, Json]) -> str:
    """The checksum that every SDK verifies: length-prefixed names, types and values."""
    encoded = b""

    def append(value: bytes) -> None:
        nonlocal encoded
        encoded += struct.pack("!I", len(value)) + value

    for name in sorted(attributes):
        attribute = attributes[name]
        append(name.encode())
        append(attribute["DataType"].encode())
        if attribute["DataType"].startswith("Binary"):
            encoded += b"\x02"
            append(base64.b64decode(attribute["BinaryValue"]))
        else:
            encoded += b"\x01"
            append(attribute["StringValue"].encode())
    return md5(encoded)
