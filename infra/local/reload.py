"""Notices changed code: function processes are replaced, a changed template asks for a restart.

Polling modification times once a second is enough for a person who edits, needs no package and
behaves the same on every machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 1.0
_IGNORED_FOLDERS: Final = frozenset({"__pycache__", "node_modules", ".git"})
_IGNORED_SUFFIXES: Final = (".pyc", ".swp", ".tmp", "~")


class Watcher:
    """Watches folders and files, and tells which of them changed since the last look."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = tuple(roots)
        self._seen = self._look()

    def changes(self) -> dict[Path, set[Path]]:
        """Changed, new and removed files per root."""
        now = self._look()
        before, self._seen = self._seen, now
        changed: dict[Path, set[Path]] = {}
        for root in self._roots:
            old, new = before[root], now[root]
            differing = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
            if differing:
                changed[root] = differing
        return changed

    def _look(self) -> dict[Path, Mapping[Path, int]]:
        return {root: dict(_stamps(root)) for root in self._roots}


class Reloader:
    """Calls ``on_change`` with the changed files per root until stopped."""

    def __init__(
        self,
        roots: Iterable[Path],
        on_change: Callable[[Mapping[Path, set[Path]]], None],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._watcher = Watcher(roots)
        self._on_change = on_change
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reload", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopping.set()
        self._thread.join(self._poll_seconds + 1)

    def _watch(self) -> None:
        while not self._stopping.wait(self._poll_seconds):
            changed = self._watcher.changes()
            if changed:
                self._on_change(changed)


def _stamps(root: Path) -> Iterator[tuple[Path, int]]:
    if root.is_file():
        yield root, root.stat().st_mtime_ns
        return
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _IGNORED_FOLDERS]
        for name in files:
            if name.endswith(_IGNORED_SUFFIXES):
                continue
            path = Path(folder, name)
            try:
                yield path, path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
