"""Words of the portal outside of templates: kinds of lines, states as the other side calls them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.money import Money
from kernel.periods import Period
from kernel.why import Why
from reconciliation.domain.answer import Said
from reconciliation.domain.ledger import Form
from reconciliation.domain.letter import Basis, LetterState
from reconciliation.domain.parameters import EntryKind
from webkit.components import Status, Tone
from webkit.i18n import Language, mark

KIND: Final[Mapping[EntryKind, str]] = {
    EntryKind.INVOICE: mark("Invoice"),
    EntryKind.RENT: mark("Rent"),
    EntryKind.INSURANCE_POLICY: mark("Insurance policy"),
    EntryKind.PAYMENT: mark("Payment"),
    EntryKind.OPENING_BALANCE: mark("Balance carried forward"),
    EntryKind.OTHER: mark("Other"),
}
_WAITS: Final = (mark("waits for your answer"), Tone.WAITING)
MONTH: Final[Mapping[LetterState, tuple[str, Tone]]] = {
    LetterState.AGREED: (mark("you agreed"), Tone.OK),
    LetterState.DISAGREED: (mark("you did not agree"), Tone.WARNING),
    LetterState.EXPIRED: (mark("closed without an answer"), Tone.NEUTRAL),
    LetterState.WITHDRAWN: (mark("withdrawn"), Tone.NEUTRAL),
}
SAID: Final[Mapping[Said, str]] = {
    Said.AGREED: mark("Agreed"),
    Said.DISAGREED: mark("Not agreed"),
    Said.NOT_MINE: mark("Not our company"),
    Said.LATER: mark("Will answer later"),
}
ANSWERED: Final[Mapping[Said, str]] = {
    Said.AGREED: mark("Thank you. Your agreement is noted."),
    Said.DISAGREED: mark(
        "Thank you. Your answer is noted, and the account is compared with yours."
    ),
    Said.NOT_MINE: mark("Thank you. The company is told that it wrote to the wrong address."),
    Said.LATER: mark("Noted. You can answer as long as the month is open."),
}
BASIS: Final[Mapping[Basis, str]] = {
    Basis.FORM: mark("documents that the forms list: since July 2021 those on paper"),
    Basis.ALL: mark("all documents, electronic ones too"),
}
REFUSED: Final[Mapping[str, str]] = {
    "letter_outdated": mark("not taken: the figures had changed"),
    "letter_closed": mark("not taken: the time was over"),
}
THEIR_FORM: Final[Mapping[Form, str]] = {
    Form.BA: mark("your purchases (Ba)"),
    Form.BS: mark("your sales (Bs)"),
}


@dataclass(frozen=True, slots=True)
class Say:
    """What templates of the portal ask for in words instead of codes."""

    words: Language

    def kind(self, kind: EntryKind) -> str:
        """What a line is."""
        return self.words.text(KIND[kind])

    def month(self, state: LetterState) -> Status:
        """Where a letter stands, to the one who was asked."""
        label, tone = MONTH.get(state, _WAITS)
        return Status(self.words.text(label), tone)

    def said(self, said: Said) -> str:
        """What was chosen."""
        return self.words.text(SAID[said])

    def answered(self, text: str) -> str:
        """What a page says after an answer."""
        return self.words.text(ANSWERED[Said(text)]) if text in set(Said) else ""

    def refused(self, reason: str) -> str:
        """Why an answer was not taken over."""
        return self.words.text(REFUSED[reason]) if reason in REFUSED else reason

    def basis(self, basis: Basis) -> str:
        """Which documents are counted."""
        return self.words.text(BASIS[basis])

    def at(self, text: str) -> datetime:
        """A stored instant for the formats of the reader."""
        return datetime.fromisoformat(text)

    def their_form(self, form: Form) -> str:
        """A form in the receiver's terms."""
        return self.words.text(THEIR_FORM[form])

    def period(self, period: Period) -> str:
        """A month of a year."""
        return self.words.formats.month(period)

    def money(self, value: Money | None) -> str:
        """An amount, or nothing."""
        return "" if value is None else self.words.formats.money(value)

    def whys(self, whys: Iterable[Why]) -> list[str]:
        """Reasons as sentences."""
        return [self.words.why(why) for why in whys]
