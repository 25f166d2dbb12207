"""How a simulated insurer judges data: its own arithmetic, not the product's."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from infra.local.simulators.insurers.messages import Payment, Person

_NAME: Final = re.compile(r"[^\W\d_][^\d_]+")
_FURTHEST_HIRE: Final = timedelta(days=62)


def identity_number_holds(text: str) -> bool:
    """The two check digits of an identity number."""
    if re.fullmatch(r"[1-9][0-9]{10}", text, re.ASCII) is None:
        return False
    digits = [int(char) for char in text]
    odd, even = sum(digits[0:9:2]), sum(digits[1:8:2])
    return digits[9] == (7 * odd - even) % 10 and digits[10] == sum(digits[:10]) % 10


def account_holds(text: str) -> bool:
    """Shape and remainder of a Turkish IBAN."""
    if re.fullmatch(r"TR[0-9]{7}0[0-9A-Z]{16}", text, re.ASCII) is None:
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def fault_of_person(
    person: Person, *, phone: str, genders: frozenset[str], today: date
) -> str | None:
    """Why the insurer refuses this person, or None."""
    if not identity_number_holds(person.national_id):
        return "identity"
    if not _NAME.fullmatch(person.first_name) or not _NAME.fullmatch(person.last_name):
        return "name"
    if person.birth_date is None or not date(1900, 1, 1) < person.birth_date < today:
        return "birth_date"
    if re.fullmatch(phone, person.mobile, re.ASCII) is None:
        return "mobile"
    if person.gender is not None and person.gender not in genders:
        return "missing"
    if person.iban is not None and not account_holds(person.iban):
        return "iban"
    if person.hired_on is None or person.hired_on > today + _FURTHEST_HIRE:
        return "hired_on"
    if person.rate_bp is not None and person.rate_bp < 300:
        return "rate"
    return None


def fault_of_payment(payment: Payment) -> str | None:
    """Why the insurer refuses this payment whatever its policy, or None."""
    if payment.amount <= 0:
        return "amount"
    if payment.paid_on is None:
        return "paid_on"
    return None
