"""Items between moto and the journal: what changed during a request, and all of it at a start."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from infra.local.cloud.journal import ItemChange, ItemJournal
from infra.local.template import Scope


class ItemRecorder:
    """Collects the writes of one request and journals them before it is answered.

    The caller holds the DynamoDB lock around every method.
    """

    def __init__(self, journal: ItemJournal) -> None:
        self._journal = journal
        self._changed: dict[tuple[str, str], Item | None] = {}

    def note(
        self, table: str, hash_key: DynamoType, range_key: DynamoType | None, item: Item | None
    ) -> None:
        """Remember a write; a later one of the same item replaces it."""
        key = [encode(hash_key)] if range_key is None else [encode(hash_key), encode(range_key)]
        self._changed[table, json.dumps(key, separators=(",", ":"))] = item

    def flush(self) -> None:
        """Write what was noted."""
        if self._changed:
            changes = [
                ItemChange(table, key, None if item is None else encode_item(item))
                for (table, key), item in self._changed.items()
            ]
            self._changed.clear()
            self._journal.write(changes)

    def forget(self) -> None:
        """Drop what was noted (what a restore writes is in the journal already)."""
        self._changed.clear()


def restore_items(scope: Scope, table_name: str, texts: Iterable[str]) -> int:
    """Put journalled items into an empty table; returns how many."""
    table = dynamodb_backends[scope.account_id][scope.region].tables[table_name]
    count = 0
    for text in texts:
        attributes = {name: decode(value) for name, value in json.loads(text).items()}
        hash_key = DynamoType(attributes[table.hash_key_attr])
        range_key = None
        if table.range_key_attr is not None:
            range_key = DynamoType(attributes[table.range_key_attr])
        item = Item(hash_key, range_key, attributes)
        if range_key is None:
            table.items[hash_key] = item
        else:
            table.items[hash_key][range_key] = item
        count += 1
    return count


def encode_item(item: Item) -> str:
    """DynamoDB JSON of an item."""
    attributes = {name: encode(value) for name, value in item.attrs.items()}
    return json.dumps(attributes, separators=(",", ":"), ensure_ascii=False)


def encode(value: DynamoType) -> dict[str, Any]:
    """DynamoDB JSON of one value; bytes become base64."""
    kind, inner = value.type, value.value
    if kind == "M":
        return {kind: {name: encode(item) for name, item in inner.items()}}
    if kind == "L":
        return {kind: [encode(item) for item in inner]}
    if kind == "B":
        return {kind: _text(inner)}
    if kind == "BS":
        return {kind: [_text(item) for item in inner]}
    return {kind: inner}


def decode(value: dict[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`encode`, as moto's parser would have delivered it."""
    ((kind, inner),) = value.items()
    if kind == "M":
        return {kind: {name: decode(item) for name, item in inner.items()}}
    if kind == "L":
        return {kind: [decode(item) for item in inner]}
    if kind == "B":
        return {kind: base64.b64decode(inner)}
    if kind == "BS":
        return {kind: [base64.b64decode(item) for item in inner]}
    return value


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else base64.b64encode(value).decode("ascii")
