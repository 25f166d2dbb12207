"""One mail address.

Source: RFC 5321 dot-atom local part (kept as typed: only the receiving host may fold its case) and
a DNS name; display names, quotes, comments and encoded words are refused, because mail programs
read them differently and one of the readings is somebody else's address.
"""

from __future__ import annotations

import re
from typing import Final

from kernel.errors import ParseError
from kernel.identifiers import domain_name

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")


def parse(value: object) -> str:
    """The address; blanks (U+0020) around it dropped, the domain in lower case with A-labels.

    Raises: ParseError("TYPE" | "SHAPE" | "LOCAL_PART" | "ENCODED_WORD" | "LENGTH"), and those of
    ``domain_name.parse``.
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the address is text")
    local, at, domain = value.strip(" ").partition("@")
    if not at or not local or not domain or "@" in domain:
        raise ParseError("SHAPE", "the address is written name@domain")
    if len(local) > 64 or _LOCAL.fullmatch(local) is None:
        raise ParseError("LOCAL_PART", "the part before @ has a wrong character or length")
    if "=?" in local:
        raise ParseError("ENCODED_WORD", "the address must not contain =?")
    address = f"{local}@{domain_name.parse(domain)}"
    if len(address) > 254:
        raise ParseError("LENGTH", "the address is too long")
    return address


def is_valid(text: object) -> bool:
    """Whether this is an address in canonical form."""
    try:
        return parse(text) == text
    except ParseError:
        return False
