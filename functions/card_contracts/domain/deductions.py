"""What the bank keeps of a sale (*kesinti*): amounts on the total, in sequence.

A deduction is computed once on the whole sale and rounded once; only then is it split, so that no
rounding per instalment can make the parts differ from the total.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from kernel.errors import ParseError, RuleViolationError
from kernel.money import Money
from kernel.rates import Rate

MAX_DEDUCTIONS: Final = 10
"""Most deductions of one instalment range."""

NO_RATE: Final = Rate(Decimal(0))
_RATE: Final = re.compile(r"(0|[1-9][0-9]?|100)(\.[0-9]{1,6})?")
_FOUR_DECIMALS: Final = Decimal("0.0001")


class Kind(StrEnum):
    """How the value of a deduction is meant: percent, or an amount per sale."""

    RATE = "rate"
    AMOUNT = "amount"


class Timing(StrEnum):
    """When the bank takes it (*Kesinti Zamanı*): "İlk Tahsilat" or "Vadeli"."""

    FIRST_COLLECTION = "first_collection"
    PER_INSTALMENT = "per_instalment"


class Basis(StrEnum):
    """What a rate is applied to (*Kesinti Kullanımı*).

    ``NET`` is the gross less every deduction of a lower sequence, ``ON_DEDUCTION`` the amount of
    one named deduction of a lower sequence, such as BSMV on the commission.
    Source: "Brüt" and "Net" of the Logo page Kredi Kartı; their definition is not public, so that
    ours is UNVERIFIED and every contract names it.
    """

    GROSS = "gross"
    NET = "net"
    ON_DEDUCTION = "on_deduction"


@dataclass(frozen=True, slots=True)
class Deduction:
    """One deduction of an instalment range.

    Units: ``rate`` is percent; ``amount`` is minor units of the sale's currency, for the whole sale
    and not per instalment. Exactly one of them counts, by ``kind``.
    """

    sequence: int
    code: str
    kind: Kind
    timing: Timing
    basis: Basis = Basis.GROSS
    rate: Rate = NO_RATE
    amount: int = 0
    of: str = ""


def parse_rate(value: object) -> Rate:
    """A percentage of a deduction: text such as ``"7.476"``, 0 to 100, up to six decimals.

    Bank screens round what they show (7,47 for 7,476), so that four decimals are not enough.
    Raises: ParseError("TYPE" | "RATE").
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the rate is text such as 3.00, not a number")
    if _RATE.fullmatch(value) is None or Decimal(value) > 100:
        raise ParseError("RATE", "the rate is a percentage from 0 to 100, up to six decimals")
    return Rate(Decimal(value))


@dataclass(frozen=True, slots=True)
class Deducted:
    """What one deduction takes of a sale.

    Units: minor units. ``base`` is what the rate was applied to, or the gross for a fixed amount.
    """

    deduction: Deduction
    base: int
    amount: int


def deduct(deductions: Iterable[Deduction], gross: Money) -> tuple[Deducted, ...]:
    """What every deduction takes, in sequence.

    Units: each amount is rounded HALF_UP to the minor unit, once, on the whole sale.
    Raises: RuleViolationError("card_contracts.deduction_of" | "card_contracts.negative_net").
    """
    taken: list[Deducted] = []
    by_code: dict[str, int] = {}
    rest = gross.minor
    for deduction in in_sequence(deductions):
        if deduction.basis is Basis.ON_DEDUCTION:
            if deduction.of not in by_code:
                raise RuleViolationError(
                    "card_contracts.deduction_of",
                    "A deduction refers to one that does not come before it.",
                )
            base = by_code[deduction.of]
        else:
            base = gross.minor if deduction.basis is Basis.GROSS else rest
        if deduction.kind is Kind.AMOUNT:
            amount = deduction.amount
        else:
            amount = deduction.rate.apply(Money(base, gross.currency)).minor
        taken.append(Deducted(deduction, base, amount))
        by_code[deduction.code] = by_code.get(deduction.code, 0) + amount
        rest -= amount
        if rest < 0:
            raise RuleViolationError(
                "card_contracts.negative_net", "The deductions are larger than the sale."
            )
    return tuple(taken)


def in_sequence(deductions: Iterable[Deduction]) -> list[Deduction]:
    """The deductions in the order in which they are computed."""
    return sorted(deductions, key=lambda deduction: deduction.sequence)


def effective_percent(total: int, gross: int) -> Decimal:
    """All deductions as a percentage of the gross, four decimals, HALF_UP."""
    return (Decimal(total) * 100 / Decimal(gross)).quantize(_FOUR_DECIMALS, ROUND_HALF_UP)


def fee_percent(deductions: Iterable[Deduction]) -> Decimal:
    """The fee a contract states, exact and before any rounding, to compare with a legal ceiling.

    Taxes on another deduction and fixed amounts are not part of the fee (our reading of the
    communiqué, DESIGN).
    """
    rest, fee = Decimal(100), Decimal(0)
    by_code: dict[str, Decimal] = {}
    for deduction in in_sequence(deductions):
        if deduction.kind is Kind.AMOUNT:
            continue
        if deduction.basis is Basis.ON_DEDUCTION:
            base = by_code.get(deduction.of, Decimal(0))
        else:
            base = Decimal(100) if deduction.basis is Basis.GROSS else rest
        share = base * deduction.rate.percent / 100
        by_code[deduction.code], rest = share, rest - share
        if deduction.basis is not Basis.ON_DEDUCTION:
            fee += share
    return fee
