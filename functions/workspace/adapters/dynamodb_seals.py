"""Seals on DynamoDB: ``wsp#T#<t>#SEAL#<id>`` / ``META`` in ``core``, listed by day.

The row only says how far the work is and where the objects are; what counts as evidence are the
objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kernel.storing import Position, WriteRefusedError
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Item, Keyspace, absent, equals
from toolkit.aws.objects import FileStore
from toolkit.aws.rows import day, day_of
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, Machinery, UnitOfWork
from workspace.adapters.entity_writes import CONTEXT
from workspace.domain.seal import Part, Seal, Tally
from workspace.ports import Page

_KEPT = 64 * 1024 * 1024
_AT_ONCE = 3


def _row(seal: Seal) -> Item:
    return {
        "id": seal.id,
        "day": day(seal.day),
        "previous": seal.previous,
        "parts": [[part.name, part.digest, part.entities] for part in seal.parts],
        "root": seal.root,
        "sealed_at": seal.sealed_at,
        "version": seal.version + 1,
        "tally": None
        if seal.tally is None
        else {name: list(counts) for name, counts in seal.tally.items()},
    }


def _seal(tenant_id: str, row: Mapping[str, Any]) -> Seal:
    return Seal(
        row["id"],
        tenant_id,
        day_of(row["day"]) or date.min,
        row["previous"],
        tuple(Part(name, digest, entities) for name, digest, entities in row["parts"]),
        row["root"],
        row["sealed_at"],
        row["version"],
        _tally(row.get("tally")),
    )


def _tally(stored: Mapping[str, Any] | None) -> Tally | None:
    if stored is None:
        return None
    return {name: (int(entities), int(acts)) for name, (entities, acts) in stored.items()}


@dataclass(frozen=True, slots=True)
class DynamoSealDesk:
    """``SealDesk`` over the tables."""

    machinery: Machinery
    queue: str

    def company(self, context: TenantContext) -> "DynamoSeals":
        return DynamoSeals(self.machinery, self.queue, context)


class DynamoSeals:
    """``Seals`` below the key prefix of one tenant."""

    def __init__(self, machinery: Machinery, queue: str, context: TenantContext) -> None:
        self._machinery = machinery
        self._queue = queue
        self._context = context
        self._keyspace = Keyspace(CONTEXT, context.tenant_id)

    def _key(self, seal_id: str) -> str:
        return self._keyspace.key("SEAL", seal_id)

    def _write(self, seal: Seal, after: Position | None, *, new: bool, order: bool) -> None:
        unit = UnitOfWork(self._machinery, self._keyspace, self._context)
        listed = {"by_pk": self._keyspace.key("SEALS"), "by_sk": day(seal.day)}
        unit.transaction.update(
            "core",
            self._key(seal.id),
            META,
            assign={**_row(seal), **listed, "after": dict(after) if after else None},
            when=absent() if new else equals("version", seal.version),
            label="seal",
        )
        if order:
            unit.enqueue(self._queue, {"seal_id": seal.id})
        try:
            unit.commit()
        except TransactionRefusedError as error:
            raise WriteRefusedError([item.label for item in error.refused]) from error

    def begin(self, seal: Seal) -> None:
        self._write(seal, None, new=True, order=True)

    def order(self, seal: Seal) -> None:
        unit = UnitOfWork(self._machinery, self._keyspace, self._context)
        unit.enqueue(self._queue, {"seal_id": seal.id})
        unit.commit()

    def save(self, seal: Seal, after: Position | None) -> None:
        self._write(seal, after, new=False, order=not seal.is_complete)

    def seal(self, seal_id: str) -> Seal | None:
        found = self.progress(seal_id)
        return found[0] if found else None

    def progress(self, seal_id: str) -> tuple[Seal, Position | None] | None:
        row = self._machinery.database.get("core", self._key(seal_id), META)
        if row is None:
            return None
        return _seal(self._context.tenant_id, row), row["after"]

    def last_complete(self, until: date | None = None) -> Seal | None:
        after: Position | None = None
        while True:
            page = self._listed(until, limit=_AT_ONCE, after=after)
            found = next((seal for seal in page.items if seal.is_complete), None)
            after = page.next
            if found is not None or after is None:
                return found

    def seals(self, *, limit: int, after: Position | None) -> Page[Seal]:
        return self._listed(None, limit=limit, after=after)

    def _listed(self, until: date | None, *, limit: int, after: Position | None) -> Page[Seal]:
        page = self._machinery.database.list_rows(
            self._keyspace.key("SEALS"),
            up_to=day(until),
            after=dict(after) if after else None,
            limit=limit,
            forward=False,
        )
        tenant_id = self._context.tenant_id
        return Page(tuple(_seal(tenant_id, row) for row in page.items), page.next_key)


class LockedSealObjects:
    """``SealObjects`` in a bucket whose objects are locked from the moment they are written."""

    def __init__(self, files: FileStore) -> None:
        self._files = files

    def put(self, tenant_id: str, day: date, name: str, content: bytes) -> None:
        # Names carry the hash of the content: what is there already is the same.
        self._files.put(
            _object(tenant_id, day, name), content, content_type="application/json", filename=name
        )

    def get(self, tenant_id: str, day: date, name: str) -> bytes | None:
        key = _object(tenant_id, day, name)
        if not self._files.exists(key):
            return None
        return self._files.get(key, max_bytes=_KEPT).content


def _object(tenant_id: str, day: date, name: str) -> str:
    return f"T/{tenant_id}/{day.isoformat()}/{name}"
