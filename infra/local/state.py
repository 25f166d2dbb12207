"""The ``.local/`` folder: one owner, one format, and nothing that looks like somebody else's.

The folder is all that a local stack remembers. It is refused, by name and with the way out, when
another process owns it, when its format is newer, when its files are damaged, or when it is simply
a folder of something else: a wrong ``KOPRU_LOCAL_DIR`` must never write into a home directory.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from infra.local.cloud.model import LocalCloudError

FORMAT_VERSION: Final = 1
"""Version of the layout and of every file in it; raised when an older reader would misread."""

_FORMAT_NAME: Final = "kopru-local-state"
_FORMAT_FILE: Final = "format.json"
_LOCK_FILE: Final = "owner.lock"
_SNAPSHOTS: Final = "snapshots"
_DATA: Final = "data"
_SNAPSHOT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

Backup = Callable[[Path], None]
"""Writes a consistent copy of one component's file or folder to the given path."""


class LocalState:
    """One state folder, owned from :meth:`open` to :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._lock: int | None = None

    @property
    def folder(self) -> Path:
        """The folder."""
        return self._folder

    @property
    def data(self) -> Path:
        """Where components keep their files; everything a snapshot holds."""
        return self._folder / _DATA

    @property
    def is_open(self) -> bool:
        """Whether this process owns the folder."""
        return self._lock is not None

    def open(self) -> None:
        """Take the folder, creating it when it does not exist.

        Raises: LocalCloudError naming the folder and what is wrong with it.
        """
        if self._lock is not None:
            raise LocalCloudError(f"The folder {self._folder} is already open here")
        self._refuse_foreign()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock()
        try:
            self._check_format()
            self.data.mkdir(exist_ok=True)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def reset(self) -> None:
        """Delete all data, keep snapshots. Components must have closed their files."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True)

    # ------------------------------------------------------------------ snapshots

    def snapshots(self) -> list[str]:
        """Names of all saved snapshots, sorted."""
        folder = self._folder / _SNAPSHOTS
        if not folder.is_dir():
            return []
        return sorted(
            path.name
            for path in folder.iterdir()
            if path.is_dir() and _SNAPSHOT_NAME.fullmatch(path.name)
        )

    def save_snapshot(self, name: str, backups: Mapping[str, Backup]) -> None:
        """Save the running state under a name, replacing an older snapshot of that name.

        Shapes: ``backups`` maps file or folder names below :attr:`data` to what copies them.
        """
        target = self._snapshot(name)
        draft = target.with_name(f".{name}.saving")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for part, backup in backups.items():
            backup(draft / part)
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)

    def load_snapshot(self, name: str) -> None:
        """Replace all data by a snapshot. Components must have closed their files."""
        source = self._snapshot(name)
        if not source.is_dir():
            known = ", ".join(self.snapshots()) or "none"
            raise LocalCloudError(
                f"There is no snapshot {name!r} in {self._folder} (saved: {known})"
            )
        draft = self._folder / ".loading"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(source, draft)
        shutil.rmtree(self.data, ignore_errors=True)
        draft.rename(self.data)

    def _snapshot(self, name: str) -> Path:
        if not _SNAPSHOT_NAME.fullmatch(name):
            raise LocalCloudError(
                f"{name!r} is not a snapshot name: use lower-case letters, digits, - and _"
            )
        return self._folder / _SNAPSHOTS / name

    # ------------------------------------------------------------------ checks

    def _refuse_foreign(self) -> None:
        folder = self._folder
        if folder.exists() and not folder.is_dir():
            raise LocalCloudError(f"{folder} is a file; the local state needs a folder")
        if not folder.is_dir() or (folder / _FORMAT_FILE).exists():
            return
        strangers = sorted(path.name for path in folder.iterdir() if path.name != _LOCK_FILE)
        if strangers:
            raise LocalCloudError(
                f"The folder {folder} is not a Köprü state folder: it has no {_FORMAT_FILE} but "
                f"holds {', '.join(strangers[:3])}. Choose an empty folder, or delete it yourself."
            )

    def _take_lock(self) -> int:
        path = self._folder / _LOCK_FILE
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise LocalCloudError(
                f"The folder {self._folder} is in use by process {owner}. Stop it, or choose "
                "another folder (KOPRU_LOCAL_DIR)."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode("ascii"))
        return descriptor

    def _check_format(self) -> None:
        path = self._folder / _FORMAT_FILE
        if not path.exists():
            draft = path.with_suffix(".draft")
            draft.write_text(
                json.dumps(
                    {
                        "format": _FORMAT_NAME,
                        "version": FORMAT_VERSION,
                        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
                    }
                ),
                encoding="utf-8",
            )
            draft.rename(path)
            return
        try:
            written = json.loads(path.read_text(encoding="utf-8"))
            name, version = written["format"], int(written["version"])
        except (ValueError, KeyError, TypeError) as error:
            raise LocalCloudError(
                f"The state file {path} is damaged. Restore a snapshot, or delete the folder "
                f"{self._folder} to start afresh."
            ) from error
        if name != _FORMAT_NAME:
            raise LocalCloudError(
                f"The folder {self._folder} belongs to {name!r}, not to Köprü. Choose another one."
            )
        if version != FORMAT_VERSION:
            raise LocalCloudError(
                f"The folder {self._folder} has format {version}; this version of Köprü reads "
                f"{FORMAT_VERSION}. Use the other version, or delete the folder to start afresh."
            )
