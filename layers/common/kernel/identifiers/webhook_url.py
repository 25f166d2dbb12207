"""Target of outgoing webhooks: the rules that need no look-up.

The name is resolved again at every call and refused when any of its addresses is not public; that
belongs to the sender. Here a string is read once, by one reader, so that no two parsers can
disagree about where it points.
"""

from __future__ import annotations

import re
from typing import Final

from kernel.errors import ParseError
from kernel.identifiers import domain_name

MAX_LENGTH: Final = 2048

_URL: Final = re.compile(r"(?i:https)://([^/?#]*)([/?][^#]*)?")
_PRINTABLE: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]*")
_LOCAL_NAMES: Final = frozenset({"local", "localhost", "internal", "test", "invalid", "onion"})


def parse(value: object) -> str:
    """The URL with the host in lower case and A-labels, and without the default port.

    Raises: ParseError("TYPE" | "LENGTH" | "CHARACTER" | "SCHEME" | "USER_INFO" | "PORT" |
    "LOCAL_NAME"), and those of ``domain_name.parse``.
    """
    if not isinstance(value, str):
        raise ParseError("TYPE", "the address is text")
    if len(value) > MAX_LENGTH:
        raise ParseError("LENGTH", "the address is too long")
    match = _URL.fullmatch(value)
    if match is None:
        raise ParseError("SCHEME", "the address starts with https:// and has no fragment")
    authority, rest = match[1], match[2] or ""
    if _PRINTABLE.fullmatch(rest) is None:
        raise ParseError("CHARACTER", "escape blanks and letters outside ASCII in the path")
    if "@" in authority:
        raise ParseError("USER_INFO", "the address must not contain a user name or password")
    host, colon, port = authority.partition(":")
    if colon and port != "443":
        raise ParseError("PORT", "only port 443 is called")
    name = domain_name.parse(host)
    if name.rpartition(".")[2] in _LOCAL_NAMES:
        raise ParseError("LOCAL_NAME", "the address must be reachable from outside")
    if len(name) - len(host) + len(value) > MAX_LENGTH:
        raise ParseError("LENGTH", "the address is too long")
    return f"https://{name}{rest}"


def is_valid(text: object) -> bool:
    """Whether this is a target in canonical form."""
    try:
        return parse(text) == text
    except ParseError:
        return False
