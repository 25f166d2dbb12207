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

from infra.local.cloud.model import FunctionSpec, Log

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


class CodeWatch:
    """Replaces the processes of functions whose code changed; says what needs a restart.

    Shapes: code belongs to a function when it lies in one of its layers, or in its artifact within
    the package of its handler; everything else that is watched describes the stack itself.
    """

    def __init__(
        self,
        specs: Iterable[FunctionSpec],
        template: Path,
        recycle: Callable[[Iterable[str]], list[str]],
        say: Log,
    ) -> None:
        self._specs = tuple(specs)
        self._recycle = recycle
        self._say = say
        folders = {folder for spec in self._specs for folder in (spec.code_dir, *spec.layer_dirs)}
        states = template.parent / "infra" / "state_machines"
        described = {template, *template.parent.glob("infra/*.yaml"), *states.glob("*")}
        self._reloader = Reloader(sorted(folders | described), self._changed)

    def start(self) -> None:
        """Begin to watch."""
        self._reloader.start()

    def stop(self) -> None:
        """Watch no more."""
        self._reloader.stop()

    def _changed(self, changed: Mapping[Path, set[Path]]) -> None:
        names: set[str] = set()
        restart: set[Path] = set()
        for root, files in changed.items():
            users = [
                spec for spec in self._specs if root == spec.code_dir or root in spec.layer_dirs
            ]
            if not users:
                restart |= files
            names |= {spec.name for spec in users if _concerns(spec, root, files)}
        replaced = self._recycle(names)
        if replaced:
            self._say(f"code changed: new processes for {', '.join(sorted(replaced))}")
        for path in sorted(restart):
            self._say(f"{path.name} changed: restart needed")


def _concerns(spec: FunctionSpec, root: Path, files: set[Path]) -> bool:
    if root in spec.layer_dirs:
        return True
    package = spec.handler.partition(".")[0]
    below = (path.relative_to(root).parts for path in files)
    return any(len(parts) == 1 or parts[0] == package for parts in below)


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
