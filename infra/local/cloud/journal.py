"""What survives of the services that moto keeps in memory only: items, objects, keys, secrets.

Every change is written before the request that made it is answered, so a ``kill -9`` loses nothing
that a function was told is done.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.local.cloud.database import copy_database, open_database
from infra.local.cloud.model import Json

_ITEMS: Final = """
CREATE TABLE IF NOT EXISTS item (
  table_name TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (table_name, key)) WITHOUT ROWID;
"""
_VAULT: Final = """
CREATE TABLE IF NOT EXISTS entry (
  kind TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;
"""
_OBJECTS: Final = """
CREATE TABLE IF NOT EXISTS object (
  bucket TEXT, name TEXT, position INTEGER, file TEXT, attributes TEXT NOT NULL,
  PRIMARY KEY (bucket, name, position)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """New value of one DynamoDB item (None when it was deleted), both as JSON texts."""

    table: str
    key: str
    value: str | None


class _Journal:
    """A SQLite file with a lock around it."""

    def __init__(self, path: Path, schema: str) -> None:
        self._lock = threading.RLock()
        self._database = open_database(path, schema)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def backup(self, target: Path) -> None:
        """Write a consistent copy to ``target``."""
        with self._lock:
            copy_database(self._database, target)

    def _write(self, statements: Iterable[tuple[str, Sequence[object]]]) -> None:
        with self._lock:
            self._database.execute("BEGIN")
            try:
                for sql, values in statements:
                    self._database.execute(sql, values)
            except sqlite3.Error:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


class ItemJournal(_Journal):
    """Every item of every table, as DynamoDB JSON."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _ITEMS)

    def write(self, changes: Sequence[ItemChange]) -> None:
        """Write the changes of one request, all or nothing."""
        self._write(
            (
                "REPLACE INTO item VALUES (?,?,?)",
                (change.table, change.key, change.value),
            )
            if change.value is not None
            else ("DELETE FROM item WHERE table_name=? AND key=?", (change.table, change.key))
            for change in changes
        )

    def read(self, table: str) -> Iterator[str]:
        """All items of a table, as JSON texts, in key order."""
        with self._lock:
            rows = self._database.execute(
                "SELECT value FROM item WHERE table_name=? ORDER BY key", (table,)
            ).fetchall()
        for (value,) in rows:
            yield value


class Vault(_Journal):
    """Small documents by kind and name: keys, secrets, identifiers that must not change."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _VAULT)

    def get(self, kind: str, name: str) -> Mapping[str, Json] | None:
        """The document, or None."""
        with self._lock:
            row = self._database.execute(
                "SELECT value FROM entry WHERE kind=? AND name=?", (kind, name)
            ).fetchone()
        document: Mapping[str, Json] | None = None if row is None else json.loads(row[0])
        return document

    def put(self, kind: str, name: str, document: Mapping[str, Json]) -> None:
        """Write a document, replacing an earlier one."""
        self._write([("REPLACE INTO entry VALUES (?,?,?)", (kind, name, json.dumps(document)))])


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of an S3 object; ``content`` is None for a delete marker."""

    attributes: Mapping[str, Json]
    content: bytes | None


class ObjectFiles(_Journal):
    """S3 objects: contents as files, names and metadata in an index."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        super().__init__(folder / "index.sqlite", _OBJECTS)

    def write(self, bucket: str, name: str, versions: Sequence[StoredVersion]) -> None:
        """Make ``versions`` (oldest first) all there is of this object; none deletes it."""
        with self._lock:
            old = self._database.execute(
                "SELECT file FROM object WHERE bucket=? AND name=? AND file IS NOT NULL",
                (bucket, name),
            ).fetchall()
            statements: list[tuple[str, Sequence[object]]] = [
                ("DELETE FROM object WHERE bucket=? AND name=?", (bucket, name))
            ]
            for position, version in enumerate(versions):
                file = None
                if version.content is not None:
                    file = uuid.uuid4().hex
                    (self._folder / file).write_bytes(version.content)
                statements.append(
                    (
                        "INSERT INTO object VALUES (?,?,?,?,?)",
                        (bucket, name, position, file, json.dumps(version.attributes)),
                    )
                )
            self._write(statements)
            for (file,) in old:
                (self._folder / file).unlink(missing_ok=True)

    def read(self, bucket: str) -> Iterator[tuple[str, list[StoredVersion]]]:
        """Every object of a bucket with its versions, oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT name, file, attributes FROM object WHERE bucket=? ORDER BY name, position",
                (bucket,),
            ).fetchall()
        objects: dict[str, list[StoredVersion]] = {}
        for name, file, attributes in rows:
            content = None if file is None else (self._folder / file).read_bytes()
            objects.setdefault(name, []).append(StoredVersion(json.loads(attributes), content))
        yield from objects.items()

    def backup(self, target: Path) -> None:
        """Copy the index and every file it names into the folder ``target``."""
        with self._lock:
            target.mkdir(parents=True, exist_ok=True)
            copy_database(self._database, target / "index.sqlite")
            for (file,) in self._database.execute("SELECT file FROM object WHERE file IS NOT NULL"):
                shutil.copyfile(self._folder / file, target / file)
