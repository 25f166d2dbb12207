"""Dated parameters of the Ba and Bs forms: what held in which month, and where that stands.

Nothing of this is a constant of the program: the law changed twice since 2021, and a company can
say from which month on another value counts (domain/reconciliation.md §2 and §7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.money import Money
from kernel.periods import Period
from kernel.stamp import NEW, Stamp

HOME: Final = "TRY"
"""Currency of the forms."""

EARLIEST: Final = Period(1900, 1)
MAX_ROWS: Final = 100


class EntryKind(StrEnum):
    """What a ledger line is. The kinds after ``INVOICE`` and before ``PAYMENT`` are documents that
    came into the scope of the forms later.
    """

    INVOICE = "invoice"
    RENT = "rent"
    INSURANCE_POLICY = "insurance_policy"
    PAYMENT = "payment"
    OPENING_BALANCE = "opening_balance"
    OTHER = "other"


class Roll(StrEnum):
    """What becomes of a due day on which tax offices are closed."""

    FOLLOWING = "following"
    NONE = "none"


class Key(StrEnum):
    """Names of the parameters."""

    THRESHOLD = "babs.threshold"
    E_DOCUMENTS = "babs.e_documents"
    EMPTY_FORM = "babs.empty_form"
    KINDS = "babs.document_kinds"
    DUE_ROLL = "babs.due_roll"


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One value of one parameter.

    Units: ``since`` is the first period it counts for. ``value`` is text: an amount in lira
    (``5000.00``), a word, or words between commas. ``legal_ref`` is where it stands;
    ``confirmed`` is whether somebody read it there.
    """

    key: Key
    since: Period
    value: str
    legal_ref: str
    confirmed: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class OwnRows:
    """What a company set itself, beside or instead of what the product knows."""

    rows: tuple[ParameterRow, ...] = ()
    stamp: Stamp = NEW


@dataclass(frozen=True, slots=True)
class BabsRules:
    """What holds in one period."""

    period: Period
    threshold: Money
    e_documents_listed: bool
    empty_form_filed: bool
    kinds: frozenset[EntryKind]
    due_roll: Roll


_LISTED: Final = MappingProxyType({"listed": True, "left_out": False})
_FILED: Final = MappingProxyType({"filed": True, "not_filed": False})

DEFAULTS: Final = (
    ParameterRow(Key.THRESHOLD, EARLIEST, "5000.00", "VUK GT 396", confirmed=True),
    ParameterRow(Key.E_DOCUMENTS, EARLIEST, "listed", "VUK GT 396", confirmed=True),
    ParameterRow(Key.E_DOCUMENTS, Period(2021, 7), "left_out", "VUK GT 523", confirmed=True),
    ParameterRow(Key.EMPTY_FORM, EARLIEST, "filed", "VUK GT 396", confirmed=True),
    ParameterRow(Key.EMPTY_FORM, Period(2023, 1), "not_filed", "VUK GT 543", confirmed=True),
    ParameterRow(Key.KINDS, EARLIEST, "invoice", "VUK GT 396", confirmed=True),
    ParameterRow(
        Key.KINDS, Period(2023, 1), "invoice,rent,insurance_policy", "VUK GT 543", confirmed=True
    ),
    ParameterRow(Key.DUE_ROLL, EARLIEST, "following", "VUK 18"),
)
"""What the product knows, back to any month it may be asked for.

Source: domain/reconciliation.md §2 (GT 396, 523, 543) and §7; the roll of the due day is general
knowledge and therefore not confirmed.
"""


def read_threshold(text: str) -> Money:
    """An amount in lira, ``5000.00``. Raises: ParseError."""
    return Money.from_api(text, HOME, allow_zero=True)


def read_kinds(text: str) -> frozenset[EntryKind]:
    """Kinds of documents between commas. Raises: ParseError("CHOICE")."""
    words = text.split(",")
    known = {kind.value for kind in EntryKind}
    if not set(words) <= known or len(set(words)) != len(words):
        raise ParseError("CHOICE", "kinds of documents between commas: invoice,rent")
    return frozenset(EntryKind(word) for word in words)


def read_roll(text: str) -> Roll:
    """What becomes of a closed due day. Raises: ParseError("CHOICE")."""
    if text not in {roll.value for roll in Roll}:
        raise ParseError("CHOICE", "choose one of: following, none")
    return Roll(text)


def _word(words: Mapping[str, bool]) -> Callable[[str], bool]:
    def read(text: str) -> bool:
        if text not in words:
            raise ParseError("CHOICE", "choose one of: " + ", ".join(words))
        return words[text]

    return read


_READERS: Final[Mapping[Key, Callable[[str], object]]] = {
    Key.THRESHOLD: read_threshold,
    Key.E_DOCUMENTS: _word(_LISTED),
    Key.EMPTY_FORM: _word(_FILED),
    Key.KINDS: read_kinds,
    Key.DUE_ROLL: read_roll,
}


def check_rows(rows: Iterable[ParameterRow]) -> None:
    """Refuse rows that cannot be read, or two values of one parameter from the same period on.

    Raises: ValidationError with everything that is wrong, by position.
    """
    problems: list[Problem] = []
    seen: set[tuple[Key, Period]] = set()
    for number, row in enumerate(rows):
        try:
            _READERS[row.key](row.value)
        except ParseError as error:
            problems.append(Problem(f"/items/{number}/value", error.code.lower(), error.message))
        if (row.key, row.since) in seen:
            message = "There is a value from this period on already."
            problems.append(Problem(f"/items/{number}/since", "duplicate", message))
        seen.add((row.key, row.since))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)


def in_order(own: OwnRows) -> tuple[ParameterRow, ...]:
    """All rows, by parameter and period; of two from the same period on the company's own comes
    last.
    """
    return tuple(
        sorted((*DEFAULTS, *own.rows), key=lambda row: (row.key.value, row.since, row.own))
    )


def row_for(key: Key, period: Period, own: OwnRows) -> ParameterRow:
    """The row that counts for a period: the latest that began by then."""
    return [row for row in in_order(own) if row.key is key and row.since <= period][-1]


def rules_for(period: Period, own: OwnRows | None = None) -> BabsRules:
    """What holds in ``period`` for a company that set ``own`` values."""
    chosen = own or OwnRows()

    def value(key: Key) -> str:
        return row_for(key, period, chosen).value

    return BabsRules(
        period,
        read_threshold(value(Key.THRESHOLD)),
        _LISTED[value(Key.E_DOCUMENTS)],
        _FILED[value(Key.EMPTY_FORM)],
        read_kinds(value(Key.KINDS)),
        read_roll(value(Key.DUE_ROLL)),
    )
