"""How a payment code (*ΜΚΠ*, RF) is made of organisation, amount digit and identification.

Source: domain/payment-codes.md §2: RF, two check digits, organisation (five digits, the first 9),
amount check digit, fifteen digits of the organisation's own.
"""

import re
from dataclasses import dataclass
from typing import Final

from kernel.errors import ParseError
from kernel.identifiers import rf
from kernel.money import Money

OPEN_DIGIT: Final = "8"
"""The amount is not bound."""
RECURRING_DIGIT: Final = "9"
"""Fixed payment order or recurring, without validation of the amount."""
IDENT_DIGITS: Final = 15

_ORGANISATION: Final = re.compile(r"9[0-9]{4}")
_IDENT: Final = re.compile(r"[0-9]{1,15}")
_FACTORS: Final = (1, 7, 3)


@dataclass(frozen=True, slots=True)
class RfReference:
    """A payment code and its parts; ``code`` is the stored form of 25 characters."""

    code: str
    org_code: str
    amount_digit: str
    ident: str

    @property
    def grouped(self) -> str:
        """The code as it is printed, in groups of four."""
        return rf.format_groups(self.code)

    @property
    def binds_amount(self) -> bool:
        """Whether the amount digit says anything about an amount."""
        return self.amount_digit not in (OPEN_DIGIT, RECURRING_DIGIT)


def amount_digit(amount: Money | None, *, recurring: bool = False) -> str:
    """Check digit over an amount.

    Units: minor units as decimal digits, from the rightmost times 1, 7, 3, 1, 7, 3…; the sum modulo
    8. No amount, or zero, is "not bound".
    Raises: ParseError("AMOUNT") for a negative amount.
    """
    if amount is not None and amount.minor < 0:
        raise ParseError("AMOUNT", "the amount must not be negative")
    if recurring:
        return RECURRING_DIGIT
    if amount is None or not amount:
        return OPEN_DIGIT
    digits = reversed(str(amount.minor))
    return str(sum(int(digit) * _FACTORS[i % 3] for i, digit in enumerate(digits)) % 8)


def organisation(text: str) -> str:
    """The code of an organisation as DIAS gives it; raises ParseError("ORGANISATION")."""
    if not isinstance(text, str) or _ORGANISATION.fullmatch(text) is None:
        raise ParseError("ORGANISATION", "the organisation code has five digits, the first is 9")
    return text


def encode(
    org_code: str, ident: str, amount: Money | None, *, recurring: bool = False
) -> RfReference:
    """The payment code of an identification.

    Raises: ParseError("ORGANISATION" | "IDENT" | "AMOUNT").
    """
    if _IDENT.fullmatch(ident) is None:
        raise ParseError("IDENT", "the identification has one to fifteen digits")
    digit = amount_digit(amount, recurring=recurring)
    padded = ident.zfill(IDENT_DIGITS)
    body = f"{organisation(org_code)}{digit}{padded}"
    return RfReference(f"RF{rf.check_digits(body)}{body}", org_code, digit, padded)


def decode(code: str) -> RfReference:
    """The parts of a code in its stored form.

    Raises: ParseError("PATTERN" | "CHECK_DIGITS" | "NON_CANONICAL").
    """
    reason = rf.fault(code)
    if reason is not None:
        raise ParseError(reason, "this is not a payment code")
    return RfReference(code, code[4:9], code[9], code[10:])


def digit_matches(reference: RfReference, amount: Money) -> bool | None:
    """Whether the digit of a code fits an amount; None when the code binds none.

    A match is no proof: the digit cannot tell 10.00 from 18.00.
    """
    if not reference.binds_amount:
        return None
    return amount_digit(amount) == reference.amount_digit
