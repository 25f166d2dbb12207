"""Identifiers, Turkish text and calendars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kernel.errors import ParseError
from kernel.identifiers import afm, iban, tckn, vkn
from kernel.parsing import parse_amount_tr, parse_date_api, parse_date_tr
from kernel.text import tr_lower, tr_upper
from toolkit.calendars import calendar
from toolkit.phones import parse_mobile

Given = Mapping[str, Any]
File = Mapping[str, Any]


def run(case: dict[str, Any], file: dict[str, Any]) -> Mapping[str, Any]:
    """Outputs of the product for one case."""
    return _KINDS[case["kind"]](case["given"], file)


def _tckn(given: Given, file: File) -> Mapping[str, Any]:
    special = tckn.special(given["value"], file["parameters"]["tckn.placeholders"]["value"])
    return {"valid": tckn.is_valid(given["value"]), "special": special}


def _vkn(given: Given, file: File) -> Mapping[str, Any]:
    special = vkn.special(given["value"], file["parameters"]["vkn.placeholders"]["value"])
    return {"valid": vkn.is_valid(given["value"]), "special": special}


def _iban(given: Given, _file: File) -> Mapping[str, Any]:
    reason = iban.fault(iban.compact(given["value"]))
    return {"valid": reason is None, "reason": reason}


def _iban_build(given: Given, _file: File) -> Mapping[str, Any]:
    parts = (given["country"], given["bank"], given["account"], given.get("branch") or "")
    return {"iban": iban.build(*parts)}


def _afm(given: Given, _file: File) -> Mapping[str, Any]:
    return {"valid": afm.is_valid(given["value"])}


def _phone(given: Given, _file: File) -> Mapping[str, Any]:
    try:
        return {"e164": parse_mobile(given["value"], given["region"]), "reason": None}
    except ParseError as error:
        return {"e164": None, "reason": error.code}


def _tr_upper(given: Given, _file: File) -> Mapping[str, Any]:
    return {"text": tr_upper(given["text"])}


def _tr_lower(given: Given, _file: File) -> Mapping[str, Any]:
    return {"text": tr_lower(given["text"])}


def _tr_amount(given: Given, _file: File) -> Mapping[str, Any]:
    return {"kurus": parse_amount_tr(given["text"]).minor}


def _tr_date(given: Given, _file: File) -> Mapping[str, Any]:
    return {"iso": parse_date_tr(given["text"]).isoformat()}


def _business_day(given: Given, _file: File) -> Mapping[str, Any]:
    days, day = calendar(given["calendar"]), parse_date_api(given["date"])
    return {
        "is_business_day": days.is_business_day(day),
        "following": days.following(day).isoformat(),
        "next_business_day": days.next_business_day(day).isoformat(),
    }


_KINDS: Mapping[str, Callable[[Given, File], Mapping[str, Any]]] = {
    "tckn": _tckn,
    "vkn": _vkn,
    "iban": _iban,
    "iban_build": _iban_build,
    "afm": _afm,
    "phone": _phone,
    "tr_upper": _tr_upper,
    "tr_lower": _tr_lower,
    "tr_amount": _tr_amount,
    "tr_date": _tr_date,
    "business_day": _business_day,
}
