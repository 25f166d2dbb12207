"""What requests to AWS are charged for: units of DynamoDB, messages, events, keys and objects.

Units: a write unit is a kibibyte of a row, twice in a transaction, and once more for each index the
row has a place in; a read unit is four kibibytes of what was read consistently, half of it of what
came from an index. A condition of a transaction costs what a write of it would. Rows are measured
as the JSON of what travels, which is a little more than AWS counts.
Source: Amazon DynamoDB developer guide, capacity unit consumption; the price pages of SQS,
EventBridge, KMS and S3.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tests.support.faults import SERVICES, SWITCHBOARD
from toolkit.aws.clients import client

_PLACES: Final = ("by_pk", "due_pk")
_KIBIBYTE: Final = 1024


@contextmanager
def charged() -> Iterator[Counter[str]]:
    """Charges of everything that is counted inside (``tests.budgets.counts.count``)."""
    found: Counter[str] = Counter()

    def asked(params: Any, event_name: str, **_: Any) -> None:
        if SWITCHBOARD.faults is not None and isinstance(params, dict):
            found.update(_asked(event_name.rpartition(".")[2], params))

    def answered(parsed: Any, event_name: str, **_: Any) -> None:
        if SWITCHBOARD.faults is not None:
            found.update(_answered(event_name.rpartition(".")[2], parsed))

    hooks = (("before-parameter-build", asked), ("after-call", answered))
    for service in SERVICES:
        for event, hook in hooks:
            client(service).meta.events.register(event, hook)
    try:
        yield found
    finally:
        for service in SERVICES:
            for event, hook in hooks:
                client(service).meta.events.unregister(event, hook)


def _asked(operation: str, params: Mapping[str, Any]) -> dict[str, int]:
    match operation:
        case "TransactWriteItems":
            actions = [next(iter(action.items())) for action in params["TransactItems"]]
            return {"write_units": sum(2 * _written(kind, each) for kind, each in actions)}
        case "PutItem" | "UpdateItem":
            return {"write_units": _written(operation, params)}
        case "BatchWriteItem":
            writes = [each for each in params["RequestItems"].values() for each in each]
            return {"write_units": sum(_written("Put", next(iter(w.values()))) for w in writes)}
        case "SendMessageBatch":
            return {"messages": len(params["Entries"])}
        case "PutEvents":
            return {"events": len(params["Entries"])}
        case "Encrypt" | "Decrypt":
            return {"kms": 1}
        case "PutObject":
            return {"s3_puts": 1}
    return {}


def _written(kind: str, request: Mapping[str, Any]) -> int:
    """Units of one write: a whole row for a put, what is sent for an update of a narrow row."""
    row = request.get("Item") or request.get("ExpressionAttributeValues", {})
    places = sum(name in row for name in _PLACES) if kind.startswith("Put") else 0
    return max(1, -(-_size(row) // _KIBIBYTE)) + places


def _answered(operation: str, parsed: Mapping[str, Any]) -> dict[str, int]:
    match operation:
        case "GetItem":
            return {"read_units": _read(_size(parsed.get("Item", {})))}
        case "BatchGetItem":
            rows = [row for rows in parsed.get("Responses", {}).values() for row in rows]
            return {"read_units": sum(_read(_size(row)) for row in rows)}
        case "Query":
            return {"read_units": _read(sum(_size(row) for row in parsed.get("Items", [])))}
    return {}


def _read(size: int) -> int:
    return max(1, -(-size // (4 * _KIBIBYTE)))


def _size(row: Any) -> int:
    return len(json.dumps(row, ensure_ascii=False, default=str).encode())
