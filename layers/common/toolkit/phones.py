"""Mobile numbers of people: what was typed becomes E.164, or is refused with a reason.

The ``phonenumbers`` library is a generous guesser: it turns letters into digits (``0532-ABC``),
accepts digits of other scripts and parses many numbers that nobody can own. So the shape is tested
first, on ASCII only, and a parsed number counts only when it is valid **and** of type mobile. The
import is lazy: its tables are large and most functions never see a phone number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kernel.errors import ParseError

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_SHAPE: Final = re.compile(r"[ (]*\+?[0-9()./ -]*")
_MAX_LENGTH: Final = 40
_USUAL: Final = {
    "TR": (90, re.compile(r"0?(5[0-9]{2})[ -]?([0-9]{3})[ -]?([0-9]{2})[ -]?([0-9]{2})")),
    "GR": (30, re.compile(r"(69[0-9]{2})[ -]?([0-9]{3})[ -]?([0-9]{3})")),
}
"""Country code, and how people of a country write a mobile number: nothing is to be guessed then,
and the parser of the library, half of the time, is not asked.
"""


def parse_mobile(text: str, region: str = "TR") -> str:
    """E.164 form (``+905321234567``) of a mobile number typed for ``region``.

    Raises: ParseError("INVALID") for anything that is no assigned number, including characters
    other than digits and ``+ ( ) . / -`` and spaces; ParseError("NOT_MOBILE") for a real number of
    another kind. A caller may let a person override either with a reason, because the prefix tables
    age with the library.
    Source: domain/identifiers.md section 5; bad_inputs.json, field ``mobile_tr``.
    """
    if len(text) > _MAX_LENGTH or _SHAPE.fullmatch(text) is None:
        raise _invalid()
    import phonenumbers

    try:
        number = _usual(text, region) or phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise _invalid() from error
    # The library calls a number valid exactly when it knows its kind.
    kind = phonenumbers.number_type(number)
    if kind == phonenumbers.PhoneNumberType.UNKNOWN:
        raise _invalid()
    if kind != phonenumbers.PhoneNumberType.MOBILE:
        raise ParseError("NOT_MOBILE", "This is a telephone number, but not a mobile one.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _usual(text: str, region: str) -> PhoneNumber | None:
    from phonenumbers import PhoneNumber

    code, shape = _USUAL.get(region, (0, None))
    found = shape.fullmatch(text) if shape else None
    return PhoneNumber(code, int("".join(found.groups()))) if found else None


def _invalid() -> ParseError:
    return ParseError("INVALID", "This is not a telephone number that exists.")
