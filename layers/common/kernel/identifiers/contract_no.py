"""Numbers and codes of contracts: text, never a number, because leading zeros are significant.

Letters are those of one alphabet (Latin or Greek): an invisible character or a Cyrillic look-alike
pasted from a mail would make two equal-looking numbers that never match.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from kernel.errors import ParseError
from kernel.scripts import GREEK, LATIN, script_of, scripts_of

_CONTRACT_SIGNS: Final = "./_-"
_CARD_SIGNS: Final = "._-"


def parse(value: object) -> str:
    """Contract number or code of a provider; blanks (U+0020) around it dropped.

    Shapes: 1 to 30 letters, digits and . / _ -
    Raises: ParseError("TYPE" | "LENGTH" | "CHARACTER" | "SCRIPT").
    """
    return _code(_text(value).strip(" "), _CONTRACT_SIGNS, 30)


def parse_card_contract_code(value: object) -> str:
    """Code of a card contract.

    Shapes: 1 to 15 letters, digits and . _ -
    Raises: ParseError("TYPE" | "LENGTH" | "CHARACTER" | "SCRIPT").
    """
    return _code(_text(value), _CARD_SIGNS, 15)


def is_valid(text: object) -> bool:
    """Whether this is a contract number in canonical form."""
    try:
        return parse(text) == text
    except ParseError:
        return False


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ParseError("TYPE", "the number is text, because leading zeros count")
    return unicodedata.normalize("NFC", value)


def _code(text: str, signs: str, limit: int) -> str:
    if not 1 <= len(text) <= limit:
        raise ParseError("LENGTH", f"the number has 1 to {limit} characters")
    for char in text:
        if char in signs or (char.isascii() and char.isalnum()):
            continue
        if script_of(char) is None or unicodedata.normalize("NFKC", char) != char:
            raise ParseError("CHARACTER", f"the number has letters, digits and {' '.join(signs)}")
    if scripts_of(text) - {LATIN} and scripts_of(text) - {GREEK}:
        raise ParseError("SCRIPT", "write the number in one alphabet, Latin or Greek")
    return text
