"""Invented people: every number passes its check digits and belongs to nobody we know of.

Identity numbers count up from a low block, mobile numbers use subscriber numbers that begin with
000, mail addresses end in .example, accounts are zero-padded serial numbers. The same seed always
gives the same people.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from kernel.identifiers import email, iban, tckn
from kernel.text import clean_person_name, fold, tr_lower

_NAMES: Final[Mapping[str, Sequence[str]]] = json.loads(
    Path(__file__).with_name("names.json").read_text(encoding="utf-8")
)
_FIRST_SEQUENCE: Final = 2_000
_STEP: Final = 37
_MOBILE_PREFIXES: Final = (*range(530, 540), *range(541, 550))
_BANKS: Final = ("00010", "00012", "00015", "00046", "00062", "00064", "00067", "00134")
_ASCII: Final = str.maketrans("çğıöşüâîû", "cgiosuaiu")


@dataclass(frozen=True, slots=True)
class Person:
    """One employee as payroll knows them, every value right.

    Shapes: ``sequence`` is the serial number everything else derives from; ``rate`` is a percentage
    in API form.
    """

    sequence: int
    personnel_no: str
    national_id: str
    first_name: str
    last_name: str
    gender: str
    birth_date: date
    mobile: str
    email: str
    iban: str
    city: str
    hired_on: date
    fund_preference: str
    rate: str
    left_on: date | None = None


def dice(seed: str) -> random.Random:
    """Chance that repeats itself; there is nothing secret about invented people."""
    return random.Random(seed)  # noqa: S311


def national_id(sequence: int) -> str:
    """A valid identity number for a serial number, different for each below twenty million.

    Raises: ValueError outside that range.
    """
    if not 0 <= sequence < 20_000_000:
        raise ValueError("serial numbers of invented people go up to twenty million")
    first_nine = str(100_000_000 + (_FIRST_SEQUENCE + sequence) * _STEP)
    digits = [int(char) for char in first_nine]
    tenth = (7 * sum(digits[0::2]) - sum(digits[1::2])) % 10
    eleventh = (sum(digits) + tenth) % 10
    return tckn.parse(f"{first_nine}{tenth}{eleventh}")


def mobile(sequence: int) -> str:
    """A mobile number in E.164 whose subscriber number begins with 000.

    Shapes: different for the first 190 000 serial numbers.
    """
    line, place = divmod(sequence, len(_MOBILE_PREFIXES))
    return f"+90{_MOBILE_PREFIXES[place]}000{line % 10_000:04d}"


def account(sequence: int) -> str:
    """A Turkish IBAN with a serial account number."""
    return iban.build("TR", _BANKS[sequence % len(_BANKS)], f"{sequence:016d}")


def people(
    count: int,
    seed: int,
    *,
    first_sequence: int = 0,
    domain: str = "ornek.example",
    on: date = date(2026, 10, 31),
) -> Iterator[Person]:
    """Invented employees, one after another.

    Shapes: ages 19 to 62 on the day ``on``, so that some are over 45; hired 20 days to 15 years
    before it.
    """
    chance = dice(f"{seed}:{first_sequence}")
    for sequence in range(first_sequence, first_sequence + count):
        gender = chance.choice(("female", "male"))
        first = chance.choice(_NAMES[gender])
        last = chance.choice(_NAMES["last"])
        age_days = chance.randrange(19 * 365 + 5, 62 * 365)
        service = chance.randrange(20, min(15 * 365, age_days - 18 * 365))
        yield Person(
            sequence=sequence,
            personnel_no=f"{sequence + 1:05d}",
            national_id=national_id(sequence),
            first_name=clean_person_name(first),
            last_name=clean_person_name(last),
            gender=gender,
            birth_date=on - timedelta(days=age_days),
            mobile=mobile(sequence),
            email=email.parse(f"{_plain(first)}.{_plain(last)}{sequence}@{domain}"),
            iban=account(sequence),
            city=chance.choice(_NAMES["cities"]),
            hired_on=on - timedelta(days=service),
            fund_preference=chance.choice(("interest", "interest_free", "interest_free")),
            rate=chance.choice(("3.00", "3.00", "3.00", "3.00", "5.00", "10.00")),
        )


def _plain(name: str) -> str:
    """A name as it stands in a mail address."""
    return fold(tr_lower(name)).translate(_ASCII)
