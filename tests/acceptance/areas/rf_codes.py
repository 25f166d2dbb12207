"""RF payment codes: encode, validate, normalise, print, amount digit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kernel.errors import ParseError
from kernel.identifiers import rf
from kernel.money import Money
from payment_codes.domain import rf_reference

Given = Mapping[str, Any]
_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]{1,2})?")


def run(case: dict[str, Any], _file: dict[str, Any]) -> Mapping[str, Any]:
    """Outputs of the product for one case."""
    return _KINDS[case["kind"]](case["given"])


def _amount(text: str | None) -> Money | None:
    if text is None:
        return None
    if not isinstance(text, str) or _AMOUNT.fullmatch(text) is None:
        raise ParseError("AMOUNT", "an amount has digits and at most two decimals")
    return Money.from_decimal(Decimal(text), "EUR")


def _encode(given: Given) -> Mapping[str, Any]:
    made = rf_reference.encode(
        given["org"], given["ident"], _amount(given["amount"]), recurring=bool(given["recurring"])
    )
    return {"amount_digit": made.amount_digit, "code": made.code, "ident": made.ident}


def _digit(given: Given) -> Mapping[str, Any]:
    recurring = bool(given.get("recurring"))
    digit = rf_reference.amount_digit(_amount(given["amount"]), recurring=recurring)
    return {"amount_digit": digit}


def _validate(given: Given) -> Mapping[str, Any]:
    try:
        found = rf_reference.decode(given["code"])
    except ParseError as error:
        return {"valid": False, "reason": error.code}
    return {
        "valid": True,
        "reason": None,
        "org": found.org_code,
        "amount_digit": found.amount_digit,
        "ident": found.ident,
    }


def _normalise(given: Given) -> Mapping[str, Any]:
    text = rf.compact(given["text"])
    return {"code": text, "valid": rf.is_valid(text)}


def _print(given: Given) -> Mapping[str, Any]:
    return {"printed": rf_reference.decode(given["code"]).grouped}


def _check(given: Given) -> Mapping[str, Any]:
    reference, amount = rf_reference.decode(given["code"]), _amount(given["amount"])
    matches = None if amount is None else rf_reference.digit_matches(reference, amount)
    return {"bound": reference.binds_amount, "digit_matches": matches}


_KINDS: Mapping[str, Callable[[Given], Mapping[str, Any]]] = {
    "encode": _encode,
    "amount_digit": _digit,
    "validate": _validate,
    "normalise": _normalise,
    "print": _print,
    "amount_check": _check,
}
