"""What one call to an insurer can end in, and the only way to read an answer.

Unknown is not failed: whatever is not provably unsent and not provably answered is ambiguous, and
a line is accepted only when the insurer says so about this line, with our reference and the amount
we sent. The gateways translate their dialect into ``ParsedAnswer``; the judgement happens here,
once for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kernel.money import Money


class TransmissionKind(StrEnum):
    """What a transmission carries."""

    ENROLMENT = "enrolment"
    COLLECTION = "collection"


class NotSentReason(StrEnum):
    """Why nothing reached the insurer; sending the same again is safe."""

    UNREACHABLE = "unreachable"
    """Name, connection, TLS or pool failure: no byte of the request left."""
    SESSION_REFUSED = "session_refused"
    """The insurer refused before it read the business content (expired session, log-in failed)."""
    BUSY = "busy"
    """The insurer said "try later" and that it did not take the request."""
    NO_TIME = "no_time"
    """Too little of the deadline was left to start."""
    NO_ENDPOINT = "no_endpoint"
    """The deployment has no address for this insurer."""
    NOT_RECORDED = "not_recorded"
    """The evidence store took no copy of the request: without it nothing is sent."""
    REQUEST_REFUSED = "request_refused"
    """Our own check refused to build the request: repeating cannot help, a person must look."""
    CAPABILITY_MISSING = "capability_missing"
    """The insurer does not offer this operation: repeating cannot help."""


class AmbiguousReason(StrEnum):
    """Why it is unknown what the insurer did."""

    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    EMPTY_ANSWER = "empty_answer"
    UNREADABLE_ANSWER = "unreadable_answer"
    ANSWER_TOO_LARGE = "answer_too_large"
    UNKNOWN_FAULT = "unknown_fault"
    REFERENCE_MISSING = "reference_missing"
    FOREIGN_REFERENCE = "foreign_reference"


class Incident(StrEnum):
    """What a person of ours must look at, beside the outcome itself."""

    UNKNOWN_LINE = "UNKNOWN_LINE"
    FOREIGN_ANSWER = "FOREIGN_ANSWER"
    UNKNOWN_STATUS = "UNKNOWN_STATUS"
    UNKNOWN_FAULT = "UNKNOWN_FAULT"
    AMOUNT_CONFLICT = "AMOUNT_CONFLICT"
    CONTRADICTION = "CONTRADICTION"
    CREDENTIALS_INVALID = "CREDENTIALS_INVALID"
    POLICY_CONFLICT = "POLICY_CONFLICT"
    LINE_REFUSED = "LINE_REFUSED"
    """A line was refused for a reason that no user can fix."""


class FaultMeaning(StrEnum):
    """What a known refusal of a whole call means to us."""

    AUTH_FAILED = "auth_failed"
    CREDENTIALS_LOCKED = "credentials_locked"
    CONTRACT_UNKNOWN = "contract_unknown"
    CONTRACT_CLOSED = "contract_closed"
    PERIOD_CLOSED = "period_closed"
    PROVIDER_CLOSED = "provider_closed"
    REQUEST_INVALID = "request_invalid"


class Actor(StrEnum):
    """Who must act."""

    USER = "user"
    OPERATOR = "operator"
    PROVIDER = "provider"


class FaultEffect(StrEnum):
    """What happens to the lines of a call that was refused as a whole."""

    HELD = "held"
    REJECTED = "rejected"


class VerdictKind(StrEnum):
    """What the insurer said about one line."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PROCESSING = "processing"
    UNKNOWN = "unknown"


class AnswerWord(StrEnum):
    """The closed vocabulary into which a dialect translates the status words of its insurer."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PROCESSING = "processing"
    EXISTS = "exists"
    """The insurer has it already, from another channel or an earlier call."""
    UNKNOWN = "unknown"
    """A word that is not in the table of the dialect."""


class Correlation(StrEnum):
    """How the rows of an answer find the lines they speak about."""

    REFERENCE = "reference"
    """The whole answer carries our reference and only lines of this transmission."""
    PERIOD = "period"
    """The answer lists everything of a contract and period; other rows are not about us."""


_FAULTS: Final[Mapping[FaultMeaning, tuple[FaultEffect, Actor, tuple[Incident, ...]]]] = (
    MappingProxyType(
        {
            FaultMeaning.AUTH_FAILED: (
                FaultEffect.HELD,
                Actor.USER,
                (Incident.CREDENTIALS_INVALID,),
            ),
            FaultMeaning.CREDENTIALS_LOCKED: (
                FaultEffect.HELD,
                Actor.USER,
                (Incident.CREDENTIALS_INVALID,),
            ),
            FaultMeaning.CONTRACT_UNKNOWN: (FaultEffect.HELD, Actor.USER, ()),
            FaultMeaning.CONTRACT_CLOSED: (FaultEffect.HELD, Actor.USER, ()),
            FaultMeaning.PERIOD_CLOSED: (FaultEffect.REJECTED, Actor.OPERATOR, ()),
            FaultMeaning.PROVIDER_CLOSED: (FaultEffect.HELD, Actor.PROVIDER, ()),
            FaultMeaning.REQUEST_INVALID: (FaultEffect.HELD, Actor.OPERATOR, ()),
        }
    )
)


@dataclass(frozen=True, slots=True)
class IncidentNote:
    """One thing for a person to look at; ``word`` is already safe to store and show."""

    kind: Incident
    line_key: str | None = None
    word: str | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing reached the insurer. Units: ``retry_after`` is seconds, when the insurer said so."""

    reason: NotSentReason
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It is unknown what the insurer did; only a query, a late answer or a person can tell."""

    reason: AmbiguousReason
    incidents: tuple[IncidentNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """The insurer refused the whole call for a known reason and did nothing.

    Shapes: ``provider_code`` is the insurer's own code.
    """

    meaning: FaultMeaning
    provider_code: str | None = None

    @property
    def code(self) -> str:
        """Our code, key of the error dictionary."""
        return self.meaning.value

    @property
    def effect(self) -> FaultEffect:
        """What happens to the lines of the call."""
        return _FAULTS[self.meaning][0]

    @property
    def actor(self) -> Actor:
        """Who must act."""
        return _FAULTS[self.meaning][1]

    @property
    def incidents(self) -> tuple[IncidentNote, ...]:
        """What a person must look at."""
        return tuple(IncidentNote(kind) for kind in _FAULTS[self.meaning][2])


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """What is known about one line after the call.

    Shapes: ``policy_no`` when an enrolment is ACCEPTED; ``amount`` as the insurer echoed it;
    ``code`` is ours and doubles as ``message_code`` of the error dictionary; ``provider_code`` is
    the insurer's; ``external`` marks what reached the insurer by another way than this call.
    """

    kind: VerdictKind
    policy_no: str | None = None
    amount: Money | None = None
    code: str | None = None
    provider_code: str | None = None
    external: bool = False

    @property
    def message_code(self) -> str | None:
        """Key of the explanation in the error dictionary."""
        return self.code


@dataclass(frozen=True, slots=True)
class Answered:
    """The insurer answered. Shapes: exactly one verdict per sent line, by line key."""

    lines: Mapping[str, LineVerdict]
    incidents: tuple[IncidentNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Absent:
    """The insurer answered a query: it does not know this transmission."""


Outcome = NotSent | Ambiguous | Fault | Answered | Absent
"""Everything a call to an insurer can end in."""


@dataclass(frozen=True, slots=True)
class SentLine:
    """What we sent in one line, as far as the answer must agree with it."""

    line_key: str
    amount: Money | None = None
    policy_no: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What we sent or ask about.

    Shapes: line keys are unique. ``effect_free`` marks a query: a refusal of a question may be
    believed without the echo of our reference, a refusal of an order may not.
    """

    reference: str
    kind: TransmissionKind
    lines: tuple[SentLine, ...]
    correlation: Correlation = Correlation.REFERENCE
    effect_free: bool = False


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """One row of an answer in our vocabulary; ``line_key`` is None when it is nobody we sent."""

    line_key: str | None
    word: AnswerWord
    amount: Money | None = None
    policy_no: str | None = None
    code: str | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedFault:
    """A refusal of the whole call.

    Units: ``retry_after`` is seconds.
    Shapes: ``meaning`` is set for a refusal on the merits, ``not_sent`` for one before the content
    was read; both are None when the code is not in our table.
    """

    meaning: FaultMeaning | None = None
    not_sent: NotSentReason | None = None
    retry_after: int | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An answer after translation, before judgement.

    Shapes: ``reference`` is the echo of ours (None: not echoed). At most one of ``fault``,
    ``empty`` and ``absent`` is set, and then there are no lines.
    """

    reference: str | None = None
    lines: tuple[ParsedLine, ...] = ()
    fault: ParsedFault | None = None
    empty: bool = False
    absent: bool = False


def read_answer(sent: Sent, parsed: ParsedAnswer) -> Outcome:
    """Judge an answer: which sent line ended how, and what needs a person.

    Shapes: rows are matched by line key, never by position; a line the answer does not mention is
    UNKNOWN, never rejected; an accepted contribution must echo the amount we sent; identical
    repeats count once, contradicting ones leave the line UNKNOWN; rows about nobody we sent are
    quarantined (an incident) unless the answer lists a whole period.
    Source: reliability.md section 4, bad_inputs.json field soap_answer.
    """
    if parsed.empty:
        return Ambiguous(AmbiguousReason.EMPTY_ANSWER)
    if parsed.reference is not None and parsed.reference != sent.reference:
        return Ambiguous(
            AmbiguousReason.FOREIGN_REFERENCE, (IncidentNote(Incident.FOREIGN_ANSWER),)
        )
    if parsed.fault is not None:
        believable = parsed.reference is not None or sent.effect_free
        return _read_fault(parsed.fault, believable=believable)
    if parsed.reference is None and sent.correlation is Correlation.REFERENCE:
        return Ambiguous(AmbiguousReason.REFERENCE_MISSING)
    if parsed.absent:
        return Absent()
    return _read_lines(sent, parsed.lines)


def _read_fault(fault: ParsedFault, *, believable: bool) -> Outcome:
    """Judge a refusal of the whole call; without our reference it may belong to another one."""
    raw = safe_word(fault.raw)
    refused: Outcome
    if fault.not_sent is not None:
        refused = NotSent(fault.not_sent, fault.retry_after)
    elif fault.meaning is not None:
        refused = Fault(fault.meaning, raw)
    else:
        note = IncidentNote(Incident.UNKNOWN_FAULT, word=raw)
        return Ambiguous(AmbiguousReason.UNKNOWN_FAULT, (note,))
    return refused if believable else Ambiguous(AmbiguousReason.REFERENCE_MISSING)


def _read_lines(sent: Sent, rows: Sequence[ParsedLine]) -> Outcome:
    """Verdicts of an answer that is about this transmission."""
    incidents: list[IncidentNote] = []
    known = {line.line_key: line for line in sent.lines}
    by_key: dict[str, list[ParsedLine]] = {}
    for row in rows:
        if row.line_key is not None and row.line_key in known:
            by_key.setdefault(row.line_key, []).append(row)
        elif sent.correlation is Correlation.REFERENCE:
            incidents.append(IncidentNote(Incident.UNKNOWN_LINE))
    if sent.correlation is Correlation.PERIOD and not by_key:
        return Absent()
    verdicts: dict[str, LineVerdict] = {}
    for line in sent.lines:
        told = list(dict.fromkeys(by_key.get(line.line_key, ())))
        if len(told) > 1:
            verdicts[line.line_key] = LineVerdict(VerdictKind.UNKNOWN)
            incidents.append(IncidentNote(Incident.CONTRADICTION, line.line_key))
        elif told:
            verdict, note = _read_line(sent.kind, line, told[0])
            verdicts[line.line_key] = verdict
            if note is not None:
                incidents.append(note)
        else:
            verdicts[line.line_key] = LineVerdict(VerdictKind.UNKNOWN)
    if sent.kind is TransmissionKind.ENROLMENT:
        _quarantine_shared_policies(verdicts, incidents)
    return Answered(MappingProxyType(verdicts), tuple(incidents))


def _read_line(
    kind: TransmissionKind, line: SentLine, row: ParsedLine
) -> tuple[LineVerdict, IncidentNote | None]:
    """Verdict of one line from the one row about it."""

    def unknown(incident: Incident) -> tuple[LineVerdict, IncidentNote]:
        note = IncidentNote(incident, line.line_key, safe_word(row.raw))
        return LineVerdict(VerdictKind.UNKNOWN, amount=row.amount, policy_no=row.policy_no), note

    raw = safe_word(row.raw)
    if row.word is AnswerWord.UNKNOWN:
        return unknown(Incident.UNKNOWN_STATUS)
    if row.word is AnswerWord.REJECTED:
        return LineVerdict(VerdictKind.REJECTED, code=row.code, provider_code=raw), None
    if row.word is AnswerWord.PROCESSING:
        return LineVerdict(VerdictKind.PROCESSING), None
    external = row.word is AnswerWord.EXISTS
    if kind is TransmissionKind.ENROLMENT:
        # Taken without a number is not enrolled yet: no contribution may be sent without one.
        state = VerdictKind.ACCEPTED if row.policy_no else VerdictKind.PROCESSING
        return LineVerdict(state, policy_no=row.policy_no, external=external), None
    if row.policy_no is not None and row.policy_no != line.policy_no:
        return unknown(Incident.POLICY_CONFLICT)
    if row.amount is None or row.amount != line.amount:
        return unknown(Incident.AMOUNT_CONFLICT)
    return (
        LineVerdict(
            VerdictKind.ACCEPTED, policy_no=row.policy_no, amount=row.amount, external=external
        ),
        None,
    )


def _quarantine_shared_policies(
    verdicts: dict[str, LineVerdict], incidents: list[IncidentNote]
) -> None:
    """One policy number for two people cannot be right for either of them."""
    owners: dict[str, list[str]] = {}
    for key, verdict in verdicts.items():
        if verdict.kind is VerdictKind.ACCEPTED and verdict.policy_no is not None:
            owners.setdefault(verdict.policy_no, []).append(key)
    for keys in owners.values():
        if len(keys) > 1:
            for key in keys:
                verdicts[key] = LineVerdict(VerdictKind.UNKNOWN)
                incidents.append(IncidentNote(Incident.POLICY_CONFLICT, key))


def safe_word(text: str | None) -> str | None:
    """A provider's word in a form that may be stored and shown.

    Shapes: at most 40 of ``A-Z a-z 0-9 . _ -``; six or more digits in a row are masked, because a
    confused insurer may put an identity number where a code belongs.
    """
    if text is None:
        return None
    kept = _UNSAFE.sub("", text)[:40]
    return _LONG_NUMBER.sub("######", kept) or None


_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")
_LONG_NUMBER: Final = re.compile(r"[0-9]{6,}")
