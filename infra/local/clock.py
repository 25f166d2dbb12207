"""The movable clock of the local stack.

Time passes as on the wall; the stack only adds an offset, in whole seconds, that survives a
restart. Frozen, it stands still until it is moved or let go. Functions look at the same file
(``toolkit.moved_time``), so moving the clock costs nothing. It never moves backwards: what was
written at noon would lie in the future.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from infra.local.cloud.model import LocalCloudError

FILE_VARIABLE: Final = "KOPRU_CLOCK_FILE"
_SECOND: Final = timedelta(seconds=1)


def _wall() -> datetime:
    return datetime.now(UTC)


class LocalClock:
    """Wall time plus an offset, or an instant at which time stands; kept in a file.

    Raises: LocalCloudError when the file is damaged.
    """

    def __init__(self, path: Path, wall: Callable[[], datetime] = _wall) -> None:
        self.path = path
        self._wall = wall
        self._offset, self._frozen_at = self._read()

    @property
    def offset_seconds(self) -> int:
        """Whole seconds by which the stack is ahead of the wall; negative when it stood still."""
        if self._frozen_at is None:
            return self._offset
        return (self._frozen_at - self._wall()) // _SECOND

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen_at is not None

    def now(self) -> datetime:
        """The present instant of the stack, aware, in UTC."""
        if self._frozen_at is not None:
            return self._frozen_at
        return self._wall() + timedelta(seconds=self._offset)

    def today(self, zone: tzinfo | str) -> date:
        """The present date on the wall of a zone."""
        return self.now().astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone).date()

    def move_to(self, instant: datetime) -> None:
        """Move ahead until ``instant`` is reached; time goes on from there, or stands there.

        Raises: ValueError when that lies in the past.
        """
        if instant < self.now():
            raise ValueError("the clock of the stack never moves backwards")
        if self._frozen_at is not None:
            self._write(self._offset, instant)
        else:
            # Whole seconds, rounded up: at the stop, the instant is past.
            self._write(-((self._wall() - instant) // _SECOND), None)

    def freeze(self) -> datetime:
        """Let time stand still; gives the instant."""
        instant = self.now()
        self._write(self._offset, instant)
        return instant

    def thaw(self) -> datetime:
        """Let time pass again from where it stands; gives the instant."""
        if self._frozen_at is not None:
            self._write(-((self._wall() - self._frozen_at) // _SECOND), None)
        return self.now()

    def announce(self) -> Path:
        """The file, which exists from now on; for whoever reads it."""
        self._write(self._offset, self._frozen_at)
        return self.path.absolute()

    def reload(self) -> None:
        """Take what the file says, which a snapshot has replaced."""
        self._offset, self._frozen_at = self._read()

    def reset(self) -> None:
        """Go back to the wall; only for a stack whose state was wiped."""
        self._write(0, None)

    def _write(self, seconds: int, frozen_at: datetime | None) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        stored = {
            "offset_seconds": seconds,
            "frozen_at": None if frozen_at is None else frozen_at.isoformat(),
        }
        fresh.write_text(json.dumps(stored) + "\n", encoding="utf-8")
        fresh.replace(self.path)
        self._offset, self._frozen_at = seconds, frozen_at

    def _read(self) -> tuple[int, datetime | None]:
        if not self.path.exists():
            return 0, None
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            offset, frozen = stored["offset_seconds"], stored.get("frozen_at")
            frozen_at = None if frozen is None else datetime.fromisoformat(frozen)
            # Behind the wall is a clock that stood still for a while.
            if isinstance(offset, int):
                return offset, frozen_at
        except (ValueError, KeyError, TypeError):
            pass
        raise LocalCloudError(f"{self.path} is damaged; delete it or run a reset")
