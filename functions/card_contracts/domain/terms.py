"""Conditions of one instalment range (*Sözleşme Detay Bilgileri*): when the bank pays.

Where the source leaves something open there is a named strategy, and a contract that does not name
it is refused: nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from card_contracts.domain.deductions import Deduction
from kernel.ranges import Range

POINTS: Final[Range] = (0, 0)
"""The range that means payment with points (*puan*)."""
LAST_DAY: Final = 31


class Collection(StrEnum):
    """How the merchant gets the money (*Tahsilat Şekli*).

    ``DEFERRED`` (*Vadeli*): split into instalments. ``SINGLE`` (*Tek Seferde*): the customer pays
    in instalments, the merchant receives everything at once.
    """

    SINGLE = "single"
    DEFERRED = "deferred"


class BlockageKind(StrEnum):
    """How long the bank holds the money (*Blokaj Şekli*): "Sabit Gün" or "İlave Gün"."""

    FIXED_DAY = "fixed_day"
    ADDED_DAYS = "added_days"


class OnDay(StrEnum):
    """What a fixed day means for a sale on that very day; undefined in the source."""

    SAME_DAY = "same_day"
    NEXT_MONTH = "next_month"


@dataclass(frozen=True, slots=True)
class Blockage:
    """The bank holds the money (*blokaj*).

    Units: ``value`` is a day of the month (1…31, clamped to the month's end) or calendar days.
    """

    kind: BlockageKind
    value: int
    on_day: OnDay = OnDay.NEXT_MONTH


class SkipAndBlock(StrEnum):
    """Which comes first when months are skipped and the money is blocked; undefined in the source,
    so that it must be stated.
    """

    SKIP_THEN_BLOCK = "skip_then_block"
    BLOCK_THEN_SKIP = "block_then_skip"


class MaturityKind(StrEnum):
    """How the due dates follow (*Vade Şekli*); ``MONTHLY`` is "none given"."""

    MONTHLY = "monthly"
    FIXED_DAY = "fixed_day"
    ADDED_DAYS = "added_days"
    ADDED_DAYS_PLUS_ONE = "added_days_plus_one"
    DYNAMIC = "dynamic"


class Strategy(StrEnum):
    """Readings of "Dinamik Değer" and "İlave Gün (+1)", which the source names but does not define.

    ``BANDS`` and ``CUTOFF`` belong to the dynamic value; ``CALENDAR_DAY`` (n + 1 calendar days) and
    ``BUSINESS_DAY`` (n days, then one business day more) to the added day.
    """

    BANDS = "bands"
    CUTOFF = "cutoff"
    CALENDAR_DAY = "calendar_day"
    BUSINESS_DAY = "business_day"


STRATEGIES: Final = {
    MaturityKind.DYNAMIC: (Strategy.BANDS, Strategy.CUTOFF),
    MaturityKind.ADDED_DAYS_PLUS_ONE: (Strategy.CALENDAR_DAY, Strategy.BUSINESS_DAY),
}


@dataclass(frozen=True, slots=True)
class Band:
    """Days of the month that are paid on one day.

    Units: ``from_day`` and ``to_day`` are inclusive; ``pay_day`` lies ``month_offset`` months
    later, clamped to that month's end.
    """

    from_day: int
    to_day: int
    pay_day: int
    month_offset: int


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Up to ``day`` paid on ``pay_day`` of the same month, afterwards of the next one."""

    day: int
    pay_day: int

    def bands(self) -> tuple[Band, ...]:
        """The same as bands."""
        first = Band(1, self.day, self.pay_day, 0)
        if self.day >= LAST_DAY:
            return (first,)
        return (first, Band(self.day + 1, LAST_DAY, self.pay_day, 1))


@dataclass(frozen=True, slots=True)
class Maturity:
    """Rule for the due dates of the bank's payments (*vade*).

    Units: ``value`` is calendar days per instalment or a day of the month, by ``kind``.
    Shapes: ``bands`` for the strategy BANDS, ``cutoff`` for CUTOFF, both empty otherwise.
    """

    kind: MaturityKind = MaturityKind.MONTHLY
    value: int | None = None
    strategy: Strategy | None = None
    bands: tuple[Band, ...] = ()
    cutoff: Cutoff | None = None

    @property
    def mapping(self) -> tuple[Band, ...]:
        """The bands of a dynamic value, however it was written."""
        if self.strategy is Strategy.CUTOFF and self.cutoff is not None:
            return self.cutoff.bands()
        return self.bands


MONTHLY: Final = Maturity()


@dataclass(frozen=True, slots=True)
class Term:
    """Conditions for sales with ``first`` to ``last`` instalments, both included.

    Units: ``skip_months`` (*Vade Atlama*) is calendar months before the first payment.
    """

    first: int
    last: int
    collection: Collection
    skip_months: int = 0
    blockage: Blockage | None = None
    skip_and_block: SkipAndBlock | None = None
    maturity: Maturity = MONTHLY
    description: str = ""
    deductions: tuple[Deduction, ...] = ()

    @property
    def range(self) -> Range:
        """First and last instalment count."""
        return (self.first, self.last)

    @property
    def is_points(self) -> bool:
        """Whether this is payment with points."""
        return self.range == POINTS

    def holds(self, instalments: int) -> bool:
        """Whether a sale with so many instalments falls under it."""
        return self.first <= instalments <= self.last
