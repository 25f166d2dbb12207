"""Counterparties (*cari*): the account cards of the books with whom a company reconciles."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
class Origin:
    """Who added an address, where and when.

    Shapes: ``where`` is ``staff``, ``program``, ``import``, ``books`` or ``counterparty``.
    """

    actor: str = ""
    where: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Counterparty:
    """An account card as it is stored.

    Shapes: ``origins`` are those of its addresses, in order; ``import_id`` is the import that wrote
    this content, if one did, and ``former`` what an active card said before it.
    """

    id: str
    fields: CounterpartyFields
    state: CounterpartyState = CounterpartyState.ACTIVE
    origins: tuple[Origin, ...] = ()
    import_id: str = ""
    former: CounterpartyFields | None = None
    stamp: Stamp = field(default=NEW)

    def __post_init__(self) -> None:
        missing = len(self.fields.emails) - len(self.origins)
        if missing:
            object.__setattr__(self, "origins", (*self.origins, *(Origin(),) * missing))

    def with_fields(
        self, fields: CounterpartyFields, origin: Origin, import_id: str = ""
    ) -> Counterparty:
        """The card with another content, on the list; addresses that were there keep their
        origin.
        """
        known = dict(zip(self.fields.emails, self.origins, strict=True))
        origins = tuple(known.get(email, origin) for email in fields.emails)
        was = self.fields if import_id and self.state is CounterpartyState.ACTIVE else None
        return replace(
            self,
            fields=fields,
            origins=origins,
            state=CounterpartyState.ACTIVE,
            import_id=import_id,
            former=was,
        )

    def undone(self, import_id: str) -> Counterparty:
        """The card before its import; one that was new leaves the list."""
        if self.former is None:
            return replace(self, state=CounterpartyState.REMOVED, import_id=import_id)
        known = dict(zip(self.fields.emails, self.origins, strict=True))
        origins = tuple(known.get(email, Origin()) for email in self.former.emails)
        return replace(self, fields=self.former, origins=origins, import_id=import_id, former=None)

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
