"""Send or resolve one transmission: claim → effect → commit (reliability.md §2).

There is one effect in this file, the call to the insurer, between one claim and the commits.
Everything that is not provably unsent and not provably answered ends as UNKNOWN and is asked for,
never blindly sent again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from kernel.money import Money
from kernel.parsing import parse_rate_api
from kernel.periods import Period
from kernel.sensitive import Email, Iban, Phone, Tckn
from kernel.storing import WriteRefusedError
from pensions.application.context import Scope, TryAgainError, provider_of
from pensions.application.credentials import connection, refuse_credentials
from pensions.application.jobs import close_if_complete
from pensions.application.settle_lines import (
    Ending,
    SettleLines,
    endings_for_all,
    endings_of,
    refused_by_the_system,
)
from pensions.domain.circuit import Circuit
from pensions.domain.contract import Contract, ContractState
from pensions.domain.outcome import (
    Absent,
    Ambiguous,
    AmbiguousReason,
    Answered,
    Fault,
    FaultEffect,
    FaultMeaning,
    Incident,
    IncidentNote,
    NotSent,
    NotSentReason,
    Outcome,
    TransmissionKind,
)
from pensions.domain.provider import Provider
from pensions.domain.transmission import (
    FrozenLine,
    Transmission,
    TransmissionState,
    backoff_seconds,
)
from pensions.ports import (
    CollectionLine,
    Connection,
    CredentialsUnavailableError,
    EnrolmentLine,
    InsurerGateway,
)

EFFECT_SECONDS: Final = 30.0
COMMIT_RESERVE_SECONDS: Final = 15.0
_LEASE_MARGIN: Final = timedelta(seconds=5)
_RELEASE_AGAIN: Final = timedelta(minutes=2)
_LOCKED_WAIT: Final = timedelta(minutes=15)
_POLLS_BEFORE_PERSON: Final = 3
_CREDENTIAL_FAULTS: Final = frozenset({FaultMeaning.AUTH_FAILED, FaultMeaning.CREDENTIALS_LOCKED})
_NEVER_SENDABLE: Final = frozenset(
    {
        NotSentReason.REQUEST_REFUSED,
        NotSentReason.CAPABILITY_MISSING,
        NotSentReason.NO_ENDPOINT,
    }
)


class SendToInsurer:
    """Drive one transmission one step further, whatever state it is in."""

    def __init__(self, scope: Scope, gateway: InsurerGateway) -> None:
        self._scope = scope
        self._store = scope.store
        self._gateway = gateway
        self._settle = SettleLines(scope)

    def __call__(
        self, transmission_id: str, *, remaining: Callable[[], float], ask_now: bool = False
    ) -> None:
        """Send an open transmission, or ask about one whose end is not known.

        ``ask_now`` (the user's "ask status" button) skips the waiting time of a poll, also asks
        about what a person owns, and never sends.
        Raises: TryAgainError when the message must not be acknowledged.
        """
        transmission = self._store.transmission(transmission_id)
        if transmission is None:
            return
        state = transmission.state
        if state in {TransmissionState.DONE, TransmissionState.BINDING}:
            return
        if state is TransmissionState.RELEASING:
            self._release(transmission)
            return
        # Who asks must not send, and what a person owns is not asked about by the clock.
        if ask_now and state is TransmissionState.OPEN:
            return
        if not ask_now and state is TransmissionState.WITH_PERSON:
            return
        now = self._scope.clock.now()
        contract = self._store.contract(transmission.contract_id)
        if state is TransmissionState.OPEN:
            self._send(transmission, contract, remaining)
        elif transmission.lease is not None and now < transmission.lease:
            if state is TransmissionState.SENDING:
                raise TryAgainError
        elif ask_now or transmission.due_at is None or transmission.due_at <= now:
            self._ask(transmission, contract, remaining)

    # ------------------------------------------------------------------ sending

    def _send(
        self, transmission: Transmission, contract: Contract, remaining: Callable[[], float]
    ) -> None:
        now = self._scope.clock.now()
        circuit = self._store.circuit(transmission.provider_code)
        if circuit.blocks(now):
            self._postpone(transmission, "provider_down", circuit.open_until)
            return
        state = contract.state(self._scope.today())
        if state is not ContractState.READY:
            self._give_back(transmission, "held", f"contract_{state}")
            return
        left = remaining()
        if left < EFFECT_SECONDS + COMMIT_RESERVE_SECONDS:
            raise TryAgainError
        provider = provider_of(contract)
        lines = self._store.frozen_lines(transmission.id)
        via = self._connection(transmission, contract)
        if via is None:
            return
        claimed = self._claim(transmission, contract, provider, left, lines)
        if claimed is None:
            return
        deadline = min(EFFECT_SECONDS, remaining() - COMMIT_RESERVE_SECONDS)
        outcome: Outcome
        if transmission.kind is TransmissionKind.ENROLMENT:
            outcome = self._gateway.enrol(
                via,
                transmission.id,
                [_enrolment(line) for line in lines],
                deadline_seconds=deadline,
            )
        else:
            outcome = self._gateway.collect(
                via,
                transmission.id,
                [_collection(line) for line in lines],
                deadline_seconds=deadline,
            )
        self._note_health(circuit, outcome)
        self._conclude(claimed, contract, lines, outcome)

    def _connection(self, transmission: Transmission, contract: Contract) -> Connection | None:
        """How to reach the insurer; without a key that opens the credentials the work waits."""
        try:
            return connection(self._scope, contract)
        except CredentialsUnavailableError as error:
            told = transmission.reason == error.code
            note = IncidentNote(Incident.UNKNOWN_STATUS, word=error.code)
            until = self._scope.clock.now() + _LOCKED_WAIT
            self._postpone(transmission, error.code, until, incidents=() if told else (note,))
            return None

    def _claim(
        self,
        transmission: Transmission,
        contract: Contract,
        provider: Provider,
        left: float,
        lines: Sequence[FrozenLine],
    ) -> Transmission | None:
        """OPEN → SENDING with attempt and lease, only while everything the call depends on holds.

        That is the transmission and the contract as read and, for money, every person still
        enrolled with the policy number of the line. None when somebody is not.
        """
        now = self._scope.clock.now()
        lease = now + timedelta(seconds=left + provider.settle_seconds) + _LEASE_MARGIN
        after = transmission.moved(
            TransmissionState.SENDING,
            attempt=self._scope.ids.new(),
            attempts=transmission.attempts + 1,
            lease=lease,
            due_at=lease,
            sent_at=transmission.sent_at or now,
            reason="",
        )
        unit = self._store.unit()
        saved = unit.save_transmission(
            transmission,
            after,
            "transmission.claimed",
            {"attempt": after.attempts, "credentials_version": contract.credentials.version},
        )
        unit.require_contract(contract)
        if transmission.kind is TransmissionKind.COLLECTION:
            for line in lines:
                unit.require_enrolled(line.content["employee_id"], line.content["policy_no"])
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("employee:"):
                # Bound again, without whoever left in between (P20).
                self._give_back(transmission, "held", "member_changed")
                return None
            raise TryAgainError from error
        return saved

    def _conclude(
        self,
        claimed: Transmission,
        contract: Contract,
        lines: Sequence[FrozenLine],
        outcome: Outcome,
    ) -> None:
        """Commit what the call ended in."""
        if isinstance(outcome, NotSent):
            if outcome.reason in _NEVER_SENDABLE:
                note = IncidentNote(Incident.UNKNOWN_FAULT, word=outcome.reason.value)
                self._give_back(claimed, "held", outcome.reason.value, (note,))
            else:
                self._postpone(claimed, outcome.reason.value, retry_after=outcome.retry_after)
        elif isinstance(outcome, Ambiguous):
            self._settle(claimed, endings_for_all(lines, "unknown", outcome.reason.value))
            self._unknown(claimed, outcome)
        elif isinstance(outcome, Fault):
            self._fault(claimed, contract, outcome)
        elif isinstance(outcome, Answered):
            self._answered(claimed, lines, outcome)
        else:
            # An answer to a sending that says "I do not know this": not understood, so ask.
            self._settle(claimed, endings_for_all(lines, "unknown", "absent"))
            self._move(claimed, TransmissionState.UNKNOWN, "absent", claimed.lease)

    def _fault(self, claimed: Transmission, contract: Contract, fault: Fault) -> None:
        if fault.meaning in _CREDENTIAL_FAULTS:
            # Before the lines: until the contract says so, the next transmission tries again.
            refuse_credentials(self._scope, contract, fault.code)
            self._give_back(claimed, "held", fault.code)
            return
        kind = "held" if fault.effect is FaultEffect.HELD else "rejected"
        self._give_back(claimed, kind, fault.code, fault.incidents)

    def _answered(
        self, transmission: Transmission, lines: Sequence[FrozenLine], answer: Answered
    ) -> None:
        endings = endings_of(transmission.kind, lines, answer)
        notes = (*answer.incidents, *refused_by_the_system(endings))
        self._finish(transmission, endings, notes)

    # ------------------------------------------------------------------ asking

    def _ask(
        self, transmission: Transmission, contract: Contract, remaining: Callable[[], float]
    ) -> None:
        now = self._scope.clock.now()
        circuit = self._store.circuit(transmission.provider_code)
        if circuit.blocks(now):
            self._postpone(transmission, "provider_down", circuit.open_until)
            return
        if contract.state(self._scope.today()) is ContractState.CREDENTIALS_INVALID:
            self._postpone(transmission, "credentials_invalid", now + timedelta(hours=6))
            return
        if remaining() < EFFECT_SECONDS + COMMIT_RESERVE_SECONDS:
            raise TryAgainError
        lines = self._store.frozen_lines(transmission.id)
        via = self._connection(transmission, contract)
        if via is None:
            return
        content: list[EnrolmentLine] | list[CollectionLine]
        if transmission.kind is TransmissionKind.ENROLMENT:
            content = [_enrolment(line) for line in lines]
        else:
            content = [_collection(line) for line in lines]
        outcome = self._gateway.query(
            via, transmission.id, transmission.kind, content, deadline_seconds=EFFECT_SECONDS
        )
        self._note_health(circuit, outcome)
        if isinstance(outcome, Answered):
            self._answered(transmission, lines, outcome)
        elif isinstance(outcome, Fault) and outcome.meaning in _CREDENTIAL_FAULTS:
            refuse_credentials(self._scope, contract, outcome.code)
            self._postpone(transmission, outcome.code, now + timedelta(hours=6))
        elif transmission.state is TransmissionState.WITH_PERSON:
            return  # no news; it stays with the person
        elif isinstance(outcome, Absent):
            self._absent(transmission, contract, lines)
        elif isinstance(outcome, Fault):
            self._later(transmission, lines, outcome.code, outcome.incidents)
        elif isinstance(outcome, NotSent):
            self._later(transmission, lines, outcome.reason.value, ())
        else:
            self._later(transmission, lines, outcome.reason.value, outcome.incidents)

    def _absent(
        self, transmission: Transmission, contract: Contract, lines: Sequence[FrozenLine]
    ) -> None:
        """The insurer does not know the transmission: send again only where that is provably
        safe.
        """
        provider = provider_of(contract)
        # An insurer that once answered and now knows nothing contradicts itself: never sent again.
        unanswered = transmission.state is not TransmissionState.PARTIAL
        if (
            provider.resend_possible
            and unanswered
            and not self._settle.any_decided(transmission, lines)
        ):
            after = transmission.moved(
                TransmissionState.OPEN,
                lease=None,
                due_at=self._scope.clock.now() + timedelta(minutes=2),
                reason="absent_at_insurer",
            )
            unit = self._store.unit()
            unit.save_transmission(transmission, after, "transmission.absent", {})
            unit.enqueue(f"send:{transmission.provider_code}", {"transmission_id": transmission.id})
            self._commit(unit)
            return
        self._later(transmission, lines, "absent", (), person_soon=not provider.resend_possible)

    def _later(
        self,
        transmission: Transmission,
        lines: Sequence[FrozenLine],
        reason: str,
        incidents: Sequence[IncidentNote],
        *,
        person_soon: bool = False,
    ) -> None:
        """Ask again at the next step of the polling schedule; after its end a person looks."""
        self._settle(transmission, endings_for_all(lines, "unknown", reason))
        when = transmission.next_poll(self._scope.clock.now())
        if when is None or (person_soon and transmission.polls >= _POLLS_BEFORE_PERSON):
            self._move(
                transmission,
                TransmissionState.WITH_PERSON,
                reason,
                None,
                (*incidents, IncidentNote(Incident.UNKNOWN_STATUS, word=reason)),
            )
            return
        state = (
            TransmissionState.PARTIAL
            if transmission.state is TransmissionState.PARTIAL
            else TransmissionState.UNKNOWN
        )
        self._move(transmission, state, reason, when, incidents, polls=transmission.polls + 1)

    # ------------------------------------------------------------------ moving the header

    def _unknown(self, claimed: Transmission, outcome: Ambiguous) -> None:
        self._move(
            claimed,
            TransmissionState.UNKNOWN,
            outcome.reason.value,
            claimed.lease,
            outcome.incidents,
        )

    def _give_back(
        self,
        transmission: Transmission,
        release_as: str,
        reason: str,
        incidents: Sequence[IncidentNote] = (),
    ) -> None:
        """Nothing is at the insurer and this will not be sent: return all lines with one ending.

        The header says so first. Otherwise a second actor could still send lines that were
        returned to the user a moment ago and may be on their way in another transmission.
        """
        after = transmission.moved(
            TransmissionState.RELEASING,
            reason=reason,
            release_as=release_as,
            lease=None,
            due_at=self._scope.clock.now() + _RELEASE_AGAIN,
        )
        unit = self._store.unit()
        saved = unit.save_transmission(
            transmission, after, "transmission.releasing", {"reason": reason, "as": release_as}
        )
        self._raise_incidents(unit, transmission, incidents)
        try:
            unit.commit()
        except WriteRefusedError:
            return  # somebody else moved it; what is there now is the truth
        self._release(saved)

    def _release(self, transmission: Transmission) -> None:
        lines = self._store.frozen_lines(transmission.id)
        self._settle(
            transmission, endings_for_all(lines, transmission.release_as, transmission.reason)
        )
        self._move(transmission, TransmissionState.DONE, transmission.reason, None)

    def _finish(
        self,
        transmission: Transmission,
        endings: Mapping[str, Ending],
        incidents: Sequence[IncidentNote],
    ) -> None:
        """Lines first, header last: the header is the commit record."""
        waiting = self._settle(transmission, endings)
        if not waiting:
            self._move(transmission, TransmissionState.DONE, "", None, incidents)
            return
        if transmission.state is TransmissionState.WITH_PERSON:
            return
        when = transmission.next_poll(self._scope.clock.now())
        if when is None:
            note = IncidentNote(Incident.UNKNOWN_STATUS, word="no_answer")
            self._move(
                transmission, TransmissionState.WITH_PERSON, "no_answer", None, (*incidents, note)
            )
            return
        reason = waiting[0].reason
        self._move(
            transmission,
            TransmissionState.PARTIAL,
            reason,
            when,
            incidents,
            polls=transmission.polls + 1,
        )

    def _postpone(
        self,
        transmission: Transmission,
        reason: str,
        until: datetime | None = None,
        *,
        retry_after: int | None = None,
        incidents: Sequence[IncidentNote] = (),
    ) -> None:
        """Same content, later. A SENDING one goes back to OPEN because nothing was sent."""
        if transmission.state is TransmissionState.WITH_PERSON:
            return
        now = self._scope.clock.now()
        if until is None:
            wait = retry_after if retry_after is not None else backoff_seconds(transmission)
            until = now + timedelta(seconds=wait)
        state = transmission.state
        if state is TransmissionState.SENDING:
            state = (
                TransmissionState.OPEN
                if transmission.lease and now < transmission.lease
                else TransmissionState.UNKNOWN
            )
        self._move(transmission, state, reason, until, incidents)

    def _move(
        self,
        transmission: Transmission,
        state: TransmissionState,
        reason: str,
        due_at: datetime | None,
        incidents: Sequence[IncidentNote] = (),
        *,
        polls: int | None = None,
    ) -> None:
        lease = None if state is not TransmissionState.UNKNOWN else transmission.lease
        after = transmission.moved(
            state,
            reason=reason,
            due_at=due_at,
            lease=lease,
            polls=transmission.polls if polls is None else polls,
        )
        unit = self._store.unit()
        unit.save_transmission(
            transmission, after, f"transmission.{state.value}", {"reason": reason}
        )
        self._raise_incidents(unit, transmission, incidents)
        self._commit(unit)
        if state in {TransmissionState.DONE, TransmissionState.PARTIAL, TransmissionState.UNKNOWN}:
            close_if_complete(self._scope, transmission.job_id)

    def _raise_incidents(
        self, unit: Any, transmission: Transmission, incidents: Sequence[IncidentNote]
    ) -> None:
        """One event per kind of incident, with how many lines it is about."""
        kinds = sorted({note.kind.value for note in incidents})
        for kind in kinds:
            notes = [note for note in incidents if note.kind.value == kind]
            unit.publish(
                "pensions.IncidentOpened.v1",
                f"transmission:{transmission.id}",
                {
                    "incident_id": self._scope.ids.new(),
                    "subject": f"transmission:{transmission.id}",
                    "code": kind.lower(),
                    "actor": "operator",
                    "count": len(notes),
                    "contract_id": transmission.contract_id,
                    "word": next((note.word for note in notes if note.word), ""),
                },
            )

    def _commit(self, unit: Any) -> None:
        try:
            unit.commit()
        except WriteRefusedError:
            # Somebody else moved the transmission; what is there now is the truth.
            return

    def _note_health(self, circuit: Circuit, outcome: Outcome) -> None:
        """Feed the circuit breaker: it opens after consecutive calls that never arrived or met a
        server error.

        It counts from what was read before the call: a lost count costs one call, no more.
        """
        if isinstance(outcome, NotSent):
            down = outcome.reason is NotSentReason.UNREACHABLE
        else:
            down = isinstance(outcome, Ambiguous) and (
                outcome.reason is AmbiguousReason.SERVER_ERROR
            )
        if down:
            self._store.save_circuit(circuit.failed(self._scope.clock.now()))
        elif circuit.failures:
            self._store.save_circuit(circuit.succeeded())


def _enrolment(line: FrozenLine) -> EnrolmentLine:
    content = line.content
    return EnrolmentLine(
        line_key=line.line_key,
        national_id=Tckn(content["national_id"]),
        first_name=content["first_name"],
        last_name=content["last_name"],
        birth_date=date.fromisoformat(content["birth_date"]),
        gender=content["gender"],
        mobile=Phone(content["mobile"]),
        email=Email(content["email"]) if content["email"] else None,
        iban=Iban(content["iban"]) if content["iban"] else None,
        hired_on=date.fromisoformat(content["hired_on"]),
        fund_preference=content["fund_preference"],
        contribution_rate=parse_rate_api(content["contribution_rate"])
        if content["contribution_rate"]
        else None,
    )


def _collection(line: FrozenLine) -> CollectionLine:
    content = line.content
    return CollectionLine(
        line_key=line.line_key,
        national_id=Tckn(content["national_id"]),
        policy_no=content["policy_no"],
        period=Period.parse(content["period"]),
        paid_on=date.fromisoformat(content["paid_on"]),
        amount=Money(content["amount"], content["currency"]),
        rate=parse_rate_api(content["rate"]),
    )
