"""Mobile numbers of people: what was typed becomes E.164, or is refused with a reason.

The ``phonenumbers`` library is a generous guesser: it turns letters into digits (``0532-ABC``),
accepts digits of other scripts and parses many numbers that nobody can own. So the shape is tested
first, on ASCII only, and a parsed number counts only when it is valid **and** of type mobile. The
import is lazy: its tables are large and most functions never see a phone number.
"""

from __future__ import annotations

import re
from typing import Final

from kernel.errors import ParseError

_SHAPE: Final = re.compile(r"[ (]*\+?[0-9()./ -]*")
_MAX_LENGTH: Final = 40


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
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise _invalid() from error
    if not phonenumbers.is_valid_number(number):
        raise _invalid()
    if phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.MOBILE:
        raise ParseError("NOT_MOBILE", "This is a telephone number, but not a mobile one.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _invalid() -> ParseError:
    return ParseError("INVALID", "This is not a telephone number that exists.")
