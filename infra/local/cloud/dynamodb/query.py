"""Query on sorted items: the same answers as moto's ``Table.query``, without looking at all."""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT

from infra.local.cloud.dynamodb.items import Index, IndexedItems, Partition, SortedItems


def fast_query(
    table: Any,
    hash_key: DynamoType,
    range_comparison: str | None,
    range_values: list[DynamoType],
    limit: int | None,
    exclusive_start_key: dict[str, Any] | None,
    forward: bool,
    projections: list[list[str]] | None,
    index: Index | None,
    filter_expression: Any,
) -> tuple[list[Item], int, dict[str, Any] | None]:
    """Items of one hash key (of the table, or of ``index``) that match the range condition."""
    items = _items_of(table, index, hash_key)
    start, end = _bounds(items, range_comparison, range_values)
    if exclusive_start_key is not None:
        key = _start_key(table, index, exclusive_start_key)
        if forward:
            start = max(start, items.position(key, behind=True))
        else:
            end = min(end, items.position(key, behind=False))
    found: list[Item] = []
    size = 0
    last: dict[str, Any] | None = None
    for item in items.walk(start, end, forward=forward):
        shown = item if index is None else _projected(table, index, item)
        item_size = size_of(shown)
        if len(found) == limit or size + item_size > RESULT_SIZE_LIMIT:
            last = table._get_last_evaluated_key(found[-1], index and index.declared.name)
            break
        size += item_size
        found.append(shown)
    scanned = len(found)
    if filter_expression is not None:
        found = [item for item in found if filter_expression.expr(item)]
    if projections:
        found = [item.project(projections) for item in found]
    return found, scanned, last


def size_of(item: Item) -> int:
    """Size of a stored item, computed once: stored items never change."""
    known: int | None = getattr(item, "_known_size", None)
    if known is None:
        known = int(item.size())
        item._known_size = known
    return known


def _items_of(table: Any, index: Index | None, hash_key: DynamoType) -> SortedItems:
    if index is not None:
        return index.items_of(hash_key)
    stored: IndexedItems = table.items
    found = stored.get(hash_key)
    if isinstance(found, Partition):
        return found.ordered
    alone = SortedItems()
    if found is not None:
        alone.put((), found)
    return alone


def _bounds(
    items: SortedItems, comparison: str | None, values: list[DynamoType]
) -> tuple[int, int]:
    if comparison is None:
        return 0, len(items)
    value = values[0].cast_value
    match comparison.upper():
        case "=" | "EQ":
            return items.before(value), items.after(value)
        case "<" | "LT":
            return 0, items.before(value)
        case "<=" | "LE":
            return 0, items.after(value)
        case ">" | "GT":
            return items.after(value), len(items)
        case ">=" | "GE":
            return items.before(value), len(items)
        case "BETWEEN":
            return items.before(value), items.after(values[1].cast_value)
        case "BEGINS_WITH":
            start = items.before(value)
            return start, items.prefix_end(start, value)
        case unknown:
            raise ValueError(f"Key conditions cannot use {unknown}")


def _start_key(table: Any, index: Index | None, given: dict[str, Any]) -> tuple[Any, ...]:
    if index is not None:
        return index.sort_key(given) or ()
    if table.range_key_attr is None:
        return ()
    return (DynamoType(given[table.range_key_attr]).cast_value,)


def _projected(table: Any, index: Index, item: Item) -> Item:
    """The item as the index holds it."""
    declared = index.declared
    kind = (declared.projection or {}).get("ProjectionType", "ALL")
    if kind == "ALL":
        return item
    names = {*table.table_key_attrs, *declared.schema_key_attrs}
    if kind == "INCLUDE":
        names.update(declared.projection.get("NonKeyAttributes") or ())
    shown = Item.__new__(Item)
    shown.hash_key = item.hash_key
    shown.range_key = item.range_key
    shown.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    for name, value in item.attrs.items():
        if name in names:
            dict.__setitem__(shown.attrs, name, value)
    return shown
