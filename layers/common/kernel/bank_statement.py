"""Bank statements as plain values: what every format says about one movement of an account.

Readers of formats (``toolkit.statements``) make these; contexts decide what they mean. Nothing here
knows payment codes, cards or pensions.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from kernel.ids import derived_id
from kernel.money import Money


class Direction(StrEnum):
    """Which way money moves on the account that the statement is of."""

    CREDIT = "credit"
    DEBIT = "debit"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file.

    Shapes: ``line`` is the 1-based line; ``path`` leads there in the words of the format, such as
    ``Stmt[1]/Ntry[12]/TxDtls[3]``, ``:61:[4]`` or ``row``.
    """

    line: int
    path: str


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One movement: a booked entry, or one transaction of an entry that collects several.

    Units: ``amount`` is not negative; ``direction`` says which way *this* movement goes, so that a
    reversed credit is a debit with ``reversal`` set (ISO 20022 RvslInd, MT940 mark RC).
    Shapes: ``account`` is the compact IBAN or what the bank uses instead; ``bank_reference`` is the
    account servicer's own and unique there, ``end_to_end_id`` the payer's; placeholders such as
    NOTPROVIDED are empty. ``creditor_references`` are the structured ones, as they stand;
    ``remittance`` are free texts in the order of the file. ``accepted_at`` is when the payer's bank
    took the order, if the bank says so. ``transactions`` is how many payments the bank put together
    without naming them (1 for all others).
    """

    place: Place
    account: str = field(repr=False)
    direction: Direction
    amount: Money
    booking_date: date
    value_date: date
    reversal: bool = False
    entry_reference: str = ""
    bank_reference: str = ""
    end_to_end_id: str = ""
    transaction_id: str = ""
    creditor_references: tuple[str, ...] = ()
    remittance: tuple[str, ...] = field(default=(), repr=False)
    counterparty: str = field(default="", repr=False)
    counterparty_bank: str = ""
    transaction_code: str = ""
    accepted_at: datetime | None = None
    transactions: int = 1

    @property
    def signed(self) -> Money:
        """The amount as it moves the balance: negative for a debit."""
        return self.amount if self.direction is Direction.CREDIT else -self.amount


@dataclass(frozen=True, slots=True)
class StatementProblem:
    """Something wrong with the file at one place; ``message`` quotes no value of the file."""

    place: Place
    code: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """As a job shows it."""
        return {
            "pointer": f"/lines/{self.place.line}",
            "line": self.place.line,
            "path": self.place.path,
            "code": self.code,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class StatementSummary:
    """What one statement of a file says of itself, after its last entry.

    Units: ``opening`` and ``closing`` are None where the format has none (camt.054).
    Shapes: ``number`` is the bank's; ``pending`` counts entries that are announced and not booked,
    which are not part of the statement's entries.
    """

    place: Place
    account: str = field(repr=False)
    number: str
    opening: Money | None
    closing: Money | None
    entries: int
    pending: int = 0


StatementItem = StatementEntry | StatementProblem | StatementSummary
"""What a reader gives, in the order of the file; entries of a statement come before its summary."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What is known of a file that was read whole; with one problem nothing of it may be used.

    Shapes: ``problems`` are the first ones, ``problem_count`` is how many there are.
    """

    entries: int
    problem_count: int
    problems: tuple[StatementProblem, ...]


def check_statement(items: Iterable[StatementItem], *, most: int) -> FileCheck:
    """Read a whole file and keep at most ``most`` of what is wrong with it."""
    problems: list[StatementProblem] = []
    found = entries = 0
    for item in items:
        if isinstance(item, StatementProblem):
            found += 1
            problems += [item] if found <= most else []
        elif isinstance(item, StatementEntry):
            entries += 1
    return FileCheck(entries, found, tuple(problems))


def entries_of(
    items: Iterable[StatementItem], summaries: list[StatementSummary]
) -> Iterator[StatementEntry]:
    """Entries of a checked file; the summaries are put aside."""
    for item in items:
        if isinstance(item, StatementEntry):
            yield item
        elif isinstance(item, StatementSummary):
            summaries.append(item)


class _Fingerprints:
    """A set of texts in 16 to 32 bytes each, so that the largest file fits a small worker.

    Two texts are taken for one with a chance of one in ten million per million of them; then the
    second is numbered as if it had come before, which keeps it unique in its file.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * 1024))
        self._count = 0

    def add(self, text: str) -> bool:
        """Whether it is new."""
        found = blake2b(text.encode(), digest_size=8).digest()
        is_new = self._put(int.from_bytes(found, "big") or 1)
        if is_new and 2 * self._count > len(self._slots):
            old = self._slots
            self._slots, self._count = array("Q", bytes(16 * len(old))), 0
            for value in old:
                if value:
                    self._put(value)
        return is_new

    def _put(self, value: int) -> bool:
        slots, mask = self._slots, len(self._slots) - 1
        place = value & mask
        while slots[place]:
            if slots[place] == value:
                return False
            place = (place + 1) & mask
        slots[place] = value
        self._count += 1
        return True


class LineKeys:
    """Ids of lines, by content and by how often the same content came before in the file.

    Two equal lines in one file are two payments; the same line in a second file is the first again.
    """

    def __init__(self) -> None:
        self._seen = _Fingerprints()
        self._repeated: Counter[str] = Counter()

    def of(self, entry: StatementEntry, what: str) -> str:
        """The id of the next line; ask for every line that counts, in file order.

        ``what`` says what the context takes the line for.
        """
        base = "/".join(
            (
                entry.account,
                what,
                entry.direction.value,
                str(entry.amount.minor),
                entry.amount.currency,
                "r" if entry.reversal else "-",
                entry.booking_date.isoformat(),
                entry.bank_reference,
                entry.end_to_end_id,
            )
        )
        number = 1
        if not self._seen.add(base):
            self._repeated[base] += 1
            number = 1 + self._repeated[base]
        return derived_id(f"statement-line/{base}/{number}")
