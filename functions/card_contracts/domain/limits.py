"""Legal ceilings of card fees and of the time to the merchant, as dated parameters.

They only ever warn: a ceiling that moved after our table was written must not stop a contract.
Source: TCMB communiqué, RG 18.09.2025 (domain/card-contracts.md, section 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final


class CardKind(StrEnum):
    """What a card is by law."""

    CREDIT = "credit"
    DEBIT = "debit"
    PREPAID = "prepaid"


class Settlement(StrEnum):
    """When the bank transfers: on the next day against a fee, or after a blockage."""

    NEXT_DAY = "next_day"
    BLOCKED = "blocked"


class LegalWarning(StrEnum):
    """What a contract has that the communiqué does not allow."""

    FEE_ABOVE_CEILING = "FEE_ABOVE_CEILING"
    TRANSFER_TOO_LATE = "TRANSFER_TOO_LATE"


@dataclass(frozen=True, slots=True)
class Limits:
    """Figures in force from a day on.

    Units: percent of the sale, percentage points, calendar days.
    """

    valid_from: date
    reference_rate: Decimal
    credit_margin: Decimal
    debit_fee: Decimal
    credit_days: int
    debit_days: int
    mark: str
    source: str


TCMB: Final = (
    Limits(
        valid_from=date(2025, 11, 1),
        reference_rate=Decimal("3.11"),
        credit_margin=Decimal("0.45"),
        debit_fee=Decimal("1.04"),
        credit_days=40,
        debit_days=15,
        mark="CONFIRMED; the reference rate is 3,56 − 0,45, COMPUTED, and moves",
        source="TCMB, RG 18.09.2025",
    ),
)
"""The values we ship, oldest first."""


def limits_on(table: Sequence[Limits], on: date) -> Limits | None:
    """The figures in force on a day; None before the first."""
    known = [row for row in table if row.valid_from <= on]
    return max(known, key=lambda row: row.valid_from) if known else None


def warnings(
    limits: Limits | None, card: CardKind, fee_percent: Decimal, days: int, settlement: Settlement
) -> tuple[LegalWarning, ...]:
    """What the ceilings say about a fee and a time to the merchant.

    Units: percent of the sale; ``days`` are calendar days from the sale to the transfer. The fee of
    a credit card is limited for a transfer on the next day only, that of other cards always.
    """
    if limits is None:
        return ()
    found = []
    credit = card is CardKind.CREDIT
    ceiling = limits.reference_rate + limits.credit_margin if credit else limits.debit_fee
    if (not credit or settlement is Settlement.NEXT_DAY) and fee_percent > ceiling:
        found.append(LegalWarning.FEE_ABOVE_CEILING)
    if days > (limits.credit_days if credit else limits.debit_days):
        found.append(LegalWarning.TRANSFER_TOO_LATE)
    return tuple(found)
