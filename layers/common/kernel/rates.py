"""Percentages, exact.

A rate keeps the decimals it was written with ("3.00" stays "3.00") and is never a float; applying
it gives an exact product, which the caller turns into minor units by one named rounding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact
from typing import Final, Self

from kernel.errors import ParseError
from kernel.money import Money, round_to_minor

_RATE: Final = re.compile(r"(0|[1-9][0-9]?|100)(\.[0-9]{1,4})?")
_EXACT: Final = Context(prec=60, traps=[Inexact])


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """A percentage: ``Rate(Decimal("3.00"))`` is 3 %."""

    percent: Decimal

    def __post_init__(self) -> None:
        if not isinstance(self.percent, Decimal) or not self.percent.is_finite():
            raise TypeError("a rate is a finite Decimal")

    @classmethod
    def from_api(cls, value: object) -> Self:
        """Read the API form: text such as ``"3.00"``, up to four decimals, at most 100.

        Raises: ParseError("TYPE" | "RATE").
        """
        if not isinstance(value, str):
            raise ParseError("TYPE", "the rate is text such as 3.00, not a number")
        if _RATE.fullmatch(value) is None:
            raise ParseError("RATE", "the rate is a percentage from 0 to 100 such as 3.00")
        percent = Decimal(value)
        if percent > 100:
            raise ParseError("RATE", "the rate is at most 100")
        return cls(percent)

    def to_api(self) -> str:
        """The API form, with the decimals it was written with."""
        return f"{self.percent:f}"

    def __str__(self) -> str:
        return f"{self.to_api()} %"

    def of(self, base: Money) -> Decimal:
        """The exact share of ``base``, in major units: 3 % of 33.333,34 is 1000.0002."""
        return _EXACT.scaleb(_EXACT.multiply(Decimal(base.minor), self.percent), -4)

    def apply(self, base: Money, rounding: str = ROUND_HALF_UP) -> Money:
        """The share of ``base`` rounded once to minor units."""
        return Money(round_to_minor(self.of(base), rounding), base.currency)
