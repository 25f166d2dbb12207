"""What the company's own systems tell of its books by signed events (REC-01).

An event says what a request says: account cards, lines of accounts, or one electronic document.
Its text is limited by ``kernel.signed_events``, so a larger document comes by the API or as a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.signed_events import EVENT_LIFETIME, counting_versions
from kernel.stamp import NEW, Stamp
from reconciliation.domain.counterparty import CounterpartyFields
from reconciliation.domain.ledger import Direction, EntryFields

REFUSED_EVENT: Final = "refused_book_event"
"""What a signed event is called that could not be taken."""
MAX_CARDS: Final = 7
"""Account cards of one event: as many as one transaction takes with what finds them again."""


class BookEventKind(StrEnum):
    """What an event is about."""

    COUNTERPARTIES = "counterparties.stated"
    LEDGER_ENTRIES = "ledger_entries.stated"
    E_INVOICE = "e_invoice.stated"


@dataclass(frozen=True, slots=True)
class BookEvent:
    """One event; what its kind does not name is empty.

    Shapes: ``document`` is the XML of an electronic document as it was exchanged.
    """

    kind: BookEventKind
    counterparties: tuple[CounterpartyFields, ...] = ()
    entries: tuple[EntryFields, ...] = ()
    document: bytes = b""
    direction: Direction = Direction.SALES


@dataclass(frozen=True, slots=True)
class EventSecret:
    """Which secret the company's systems sign with: its version, and when the one before ended."""

    version: int = 0
    retired_at: datetime | None = None
    stamp: Stamp = NEW

    def counting(self, now: datetime) -> tuple[int, ...]:
        """Versions that count now, newest first."""
        return counting_versions(self.version, self.retired_at, now, EVENT_LIFETIME)
