"""The vocabulary of the field register: which personal values a context keeps, why and how long.

Every context says as data what it holds about people (``adapters/personal_data.py``). Export,
erasure and the retention clocks walk over exactly this data, and the document that a company shows
to its authority is printed from it: what is not registered can neither be shown nor erased, so a
test compares the register with the rows.
Source: security.md §5 and §12; KVKK (law 6698) art. 5, 7, 11, 13; GDPR art. 6, 15, 17, 30; by-law
on erasure, destruction and anonymisation of personal data (30224) art. 7, 11.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from kernel.errors import ParseError, Problem, ValidationError
from kernel.identifiers import afm, email, tckn, vkn
from kernel.periods import add_months


class Datum(StrEnum):
    """What a value is. The first three identify a person by themselves."""

    NUMBER = "number"
    """Identity or tax number of a person."""
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    IBAN = "iban"
    BIRTH = "birth_date"
    GENDER = "gender"
    EMPLOYMENT = "employment"
    """Dates of hiring and leaving, policy number, choice of fund."""
    MONEY = "money"
    """What a person earns or pays."""
    NETWORK = "network"
    """Network address, name of a browser or device."""
    TEXT = "text"
    """Something a person wrote, or that was written about a person."""
    CREDENTIAL = "credential"
    """Hash of a password."""


IDENTIFYING: Final = frozenset({Datum.NUMBER, Datum.EMAIL, Datum.PHONE})


class Basis(StrEnum):
    """Why it may be kept: a ground of the law, not a wish."""

    CONTRACT = "contract"
    LEGAL_DUTY = "legal_duty"
    LEGITIMATE_INTEREST = "legitimate_interest"
    CLAIMS = "claims"

    @property
    def articles(self) -> tuple[str, str]:
        """The article of the KVKK and that of the GDPR."""
        return _ARTICLES[self]


_ARTICLES: Final[Mapping[Basis, tuple[str, str]]] = {
    Basis.CONTRACT: ("KVKK 5/2-c", "GDPR 6(1)(b)"),
    Basis.LEGAL_DUTY: ("KVKK 5/2-ç", "GDPR 6(1)(c)"),
    Basis.LEGITIMATE_INTEREST: ("KVKK 5/2-f", "GDPR 6(1)(f)"),
    Basis.CLAIMS: ("KVKK 5/2-e", "GDPR 17(3)(e)"),
}


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long after the last change of a record that is over.

    Units: ``months`` from the day of that change, clamped to the end of a month. Shapes: the rule
    holds from ``since`` on (a law may change it; what was destroyed stays destroyed).
    """

    months: int
    source: str
    since: date = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Retention:
    """The dated rules of a kind, oldest first."""

    rules: tuple[RetentionRule, ...]

    def on(self, today: date) -> RetentionRule:
        """The rule in force."""
        return [rule for rule in self.rules if rule.since <= today][-1]

    def ends(self, changed_on: date, today: date) -> date:
        """First day on which the record is destroyed."""
        return add_months(changed_on, self.on(today).months)


def kept_for(months: int, source: str) -> Retention:
    """One rule without a beginning."""
    return Retention((RetentionRule(months, source),))


class _Drop:
    def __repr__(self) -> str:
        return "DROP"


DROP: Final = _Drop()
"""Erased by taking the element out of its list."""


@dataclass(frozen=True, slots=True)
class PersonalField:
    """One personal value of a record.

    Shapes: ``path`` leads to it from the record (or from one of its parts): names with dots, ``[]``
    for every element of a list, ``{}`` for every value of a map, ``[1]`` for one element, ``!`` to
    unpack what is stored packed. ``erased`` stands there afterwards; ``DROP`` takes the part out
    of its list.
    """

    path: str
    what: Datum
    erased: Any = None


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a record is kept, on which ground of the law, how long, and who may read it.

    Shapes: ``purpose`` is a code that pages put into words; ``readers`` are permissions.
    """

    purpose: str
    basis: Basis
    retention: Retention
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """What one kind of record holds about people.

    Shapes: ``part`` is the path of parts that belong to one person each (lines of a transmission,
    addresses of a card); empty when the whole record is about one person. ``along`` is a list
    whose elements go with those of the part's list. A record belongs to a
    person when a field that identifies says so (or a value at a path of ``found_by``), or when
    ``by`` (attribute → kind) names a record found before. ``rows`` are sort keys below the record's
    key; ``beside`` are partitions named by the record's id whose rows belong to it (``@name``: rows
    that the context finds itself). ``open_states`` are states in which erasing waits; in states of
    ``living`` the retention clock does not run either, because the relation goes on. ``raw`` names
    copies of exchanges in the bucket that are removed with it.
    """

    kind: str
    ground: Ground
    fields: tuple[PersonalField, ...]
    part: str = ""
    along: str = ""
    by: Mapping[str, str] = field(default_factory=dict)
    found_by: tuple[tuple[str, Datum], ...] = ()
    rows: tuple[str, ...] = ("META",)
    beside: tuple[str, ...] = ()
    open_states: frozenset[str] = frozenset()
    living: frozenset[str] = frozenset()
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Expiring:
    """Personal values that nobody erases because they end by themselves.

    Units: ``days`` after they were written. Shapes: ``fields`` are names for the document.
    """

    name: str
    ground: Ground
    fields: tuple[tuple[str, Datum], ...]
    store: str
    days: int


@dataclass(frozen=True, slots=True)
class Register:
    """What one context holds, in the order in which records refer to each other.

    Shapes: ``impersonal`` explains names that look personal and are not.
    """

    context: str
    prefix: str
    holdings: tuple[Holding, ...]
    expiring: tuple[Expiring, ...] = ()
    impersonal: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Holding, ...]:
        """Everything registered about one kind of record."""
        return tuple(holding for holding in self.holdings if holding.kind == kind)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of records, each once."""
        return tuple(dict.fromkeys(holding.kind for holding in self.holdings))


# ---------------------------------------------------------------------------- who is meant


@dataclass(frozen=True, slots=True)
class Person:
    """Who a request is about: at least one of these, in canonical form. Never stored."""

    number: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)

    def digests(self, key: bytes) -> tuple[str, ...]:
        """Keyed hashes under which records are compared with this person."""
        given = ((Datum.NUMBER, self.number), (Datum.EMAIL, self.email), (Datum.PHONE, self.phone))
        return tuple(digest(key, what, text) for what, text in given if text)


_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_UNREADABLE: Final = (
    "Give an identity number, a tax number, an e-mail address or a phone number (+90…)."
)


def parse_person(text: str) -> Person:
    """The person behind what somebody typed: its form says what it is.

    Raises: ValidationError naming ``/person``.
    """
    clean = text.strip(" ")
    if "@" in clean:
        with suppress(ParseError):
            return Person(email=email.parse(clean))
    if tckn.is_valid(clean) or vkn.is_valid(clean) or afm.is_valid(clean):
        return Person(number=clean)
    if _PHONE.fullmatch(clean):
        return Person(phone=clean)
    problem = Problem("/person", "person_unreadable", _UNREADABLE)
    raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])


def digest(key: bytes, what: Datum, value: str) -> str:
    """Keyed hash of one identifying value; case makes no difference in addresses.

    A plain hash would be reversible: only about 9·10⁸ identity numbers exist (security.md §5).
    """
    text = f"{what.value}\0{value.strip().lower()}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


ERASED_NAME: Final = "—"
ERASED_EMAIL: Final = "erased@erased.invalid"
"""Stands where a record cannot be without an address; RFC 2606 keeps the domain unused."""
