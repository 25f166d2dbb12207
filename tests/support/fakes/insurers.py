"""All insurers in memory: the fake behind the port, kept equal to the real ones by one suite.

``tests/contract/test_insurer_gateway.py`` runs the same expectations against this fake and against
each real dialect talking to its simulator. It follows the facts of the catalogue (who
deduplicates, who numbers policies later, who can be asked by reference), keeps what it accepted,
and misbehaves on request in the words of the simulators' scripts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from kernel.money import Money
from pensions.domain.member_status import MemberState, MemberStatus
from pensions.domain.outcome import (
    Ambiguous,
    AmbiguousReason,
    AnswerWord,
    Correlation,
    Fault,
    FaultMeaning,
    NotSent,
    NotSentReason,
    Outcome,
    ParsedAnswer,
    ParsedFault,
    ParsedLine,
    Sent,
    SentLine,
    TransmissionKind,
    read_answer,
)
from pensions.domain.provider import Capability, Dialect, Provider
from pensions.domain.provider_catalogue import PROVIDERS
from pensions.ports import (
    CollectionLine,
    Connection,
    CredentialCheck,
    EnrolmentLine,
    MemberRef,
)

Line = EnrolmentLine | CollectionLine

POLICY_DELAY: Final = timedelta(seconds=30)
TRIES_BEFORE_LOCK: Final = 3
REFUSED_PASSWORDS: Final = ("wrong", "yanlis", "bad")

_FAULTS: Final[Mapping[str, ParsedFault]] = {
    "password": ParsedFault(FaultMeaning.AUTH_FAILED, raw="901"),
    "locked": ParsedFault(FaultMeaning.CREDENTIALS_LOCKED, raw="902"),
    "contract_unknown": ParsedFault(FaultMeaning.CONTRACT_UNKNOWN, raw="903"),
    "contract_closed": ParsedFault(FaultMeaning.CONTRACT_CLOSED, raw="904"),
    "period_closed": ParsedFault(FaultMeaning.PERIOD_CLOSED, raw="905"),
    "maintenance": ParsedFault(FaultMeaning.PROVIDER_CLOSED, raw="906"),
    "busy": ParsedFault(not_sent=NotSentReason.BUSY, retry_after=60, raw="907"),
    "invalid": ParsedFault(FaultMeaning.REQUEST_INVALID, raw="908"),
}
_LOST: Final[Mapping[str, AmbiguousReason]] = {
    "lost_answer": AmbiguousReason.CONNECTION_LOST,
    "slow": AmbiguousReason.TIMEOUT,
    "html_error": AmbiguousReason.SERVER_ERROR,
    "server_error": AmbiguousReason.SERVER_ERROR,
    "empty": AmbiguousReason.EMPTY_ANSWER,
    "garbage": AmbiguousReason.UNREADABLE_ANSWER,
}
_DISTORTIONS: Final = frozenset(
    {
        "partial",
        "duplicate",
        "contradict",
        "unknown_person",
        "other_order",
        "wrong_amount",
        "wrong_policy",
        "wrong_reference",
        "no_reference",
        "unknown_status",
    }
)
_STATES: Final = {
    "opt_out": MemberState.OPTED_OUT,
    "leave": MemberState.LEFT,
    "suspend": MemberState.SUSPENDED,
    "resume": MemberState.ENROLLED,
}


@dataclass(slots=True)
class Effect:
    """One line an insurer took or refused."""

    provider: str
    contract_no: str
    kind: TransmissionKind
    reference: str
    line_key: str
    national_id: str
    word: AnswerWord
    policy_no: str | None
    amount: Money | None
    period: str
    paid_on: date | None
    code: str | None
    channel: str
    ready_at: datetime


@dataclass(slots=True)
class Member:
    """One policy."""

    contract_no: str
    national_id: str
    policy_no: str
    state: MemberState
    since: date | None
    channel: str
    ready_at: datetime


class FakeInsurers:
    """Implements ``InsurerGateway``; ``effects`` is what the insurers believe."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.effects: list[Effect] = []
        self.members: dict[str, list[Member]] = {}
        self.calls: Counter[tuple[str, str]] = Counter()
        self._queued: dict[str, list[dict[str, Any]]] = {}
        self._down: dict[str, datetime] = {}
        self._accounts: dict[tuple[str, str], str] = {}
        self._tries: Counter[tuple[str, str]] = Counter()
        self._locked: set[tuple[str, str]] = set()
        self._rejects: dict[tuple[str, str], str] = {}
        self._closed: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()

    # What a test arranges

    def script(self, provider: str, behaviour: Mapping[str, Any]) -> Any:
        """Change what an insurer does next, in the words of the simulators.

        Raises: ValueError for what this fake cannot play.
        """
        if "kind" in behaviour:
            kinds = {"drop_request", "fault", "silent_fault", "wrong_password"}
            if behaviour["kind"] not in kinds | _LOST.keys() | _DISTORTIONS:
                raise ValueError(f"no such behaviour: {behaviour['kind']}")
            queue = self._queued.setdefault(provider, [])
            queue.append({"times": 1, "operation": "any", **behaviour})
            return queue
        return {name: self._command(provider, name, value) for name, value in behaviour.items()}

    def accepted(self, provider: str) -> list[Effect]:
        """Lines an insurer took, in order."""
        return [
            effect
            for effect in self.effects
            if effect.provider == provider and effect.word is AnswerWord.ACCEPTED
        ]

    # The port

    def check_credentials(
        self, connection: Connection, *, deadline_seconds: float
    ) -> CredentialCheck:
        """See ``InsurerGateway``."""
        refused = self._refusal(connection, "check")
        if isinstance(refused, Fault):
            auth = refused.meaning in (FaultMeaning.AUTH_FAILED, FaultMeaning.CREDENTIALS_LOCKED)
            return CredentialCheck(False, refused.code, refused.code, refused=auth)
        if refused is not None:
            return CredentialCheck(False, "insurer_unavailable", "insurer_unavailable")
        return CredentialCheck(True, "credentials_ok", "credentials_ok")

    def enrol(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[EnrolmentLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        sent = Sent(
            reference,
            TransmissionKind.ENROLMENT,
            tuple(SentLine(line.line_key) for line in lines),
        )
        return self._submit(connection, sent, lines, "enrol", Capability.ENROL)

    def collect(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        sent = Sent(
            reference,
            TransmissionKind.COLLECTION,
            tuple(SentLine(line.line_key, line.amount, line.policy_no) for line in lines),
        )
        return self._submit(connection, sent, lines, "collect", Capability.COLLECT)

    def query(
        self,
        connection: Connection,
        reference: str,
        kind: TransmissionKind,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """See ``InsurerGateway``."""
        early = self._refusal(connection, "query", lines=lines)
        if early is not None:
            return early
        provider = PROVIDERS[connection.provider_code]
        by_period = provider.queries_by_period
        sent = Sent(
            reference,
            kind,
            tuple(
                SentLine(line.line_key, line.amount, line.policy_no)
                if isinstance(line, CollectionLine)
                else SentLine(line.line_key)
                for line in lines
            ),
            correlation=Correlation.PERIOD if by_period else Correlation.REFERENCE,
            effect_free=True,
        )
        keys = {_person_of(line): line.line_key for line in lines}
        rows = [
            self._row(effect, line_key=keys.get(_person_of(effect)))
            for effect in self.effects
            if effect.provider == connection.provider_code
            and effect.contract_no == connection.contract_no
            and effect.kind is kind
            and effect.reference == reference
        ]
        if not rows and by_period:
            rows = [
                replace(
                    self._row(effect), word=AnswerWord.EXISTS, line_key=keys[_person_of(effect)]
                )
                for effect in self.accepted(connection.provider_code)
                if effect.contract_no == connection.contract_no
                and effect.kind is kind
                and effect.channel == "EKRAN"
                and _person_of(effect) in keys
            ]
        parsed = ParsedAnswer(reference, tuple(rows), absent=not rows)
        return self._answer(connection, "query", sent, parsed)

    def member_statuses(
        self, connection: Connection, members: Sequence[MemberRef], *, deadline_seconds: float
    ) -> Sequence[MemberStatus] | Ambiguous | NotSent | Fault:
        """See ``InsurerGateway``."""
        if not members:
            return ()
        if len(members) > PROVIDERS[connection.provider_code].member_batch:
            return NotSent(NotSentReason.REQUEST_REFUSED)
        early = self._refusal(connection, "members")
        if early is not None:
            return early
        behaviour = self._take(connection.provider_code, "members")
        if behaviour is not None and behaviour["kind"] in _LOST:
            return Ambiguous(_LOST[behaviour["kind"]])
        strange = behaviour is not None and behaviour["kind"] == "unknown_status"
        return tuple(self._status(connection, member, strange=strange) for member in members)

    # How an insurer decides

    def _submit(
        self,
        connection: Connection,
        sent: Sent,
        lines: Sequence[Line],
        operation: str,
        capability: Capability,
    ) -> Outcome:
        provider = PROVIDERS[connection.provider_code]
        if not provider.can(capability):
            return NotSent(NotSentReason.CAPABILITY_MISSING)
        early = self._refusal(connection, operation, sent, lines)
        if early is not None:
            return early
        known = [
            effect
            for effect in self.effects
            if effect.provider == provider.code
            and effect.contract_no == connection.contract_no
            and effect.reference == sent.reference
        ]
        if known and provider.deduplicates:
            rows = [self._row(effect) for effect in known]
        else:
            waiting = self._peek(provider.code, operation)
            refused = int(waiting.get("reject", 0)) if waiting else 0
            taken = lines[: len(lines) - refused]
            rows = [self._take_line(provider, connection, sent, line) for line in taken]
            rows += [
                ParsedLine(line.line_key, AnswerWord.REJECTED, code="system_error", raw="500")
                for line in lines[len(taken) :]
            ]
        return self._answer(connection, operation, sent, ParsedAnswer(sent.reference, tuple(rows)))

    def _take_line(
        self, provider: Provider, connection: Connection, sent: Sent, line: Line
    ) -> ParsedLine:
        national_id = line.national_id.reveal("the insurer reads it")
        code = self._rejects.get((provider.code, national_id))
        policies = [
            member
            for member in self.members.get(provider.code, [])
            if member.contract_no == connection.contract_no and member.national_id == national_id
        ]
        if isinstance(line, EnrolmentLine):
            amount, policy_no, period, paid_on = None, None, "", None
            noticed = [m for m in policies if provider.deduplicates or m.channel == "EKRAN"]
            if code is None and noticed:
                return ParsedLine(line.line_key, AnswerWord.EXISTS, policy_no=noticed[0].policy_no)
        else:
            amount, policy_no = line.amount, line.policy_no
            period, paid_on = str(line.period), line.paid_on
            owned = [member for member in policies if member.policy_no == policy_no]
            if code is None and not owned:
                code = "policy_not_found"
            elif code is None and owned[0].state is not MemberState.ENROLLED:
                code = "policy_not_active"
            noticed_payments = [
                effect
                for effect in self.accepted(provider.code)
                if (effect.contract_no, effect.national_id, effect.period, effect.paid_on)
                == (connection.contract_no, national_id, period, paid_on)
                and (provider.deduplicates or effect.channel == "EKRAN")
            ]
            if code is None and noticed_payments:
                other = noticed_payments[0]
                return ParsedLine(line.line_key, AnswerWord.EXISTS, other.amount, other.policy_no)
        ready_at = self._ready_at(provider)
        if code is None and isinstance(line, EnrolmentLine):
            policy_no = self._issue(
                provider.code, connection.contract_no, national_id, "WS", ready_at
            )
        effect = Effect(
            provider=provider.code,
            contract_no=connection.contract_no,
            kind=sent.kind,
            reference=sent.reference,
            line_key=line.line_key,
            national_id=national_id,
            word=AnswerWord.ACCEPTED if code is None else AnswerWord.REJECTED,
            policy_no=policy_no,
            amount=amount,
            period=period,
            paid_on=paid_on,
            code=code,
            channel="WS",
            ready_at=ready_at,
        )
        self.effects.append(effect)
        return self._row(effect)

    def _answer(
        self, connection: Connection, operation: str, sent: Sent, parsed: ParsedAnswer
    ) -> Outcome:
        behaviour = self._take(connection.provider_code, operation)
        if behaviour is None:
            return read_answer(sent, parsed)
        kind = behaviour["kind"]
        if kind == "empty":
            return read_answer(sent, ParsedAnswer(empty=True))
        if kind in _LOST:
            return Ambiguous(_LOST[kind])
        return read_answer(sent, _distorted(parsed, behaviour))

    def _refusal(
        self,
        connection: Connection,
        operation: str,
        sent: Sent | None = None,
        lines: Sequence[Line] | None = None,
    ) -> NotSent | Ambiguous | Fault | None:
        """Why the call has no effect, or None; counts the calls that reached the insurer."""
        code = connection.provider_code
        if lines is not None and not 1 <= len(lines) <= PROVIDERS[code].batch_size:
            return NotSent(NotSentReason.REQUEST_REFUSED)
        alike = lines is not None and len({_person_of(line) for line in lines}) < len(lines)
        if alike and not PROVIDERS[code].echoes_line_keys:
            return NotSent(NotSentReason.REQUEST_REFUSED)
        if self._down.get(code, self._now()) > self._now():
            return NotSent(NotSentReason.UNREACHABLE)
        self.calls[code, operation] += 1
        question = Sent("", TransmissionKind.ENROLMENT, (), effect_free=True)
        waiting = self._peek(code, operation)
        if waiting is not None and waiting["kind"] in (
            "drop_request", "fault", "silent_fault", "wrong_password",
        ):  # fmt: skip
            behaviour = self._take(code, operation) or {}
            if behaviour["kind"] == "drop_request":
                return Ambiguous(AmbiguousReason.CONNECTION_LOST)
            if behaviour["kind"] == "wrong_password":
                return self._wrong_password(connection)
            reason = str(behaviour.get("reason", "maintenance"))
            echoed = behaviour["kind"] == "fault"
            fault = _FAULTS.get(reason, ParsedFault(raw=reason))
            asked = sent or question
            parsed = ParsedAnswer(asked.reference if echoed else None, fault=fault)
            return _terminal(read_answer(asked, parsed))
        account = (code, connection.username)
        password = connection.password.reveal("the insurer compares it")
        right = self._accounts.get(account)
        wrong = password.startswith(REFUSED_PASSWORDS) if right is None else password != right
        if account in self._locked or wrong:
            return self._wrong_password(connection)
        self._tries.pop(account, None)
        state = self._closed.get((code, connection.contract_no))
        if state is not None:
            return Fault(FaultMeaning(f"contract_{state}"), "903")
        return None

    def _wrong_password(self, connection: Connection) -> Fault:
        account = (connection.provider_code, connection.username)
        self._tries[account] += 1
        if account in self._locked or self._tries[account] >= TRIES_BEFORE_LOCK:
            self._locked.add(account)
            return Fault(FaultMeaning.CREDENTIALS_LOCKED, "902")
        return Fault(FaultMeaning.AUTH_FAILED, "901")

    def _row(self, effect: Effect, line_key: str | None = None) -> ParsedLine:
        waits = effect.ready_at > self._now() and effect.word is AnswerWord.ACCEPTED
        hidden = waits and effect.kind is TransmissionKind.ENROLMENT
        return ParsedLine(
            line_key=line_key or effect.line_key,
            word=AnswerWord.PROCESSING if waits else effect.word,
            amount=effect.amount,
            policy_no=None if hidden else effect.policy_no,
            code=effect.code,
            raw=effect.code,
        )

    def _status(self, connection: Connection, member: MemberRef, *, strange: bool) -> MemberStatus:
        national_id = member.national_id.reveal("the insurer reads it")
        found = [
            each
            for each in self.members.get(connection.provider_code, [])
            if each.contract_no == connection.contract_no and each.national_id == national_id
        ]
        if not found:
            return MemberStatus(member.line_key, MemberState.UNKNOWN)
        if strange:
            return MemberStatus(member.line_key, MemberState.UNKNOWN, raw_status="YENIDURUM")
        last = found[-1]
        if last.state is MemberState.ENROLLED and last.ready_at > self._now():
            return MemberStatus(member.line_key, MemberState.PENDING)
        return MemberStatus(member.line_key, last.state, last.policy_no, last.since)

    def _issue(
        self, provider: str, contract_no: str, national_id: str, channel: str, ready_at: datetime
    ) -> str:
        self._numbers[provider] += 1
        policy_no = f"{provider[:2].upper()}{self._numbers[provider]:08d}"
        self.members.setdefault(provider, []).append(
            Member(
                contract_no, national_id, policy_no, MemberState.ENROLLED, None, channel, ready_at
            )
        )
        return policy_no

    def _ready_at(self, provider: Provider) -> datetime:
        later = POLICY_DELAY if provider.dialect is Dialect.PERIOD_ASYNC else timedelta(0)
        return self._now() + later

    # Scripts

    def _peek(self, provider: str, operation: str) -> dict[str, Any] | None:
        for waiting in self._queued.get(provider, []):
            anything = waiting["operation"] == "any" and operation != "check"
            if waiting["operation"] == operation or anything:
                return waiting
        return None

    def _take(self, provider: str, operation: str) -> dict[str, Any] | None:
        waiting = self._peek(provider, operation)
        if waiting is None:
            return None
        taken = dict(waiting)
        if waiting["times"] > 0:
            waiting["times"] -= 1
        if waiting["times"] == 0:
            self._queued[provider].remove(waiting)
        return taken

    def _command(self, provider: str, name: str, value: Any) -> Any:
        if name == "clear":
            self._queued.pop(provider, None)
        elif name == "down":
            spans = {k: value[k] for k in ("hours", "minutes", "seconds") if k in value}
            self._down[provider] = self._now() + timedelta(**spans)
        elif name == "up":
            self._down.pop(provider, None)
        elif name in _STATES:
            for member in self.members.get(provider, []):
                if member.national_id == value["national_id"]:
                    member.state = _STATES[name]
                    member.since = date.fromisoformat(value["on"])
        elif name == "reject":
            self._rejects[provider, value["national_id"]] = _CODES[value.get("reason", "person")]
        elif name == "accept":
            self._rejects.pop((provider, value["national_id"]), None)
        elif name == "account":
            account = (provider, value["username"])
            self._accounts[account] = value["password"]
            self._locked.discard(account)
            self._tries.pop(account, None)
        elif name == "contract":
            self._closed.pop((provider, value["no"]), None)
            if value["state"] != "open":
                self._closed[provider, value["no"]] = value["state"]
        elif name == "typed_in":
            return self._typed_in(provider, value)
        else:
            raise ValueError(f"no such command: {name}")
        return None

    def _typed_in(self, provider: str, value: Mapping[str, Any]) -> dict[str, str]:
        now = self._now()
        payment = "amount" in value
        policy_no = (
            str(value["policy_no"])
            if payment
            else self._issue(provider, value["contract_no"], value["national_id"], "EKRAN", now)
        )
        self.effects.append(
            Effect(
                provider=provider,
                contract_no=value["contract_no"],
                kind=TransmissionKind.COLLECTION if payment else TransmissionKind.ENROLMENT,
                reference="",
                line_key="",
                national_id=value["national_id"],
                word=AnswerWord.ACCEPTED,
                policy_no=policy_no,
                amount=Money(value["amount"], "TRY") if payment else None,
                period=str(value.get("period", "")),
                paid_on=date.fromisoformat(value["paid_on"]) if payment else None,
                code=None,
                channel="EKRAN",
                ready_at=now,
            )
        )
        return {"policy_no": policy_no}


_CODES: Final = {
    "person": "person_not_found",
    "identity": "national_id_invalid",
    "name": "name_mismatch",
    "mobile": "mobile_invalid",
    "iban": "iban_invalid",
    "collection_failed": "collection_failed",
    "system": "system_error",
}
"""Our codes for the reasons a script may name."""


def _person_of(line: Line | Effect) -> tuple[str, date | None]:
    national_id = (
        line.national_id
        if isinstance(line, Effect)
        else line.national_id.reveal("the insurer reads it")
    )
    return national_id, None if isinstance(line, EnrolmentLine) else line.paid_on


def _terminal(outcome: Outcome) -> NotSent | Ambiguous | Fault:
    if isinstance(outcome, (NotSent, Ambiguous, Fault)):
        return outcome
    raise AssertionError("a fault was read as an answer")


def _distorted(parsed: ParsedAnswer, behaviour: Mapping[str, Any]) -> ParsedAnswer:
    """An answer as a confused insurer would give it; what was done stays done."""
    kind, rows = behaviour["kind"], list(parsed.lines)
    if kind == "partial":
        omit, reject = int(behaviour.get("omit", 0)), int(behaviour.get("reject", 0))
        end = len(rows) - reject
        del rows[end - omit : end]
    elif kind == "duplicate":
        rows.append(rows[0])
    elif kind == "contradict":
        rows.append(replace(rows[0], word=AnswerWord.REJECTED, policy_no=None, code="system_error"))
    elif kind == "unknown_person":
        rows.append(ParsedLine(None, AnswerWord.ACCEPTED))
    elif kind == "other_order":
        rows.reverse()
    elif kind == "wrong_amount":
        by = Money(int(behaviour.get("by", 1)), "TRY")
        rows = [replace(row, amount=row.amount and row.amount + by) for row in rows]
    elif kind == "wrong_policy":
        rows = [replace(row, policy_no="XX00000002") for row in rows]
    elif kind == "unknown_status":
        rows = [replace(row, word=AnswerWord.UNKNOWN, raw="YENIDURUM") for row in rows]
    elif kind == "wrong_reference":
        return replace(parsed, reference=f"{parsed.reference}-0")
    elif kind == "no_reference":
        return replace(parsed, reference=None)
    return replace(parsed, lines=tuple(rows))
