"""The difference room (*fark odası*): two statements side by side, and what both say of each line.

A case is opened by a disagreement or by a statement that arrives. The counterparty's file is kept
as it came; it is read again at every comparison, so that nothing between the file and the list of
differences can be edited.
Source: domain/reconciliation.md §6; product.md N5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.money import Money
from kernel.stamp import NEW, Stamp
from kernel.text import clean_free_text
from reconciliation.domain.statement_match import Category, Match

MAX_BYTES: Final = 10_000_000
MAX_LINES: Final = 50_000
MAX_NOTE: Final = 1000


class FileState(StrEnum):
    """What became of a statement that was sent. ``EVIDENCE``: a paper, kept and not read."""

    RECEIVED = "received"
    READ = "read"
    EVIDENCE = "evidence"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class TheirStatement:
    """A statement of the counterparty as it is stored.

    Shapes: ``id`` also names the upload and the kept file; ``digest`` is the file's SHA-256;
    ``problems`` are (line, code, sentence) of a file that cannot be read, at most fifty.
    """

    id: str
    letter_id: str
    counterparty_id: str
    channel: str
    at: str
    state: FileState = FileState.RECEIVED
    filename: str = ""
    digest: str = ""
    size: int = 0
    lines: int = 0
    problems: tuple[tuple[int, str, str], ...] = ()
    stamp: Stamp = NEW


class CaseState(StrEnum):
    """Where a case stands."""

    WAITING = "waiting"
    COMPARED = "compared"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Run:
    """One comparison.

    Units: balances and difference in minor units of ``currency``, ours and theirs as each side
    writes them; ``our_balance + their_balance`` is the difference. Shapes: ``counts`` by category;
    ``result`` names the kept file with all lines, ``digest`` is its SHA-256; ``statement_id`` is
    empty before a statement came.
    """

    number: int
    at: str
    statement_id: str
    first: date
    last: date
    currency: str
    our_balance: int
    their_balance: int
    counts: Mapping[str, int]
    result: str
    digest: str

    @property
    def difference(self) -> Money:
        """What is left between the two balances."""
        return Money(self.our_balance + self.their_balance, self.currency)

    @property
    def ours(self) -> Money:
        """Our balance of the period."""
        return Money(self.our_balance, self.currency)

    @property
    def theirs(self) -> Money:
        """Their balance of the period as they write it."""
        return Money(self.their_balance, self.currency)

    def count(self, category: Category) -> int:
        """How many lines or pairs are of a category."""
        return self.counts.get(category.value, 0)

    @property
    def differing(self) -> int:
        """Lines and pairs that do not agree."""
        return sum(self.counts.values()) - self.count(Category.AGREED)


@dataclass(frozen=True, slots=True)
class Case:
    """The case of one letter; its id is the letter's."""

    letter_id: str
    counterparty_id: str
    state: CaseState = CaseState.WAITING
    statement_id: str = ""
    run: Run | None = None
    opened_at: str = ""
    closing_note: str = field(default="", repr=False)
    stamp: Stamp = NEW


class Side(StrEnum):
    """Who writes."""

    COMPANY = "company"
    COUNTERPARTY = "counterparty"


@dataclass(frozen=True, slots=True)
class LineNote:
    """One remark on one line; ``line`` is the key of a match, empty for the case as a whole."""

    id: str
    line: str
    side: Side
    at: str
    author: str = field(repr=False)
    text: str = field(repr=False)


def clean_note(text: str) -> str:
    """A remark. Raises: ValidationError naming ``/text``."""
    try:
        clean = clean_free_text(text.strip(), MAX_NOTE) if text.strip() else ""
    except ParseError as error:
        problem = Problem("/text", error.code.lower(), error.message)
    else:
        if clean:
            return clean
        problem = Problem("/text", "required", "Write something.")
    raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])


def line_key(match: Match) -> str:
    """Name of a line in its thread: the same as long as one of its sides is the same.

    Our lines keep their key for ever, so a thread survives every new comparison; a line that only
    the other side has is named by what it says.
    """
    if match.ours is not None:
        return f"o{match.ours.id[:38]}"
    theirs = match.theirs
    assert theirs is not None  # noqa: S101  (a match has at least one side)
    text = f"{theirs.document_no}\0{theirs.on.isoformat()}\0{theirs.amount.minor}"
    return "t" + hashlib.sha256(text.encode()).hexdigest()[:38]
