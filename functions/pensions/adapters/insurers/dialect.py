"""What all dialects share: the settings of one insurer and the shape of a dialect's client."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Protocol

from kernel.sensitive import Phone
from kernel.text import tr_upper
from pensions.domain.member_status import MemberState, MemberStatus
from pensions.domain.outcome import (
    Ambiguous,
    Correlation,
    Fault,
    NotSent,
    Outcome,
    Sent,
    SentLine,
    TransmissionKind,
    safe_word,
)
from pensions.domain.provider import Dialect
from pensions.ports import CollectionLine, Connection, CredentialCheck, EnrolmentLine, MemberRef

MemberAnswer = Sequence[MemberStatus] | Ambiguous | NotSent | Fault
"""What asking for people can end in."""

CURRENCY = "TRY"
"""Contributions are lira; no insurer takes anything else."""


class PhoneFormat(StrEnum):
    """How an insurer wants a mobile number."""

    E164 = "e164"
    """``+905321234567``"""
    NATIONAL = "national"
    """``5321234567``"""
    ZERO_NATIONAL = "zero_national"
    """``05321234567``"""


@dataclass(frozen=True, slots=True)
class InsurerConfig:
    """How one insurer deviates inside its dialect.

    Shapes: ``code_prefix`` stands before every code of this insurer; ``genders`` are its words for
    female and male, ``funds`` for interest-bearing and interest-free.
    """

    code: str
    dialect: Dialect
    code_prefix: str
    phone_format: PhoneFormat
    genders: tuple[str, str]
    funds: tuple[str, str]
    upper_case_names: bool = False

    def phone(self, phone: Phone) -> str:
        """The mobile number as this insurer writes it.

        Raises: ValueError for a number outside Türkiye.
        """
        e164 = phone.reveal("send to insurer")
        if not e164.startswith("+90"):
            raise ValueError("not a Turkish number")
        national = e164.removeprefix("+90")
        return {
            PhoneFormat.E164: e164,
            PhoneFormat.NATIONAL: national,
            PhoneFormat.ZERO_NATIONAL: f"0{national}",
        }[self.phone_format]

    def gender(self, gender: str | None) -> str | None:
        """The insurer's word for ``female`` or ``male``."""
        return None if gender is None else self.genders[("female", "male").index(gender)]

    def fund(self, preference: str | None) -> str | None:
        """The insurer's word for ``interest`` or ``interest_free``."""
        if preference is None:
            return None
        return self.funds[("interest", "interest_free").index(preference)]

    def person_name(self, name: str) -> str:
        """The name in the casing this insurer keeps."""
        return tr_upper(name) if self.upper_case_names else name

    def suffix(self, provider_code: str | None) -> str | None:
        """An insurer's code without its prefix; None when it is not one of this insurer."""
        if provider_code is None or not provider_code.startswith(self.code_prefix):
            return None
        return provider_code.removeprefix(self.code_prefix)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a call is for: the insurer's settings, its address, the contract's connection."""

    config: InsurerConfig
    address: str
    connection: Connection

    @property
    def password(self) -> str:
        """The clear password, for the one call that needs it."""
        return self.connection.password.reveal("log in at the insurer")


class DialectClient(Protocol):
    """The I/O half of a dialect; holds no credentials, serves every insurer of the dialect."""

    def check_credentials(self, target: Target, *, deadline_seconds: float) -> CredentialCheck:
        """Try to log in, once."""
        ...

    def enrol(
        self,
        target: Target,
        reference: str,
        lines: Sequence[EnrolmentLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Send people, once."""
        ...

    def collect(
        self,
        target: Target,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Send contributions, once."""
        ...

    def query(
        self,
        target: Target,
        reference: str,
        kind: TransmissionKind,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Ask what became of a transmission."""
        ...

    def member_statuses(
        self, target: Target, members: Sequence[MemberRef], *, deadline_seconds: float
    ) -> MemberAnswer:
        """Ask where people stand."""
        ...


@dataclass(frozen=True, slots=True)
class StandingRow:
    """One row about a person, in our vocabulary.

    Shapes: ``line_key`` is None for somebody we did not ask about; ``state`` is None for a word
    nobody knows, then ``raw`` is that word.
    """

    line_key: str | None
    state: MemberState | None
    policy_no: str | None = None
    effective_on: date | None = None
    raw: str | None = None


def standings(
    members: Sequence[MemberRef], rows: Sequence[StandingRow]
) -> tuple[MemberStatus, ...]:
    """One status per member from the rows of an answer.

    Shapes: rows about others are dropped; a person without a row, with contradicting rows, with a
    policy that is not the one we know or with an unknown word is UNKNOWN.
    """
    by_key: dict[str, list[StandingRow]] = {}
    for row in rows:
        if row.line_key is not None:
            by_key.setdefault(row.line_key, []).append(row)
    return tuple(_standing(member, by_key.get(member.line_key, [])) for member in members)


def _standing(member: MemberRef, rows: Sequence[StandingRow]) -> MemberStatus:
    told = list(dict.fromkeys(rows))
    if not told:
        return MemberStatus(member.line_key, MemberState.UNKNOWN)
    if len(told) > 1:
        return MemberStatus(member.line_key, MemberState.UNKNOWN, raw_status="CONTRADICTION")
    row = told[0]
    if row.state is None:
        return MemberStatus(member.line_key, MemberState.UNKNOWN, raw_status=safe_word(row.raw))
    if member.policy_no and row.policy_no and member.policy_no != row.policy_no:
        return MemberStatus(member.line_key, MemberState.UNKNOWN, raw_status="POLICY_CONFLICT")
    if row.state is MemberState.ENROLLED and not row.policy_no:
        return MemberStatus(member.line_key, MemberState.PENDING)
    return MemberStatus(member.line_key, row.state, row.policy_no, row.effective_on)


def sent_enrolments(reference: str, lines: Sequence[EnrolmentLine]) -> Sent:
    """What an enrolment's answer must agree with."""
    return Sent(
        reference,
        TransmissionKind.ENROLMENT,
        tuple(SentLine(line.line_key) for line in lines),
    )


def sent_collections(reference: str, lines: Sequence[CollectionLine]) -> Sent:
    """What a collection's answer must agree with: amount and policy of each line."""
    return Sent(
        reference,
        TransmissionKind.COLLECTION,
        tuple(SentLine(line.line_key, line.amount, line.policy_no) for line in lines),
    )


def asked_about(
    reference: str,
    kind: TransmissionKind,
    lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
    correlation: Correlation = Correlation.REFERENCE,
) -> Sent:
    """What the answer of a question about a transmission must agree with.

    Raises: TypeError when the lines are not of the named kind.
    """
    if kind is TransmissionKind.ENROLMENT:
        sent = sent_enrolments(reference, enrolments_of(lines))
    else:
        sent = sent_collections(reference, collections_of(lines))
    return replace(sent, effect_free=True, correlation=correlation)


def enrolments_of(
    lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
) -> list[EnrolmentLine]:
    """The lines, known to be enrolments.

    Raises: TypeError for anything else.
    """
    kept = [line for line in lines if isinstance(line, EnrolmentLine)]
    if len(kept) != len(lines):
        raise TypeError("the lines are not enrolments")
    return kept


def collections_of(
    lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
) -> list[CollectionLine]:
    """The lines, known to be collections.

    Raises: TypeError for anything else.
    """
    kept = [line for line in lines if isinstance(line, CollectionLine)]
    if len(kept) != len(lines):
        raise TypeError("the lines are not collections")
    return kept
