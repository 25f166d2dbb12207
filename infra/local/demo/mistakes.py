"""What is wrong in the demo files, on purpose, as data: tests and documents read the same list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.local.demo.people import Person
from kernel.identifiers import iban
from kernel.text import tr_lower, tr_upper


class MistakeKind(StrEnum):
    """Mistakes of real payroll departments; the last ones are bad style that must be understood."""

    WRONG_CHECK_DIGIT = "wrong_check_digit"
    NUMBER_IN_SCIENTIFIC_FORM = "number_in_scientific_form"
    LANDLINE = "landline"
    UNASSIGNED_MOBILE = "unassigned_mobile"
    MOBILE_MISSING = "mobile_missing"
    IBAN_CHECK_DIGIT = "iban_check_digit"
    IBAN_RESERVE_DIGIT = "iban_reserve_digit"
    IBAN_LOWER_CASE = "iban_lower_case"
    DIGIT_IN_NAME = "digit_in_name"
    LAST_NAME_MISSING = "last_name_missing"
    IMPOSSIBLE_DATE = "impossible_date"
    AMERICAN_DATE = "american_date"
    BIRTH_AND_HIRE_SWAPPED = "birth_and_hire_swapped"
    BROKEN_EMAIL = "broken_email"
    DUPLICATE_ROW = "duplicate_row"
    LOWER_CASE_NAME = "lower_case_name"
    UPPER_CASE_NAME = "upper_case_name"
    MOBILE_WITHOUT_ZERO = "mobile_without_zero"
    SLASH_DATE = "slash_date"
    BLANKS_IN_IBAN = "blanks_in_iban"
    CONTRACT_NO_WITHOUT_ZEROS = "contract_no_without_zeros"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One deliberate mistake.

    Shapes: ``line`` is the row of the file a person sees (0: not in a file); ``code`` is the
    problem an import must report for ``field``, "" when the value must be understood and imported.
    """

    company: str
    file: str
    line: int
    personnel_no: str
    field: str
    kind: MistakeKind
    code: str


@dataclass(frozen=True, slots=True)
class _Recipe:
    field: str
    code: str
    spoil: Callable[[Person, dict[str, str]], str]


def _check_digit(person: Person, _row: dict[str, str]) -> str:
    last = int(person.national_id[-1])
    return f"{person.national_id[:-1]}{(last + 1) % 10}"


def _scientific(person: Person, _row: dict[str, str]) -> str:
    return f"{person.national_id[0]},{person.national_id[1:6]}E+10"


def _iban_check(person: Person, _row: dict[str, str]) -> str:
    wrong = (int(person.iban[-1]) + 1) % 10
    return f"{person.iban[:-1]}{wrong}"


def _iban_reserve(person: Person, _row: dict[str, str]) -> str:
    bban = f"{person.iban[4:9]}1{person.iban[10:]}"
    return f"TR{iban.check_digits('TR', bban)}{bban}"


def _other_order(_person: Person, row: dict[str, str]) -> str:
    day, month, year = row["birth_date"].replace("/", ".").split(".")
    # A day above 12 cannot be read as a month by accident.
    return f"{month}/{max(int(day), 13):02d}/{year}"


RECIPES: Final[Mapping[MistakeKind, _Recipe]] = {
    MistakeKind.WRONG_CHECK_DIGIT: _Recipe("national_id", "check", _check_digit),
    MistakeKind.NUMBER_IN_SCIENTIFIC_FORM: _Recipe("national_id", "shape", _scientific),
    MistakeKind.LANDLINE: _Recipe("mobile", "not_mobile", lambda _p, _r: "0212 555 12 34"),
    MistakeKind.UNASSIGNED_MOBILE: _Recipe("mobile", "invalid", lambda _p, _r: "0592 123 45 67"),
    MistakeKind.MOBILE_MISSING: _Recipe("mobile", "required", lambda _p, _r: ""),
    MistakeKind.IBAN_CHECK_DIGIT: _Recipe("iban", "check", _iban_check),
    MistakeKind.IBAN_RESERVE_DIGIT: _Recipe("iban", "reserve_digit", _iban_reserve),
    MistakeKind.IBAN_LOWER_CASE: _Recipe("iban", "shape", lambda p, _r: p.iban.lower()),
    MistakeKind.DIGIT_IN_NAME: _Recipe("first_name", "character", lambda p, _r: p.first_name + "2"),
    MistakeKind.LAST_NAME_MISSING: _Recipe("last_name", "required", lambda _p, _r: ""),
    MistakeKind.IMPOSSIBLE_DATE: _Recipe("birth_date", "date", lambda _p, _r: "31.02.1990"),
    MistakeKind.AMERICAN_DATE: _Recipe("birth_date", "date", _other_order),
    MistakeKind.BIRTH_AND_HIRE_SWAPPED: _Recipe(
        "birth_date", "too_young", lambda _p, r: r["hired_on"]
    ),
    MistakeKind.BROKEN_EMAIL: _Recipe("email", "shape", lambda p, _r: p.email.replace("@", "@@")),
    MistakeKind.LOWER_CASE_NAME: _Recipe("last_name", "", lambda p, _r: tr_lower(p.last_name)),
    MistakeKind.UPPER_CASE_NAME: _Recipe("last_name", "", lambda p, _r: tr_upper(p.last_name)),
    MistakeKind.MOBILE_WITHOUT_ZERO: _Recipe("mobile", "", lambda p, _r: p.mobile[3:]),
    MistakeKind.SLASH_DATE: _Recipe("hired_on", "", lambda _p, r: r["hired_on"].replace(".", "/")),
    MistakeKind.BLANKS_IN_IBAN: _Recipe("iban", "", lambda p, _r: iban.format_groups(p.iban)),
}
"""How one value of a row is spoilt; doubled rows and contract numbers are spoilt by the file."""
