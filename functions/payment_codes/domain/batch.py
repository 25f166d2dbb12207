"""Many documents that want codes at once: a bill batch (*πινάκιο αξιογράφων*), as list or file.

A batch is read once, checked as a whole, and cut into slices that are issued independently of each
other. What keeps a document from having two codes is its source key, not the slice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from kernel.money import Money
from payment_codes.domain.payment_code import Customer
from payment_codes.domain.source import Source

MAX_ROWS: Final = 50_000
"""Most documents of one file."""
MAX_LISTED: Final = 500
"""Most documents of one list in a request."""
SLICE: Final = 100
"""Documents of one queue message: one reservation of numbers, and far from a worker's time."""
GROUP: Final = 10
"""Most codes of one transaction; their rows must also fit into its hundred."""

JOB_KIND: Final = "payment_code_batch"
UNDO_KIND: Final = "payment_code_batch_undo"


class RowOutcome(StrEnum):
    """What became of one row. ``VALID``: only checked.

    Of a code that is taken back: ``UNDOABLE`` only checked, ``UNDONE`` cancelled, ``KEPT`` used
    since, ``GONE`` cancelled, replaced or expired before.
    """

    ISSUED = "issued"
    EXISTS = "exists"
    VALID = "valid"
    REFUSED = "refused"
    UNDOABLE = "undoable"
    UNDONE = "undone"
    KEPT = "kept"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class BatchDocument:
    """One document of a batch. Units: ``row`` is the row of the file, or the place in the list
    from 0; ``amount`` None is open.
    """

    row: int
    source: Source
    customer: Customer
    amount: Money | None
    description: str = ""
    valid_until: date | None = None
    customer_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one row, at one field if there is one; ``subject`` is the item that it
    is about, as ``<type>:<id>``.
    """

    row: int
    field: str
    code: str
    message: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class SliceResult:
    """What one slice did: rows by outcome, and the problems it met."""

    number: int
    outcomes: Mapping[str, int]
    problems: tuple[RowProblem, ...] = ()


def status_of(outcomes: Mapping[str, int]) -> str:
    """How a batch ended: nothing refused or kept, some, or nothing but refusals."""
    refused = outcomes.get(RowOutcome.REFUSED, 0)
    if not refused:
        return "partially_succeeded" if outcomes.get(RowOutcome.KEPT) else "succeeded"
    return "partially_succeeded" if sum(outcomes.values()) > refused else "failed"


def duplicate(row: int, first: int) -> RowProblem:
    """The problem of a row whose document another row names already."""
    return RowProblem(row, "document", "duplicate_row", f"This document is in row {first} already.")
