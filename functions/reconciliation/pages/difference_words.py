"""Words of the difference room, for both sides of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from reconciliation.domain.answer import Finding, Said
from reconciliation.domain.difference import (
    Case,
    CaseState,
    FileState,
    LineNote,
    Side,
    TheirStatement,
    line_key,
)
from reconciliation.domain.statement_match import Category, Match
from webkit.components import Chip, Column, Status, Tone
from webkit.i18n import Language, mark
from webkit.urls import link

CATEGORY: Final[Mapping[Category, tuple[str, Tone]]] = {
    Category.AGREED: (mark("agrees"), Tone.OK),
    Category.AMOUNT_DIFFERS: (mark("amount differs"), Tone.ERROR),
    Category.DATE_DIFFERS: (mark("date differs"), Tone.INFO),
    Category.PERIOD_SHIFT: (mark("booked in another month"), Tone.WARNING),
    Category.NUMBER_DIFFERS: (mark("number differs"), Tone.INFO),
    Category.SIGN_DIFFERS: (mark("debit and credit confused"), Tone.ERROR),
    Category.DUPLICATE: (mark("booked twice"), Tone.ERROR),
    Category.ONLY_OURS: (mark("only in the company's books"), Tone.WARNING),
    Category.ONLY_THEIRS: (mark("only in the counterparty's books"), Tone.WARNING),
}
CASE: Final[Mapping[CaseState, tuple[str, Tone]]] = {
    CaseState.WAITING: (mark("waits for the counterparty's statement"), Tone.WAITING),
    CaseState.COMPARED: (mark("compared"), Tone.INFO),
    CaseState.CLOSED: (mark("closed"), Tone.NEUTRAL),
}
FILE: Final[Mapping[FileState, tuple[str, Tone]]] = {
    FileState.RECEIVED: (mark("is being read"), Tone.WAITING),
    FileState.READ: (mark("read"), Tone.OK),
    FileState.EVIDENCE: (mark("kept as evidence, not compared"), Tone.INFO),
    FileState.UNREADABLE: (mark("cannot be read"), Tone.ERROR),
}
SIDE: Final[Mapping[Side, str]] = {
    Side.COMPANY: mark("the company"),
    Side.COUNTERPARTY: mark("the counterparty"),
}
FINDING: Final[Mapping[Finding, tuple[str, Tone]]] = {
    Finding.NONE: (mark("no figures of their own"), Tone.NEUTRAL),
    Finding.SAME: (mark("the same figures"), Tone.OK),
    Finding.E_DOCUMENTS_COUNTED: (mark("they counted electronic documents too"), Tone.WARNING),
    Finding.E_DOCUMENTS_LEFT_OUT: (mark("they left electronic documents out"), Tone.WARNING),
    Finding.DIFFERENT: (mark("other figures"), Tone.ERROR),
}
SAID: Final[Mapping[Said, tuple[str, Tone]]] = {
    Said.AGREED: (mark("agreed"), Tone.OK),
    Said.DISAGREED: (mark("not agreed"), Tone.WARNING),
    Said.NOT_MINE: (mark("not their company"), Tone.ERROR),
    Said.LATER: (mark("will answer later"), Tone.WAITING),
}
DIFFERENCES_HEADER: Final = (
    mark("Our document"),
    mark("Our date"),
    mark("Our amount"),
    mark("Their document"),
    mark("Their date"),
    mark("Their amount"),
    mark("Difference"),
    mark("What it is"),
    mark("Why"),
)
ROWS: Final = 100
"""Lines of a page; all of them are in the file."""


@dataclass(frozen=True, slots=True)
class RoomWords:
    """What templates of both sides ask for in words; ``form_id`` is drawn for their forms."""

    words: Language
    form_id: str = ""

    def category(self, category: Category) -> Status:
        """What is to be said of a line."""
        return self._status(CATEGORY[category])

    def case(self, case: Case) -> Status:
        """Where a case stands."""
        return self._status(CASE[case.state])

    def file(self, statement: TheirStatement) -> Status:
        """What became of a file."""
        return self._status(FILE[statement.state])

    def side(self, side: Side) -> str:
        """Who wrote."""
        return self.words.text(SIDE[side])

    def finding(self, finding: Finding) -> Status:
        """What the other side's figures are."""
        return self._status(FINDING[finding])

    def said(self, said: Said) -> Status:
        """What was answered."""
        return self._status(SAID[said])

    def why(self, match: Match) -> str:
        """Why a line is what it is."""
        return " ".join(self.words.why(why) for why in match.why)

    def problem(self, code: str, message: str) -> str:
        """What is wrong with a row of a file."""
        return self.words.problem(code) if self.words.knows("problem", code) else message

    def _status(self, found: tuple[str, Tone]) -> Status:
        label, tone = found
        return Status(self.words.text(label), tone)


@dataclass(frozen=True, slots=True)
class RoomLine:
    """One line with its thread."""

    key: str
    match: Match
    notes: Sequence[LineNote]


def room_lines(
    matches: Iterable[Match], notes: Mapping[str, Sequence[LineNote]], chosen: str, start: int
) -> tuple[list[RoomLine], int | None]:
    """A page of the lines of a category, without one those that do not agree; and what follows."""
    wanted = (
        match
        for match in matches
        if (match.category.value == chosen if chosen else match.category is not Category.AGREED)
    )
    page = list(islice(wanted, start, start + ROWS + 1))
    keyed = [(line_key(match), match) for match in page[:ROWS]]
    shown = [RoomLine(key, match, notes.get(key, ())) for key, match in keyed]
    return shown, start + ROWS if len(page) > ROWS else None


def room_chips(words: RoomWords, case: Case, chosen: str, path: str) -> list[Chip]:
    """Categories with their counts, as filters."""
    if case.run is None:
        return []
    everything = words.words.text("Everything that differs")
    chips = [Chip(everything, path, case.run.differing, active=not chosen)]
    for category in Category:
        count = case.run.count(category)
        if count:
            label = words.category(category).label
            href = link(path, category=category.value)
            chips.append(Chip(label, href, count, active=chosen == category.value))
    return chips


def room_columns(said: RoomWords) -> tuple[Column, ...]:
    """Headings of the list of lines."""
    text = said.words.text
    return (
        Column("ours", text("The company's books")),
        Column("our_amount", text("Amount"), numeric=True),
        Column("theirs", text("The counterparty's books")),
        Column("their_amount", text("Amount"), numeric=True),
        Column("difference", text("Difference"), numeric=True),
        Column("what", text("What it is")),
        Column("notes", text("Remarks")),
    )
