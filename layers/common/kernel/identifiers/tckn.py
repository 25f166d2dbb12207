"""T.C. kimlik no (TCKN), the identity number of a person in Türkiye.

Source: eleven digits, the first not 0; d10 = (7·(d1+d3+d5+d7+d9) - (d2+d4+d6+d8)) mod 10,
d11 = (d1+…+d10) mod 10 (domain/identifiers.md, section 1; agrees with python-stdnum). Numbers of
foreigners start with 99 and use the same arithmetic.

>>> is_valid("10000000146")
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kernel.errors import ParseError

PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType({"11111111111": "UNNAMED_CONSUMER"})
"""Numbers that stand for nobody; an UNVERIFIED convention of the tax office, so a parameter."""

_SHAPE: Final = re.compile(r"[1-9][0-9]{10}")


def is_valid(text: object) -> bool:
    """Whether this is the canonical form of a number with right check digits.

    The arithmetic alone also holds for 11111111110; ``parse`` refuses such numbers.
    """
    return isinstance(text, str) and _SHAPE.fullmatch(text) is not None and _checks(text)


def special(text: str, placeholders: Mapping[str, str] = PLACEHOLDERS) -> str | None:
    """Name of the placeholder this number is, if it is one."""
    return placeholders.get(text)


def parse(value: object) -> str:
    """The number of a real person, blanks (U+0020) around it dropped.

    Raises: ParseError("TYPE" | "SHAPE" | "CHECK" | "IMPLAUSIBLE").
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the identity number is text of eleven digits")
    text = value.strip(" ")
    if _SHAPE.fullmatch(text) is None:
        raise ParseError("SHAPE", "the identity number has eleven digits and no leading zero")
    if not _checks(text):
        raise ParseError("CHECK", "a digit of the identity number is wrong")
    if len(set(text[:10])) == 1:
        raise ParseError("IMPLAUSIBLE", "this identity number belongs to nobody")
    return text


def _checks(text: str) -> bool:
    digits = [int(char) for char in text]
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    return digits[9] == tenth and digits[10] == sum(digits[:10]) % 10
