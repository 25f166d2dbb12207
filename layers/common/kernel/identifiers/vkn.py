"""Vergi kimlik no (VKN), the tax number of a company in Türkiye.

Source: ten digits; for i = 1…9 from the right of the first nine, t = (digit + i) mod 10 and the
term is 0 for t = 0, otherwise (t·2^i) mod 9 or 9 when that is 0; the tenth digit is
(10 - sum mod 10) mod 10 (domain/identifiers.md, section 2; agrees with python-stdnum).

>>> is_valid("4540536920")
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kernel.errors import ParseError

PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType({"2222222222": "FOREIGN_BUYER"})
"""Numbers that stand for nobody; an UNVERIFIED convention of the tax office, so a parameter."""

_SHAPE: Final = re.compile(r"[0-9]{10}")


def is_valid(text: object) -> bool:
    """Whether this is the canonical form of a number with a right check digit.

    The arithmetic alone also holds for 0000000001; ``parse`` refuses such numbers.
    """
    return (
        isinstance(text, str)
        and _SHAPE.fullmatch(text) is not None
        and check_digit(text[:9]) == text[9]
    )


def special(text: str, placeholders: Mapping[str, str] = PLACEHOLDERS) -> str | None:
    """Name of the placeholder this number is, if it is one."""
    return placeholders.get(text)


def parse(value: object) -> str:
    """The number of a real company, blanks (U+0020) around it dropped.

    Raises: ParseError("TYPE" | "SHAPE" | "CHECK" | "IMPLAUSIBLE").
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the tax number is text of ten digits")
    text = value.strip(" ")
    if _SHAPE.fullmatch(text) is None:
        raise ParseError("SHAPE", "the tax number has ten digits")
    if check_digit(text[:9]) != text[9]:
        raise ParseError("CHECK", "a digit of the tax number is wrong")
    if text.startswith("00000000"):
        raise ParseError("IMPLAUSIBLE", "this tax number belongs to nobody")
    return text


def check_digit(first_nine: str) -> str:
    """Tenth digit for the first nine."""
    total = 0
    for place, char in enumerate(reversed(first_nine), start=1):
        shifted = (int(char) + place) % 10
        if shifted:
            total += shifted * 2**place % 9 or 9
    return str(-total % 10)
