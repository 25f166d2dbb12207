"""Strict reading of JSON bodies: one object or a clean refusal, never a surprise.

``json.loads`` is too generous for an edge that moves money: it keeps the last of two equal
members, accepts NaN, turns any length of digits into an integer, takes UTF-16 and lets a deep body
end in a recursion error. Every JSON body of the product goes through :func:`load_json_object`
before a schema sees it. Whether the members are the right ones is the schema's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any, Final, NoReturn

from kernel.errors import MalformedError, TooLargeError, UnsupportedMediaTypeError

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 20
MAX_DIGITS: Final = 15

_CONTENT_TYPE: Final = re.compile(
    r"application/json(?:[ \t]*;[ \t]*charset=(?:utf-8|\"utf-8\"))?[ \t]*", re.IGNORECASE | re.ASCII
)
# A whole string, or one bracket: strings are skipped so that brackets inside them do not count.
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_NUMBER: Final = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?")
_BOM: Final = b"\xef\xbb\xbf"


def require_json(content_type: str | None) -> None:
    """Refuse a body that is not declared as ``application/json`` (charset UTF-8 or none).

    Browsers send ``text/plain`` and form types across origins without asking first, so the type is
    a part of the defence and not a formality.
    Raises: UnsupportedMediaTypeError("unsupported_media_type").
    """
    if content_type is None or _CONTENT_TYPE.fullmatch(content_type.strip(" \t")) is None:
        raise UnsupportedMediaTypeError(
            "unsupported_media_type", "The body must be sent as application/json in UTF-8."
        )


def load_json_object(
    body: bytes, content_type: str | None, *, max_bytes: int = MAX_BYTES
) -> dict[str, Any]:
    """The one JSON object in ``body``.

    Units: ``max_bytes`` counts the raw body; numbers have at most 15 digits written out in full.
    Shapes: integers are ``int``; numbers with a point or exponent are ``Decimal``, never float.
    Raises: UnsupportedMediaTypeError; TooLargeError("body_too_large"); MalformedError with one of
    the codes ``body_empty``, ``body_not_utf8``, ``body_too_deep``, ``body_not_json``,
    ``body_not_object``, ``duplicate_member``, ``number_not_allowed``, ``text_not_unicode``.
    Source: bad_inputs.json, field ``json_body``.
    """
    require_json(content_type)
    if len(body) > max_bytes:
        raise TooLargeError("body_too_large", f"The body is larger than {max_bytes} bytes.")
    if not body.strip(b" \t\r\n"):
        raise MalformedError("body_empty", "The body is empty; a JSON object is expected.")
    text = _decode(body)
    _check_depth(text)
    try:
        value = _reader().decode(text)
    except json.JSONDecodeError as error:
        raise MalformedError(
            "body_not_json", f"The body is not JSON: line {error.lineno}, column {error.colno}."
        ) from None
    if not isinstance(value, dict):
        raise MalformedError("body_not_object", "The body must be one JSON object.")
    if "\\u" in text:
        _check_unicode(value)
    return value


@cache
def _reader() -> json.JSONDecoder:
    """One for all bodies: ``json.loads`` makes a new one for each when it is given hooks."""
    return json.JSONDecoder(
        object_pairs_hook=_unique_members,
        parse_int=_integer,
        parse_float=_decimal,
        parse_constant=_refuse_constant,
    )


def _decode(body: bytes) -> str:
    if body.startswith(_BOM):
        raise MalformedError("body_not_utf8", "The body must be UTF-8 without a byte order mark.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("body_not_utf8", "The body is not valid UTF-8.") from error


def _check_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return  # however they stand
    depth = 0
    for match in _STRUCTURE.finditer(text):
        token = match.group()
        if token in ("{", "["):
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedError(
                    "body_too_deep", f"The body is nested deeper than {MAX_DEPTH} levels."
                )
        elif token in ("}", "]"):
            depth -= 1


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedError("duplicate_member", "An object has two members of the same name.")
    return members


def _integer(literal: str) -> int:
    _check_digits(literal)
    return int(literal)


def _decimal(literal: str) -> Decimal:
    _check_digits(literal)
    return Decimal(literal)


def _check_digits(literal: str) -> None:
    """Refuse a number that needs more than 15 digits when written without an exponent."""
    match = _NUMBER.fullmatch(literal)
    if match is None:
        raise _number_not_allowed()
    whole, fraction = match.group(1), match.group(2) or ""
    exponent = int(match.group(3) or "0")
    digits = len(whole) + len(fraction)
    written_out = max(len(whole) + exponent, 1) + max(len(fraction) - exponent, 0)
    if max(digits, written_out) > MAX_DIGITS:
        raise _number_not_allowed()


def _number_not_allowed() -> MalformedError:
    return MalformedError(
        "number_not_allowed", f"Numbers are finite and have at most {MAX_DIGITS} digits."
    )


def _refuse_constant(_name: str) -> NoReturn:
    raise _number_not_allowed()


def _check_unicode(value: object) -> None:
    """Refuse half a surrogate pair, which only an escape can bring in and nothing can store."""
    texts: Iterable[object]
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MalformedError(
                "text_not_unicode", "A text contains half of a surrogate pair."
            ) from error
        return
    if isinstance(value, dict):
        texts = (part for pair in value.items() for part in pair)
    elif isinstance(value, list):
        texts = value
    else:
        return
    for part in texts:
        _check_unicode(part)
