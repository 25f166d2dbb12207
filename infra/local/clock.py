"""The movable clock of the local stack.

Time passes as on the wall; the stack only adds an offset, in whole seconds, that survives a
restart. Functions learn the offset from their environment, so moving the clock means replacing
their processes. It never moves backwards: what was written at noon would lie in the future.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from infra.local.cloud.model import LocalCloudError

OFFSET_VARIABLE: Final = "KOPRU_CLOCK_OFFSET_SECONDS"


def _wall() -> datetime:
    return datetime.now(UTC)


class LocalClock:
    """Wall time plus an offset that is kept in a file.

    Raises: LocalCloudError when the file is damaged.
    """

    def __init__(self, path: Path, wall: Callable[[], datetime] = _wall) -> None:
        self._path = path
        self._wall = wall
        self._offset = self._read()

    @property
    def offset_seconds(self) -> int:
        """Whole seconds by which the stack is ahead of the wall."""
        return self._offset

    def now(self) -> datetime:
        """The present instant of the stack, aware, in UTC."""
        return self._wall() + timedelta(seconds=self._offset)

    def today(self, zone: tzinfo | str) -> date:
        """The present date on the wall of a zone."""
        return self.now().astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone).date()

    def set_offset(self, seconds: int) -> None:
        """Move to this offset. Raises: ValueError when that lies in the past."""
        if seconds < self._offset:
            raise ValueError("the clock of the stack never moves backwards")
        self._write(seconds)

    def reload(self) -> None:
        """Take the offset of the file, which a snapshot has replaced."""
        self._offset = self._read()

    def reset(self) -> None:
        """Go back to the wall; only for a stack whose state was wiped."""
        self._write(0)

    def _write(self, seconds: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_seconds": seconds}) + "\n", encoding="utf-8")
        fresh.replace(self._path)
        self._offset = seconds

    def _read(self) -> int:
        if not self._path.exists():
            return 0
        try:
            offset = json.loads(self._path.read_text(encoding="utf-8"))["offset_seconds"]
            if isinstance(offset, int) and offset >= 0:
                return offset
        except (ValueError, KeyError, TypeError):
            pass
        raise LocalCloudError(f"{self._path} is damaged; delete it or run a reset")
