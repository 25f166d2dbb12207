"""What was said between us and a third party, word for word, as evidence: kept thirty days, shown
masked, shown in clear as an act of its own.

Secrets were taken out before anything was kept. What is left names people, so the default is to
hide every value but those that a context calls harmless (codes, states, dates of a call).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from kernel.errors import ConflictError
from kernel.sensitive import Sensitive

RETENTION: Final = timedelta(days=30)
"""How long an exchange is kept (security.md §5)."""
REVEALED: Final = "exchange.revealed"
"""Name of the act in history and audit, whichever context keeps the exchange."""


class Direction(StrEnum):
    """Which half of the exchange; a notice is what they told us without being asked."""

    REQUEST = "request"
    ANSWER = "answer"
    NOTICE = "notice"


class Keeping(StrEnum):
    """What is there to look at.

    ``NOT_CALLED``: nobody was called yet. ``KEPT``: the copies are there. ``EXPIRED``: older than
    thirty days, therefore removed. ``REMOVED``: younger, and yet gone, because a person was erased;
    or the call ended before a copy was written. ``ORDINARY``: every answer was an ordinary one, and
    those are not kept.
    """

    NOT_CALLED = "not_called"
    KEPT = "kept"
    EXPIRED = "expired"
    REMOVED = "removed"
    ORDINARY = "ordinary"


class RawText(Sensitive):
    """What was sent or answered; shown with everything hidden that is not known to be harmless."""

    __slots__ = ("_shown",)
    _shown: str

    def __init__(self, value: str, shown: str) -> None:
        super().__init__(value)
        object.__setattr__(self, "_shown", shown)

    @property
    def masked(self) -> str:
        """The text with its harmless values only."""
        return self._shown


@dataclass(frozen=True, slots=True)
class Half:
    """One request or one answer.

    Units: ``size`` in bytes. Shapes: ``text`` is None for what is too long to be shown.
    """

    direction: Direction
    at: datetime
    size: int
    text: RawText | None


@dataclass(frozen=True, slots=True)
class KeptHalves:
    """What an archive holds of one item: the latest halves, oldest first, and how many more."""

    halves: Sequence[Half] = ()
    left_off: int = 0


@dataclass(frozen=True, slots=True)
class RawPart:
    """A request or an answer as it went over the wire.

    Shapes: ``head`` is the line above the body (method and path, status) and names nobody; ``body``
    holds no secret.
    """

    head: str
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class RawCall:
    """One request and what came back; of a call without an answer, ``answer`` says so."""

    request: RawPart
    answer: RawPart


class ExchangeKeeper(Protocol):
    """Keeps copies of exchanges of one company. The effect of a call never hangs on its copy:
    a copy that cannot be written is logged and missed.
    """

    def keep(
        self, reference: str, asked_at: datetime, call: RawCall, *, masked: bool = False
    ) -> None:
        """Keep a call under ``reference``; ``masked`` hides before writing what nobody could
        remove with a person.
        """
        ...

    def keep_notice(self, reference: str, raw: bytes, *, masked: bool = False) -> None:
        """Keep what somebody told us without being asked."""
        ...


class ExchangeReader(Protocol):
    """Reads copies of exchanges of one company."""

    def halves(self, reference: str, since: datetime) -> KeptHalves:
        """Copies filed under ``reference`` that were written at ``since`` or later."""
        ...


@dataclass(frozen=True, slots=True)
class Exchanges:
    """What is known of the exchanges of one item; ``keeping`` says why there are none."""

    keeping: Keeping
    halves: Sequence[Half] = ()
    left_off: int = 0


def exchanges_of(
    reader: ExchangeReader, reference: str, last_called: datetime | None, now: datetime
) -> Exchanges:
    """The exchanges of an item; what is past its retention is not shown even if it is still there.

    ``last_called`` is when the third party was called last; None if it never was.
    """
    since = now - RETENTION
    kept = reader.halves(reference, since)
    if kept.halves:
        return Exchanges(Keeping.KEPT, kept.halves, kept.left_off)
    if last_called is None:
        return Exchanges(Keeping.NOT_CALLED)
    return Exchanges(Keeping.EXPIRED if last_called < since else Keeping.REMOVED)


def reveal_exchanges(found: Exchanges, note: Callable[[], object]) -> Exchanges:
    """The same exchanges after ``note`` has put who looks and why into history and audit.

    Nothing can be seen in clear without that trace, and nothing is noted where nothing can be seen.
    Raises: ConflictError("exchange_not_kept") when there is nothing to show; what ``note`` raises.
    """
    if found.keeping is not Keeping.KEPT:
        raise ConflictError("exchange_not_kept", "No copy of this exchange is kept any more.")
    note()
    return found
