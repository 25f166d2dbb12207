"""Identifiers of our own things: ULIDs, sortable by the time they were made.

Generation keeps no state, so that any number of processes may make ids at once: 48 bits of
milliseconds, 10 bits of microseconds within them, 70 random bits. Ids made one after another in one
process therefore sort in that order (to the microsecond), and a clock that jumps back costs order,
never uniqueness. An id is not a secret.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from kernel.clock import Clock

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class IdSource(Protocol):
    """What makes new ids."""

    def new(self) -> str:
        """A new ULID."""
        ...


def new_id(now: datetime, random_bytes: Callable[[int], bytes] = os.urandom) -> str:
    """A new ULID for the aware instant ``now``.

    Shapes: 26 upper-case Crockford characters; the first is 0–7.
    Source: github.com/ulid/spec (layout); RFC 9562, section 6.2, method 3 (sub-millisecond bits).
    """
    micros = (now - _EPOCH) // timedelta(microseconds=1)
    if not 0 <= micros // 1000 < 1 << 48:
        raise ValueError("instant outside the range of a ULID")
    millis, rest = divmod(micros, 1000)
    noise = int.from_bytes(random_bytes(9), "big") & ((1 << 70) - 1)
    return _encode((millis << 80) | (rest << 70) | noise)


def is_id(text: object) -> bool:
    """Whether ``text`` is an id a path may carry: canonical ULID or lower-case UUIDv7."""
    if not isinstance(text, str):
        return False
    return _ULID.fullmatch(text) is not None or _UUID7.fullmatch(text) is not None


def time_of(identity: str) -> datetime:
    """When an id was made: a ULID and a UUIDv7 both begin with it, to the millisecond.

    Raises: ValueError for anything ``is_id`` refuses.
    """
    if not is_id(identity):
        raise ValueError("not an id")
    if _ULID.fullmatch(identity):
        millis = 0
        for char in identity[:10]:
            millis = millis * 32 + _ALPHABET.index(char)
    else:
        millis = int(identity.replace("-", "")[:12], 16)
    return _EPOCH + timedelta(milliseconds=millis)


class SystemIds:
    """Ids from a clock and the operating system's randomness."""

    __slots__ = ("_clock", "_random_bytes")

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random_bytes = random_bytes

    def new(self) -> str:
        """A new ULID for this moment."""
        return new_id(self._clock.now(), self._random_bytes)


class SequenceIds:
    """Valid ULIDs that count 1, 2, 3 …: deterministic, for tests and scenarios."""

    __slots__ = ("_last", "_prefix")

    def __init__(self, start: int = 1, *, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._last = start - 1
        self._prefix = ((at - _EPOCH) // timedelta(milliseconds=1)) << 80

    def new(self) -> str:
        """The next id of the sequence."""
        self._last += 1
        return _encode(self._prefix | self._last)


def _encode(number: int) -> str:
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def derived_id(text: str) -> str:
    """The id that a text always gives, in the shape of a ULID; it says nothing about a time.

    For rows that are named by their content, so that the same content cannot be there twice.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return _encode(int.from_bytes(digest[:16], "big"))
