"""Items of one table with real indexes, in place of moto's plain dictionaries.

moto finds the items of a query by looking at every item of the table and sorting what it found.
Here the primary key and each secondary index keep their items sorted, and every write keeps them
so. Writes go through the same dictionary operations moto performs (``items[hash][range] = item``,
``items[hash].pop(range)``), therefore no code path of moto can bypass an index or the journal.

An item is never changed once it is stored: updates store a changed copy. That makes an undo a
reference, a query result a list of references, and the size of an item a number to keep.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, TypeAlias

from moto.dynamodb.models.dynamo_type import DynamoType, Item

SortKey: TypeAlias = tuple[Any, ...]
"""Range key value first, then whatever makes the entry unique."""

OnChange: TypeAlias = Callable[[str, DynamoType, DynamoType | None, Item | None], None]
"""Told of every write: table name, hash key, range key, new item (None when deleted)."""

_first = itemgetter(0)


class SortedItems:
    """Items of one hash key, sorted."""

    __slots__ = ("_items", "_keys")

    def __init__(self) -> None:
        self._keys: list[SortKey] = []
        self._items: list[Item] = []

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, key: SortKey, item: Item) -> None:
        """Insert or replace."""
        position = bisect_left(self._keys, key)
        if position < len(self._keys) and self._keys[position] == key:
            self._items[position] = item
        else:
            self._keys.insert(position, key)
            self._items.insert(position, item)

    def remove(self, key: SortKey) -> None:
        """Remove the entry of this key, if there is one."""
        position = bisect_left(self._keys, key)
        if position < len(self._keys) and self._keys[position] == key:
            del self._keys[position]
            del self._items[position]

    def before(self, value: Any) -> int:
        """Position of the first entry whose range value is not below ``value``."""
        return bisect_left(self._keys, value, key=_first)

    def after(self, value: Any) -> int:
        """Position of the first entry whose range value is above ``value``."""
        return bisect_right(self._keys, value, key=_first)

    def position(self, key: SortKey, *, behind: bool) -> int:
        """Position at, or behind, an exact key that need not exist (any more)."""
        return bisect_right(self._keys, key) if behind else bisect_left(self._keys, key)

    def prefix_end(self, start: int, prefix: Any) -> int:
        """Position behind the last entry, from ``start``, whose range value has this prefix."""
        low, high = start, len(self._keys)
        while low < high:
            middle = (low + high) // 2
            if self._keys[middle][0].startswith(prefix):
                low = middle + 1
            else:
                high = middle
        return low

    def walk(self, start: int, end: int, *, forward: bool) -> Iterator[Item]:
        """Items of ``[start, end)`` in either direction."""
        positions = range(start, end) if forward else range(end - 1, start - 1, -1)
        for position in positions:
            yield self._items[position]


class Index:
    """One secondary index: what moto declares, plus its items by hash value."""

    __slots__ = ("_by_hash", "_table", "declared", "hash_name", "range_name")

    def __init__(self, table: Any, declared: Any) -> None:
        keys = {key["KeyType"]: key["AttributeName"] for key in declared.schema}
        self.declared = declared
        self.hash_name: str = keys["HASH"]
        self.range_name: str | None = keys.get("RANGE")
        self._table = table
        self._by_hash: dict[tuple[str, Any], SortedItems] = {}

    def change(self, old: Item | None, new: Item | None) -> None:
        """Follow one write of the table."""
        leaving = None if old is None else self._entry(old)
        entering = None if new is None else self._entry(new)
        if leaving is not None and (entering is None or entering != leaving):
            items = self._by_hash[leaving[0]]
            items.remove(leaving[1])
            if not items:
                del self._by_hash[leaving[0]]
        if entering is not None and new is not None:
            self._by_hash.setdefault(entering[0], SortedItems()).put(entering[1], new)

    def items_of(self, hash_value: DynamoType) -> SortedItems:
        """Items under one hash value of the index, sorted."""
        return self._by_hash.get((hash_value.type, hash_value.cast_value)) or SortedItems()

    def sort_key(self, attributes: Any) -> SortKey | None:
        """Sort key of an item (or of an exclusive start key); None when it is not indexed."""
        names = [self.range_name, self._table.hash_key_attr, self._table.range_key_attr]
        values = []
        for name in names:
            if name is None:
                continue
            value = attributes.get(name)
            if value is None:
                return None
            values.append(DynamoType(value).cast_value)
        return tuple(values)

    def _entry(self, item: Item) -> tuple[tuple[str, Any], SortKey] | None:
        hash_value = item.attrs.get(self.hash_name)
        if hash_value is None:
            return None
        key = self.sort_key(item.attrs)
        return None if key is None else ((hash_value.type, hash_value.cast_value), key)


class Partition(dict[DynamoType, Item]):
    """Items of one hash key of the table, by range key. Registers itself when first written."""

    __slots__ = ("_hash", "_owner", "ordered")

    def __init__(self, owner: IndexedItems, hash_key: DynamoType) -> None:
        super().__init__()
        self._owner = owner
        self._hash = hash_key
        self.ordered = SortedItems()

    def __setitem__(self, range_key: DynamoType, item: Item) -> None:
        old = self.get(range_key)
        if not self:
            dict.__setitem__(self._owner, self._hash, self)
        super().__setitem__(range_key, item)
        self.ordered.put((range_key.cast_value,), item)
        self._owner.changed(self._hash, range_key, old, item)

    def __delitem__(self, range_key: DynamoType) -> None:
        self.pop(range_key)

    def pop(self, range_key: DynamoType, *default: Any) -> Any:
        """Remove and return an item, as ``dict.pop``."""
        if range_key not in self:
            return super().pop(range_key, *default)
        old = super().pop(range_key)
        self.ordered.remove((range_key.cast_value,))
        if not self:
            dict.pop(self._owner, self._hash, None)
        self._owner.changed(self._hash, range_key, old, None)
        return old


class IndexedItems(dict[DynamoType, Any]):
    """What a table keeps in ``items``: partitions by hash key (or items, without range key)."""

    def __init__(self, table: Any, on_change: OnChange) -> None:
        super().__init__()
        self._table = table
        self._on_change = on_change
        self._declared: list[Any] = []
        self._indexes: dict[str, Index] = {}

    def __missing__(self, hash_key: DynamoType) -> Partition:
        if self._table.range_key_attr is None:
            raise KeyError(hash_key)
        return Partition(self, hash_key)

    def __setitem__(self, hash_key: DynamoType, item: Any) -> None:
        old = self.get(hash_key)
        super().__setitem__(hash_key, item)
        self.changed(hash_key, None, old, item)

    def __delitem__(self, hash_key: DynamoType) -> None:
        self.pop(hash_key)

    def pop(self, hash_key: DynamoType, *default: Any) -> Any:
        """Remove and return an item of a table without range key, as ``dict.pop``."""
        if hash_key not in self:
            return super().pop(hash_key, *default)
        old = super().pop(hash_key)
        self.changed(hash_key, None, old, None)
        return old

    def changed(
        self,
        hash_key: DynamoType,
        range_key: DynamoType | None,
        old: Item | None,
        new: Item | None,
    ) -> None:
        """Bring the indexes in line with one write and report it."""
        for index in self._current_indexes().values():
            index.change(old, new)
        self._on_change(self._table.name, hash_key, range_key, new)

    def index(self, name: str) -> Index | None:
        """The secondary index of this name; None for an unknown or a many-attribute one."""
        return self._current_indexes().get(name)

    def every_item(self) -> Iterator[Item]:
        """All items, in no particular order."""
        for value in self.values():
            if isinstance(value, Partition):
                yield from value.values()
            else:
                yield value

    def _current_indexes(self) -> dict[str, Index]:
        declared = list(self._table.all_indexes())
        if declared != self._declared:
            self._declared = declared
            self._indexes = {}
            for one in declared:
                kinds = sorted(key["KeyType"] for key in one.schema)
                if kinds in (["HASH"], ["HASH", "RANGE"]):
                    self._indexes[one.name] = Index(self._table, one)
            for item in list(self.every_item()):
                for index in self._indexes.values():
                    index.change(None, item)
        return self._indexes
