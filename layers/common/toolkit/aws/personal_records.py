"""What a register says about stored rows: whose they are, what they hold, and how it is erased.

Pure over rows; ``toolkit.aws.privacy_keeper`` reads and writes them.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from kernel.personal_data import DROP, IDENTIFYING, Datum, Holding, PersonalField, digest
from toolkit.aws.dynamodb import Item
from toolkit.aws.unit_of_work import META

_TOKEN: Final = re.compile(r"\[\]|\{\}|\[\d+\]|!|[^.\[\]{}!]+")


@dataclass(frozen=True, slots=True)
class Codec:
    """How a context packs what has no fixed shape."""

    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]


def _no_packing(_: Any) -> Any:
    message = "this context packs nothing"
    raise ValueError(message)


UNPACKED: Final = Codec(_no_packing, _no_packing)


class Paths:
    """Walks and rebuilds rows along the paths of a register."""

    def __init__(self, codec: Codec = UNPACKED) -> None:
        self._codec = codec

    def values(self, value: Any, path: str) -> Iterator[Any]:
        """Everything the path leads to; a step that is not there ends quietly."""
        yield from self._values(value, _TOKEN.findall(path))

    def _values(self, value: Any, tokens: Sequence[str]) -> Iterator[Any]:
        if not tokens:
            yield value
            return
        for _, inner in self._inner(value, tokens[0]):
            yield from self._values(inner, tokens[1:])

    def _inner(self, value: Any, token: str) -> Iterator[tuple[Any, Any]]:
        if token == "[]":  # noqa: S105  (a step of a path)
            yield from enumerate(value if isinstance(value, list) else ())
        elif token == "{}":  # noqa: S105
            yield from (value if isinstance(value, Mapping) else {}).items()
        elif token == "!":  # noqa: S105
            if value:
                yield None, self._codec.unpack(value)
        elif token.startswith("["):
            place = int(token[1:-1])
            if isinstance(value, list) and place < len(value):
                yield place, value[place]
        elif isinstance(value, Mapping) and token in value:
            yield token, value[token]

    def replaced(self, value: Any, path: str, change: Callable[[Any], Any]) -> Any:
        """The value with everything at the path changed; the original stays as it is."""
        return self._replaced(value, _TOKEN.findall(path), change)

    def _replaced(self, value: Any, tokens: Sequence[str], change: Callable[[Any], Any]) -> Any:
        if not tokens:
            return change(value)
        changed: Any = value
        for place, inner in self._inner(value, tokens[0]):
            after = self._replaced(inner, tokens[1:], change)
            if after == inner:
                continue
            if place is None:
                return self._codec.pack(after)
            if changed is value:
                changed = list(value) if isinstance(value, list) else dict(value)
            changed[place] = after
        if isinstance(changed, list):
            changed = [one for one in changed if one is not DROP]
        return changed


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose records are meant: keyed hashes, and records found before (``kind:id``)."""

    key: bytes
    digests: frozenset[str]
    owners: Collection[str]


class PersonalRecord:
    """One entity with all its rows, seen through the holdings of its kind."""

    def __init__(
        self,
        holdings: Sequence[Holding],
        rows: Mapping[str, Item],
        beside: Mapping[str, Sequence[Item]],
        paths: Paths,
    ) -> None:
        self._holdings = holdings
        self.rows = rows
        self._beside = beside
        self._paths = paths

    @property
    def meta(self) -> Item:
        """The entity's own row."""
        return self.rows[META]

    def is_about(self, wanted: Wanted | None) -> bool:
        """Whether the record, or a part of it, belongs to the person."""
        return any(True for _ in self._parts(wanted))

    def is_whole(self, wanted: Wanted | None) -> bool:
        """Whether the record itself belongs to the person, not only a part of it."""
        return any(not holding.part for holding, *_ in self._parts(wanted))

    def names(self, wanted: Wanted | None) -> bool:
        """Whether the person's name is among what is held, so that the item is found by it."""
        return any(
            field.what is Datum.NAME
            for holding, *_ in self._parts(wanted)
            for field in holding.fields
        )

    def _parts(self, wanted: Wanted | None) -> Iterator[tuple[Holding, Item, Any]]:
        """Holding, row and part that belong to the person."""
        for holding in self._holdings:
            if holding.part:
                for row in self._rows_of(holding):
                    for part in self._paths.values(row, holding.part):
                        if self._belongs(holding, part, wanted):
                            yield holding, row, part
            elif self._belongs(holding, self.meta, wanted):
                yield from ((holding, row, row) for row in self._rows_of(holding))

    def _rows_of(self, holding: Holding) -> list[Item]:
        if holding.beside:
            return [row for name in holding.beside for row in self._beside.get(name, ())]
        return [self.rows[name] for name in holding.rows if name in self.rows]

    def _belongs(self, holding: Holding, part: Any, wanted: Wanted | None) -> bool:
        if holding.beside and holding.part:
            return any(part.get(name) == self.meta["id"] for name in holding.by)
        if wanted is None:
            return True
        own = [(field.path, field.what) for field in holding.fields if not holding.beside]
        for path, what in (*own, *holding.found_by):
            if what in IDENTIFYING and any(
                digest(wanted.key, what, value) in wanted.digests
                for value in self._paths.values(part, path)
                if isinstance(value, str) and value
            ):
                return True
        source = part if isinstance(part, Mapping) else {}
        return any(
            f"{kind}:{source[name]}" in wanted.owners
            for name, kind in holding.by.items()
            if source.get(name)
        )

    def held(self, wanted: Wanted | None) -> list[tuple[Holding, list[tuple[PersonalField, str]]]]:
        """What is held about the person, as text, in the order of the register."""
        found = []
        for holding, _, part in self._parts(wanted):
            values = [
                (field, _text(value))
                for field in holding.fields
                for value in self._paths.values(part, field.path)
                if value not in (None, "", [], {}, field.erased)
            ]
            if values:
                found.append((holding, values))
        return found

    def erased(self, wanted: Wanted | None) -> dict[tuple[str, str], Item]:
        """Attributes that change, by row; nothing where nothing of the person is left."""
        changes: dict[tuple[str, str], Item] = {}
        for holding in self._holdings:
            whole = not holding.part and self._belongs(holding, self.meta, wanted)
            if not whole and not holding.part:
                continue
            for row in self._rows_of(holding):
                key = (str(row["pk"]), str(row["sk"]))
                before = {**row, **changes.get(key, {})}
                after = self._without(holding, before, wanted)
                changed = {name: value for name, value in after.items() if before[name] != value}
                if changed:
                    changes[key] = {**changes.get(key, {}), **changed}
        return changes

    def _without(self, holding: Holding, row: Item, wanted: Wanted | None) -> Item:
        if not holding.part:
            return dict(self._emptied(holding, row))

        if holding.along:
            # Two lists of one length: what goes from one goes from the other.
            parts = list(self._paths.values(row, holding.part))
            stays = [not self._belongs(holding, part, wanted) for part in parts]
            kept = [other for other, stay in zip(row[holding.along], stays, strict=True) if stay]
            row = {**row, holding.along: kept}

        def one(part: Any) -> Any:
            return self._emptied(holding, part) if self._belongs(holding, part, wanted) else part

        return dict(self._paths.replaced(row, holding.part, one))

    def _emptied(self, holding: Holding, part: Any) -> Any:
        for field in holding.fields:
            part = self._paths.replaced(part, field.path, partial(_erased, field))
        return part


def _erased(field: PersonalField, value: Any) -> Any:
    return field.erased if value else value


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_text(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(map(_text, value))
    return str(value)
