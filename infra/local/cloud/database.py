"""How every file of the local state is opened: SQLite, checked, safe against a killed process."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from infra.local.cloud.model import LocalCloudError


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """Open (or create) one state file for use by any thread under the caller's own lock.

    ``synchronous=OFF`` is enough: after ``kill -9`` the written pages belong to the kernel. Only a
    power cut could lose them, which a development stack accepts for a tenth of the write time.

    Raises: LocalCloudError when the file is not a healthy SQLite database; it names the file.
    """
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + schema)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise LocalCloudError(
            f"The state file {path} is damaged ({error}). Restore a snapshot, or delete the folder "
            f"{path.parent} to start afresh."
        ) from error
    return connection


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Write a consistent copy of an open database to ``target`` (replaced when it exists)."""
    target.unlink(missing_ok=True)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
