"""What a simulated insurer is asked and what it answers, before any dialect writes it down."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Operation = Literal["login", "check", "enrol", "collect", "query", "members"]
Kind = Literal["enrolment", "collection"]
Word = Literal["accepted", "rejected", "pending", "exists"]
Standing = Literal["active", "pending", "opted_out", "left", "suspended", "not_found"]


@dataclass(frozen=True, slots=True)
class Person:
    """One person of an enrolment, as the insurer read it; dates are ISO text or None."""

    line_key: str
    national_id: str
    first_name: str
    last_name: str
    birth_date: date | None
    gender: str | None
    mobile: str
    iban: str | None
    hired_on: date | None
    rate_bp: int | None


@dataclass(frozen=True, slots=True)
class Payment:
    """One contribution. Units: ``amount`` is kuruş; ``period`` is ``YYYY-MM``."""

    line_key: str
    national_id: str
    policy_no: str
    period: str
    paid_on: date | None
    amount: int


@dataclass(frozen=True, slots=True)
class Command:
    """One request.

    Shapes: ``token`` instead of user name and password in a session; ``kind`` of a query is None
    where the dialect asks by reference; ``first_period`` and ``last_period`` bound a query by
    period.
    """

    operation: Operation
    wire_operation: str
    contract_no: str
    username: str = ""
    password: str = ""
    token: str = ""
    reference: str = ""
    kind: Kind | None = None
    people: tuple[Person, ...] = ()
    payments: tuple[Payment, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    first_period: str = ""
    last_period: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an answer about an enrolment or a collection."""

    line_key: str
    national_id: str
    word: str
    policy_no: str | None = None
    amount: int | None = None
    reason: str | None = None
    period: str = ""
    paid_on: date | None = None
    reference: str | None = None
    channel: str = "WS"


@dataclass(frozen=True, slots=True)
class StandingRow:
    """One line of an answer about where a person stands."""

    line_key: str
    national_id: str
    standing: str
    policy_no: str | None = None
    since: date | None = None


@dataclass(slots=True)
class Result:
    """One answer; ``found`` is false when a reference is not known."""

    reference: str = ""
    found: bool = True
    token: str = ""
    rows: list[Row] = field(default_factory=list)
    standings: list[StandingRow] = field(default_factory=list)


class RefusedError(Exception):
    """The insurer refuses the whole request; ``reason`` is one of its own words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Behaviour = dict[str, Any]
"""One scripted misbehaviour: ``kind``, optional ``operation`` and ``times``, its parameters."""
