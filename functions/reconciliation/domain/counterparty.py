"""Counterparties (*cari*): the account cards of the books with whom a company reconciles."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kernel.identifiers.ledger_party import LedgerParty, PartyKind
from kernel.sensitive import Email
from kernel.stamp import NEW, Stamp


class CounterpartyState(StrEnum):
    """Whether it is on the list; its documents count either way."""

    ACTIVE = "active"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class CounterpartyFields:
    """What the books say about an account card.

    Shapes: ``code`` is the card's code in the books and never changes; ``emails`` are where letters
    go, in order; ``language`` is ``tr``, ``el`` or ``en``.
    """

    code: str
    title: str
    party: LedgerParty
    tax_office: str = ""
    emails: tuple[Email, ...] = ()
    language: str = "tr"


@dataclass(frozen=True, slots=True)
class Counterparty:
    """An account card as it is stored."""

    id: str
    fields: CounterpartyFields
    state: CounterpartyState = CounterpartyState.ACTIVE
    stamp: Stamp = field(default=NEW)

    @property
    def merge_key(self) -> str:
        """Cards with the same key are one row of a form."""
        return merge_key(self.fields.party, self.id)

    @property
    def reachable(self) -> bool:
        """Whether a letter can be mailed."""
        return bool(self.fields.emails)


def merge_key(party: LedgerParty, card: str) -> str:
    """What account cards are merged by: their tax number, or the card itself.

    A number that stands for nobody (unnamed consumer, foreign buyer) never merges two cards.
    Source: Workcube Ba-Bs report; domain/identifiers.md §3.
    """
    return card if party.kind is PartyKind.SPECIAL else party.number
