"""The insurers' own books: what they accepted, in a file that survives a killed stack.

Everything a simulator did stands here and nowhere else, so the ledger of the product can be
compared with it (reliability.md I-5).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS effects(
  seq INTEGER PRIMARY KEY, provider TEXT NOT NULL, contract_no TEXT NOT NULL, kind TEXT NOT NULL,
  reference TEXT NOT NULL, line_key TEXT NOT NULL, national_id TEXT NOT NULL,
  period TEXT NOT NULL, paid_on TEXT NOT NULL, amount INTEGER, policy_no TEXT,
  word TEXT NOT NULL, reason TEXT, channel TEXT NOT NULL, taken_at REAL NOT NULL,
  ready_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS effects_by_reference ON effects(provider, contract_no, reference);
CREATE INDEX IF NOT EXISTS effects_by_person ON effects(provider, contract_no, national_id, kind);
CREATE TABLE IF NOT EXISTS members(
  provider TEXT NOT NULL, policy_no TEXT NOT NULL, contract_no TEXT NOT NULL,
  national_id TEXT NOT NULL, standing TEXT NOT NULL, since TEXT, channel TEXT NOT NULL,
  ready_at REAL NOT NULL, PRIMARY KEY(provider, policy_no)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_by_person ON members(provider, contract_no, national_id);
CREATE TABLE IF NOT EXISTS counters(
  provider TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY(provider, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings(
  provider TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
"""


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


class Book:
    """One file for all simulated insurers."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = _as_dict
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen together or not at all, one caller at a time."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, arguments: Sequence[object] = ()) -> list[dict[str, Any]]:
        """All rows of a query."""
        with self._lock:
            return list(self._db.execute(sql, arguments).fetchall())

    def write(self, sql: str, arguments: Sequence[object] = ()) -> None:
        """One change."""
        with self._lock:
            self._db.execute(sql, arguments)

    def count(self, provider: str, name: str) -> int:
        """Add one to a counter and return the new number."""
        with self._lock:
            row = self._db.execute(
                "INSERT INTO counters VALUES(?, ?, 1) ON CONFLICT(provider, name)"
                " DO UPDATE SET n = n + 1 RETURNING n",
                (provider, name),
            ).fetchone()
            return int(row["n"])

    def counters(self, provider: str) -> dict[str, int]:
        """All counters of one insurer."""
        rows = self.rows("SELECT name, n FROM counters WHERE provider = ?", (provider,))
        return {row["name"]: row["n"] for row in rows}

    def settings(self, provider: str) -> dict[str, Any]:
        """The persistent part of an insurer's script."""
        rows = self.rows("SELECT document FROM settings WHERE provider = ?", (provider,))
        return dict(json.loads(rows[0]["document"])) if rows else {}

    def save_settings(self, provider: str, document: dict[str, Any]) -> None:
        """Replace the persistent part of an insurer's script."""
        self.write(
            "INSERT INTO settings VALUES(?, ?) ON CONFLICT(provider) DO UPDATE SET document ="
            " excluded.document",
            (provider, json.dumps(document, sort_keys=True)),
        )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
