"""How texts become values of a person or a contribution: strict API forms and tolerant file forms.

The rules of single values are in ``kernel``; this table says which field follows which rule.
Mobile numbers need a numbering plan, which only a library keeps current, so the table lives with
the adapters.
"""

from collections.abc import Callable
from datetime import date
from typing import Final, cast

from kernel.errors import ParseError
from kernel.identifiers import iban as iban_rule
from kernel.money import Money
from kernel.parsing import (
    parse_amount_api,
    parse_amount_tr,
    parse_date_api,
    parse_date_tr,
    parse_rate_api,
    parse_rate_tr,
)
from kernel.rates import Rate
from kernel.sensitive import Email, Iban, Phone, Tckn
from kernel.text import clean_person_name, fold
from pensions.domain.employee import FieldParsers, FundPreference
from toolkit.phones import parse_mobile

_GENDERS: Final = {
    "female": "female",
    "f": "female",
    "k": "female",
    "kadin": "female",
    "male": "male",
    "m": "male",
    "e": "male",
    "erkek": "male",
}
_ONE_PERCENT: Final = Rate.from_api("1")
_FUNDS: Final = {
    "interest": FundPreference.INTEREST,
    "faizli": FundPreference.INTEREST,
    "interest_free": FundPreference.INTEREST_FREE,
    "interest free": FundPreference.INTEREST_FREE,
    "faizsiz": FundPreference.INTEREST_FREE,
}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ParseError("TYPE", "A text is expected here.")
    return value


def national_id(value: object) -> Tckn:
    """T.C. kimlik no by its rule, which also says what is no text."""
    return Tckn(cast("str", value))


def iban(value: object) -> Iban:
    """Turkish IBAN by its rule."""
    return Iban(iban_rule.parse(value, "TR"))


def email(value: object) -> Email:
    """One e-mail address by its rule, which also says what is no text."""
    return Email(cast("str", value))


def mobile(value: object) -> Phone:
    """Turkish mobile number, stored as E.164."""
    return Phone(parse_mobile(_text(value)))


def gender(value: object) -> str:
    """``female`` or ``male``, also in Turkish words and letters."""
    found = _GENDERS.get(fold(_text(value)).strip())
    if found is None:
        raise ParseError("CHOICE", "Write female or male.")
    return found


def fund_preference(value: object) -> FundPreference:
    """Interest-bearing or interest-free funds, also in Turkish words."""
    found = _FUNDS.get(fold(_text(value)).strip().replace("-", "_"))
    if found is None:
        raise ParseError("CHOICE", "Write interest or interest_free.")
    return found


def file_date(value: object) -> date:
    """A date of a file: ISO (typed cells of a workbook) or day first with points or slashes."""
    text = _text(value).strip()
    return parse_date_api(text) if text[4:5] == "-" else parse_date_tr(text)


def file_rate(value: object) -> Rate:
    """A percentage of a file: decimal comma or decimal point, a percent sign is dropped.

    A typed percent cell arrives as a fraction (3 % as 0.03); below 1 nobody can tell which is
    meant.
    """
    text = _text(value).strip().strip("%").strip()
    rate = parse_rate_tr(text) if "," in text else parse_rate_api(text)
    if rate < _ONE_PERCENT:
        raise ParseError("AMBIGUOUS", "Write the percentage itself, such as 3,00.")
    return rate


def file_amount(value: object) -> Money:
    """An amount of a file, Turkish style; a typed cell arrives with a decimal point or as whole
    lira.
    """
    text = _text(value).strip()
    if text.isascii() and text.isdigit() and len(text) <= 13:
        text = f"{text}.00"
    return parse_amount_tr(text)


def api_amount(value: object) -> Money:
    """An amount of the JSON API."""
    return parse_amount_api(value)


def _parsers(dates: Callable[[object], object], rates: Callable[[object], object]) -> FieldParsers:
    return FieldParsers(
        {
            "national_id": national_id,
            "first_name": clean_person_name,
            "last_name": clean_person_name,
            "birth_date": dates,
            "hired_on": dates,
            "left_on": dates,
            "mobile": mobile,
            "gender": gender,
            "email": email,
            "iban": iban,
            "fund_preference": fund_preference,
            "contribution_rate": rates,
        }
    )


API_PARSERS: Final = _parsers(parse_date_api, parse_rate_api)
FILE_PARSERS: Final = FieldParsers(
    {
        **_parsers(file_date, file_rate).by_field,
        "earnings": file_amount,
        "amount": file_amount,
        "rate": file_rate,
        "paid_on": file_date,
    }
)
