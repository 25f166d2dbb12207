"""ΑΦΜ, the Greek tax number.

Source: nine digits; the sum of the first eight times 256, 128 … 2, mod 11, mod 10, is the ninth
(domain/identifiers.md, section 6). 000000000 passes that and is refused on purpose. The prefix EL
of a VAT number is dropped; GR, separators and eight digits are not accepted.

>>> parse("EL094259216")
'094259216'
"""

from __future__ import annotations

import re
from typing import Final

from kernel.errors import ParseError

_SHAPE: Final = re.compile(r"(?:EL)?([0-9]{9})")


def is_valid(text: object) -> bool:
    """Whether this is a right number, with or without the prefix EL."""
    if not isinstance(text, str):
        return False
    match = _SHAPE.fullmatch(text)
    return match is not None and _checks(match[1])


def parse(value: object) -> str:
    """The nine digits; blanks (U+0020) around and the prefix EL are dropped.

    Raises: ParseError("TYPE" | "SHAPE" | "CHECK").
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the tax number is text of nine digits")
    match = _SHAPE.fullmatch(value.strip(" "))
    if match is None:
        raise ParseError("SHAPE", "the tax number has nine digits")
    if not _checks(match[1]):
        raise ParseError("CHECK", "a digit of the tax number is wrong")
    return match[1]


def check_digit(first_eight: str) -> str:
    """Ninth digit for the first eight."""
    total = sum(int(char) << (8 - place) for place, char in enumerate(first_eight))
    return str(total % 11 % 10)


def _checks(text: str) -> bool:
    return text != "000000000" and check_digit(text[:8]) == text[8]
