"""What the stack says: the latest lines in memory, all of them in a file, the important ones aloud.

A terminal that scrolls hides the one line that matters, so functions and requests go to
``stack.log`` and the dashboard; only what a person should act on is printed.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

_REMEMBERED: Final = 1000
_MAX_FILE_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line; ``source`` is a function's logical id or a part of the stack."""

    at: datetime
    source: str
    text: str


class LogBook:
    """Thread-safe; a file that grew too large is kept once as ``.1`` and begun anew."""

    def __init__(self, path: Path, *, verbose: bool = False, out: TextIO | None = None) -> None:
        self._path = path
        self._verbose = verbose
        self._out = out or sys.stderr
        self._lock = threading.Lock()
        self._lines: deque[Line] = deque(maxlen=_REMEMBERED)
        self._file: TextIO | None = None

    def open(self) -> None:
        """Begin to write to the file."""
        if self._path.exists() and self._path.stat().st_size > _MAX_FILE_BYTES:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        with self._lock:
            self._file = self._path.open("a", encoding="utf-8", buffering=1)

    def close(self) -> None:
        """Stop writing to the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def note(self, source: str, text: str) -> None:
        """Record a line for those who look for it."""
        self._record(Line(datetime.now(UTC), source, text), aloud=self._verbose)

    def say(self, text: str) -> None:
        """Record a line of the stack itself and print it."""
        self._record(Line(datetime.now(UTC), "stack", text), aloud=True)

    def noting(self, source: str) -> Callable[[str], None]:
        """A log for one part of the stack."""
        return lambda text: self.note(source, text)

    def latest(self, source: str | None = None, limit: int = 200) -> list[Line]:
        """The latest lines, oldest first, of one source or of all."""
        with self._lock:
            lines = [line for line in self._lines if source is None or line.source == source]
        return lines[-limit:]

    def _record(self, line: Line, *, aloud: bool) -> None:
        with self._lock:
            self._lines.append(line)
            if self._file is not None:
                self._file.write(f"{line.at:%Y-%m-%dT%H:%M:%S}Z {line.source}: {line.text}\n")
            if aloud:
                prefix = "" if line.source == "stack" else f"{line.source}: "
                print(f"{prefix}{line.text}", file=self._out, flush=True)
