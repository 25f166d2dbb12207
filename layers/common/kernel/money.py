"""Money as integer minor units of one currency.

There are no floats and no hidden roundings: a product with a rate is a ``Decimal`` until one named
rounding turns it into minor units, and splitting goes through ``allocate``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Final, Literal, Self

from kernel.errors import ParseError, RuleViolationError

API_CURRENCIES: Final = frozenset({"TRY", "EUR"})
"""Currencies the JSON API takes."""

_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,12})\.[0-9]{2}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
# ISO 4217, minor units other than two: such an amount would be wrong by a power of ten here.
_OTHER_EXPONENTS: Final = re.compile(
    "BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|UYI|VND|VUV|XAF|XOF|XPF"
    "|BHD|IQD|JOD|KWD|LYD|OMR|TND|CLF|UYW"
)
# Traps instead of rounding: an amount that does not fit is an error, never an approximation.
_EXACT: Final = Context(prec=60, traps=[Inexact, InvalidOperation])


@lru_cache(maxsize=64)
def _has_two_digits(currency: str) -> bool:
    """Whether it is written like a currency, and not one of those with other minor units."""
    return bool(_CURRENCY.fullmatch(currency)) and not _OTHER_EXPONENTS.fullmatch(currency)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: ``minor`` integer minor units (kuruş, cent) of ``currency``; may be negative."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("minor units are an int")
        if not _has_two_digits(self.currency):
            raise ParseError("CURRENCY", "the currency is not one with two minor digits")

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in ``currency``."""
        return cls(0, currency)

    @classmethod
    def from_api(
        cls,
        value: object,
        currency: str | None = None,
        *,
        allow_zero: bool = False,
        allow_negative: bool = False,
    ) -> Self:
        """Read the API form: ``{"amount": "1250.00", "currency": "TRY"}``, or the amount alone.

        Shapes: exactly two members, both strings; the amount has one to thirteen digits without
        leading zero, a point and two digits. With ``currency`` given, ``value`` may be the amount
        text alone; in the object form it must then agree.
        Raises: ParseError("SHAPE" | "AMOUNT" | "ZERO" | "CURRENCY").
        """
        if isinstance(value, str) and currency is not None:
            amount: object = value
            named: object = currency
        elif isinstance(value, Mapping) and set(value) == {"amount", "currency"}:
            amount, named = value["amount"], value["currency"]
        else:
            raise ParseError("SHAPE", "money is an object of amount and currency, both text")
        if not isinstance(named, str) or named not in API_CURRENCIES:
            raise ParseError("CURRENCY", "the currency is TRY or EUR")
        if currency is not None and named != currency:
            raise ParseError("CURRENCY", f"the currency must be {currency}")
        if not isinstance(amount, str):
            raise ParseError("AMOUNT", "the amount is text such as 1250.00, not a number")
        negative = allow_negative and amount.startswith("-")
        digits = amount[1:] if negative else amount
        if _AMOUNT.fullmatch(digits) is None:
            raise ParseError("AMOUNT", "the amount has digits, a point and two decimals: 1250.00")
        minor = int(digits.replace(".", ""))
        if minor == 0 and (negative or not allow_zero):
            raise ParseError("ZERO", "the amount must not be zero")
        return cls(-minor if negative else minor, named)

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> Self:
        """The exact amount; more than two decimals is an error, never a rounding.

        Raises: ParseError("AMOUNT").
        """
        try:
            minor = int(_EXACT.scaleb(_EXACT.quantize(amount, Decimal("0.01")), 2))
        except (Inexact, InvalidOperation, ValueError):
            raise ParseError("AMOUNT", "the amount has more than two decimals") from None
        return cls(minor, currency)

    def to_api(self) -> dict[str, str]:
        """The API form, ``{"amount": "1250.00", "currency": "TRY"}``."""
        return {"amount": self.amount_text, "currency": self.currency}

    @property
    def amount_text(self) -> str:
        """The amount as API text: ``1250.00``, ``-0.05``."""
        major, minor = divmod(abs(self.minor), 100)
        return f"{'-' if self.minor < 0 else ''}{major}.{minor:02d}"

    @property
    def amount(self) -> Decimal:
        """The amount in major units, exact, with two decimals."""
        return Decimal(self.amount_text)

    def __str__(self) -> str:
        return f"{self.amount_text} {self.currency}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __add__(self, other: Money) -> Self:
        return type(self)(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Self:
        return type(self)(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Self:
        return type(self)(-self.minor, self.currency)

    def __abs__(self) -> Self:
        return type(self)(abs(self.minor), self.currency)

    def __mul__(self, factor: int) -> Self:
        if type(factor) is not int:
            return NotImplemented
        return type(self)(self.minor * factor, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise RuleViolationError(
                "money.currency_mismatch",
                f"{self.currency} and {other.currency} cannot be combined",
            )
        return other.minor

    def allocate(self, parts: int, remainder_on: RemainderOn = "last") -> tuple[Self, ...]:
        """``parts`` equal shares that sum to this amount exactly; see ``allocate``."""
        return tuple(
            type(self)(share, self.currency) for share in allocate(self.minor, parts, remainder_on)
        )


RemainderOn = Literal["first", "last"]
"""Which share takes what does not divide evenly."""


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Sum of any number of amounts of one currency, also of none."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result


def allocate(total: int, parts: int, remainder_on: RemainderOn = "last") -> tuple[int, ...]:
    """Split ``total`` minor units into ``parts`` equal shares and one that takes the remainder.

    Units: minor units. A negative total is split like its absolute value.
    Shapes: ``parts`` entries that sum to ``total`` exactly; all are equal except the first or the
    last, which is larger by the remainder (smaller than ``parts``).
    Raises: RuleViolationError("money.allocate_parts") without at least one part.
    """
    if parts < 1:
        raise RuleViolationError("money.allocate_parts", "there must be at least one part")
    share, rest = divmod(abs(total), parts)
    sign = -1 if total < 0 else 1
    shares = [sign * share] * parts
    shares[0 if remainder_on == "first" else -1] += sign * rest
    return tuple(shares)


def truncate_to_major(amount: Decimal) -> int:
    """Whole major units of an exact amount, the rest cut off, as minor units.

    Units: major units in (``Decimal("990.90")`` lira), minor units out (99000 kuruş).
    Source: OKS contribution, "the kuruş part is ignored" (Aegon, Anadolu Hayat FAQ).
    """
    return int(amount.to_integral_value(rounding=ROUND_DOWN)) * 100


def round_to_minor(amount: Decimal, rounding: str = ROUND_HALF_UP) -> int:
    """Minor units of an exact amount in major units, rounded once by the named rule."""
    return int(_EXACT.scaleb(amount, 2).to_integral_value(rounding=rounding))
