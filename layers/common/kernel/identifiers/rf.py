"""RF payment code of DIAS: a creditor reference of exactly 25 characters.

Source: ISO 11649 and DIAS: RF, two check digits, 9 and four digits of the organisation, the amount
digit, fifteen digits of the organisation's own (domain/payment-codes.md). What the parts mean
belongs to the context payment_codes; here is only what makes a code a code.

>>> parse("rf91 9123 4610 0000 0000 0000 1")
'RF91912346100000000000001'
"""

from __future__ import annotations

import re
from typing import Final

from kernel.identifiers import creditor_reference
from kernel.identifiers.creditor_reference import check_digits as check_digits
from kernel.identifiers.creditor_reference import compact as compact
from kernel.identifiers.creditor_reference import format_groups as format_groups

_SHAPE: Final = re.compile(r"RF[0-9]{2}9[0-9]{20}")


def fault(text: str) -> str | None:
    """Reason why the compact text is no code (PATTERN, CHECK_DIGITS, NON_CANONICAL), or None."""
    return creditor_reference.fault(text, _SHAPE)


def is_valid(text: object) -> bool:
    """Whether this is a code in its stored form."""
    return isinstance(text, str) and fault(text) is None


def parse(value: object) -> str:
    """The stored form of a code that a person typed or scanned.

    Raises: ParseError("TYPE" | "PATTERN" | "CHECK_DIGITS" | "NON_CANONICAL").
    """
    return creditor_reference.read(value, _SHAPE, "the code is RF and 23 digits, the third a 9")
