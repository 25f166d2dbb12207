"""IBAN of Türkiye and Greece.

Source: ISO 13616, MOD 97-10; TR: 5-digit bank, one reserve digit that is always 0, 16 characters of
account (TCMB communiqué on IBAN, annexes: remainder 51 gives TR47 for the worked example); GR:
3-digit bank, 4-digit branch, 16 characters of account. Check digits are recomputed and compared, so
that 00, 01 and 99 (which also leave remainder 1) are refused.

>>> is_valid("TR470000100100000350930001")
True
"""

from __future__ import annotations

import re
from typing import Final

from kernel.errors import ParseError

_SHAPES: Final = {
    "TR": re.compile(r"TR[0-9]{2}[0-9]{5}[0-9][0-9A-Z]{16}"),
    "GR": re.compile(r"GR[0-9]{2}[0-9]{7}[0-9A-Z]{16}"),
}
_SEPARATORS: Final = re.compile(r"[\s\u00a0\u202f\u200b.\u2010-\u2014-]+")
_MESSAGES: Final = {
    "SHAPE": "the IBAN has the wrong length or a wrong character",
    "CHECK": "a digit of the IBAN is wrong",
    "RESERVE_DIGIT": "the tenth character of a Turkish IBAN is 0",
}


def compact(text: str) -> str:
    """The text without ASCII spaces, nothing else changed."""
    return text.replace(" ", "")


def fault(text: str, country: str | None = None) -> str | None:
    """Reason why this is no IBAN of ours (SHAPE, then CHECK, then RESERVE_DIGIT), or None.

    Shapes: ``text`` is compact; with ``country`` only that country's numbers count.
    """
    shape = _SHAPES.get(text[:2]) if country in (None, text[:2]) else None
    if shape is None or shape.fullmatch(text) is None:
        return "SHAPE"
    if check_digits(text[:2], text[4:]) != text[2:4]:
        return "CHECK"
    if text.startswith("TR") and text[9] != "0":
        return "RESERVE_DIGIT"
    return None


def is_valid(text: object, country: str | None = None) -> bool:
    """Whether this is an IBAN of Türkiye or Greece, printed in groups or not."""
    return isinstance(text, str) and fault(compact(text), country) is None


def parse(value: object, country: str | None = None) -> str:
    """The compact IBAN; ASCII spaces are dropped, nothing else is changed.

    Raises: ParseError("TYPE" | "SHAPE" | "CHECK" | "RESERVE_DIGIT"); the suggestion is the form
    with capitals and without other separators when that would be right.
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the IBAN is text")
    text = compact(value)
    reason = fault(text, country)
    if reason is None:
        return text
    corrected = _SEPARATORS.sub("", value).upper()
    suggestion = corrected if fault(corrected, country) is None else None
    raise ParseError(reason, _MESSAGES[reason], suggestion)


def build(country: str, bank: str, account: str, branch: str = "") -> str:
    """The IBAN of its parts; the account is padded with zeros on the left.

    Shapes: TR takes a five-digit bank; GR a three-digit bank and a four-digit branch.
    Raises: ParseError("SHAPE").
    """
    reserve = "0" if country == "TR" else ""
    bban = f"{bank}{branch}{reserve}{account.rjust(16, '0')}"
    shape = _SHAPES.get(country)
    if shape is None or shape.fullmatch(f"{country}00{bban}") is None:
        raise ParseError("SHAPE", "the parts do not make an IBAN of this country")
    return f"{country}{check_digits(country, bban)}{bban}"


def check_digits(country: str, bban: str) -> str:
    """The two check digits, 02 to 98."""
    return f"{98 - mod_97(f'{bban}{country}00'):02d}"


def mod_97(text: str) -> int:
    """Remainder of ISO 7064 MOD 97-10, letters counting as 10 to 35."""
    return int("".join(str(int(char, 36)) for char in text)) % 97


def bank_code(text: str) -> str:
    """Code of the bank in a compact IBAN: five digits in Türkiye, three in Greece."""
    return text[4:9] if text.startswith("TR") else text[4:7]


def format_groups(text: str) -> str:
    """A compact IBAN in groups of four, as printed."""
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
