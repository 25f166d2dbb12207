"""The durations by which people move the clock of the local stack."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

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
