"""Single updates and transactions that change items in place and undo what they cannot finish.

moto copies the whole table before a transaction and puts the copy back when it is cancelled, which
takes seconds on a full table and also throws away what other requests wrote meanwhile. Here items
are immutable once stored: an update stores a changed copy, and an undo stores the old reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from moto.dynamodb.comparisons import get_expected, get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    ItemSizeTooLarge,
    ItemSizeToUpdateTooLarge,
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing.executors import UpdateExpressionExecutor
from moto.dynamodb.parsing.validators import UpdateExpressionValidator

from infra.local.cloud.dynamodb.expressions import (
    TooComplicatedError,
    compile_update,
    copy_of,
    parse_update,
)
from infra.local.cloud.dynamodb.query import size_of

_MAX_ACTIONS: Final = 100
_MAX_TRANSACTION_BYTES: Final = 4 * 1024 * 1024
_OPERATIONS: Final = frozenset({"ConditionCheck", "Put", "Delete", "Update"})

_Undo = tuple[Any, DynamoType, DynamoType | None, Item | None]


def update_item(
    backend: Any,
    table_name: str,
    key: dict[str, dict[str, Any]],
    update_expression: str,
    expression_attribute_names: dict[str, Any],
    expression_attribute_values: dict[str, Any],
    attribute_updates: dict[str, Any] | None = None,
    expected: dict[str, Any] | None = None,
    condition_expression: str | None = None,
    return_values_on_condition_check_failure: str | None = None,
) -> Item:
    """``DynamoDBBackend.update_item`` on a copy of the item: all of it happens, or nothing."""
    table = backend.get_table(table_name)
    hash_value, range_value = backend.get_keys_value(table, key)
    current: Item | None = table.get_item(hash_value, range_value)
    if not get_expected(expected or {}).expr(current):
        raise ConditionalCheckFailed
    condition = get_filter_expression(
        condition_expression, expression_attribute_names, expression_attribute_values
    )
    if not holds(condition, current):
        if return_values_on_condition_check_failure == "ALL_OLD" and current is not None:
            raise ConditionalCheckFailed(item=current.to_json()["Attributes"])
        raise ConditionalCheckFailed
    draft = _new_item(table, key, hash_value, range_value) if current is None else copy_of(current)
    if attribute_updates:
        draft.validate_no_empty_key_values(attribute_updates, table.attribute_keys)
    if update_expression:
        _apply(
            table,
            current,
            draft,
            update_expression,
            expression_attribute_names or {},
            expression_attribute_values or {},
        )
    else:
        draft.update_with_attribute_updates(attribute_updates or {})
    put(table, hash_value, range_value, draft)
    if table.stream_shard is not None:
        table.stream_shard.add(current, draft)
    return draft


def holds(condition: Any, item: Item | None) -> bool:
    """Whether a condition holds; what cannot be compared, or measured, does not hold, as on AWS."""
    try:
        return bool(condition.expr(item))
    except (TypeError, ValueError):
        return False


def _new_item(
    table: Any, key: Mapping[str, Any], hash_value: DynamoType, range_value: DynamoType | None
) -> Item:
    # put_item validates keys; an update of a missing item creates one under the same rules.
    table._validate_item_types(key)
    table._validate_key_sizes(key)
    for name, value, kind in (
        (table.hash_key_attr, hash_value, table.hash_key_type),
        (table.range_key_attr, range_value, table.range_key_type),
    ):
        if value is not None and value.type != kind:
            raise MockValidationException(
                "The provided key element does not match the schema: "
                f"{name} has type {value.type}, expected {kind}"
            )
    return Item(hash_value, range_value, dict(key))


def _apply(
    table: Any,
    current: Item | None,
    draft: Item,
    expression: str,
    names: Mapping[str, str],
    values: Mapping[str, Mapping[str, Any]],
) -> None:
    compiled = compile_update(expression, names, tuple(table.table_key_attrs))
    if compiled is not None:
        key_types = {one["AttributeName"]: one["AttributeType"] for one in table.attr}
        attempt = copy_of(draft)
        try:
            compiled.apply(attempt, values, key_types, {} if current is None else current.attrs)
        except TooComplicatedError:
            pass
        else:
            draft.attrs = attempt.attrs
            return
    # A missing item has no attributes for the expression, not even its keys.
    seen = Item(draft.hash_key, draft.range_key, {}) if current is None else draft
    validated = UpdateExpressionValidator(
        parse_update(expression),
        expression_attribute_names=names,
        expression_attribute_values=values,
        item=seen,
        table=table,
    ).validate()
    validated.normalize()
    try:
        UpdateExpressionExecutor(validated, draft, names).execute()
    except ItemSizeTooLarge:
        raise ItemSizeToUpdateTooLarge from None


def put(table: Any, hash_value: DynamoType, range_value: DynamoType | None, item: Item) -> None:
    """Store an item that was changed since it was measured (indexes and journal follow)."""
    item._known_size = None
    if range_value is None:
        table.items[hash_value] = item
    else:
        table.items[hash_value][range_value] = item


def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
    """``DynamoDBBackend.transact_write_items``: check everything, then change, undo on failure."""
    if len(transact_items) > _MAX_ACTIONS:
        raise TooManyTransactionsException
    actions = [_Action(backend, item) for item in transact_items]
    if len({action.identity for action in actions}) < len(actions):
        raise MultipleTransactionsException
    reasons = [action.check() for action in actions]
    if any(code is not None for code, _, _ in reasons):
        raise TransactionCanceledException(reasons)
    undo: list[_Undo] = []
    streams = [
        (action.table.stream_shard, len(action.table.stream_shard.items))
        for action in actions
        if action.table.stream_shard is not None
    ]
    failed = False
    size = 0
    for position, action in enumerate(actions):
        try:
            undo.append(action.before())
            size += action.write(backend)
            if size > _MAX_TRANSACTION_BYTES:
                raise MockValidationException(
                    "Transaction request cannot include more than 4 MB of data"
                )
        except MockValidationException:
            _roll_back(undo, streams)
            raise
        except Exception as error:
            failed = True
            reasons[position] = (type(error).__name__, str(error), None)
    if failed:
        _roll_back(undo, streams)
        raise TransactionCanceledException(reasons)


_Reason = tuple[str | None, str | None, dict[str, Any] | None]


class _Action:
    """One operation of a transaction with the item it is about."""

    __slots__ = ("_hash", "_key", "_kind", "_operation", "_range", "identity", "table")

    def __init__(self, backend: Any, item: dict[str, Any]) -> None:
        if len(item) > 1:
            raise TransactWriteSingleOpException
        ((self._kind, self._operation),) = item.items()
        if self._kind not in _OPERATIONS:
            raise MockValidationException(f"Unsupported transaction operation {self._kind}")
        self.table = backend.get_table(self._operation["TableName"])
        source = self._operation["Item" if self._kind == "Put" else "Key"]
        self._hash, self._range = backend.get_keys_value(self.table, source)
        self._key = {name: source[name] for name in self.table.table_key_attrs}
        self.identity = (self.table.name, self._hash, self._range)

    def check(self) -> _Reason:
        """Whether the condition holds now: a cancellation reason, empty when it does."""
        expression = self._operation.get("ConditionExpression")
        if expression is None:
            return (None, None, None)
        current = self.table.get_item(self._hash, self._range)
        condition = get_filter_expression(
            expression,
            self._operation.get("ExpressionAttributeNames"),
            self._operation.get("ExpressionAttributeValues"),
        )
        if holds(condition, current):
            return (None, None, None)
        wanted = self._operation.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        shown = current.to_json()["Attributes"] if wanted and current is not None else None
        return ("ConditionalCheckFailed", "The conditional request failed", shown)

    def before(self) -> _Undo:
        """What brings the item back to where it is now."""
        current = self.table.get_item(self._hash, self._range)
        return (self.table, self._hash, self._range, current)

    def write(self, backend: Any) -> int:
        """Do it (the condition has been checked); returns the size of the item written."""
        match self._kind:
            case "Put":
                item: Item = self.table.put_item(self._operation["Item"], overwrite=True)
            case "Update":
                item = update_item(
                    backend,
                    self._operation["TableName"],
                    self._key,
                    self._operation["UpdateExpression"],
                    self._operation.get("ExpressionAttributeNames") or {},
                    self._operation.get("ExpressionAttributeValues") or {},
                )
            case "Delete":
                self.table.delete_item(self._hash, self._range)
                return 0
            case _:
                return 0
        return size_of(item)


def _roll_back(undo: list[_Undo], streams: list[tuple[Any, int]]) -> None:
    for shard, length in reversed(streams):
        del shard.items[length:]
    for table, hash_value, range_value, old in reversed(undo):
        if old is not None:
            put(table, hash_value, range_value, old)
        elif range_value is None:
            table.items.pop(hash_value, None)
        else:
            table.items[hash_value].pop(range_value, None)
