"""Creditor reference (ISO 11649) in remittance text, of any length.

Source: ISO 11649: RF, two check digits by MOD 97-10, one to twenty-one letters or digits. Check
digits are recomputed and compared: the verification alone would accept RF99000036 for RF02000036.

>>> parse("rf18 5390 0754 7034")
'RF18539007547034'
"""

from __future__ import annotations

import re
from typing import Final

from kernel.errors import ParseError
from kernel.identifiers.iban import mod_97

_SHAPE: Final = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}")


def compact(text: str) -> str:
    """Without spaces and dashes, in capitals; text with other than ASCII characters stays as is."""
    return text.replace(" ", "").replace("-", "").upper() if text.isascii() else text


def check_digits(reference: str) -> str:
    """The two check digits of what follows them, 02 to 98."""
    return f"{98 - mod_97(f'{reference}RF00'):02d}"


def fault(text: str, shape: re.Pattern[str] = _SHAPE) -> str | None:
    """Reason why the compact text is no reference, or None.

    PATTERN; NON_CANONICAL when the remainder is 1 but the digits are not the computed ones;
    CHECK_DIGITS otherwise.
    """
    if shape.fullmatch(text) is None:
        return "PATTERN"
    if check_digits(text[4:]) == text[2:4]:
        return None
    return "NON_CANONICAL" if mod_97(text[4:] + text[:4]) == 1 else "CHECK_DIGITS"


def is_valid(text: object) -> bool:
    """Whether this is a reference in its stored form."""
    return isinstance(text, str) and fault(text) is None


def parse(value: object) -> str:
    """The compact reference of what a person typed or a bank sent.

    Raises: ParseError("TYPE" | "PATTERN" | "CHECK_DIGITS" | "NON_CANONICAL").
    """
    return read(value, _SHAPE, "the reference is RF, two digits and up to 21 letters or digits")


def read(value: object, shape: re.Pattern[str], message: str) -> str:
    """Shared reading of every RF form: compact, match ``shape``, recompute the check digits."""
    if not isinstance(value, str):
        raise ParseError("TYPE", "the reference is text")
    text = compact(value)
    reason = fault(text, shape)
    if reason is None:
        return text
    raise ParseError(reason, message if reason == "PATTERN" else "a digit of it is wrong")


def format_groups(text: str) -> str:
    """The compact reference in groups of four, as printed."""
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
