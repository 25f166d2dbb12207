"""Ledger entries (*cari hareket*): lines of a counterparty's account as the books know them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from kernel.errors import Problem, ValidationError
from kernel.money import Money
from kernel.periods import Period
from reconciliation.domain.parameters import HOME, EntryKind

MAX_TOGETHER: Final = 15
"""Lines that are recorded together or not at all: four writes each, the sums of two months, and
those beside them."""


class Direction(StrEnum):
    """Whose side of trade a line belongs to."""

    SALES = "sales"
    PURCHASE = "purchase"


class Form(StrEnum):
    """The two forms: Ba (purchases, *alım*) and Bs (sales, *satış*)."""

    BA = "ba"
    BS = "bs"

    @property
    def direction(self) -> Direction:
        """Which lines the form is made of."""
        return Direction.PURCHASE if self is Form.BA else Direction.SALES


class EntryState(StrEnum):
    """Whether a stored line counts: a line whose document moved to another month stays, marked."""

    CURRENT = "current"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class EntryFields:
    """What the books say about one line.

    Units: amounts in minor units of one currency; ``net_home`` is the net amount in lira at the
    rate of the books, needed for documents in another currency. ``source_id`` is the books' own
    name of the line, for books in which one document has several lines of a kind. ``cancelled`` is
    a line the books took back: it stays, and counts nowhere.
    """

    counterparty_code: str
    document_no: str
    document_date: date
    kind: EntryKind
    direction: Direction
    net: Money
    vat: Money
    total: Money
    is_electronic: bool = False
    due_on: date | None = None
    net_home: Money | None = None
    source_id: str = ""
    cancelled: bool = False

    @property
    def period(self) -> Period:
        """The month the document belongs to."""
        return Period.of(self.document_date)

    @property
    def counted(self) -> Money:
        """Net amount in lira, which the forms are made of."""
        return self.net if self.net_home is None else self.net_home

    def identity(self) -> tuple[str, ...]:
        """What makes a line the same line when it comes again, whatever else changed."""
        own = ("id", self.source_id) if self.source_id else ("no", self.document_no)
        return (self.counterparty_code, self.direction.value, self.kind.value, *own)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A line as it is stored.

    Shapes: ``key`` names the line within its counterparty and never changes; ``order`` sorts lines
    by when they came first; ``version`` counts its contents; ``import_id`` is the job or batch that
    wrote this content.
    """

    counterparty_id: str
    key: str
    fields: EntryFields
    order: str
    state: EntryState = EntryState.CURRENT
    version: int = 1
    import_id: str = field(default="", compare=False)
    recorded_at: str = field(default="", compare=False)

    @property
    def counts(self) -> bool:
        """Whether the line is a line of its month."""
        return self.state is EntryState.CURRENT and not self.fields.cancelled


_DOCUMENTS = frozenset({EntryKind.INVOICE, EntryKind.RENT, EntryKind.INSURANCE_POLICY})


def check_entry(entry: EntryFields) -> None:
    """Refuse a line whose amounts contradict each other.

    Raises: ValidationError with everything that is wrong; pointers name the fields of the API.
    """
    problems: list[Problem] = []

    def say(where: str, code: str, text: str) -> None:
        problems.append(Problem(f"/{where}", code, text))

    currencies = {entry.net.currency, entry.vat.currency, entry.total.currency}
    if len(currencies) > 1:
        say("total", "currency", "All amounts of a line are in one currency.")
    elif entry.net + entry.vat != entry.total:
        say("total", "sum", "The total is the net amount and the VAT.")
    foreign = entry.net.currency != HOME
    if foreign and entry.net_home is None and entry.kind in _DOCUMENTS:
        say("net_amount_try", "required", "A document in another currency needs its net in lira.")
    if not foreign and entry.net_home is not None:
        say("net_amount_try", "unexpected", "The net amount is in lira already.")
    if entry.net_home is not None and entry.net_home.currency != HOME:
        say("net_amount_try", "currency", "This amount is in lira.")
    if entry.due_on is not None and entry.due_on < entry.document_date:
        say("due_on", "order", "It is due before the document's date.")
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
