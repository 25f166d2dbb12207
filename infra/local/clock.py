"""The movable clock of the local stack, and the durations people move it by.

Time passes as on the wall; the stack only adds an offset, in whole seconds, that survives a
restart. Functions learn the offset from their environment, so moving the clock means replacing
their processes. It never moves backwards: what was written at noon would lie in the future.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from infra.local.cloud.model import LocalCloudError

OFFSET_VARIABLE: Final = "KOPRU_CLOCK_OFFSET_SECONDS"
LONGEST_ADVANCE: Final = timedelta(days=366)

_ISO: Final = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_SHORT: Final = re.compile(r"(\d+)([smhdw])")
_SHORT_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class DurationError(ValueError):
    """A text that is not a duration by which the clock can move; the message says why."""


def parse_duration(text: str) -> timedelta:
    """The duration of ``PT1H``, ``P3D``, ``P1W``, ``P1DT12H`` or, shorter, ``3d`` and ``90m``.

    Raises: DurationError for months and years (they have no fixed length), for nothing, and for
    more than a year.
    """
    text = text.strip()
    iso = _ISO.fullmatch(text.upper())
    short = _SHORT.fullmatch(text.lower())
    if iso is not None:
        parts = {unit: int(number) for unit, number in iso.groupdict().items() if number}
    elif short is not None:
        parts = {_SHORT_UNITS[short.group(2)]: int(short.group(1))}
    else:
        raise DurationError(
            f"{text!r} is not a duration like PT1H, P3D or 3d (weeks, days, hours, minutes, "
            "seconds)"
        )
    try:
        duration = timedelta(**parts)
    except OverflowError:
        duration = timedelta.max
    if not duration:
        raise DurationError("the clock moves forward, by at least one second")
    if duration > LONGEST_ADVANCE:
        raise DurationError(f"the clock moves by at most {LONGEST_ADVANCE.days} days at a time")
    return duration


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

    def set_offset(self, seconds: int) -> None:
        """Move to this offset. Raises: ValueError when that lies in the past."""
        if seconds < self._offset:
            raise ValueError("the clock of the stack never moves backwards")
        self._write(seconds)

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
