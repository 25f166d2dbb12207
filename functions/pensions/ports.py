"""What the pensions use cases need from the outside world, in the words of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from kernel.periods import Period
from kernel.rates import Rate
from kernel.sensitive import Email, Iban, Phone, Secret, Tckn

from kernel.money import Money
from pensions.domain.member_status import MemberStatus
from pensions.domain.outcome import Ambiguous, Fault, NotSent, Outcome, TransmissionKind


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one insurer for one contract: loaded at send time, dropped after the call."""

    provider_code: str
    contract_no: str
    contract_code: str
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class EnrolmentLine:
    """One person to enrol.

    Shapes: ``line_key`` is an opaque id of ours, never the identity number. ``gender`` is
    ``female`` or ``male``; ``fund_preference`` is ``interest`` or ``interest_free``.
    """

    line_key: str
    national_id: Tckn
    first_name: str
    last_name: str
    birth_date: date
    gender: str | None
    mobile: Phone
    email: Email | None
    iban: Iban | None
    hired_on: date
    fund_preference: str | None
    contribution_rate: Rate | None


@dataclass(frozen=True, slots=True)
class CollectionLine:
    """One contribution of one person for one period, paid on one day."""

    line_key: str
    national_id: Tckn
    policy_no: str
    period: Period
    paid_on: date
    amount: Money
    rate: Rate


@dataclass(frozen=True, slots=True)
class MemberRef:
    """A person whose standing at the insurer we want to know."""

    line_key: str
    national_id: Tckn
    policy_no: str | None


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """Answer of a log-in attempt without effect.

    Shapes: ``ok`` means the insurer let us in. When it did not, ``refused`` tells wrong or locked
    credentials (true) from an insurer that could not be asked (false: nothing is known about the
    credentials). ``code`` is ours; ``message_code`` names a text of the error dictionary.
    """

    ok: bool
    code: str
    message_code: str
    refused: bool = False


class InsurerGateway(Protocol):
    """All insurers behind one door; which dialect speaks is the adapter's business.

    No method raises for anything an insurer or the network can do: it returns an outcome.
    Units: ``deadline_seconds`` is the total time of the whole call, connection included.
    """

    def check_credentials(
        self, connection: Connection, *, deadline_seconds: float
    ) -> CredentialCheck:
        """Try to log in, once, without any other effect."""
        ...

    def enrol(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[EnrolmentLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Send one transmission of people, once."""
        ...

    def collect(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Send one transmission of contributions, once."""
        ...

    def query(
        self,
        connection: Connection,
        reference: str,
        kind: TransmissionKind,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Ask what became of a transmission; no effect at the insurer.

        By our reference where the insurer can, otherwise by period. ``Absent`` when the insurer
        knows nothing of it.
        """
        ...

    def member_statuses(
        self,
        connection: Connection,
        members: Sequence[MemberRef],
        *,
        deadline_seconds: float,
    ) -> Sequence[MemberStatus] | Ambiguous | NotSent | Fault:
        """Where these people stand: enrolled, opted out, left, suspended; one entry per member."""
        ...
