"""Read the provider's list and book what is new (PAY-03, PAY-04). Money comes from here only.

One transaction per payment holds payment, code, ledger entries and news, guarded by the payment's
key, so that any repetition posts nothing. A payment that a bank statement told of first is agreed
with its row and not booked again. What was booked is never taken away by a shorter list: a row that
is missing is an incident.

An answer is kept word for word when it said something: a payment we did not know, a list that is
not whole, no list at all (an outage says so once), or an answer that a person asked for. Most lists
are read by the clock and tell nothing new; copies of all would cost more than the reading.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from kernel.clock import local_date
from kernel.errors import ConflictError
from kernel.exchange import ExchangeKeeper, RawCall
from kernel.storing import WriteRefusedError
from payment_codes.application.book_payment import QUIET, book_payment, raise_attention
from payment_codes.application.connection import is_news, note_answer
from payment_codes.application.context import (
    CALL_SECONDS,
    RESERVE_SECONDS,
    TRIES,
    Scope,
    TryAgainError,
)
from payment_codes.application.register_code import CODE_INCIDENT_OPENED
from payment_codes.application.unmatched import book_waiting_reversal
from payment_codes.domain.organisation import ConnectionState, Organisation, ProviderKind
from payment_codes.domain.payment import (
    Keyed,
    Outcome,
    Payment,
    PaymentState,
    SourcePayment,
    can_be_reversed,
    key_of,
    keyed,
)
from payment_codes.domain.payment_code import CodeStatus, PaymentCode, next_poll
from payment_codes.domain.payment_reasons import LISTED_TWICE
from payment_codes.domain.statement_line import (
    Listing,
    Settlement,
    Sighting,
    Sightings,
    decide_listing,
)
from payment_codes.ports import (
    Answer,
    KeyUnavailableError,
    Listed,
    Meter,
    PaymentProvider,
    PaymentsUnit,
)

_AGAIN: Final = timedelta(seconds=60)
_LOOK_BACK: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one reading of a list did."""

    answer: Answer
    booked: int = 0
    complete: bool = False


@dataclass(slots=True)
class _Copy:
    """The copy of one answer: written once, when the answer turns out to say something."""

    kept: ExchangeKeeper
    reference: str
    asked_at: datetime
    said: RawCall | None
    masked: bool

    def keep(self) -> None:
        if self.said is not None:
            self.kept.keep(self.reference, self.asked_at, self.said, masked=self.masked)
            self.said = None


class PullPayments:
    """Reads the list of one code, or of a code we never issued; ``meter`` counts the latency.

    Shapes: what a list says of a code that is none of ours is kept masked under the organisation,
    because nobody could remove it together with a person.
    """

    def __init__(
        self,
        scope: Scope,
        provider: PaymentProvider,
        meter: Meter,
        settlement: Settlement,
        kept: ExchangeKeeper,
    ) -> None:
        self._scope = scope
        self._provider = provider
        self._meter = meter
        self._settlement = settlement
        self._kept = kept

    # ------------------------------------------------------------------ one code

    def code(
        self, code_id: str, *, remaining: Callable[[], float], by_person: bool = False
    ) -> Pulled:
        """Read the full list of one code of ours; what a person asked for is kept always."""
        code = self._scope.store.code(code_id)
        return self._pull(code.code, code_id, remaining, by_person=by_person)

    def stray(self, rf: str, *, remaining: Callable[[], float]) -> Pulled:
        """Read the list of a code that somebody told us about; perhaps it is none of ours."""
        code = self._scope.store.code_by_rf(rf)
        return self._pull(rf, code.id if code is not None else "", remaining)

    def _pull(
        self,
        rf: str,
        code_id: str,
        remaining: Callable[[], float],
        *,
        by_person: bool = False,
    ) -> Pulled:
        organisation = self._scope.organisation()
        if not organisation.is_online or organisation.connection is ConnectionState.REFUSED:
            return Pulled(Answer.CREDENTIALS)
        if remaining() < CALL_SECONDS + RESERVE_SECONDS:
            raise TryAgainError
        try:
            key = self._scope.store.provider_key(organisation)
        except KeyUnavailableError:
            note_answer(self._scope, organisation, Answer.CREDENTIALS)
            return Pulled(Answer.CREDENTIALS)
        asked_at = self._scope.clock.now()
        self._meter.count_at(organisation.provider, {"ProviderCalls": 1})
        listed = self._provider.payments(key, rf, deadline_seconds=CALL_SECONDS)
        reference = code_id or organisation.id
        copy = _Copy(self._kept, reference, asked_at, listed.said, masked=not code_id)
        odd = listed.answer is not Answer.OK or not listed.complete
        if by_person or (odd and is_news(organisation, listed.answer)):
            copy.keep()
        note_answer(self._scope, organisation, listed.answer)
        if listed.answer is not Answer.OK:
            if code_id:
                # An outage costs no receives: the schedule asks again (reliability.md §6).
                again = asked_at + _AGAIN
                self._scope.store.ask_again(code_id, organisation.provider, again)
            return Pulled(listed.answer)
        return self._book(code_id, organisation.provider, listed, copy)

    # ------------------------------------------------------------------ booking

    def _book(self, code_id: str, provider: ProviderKind, listed: Listed, copy: _Copy) -> Pulled:
        booked, asked_at = 0, copy.asked_at
        items = list(keyed(provider.value, listed.payments))
        known = self._scope.store.known_keys([item.key for item in items])
        if any(item.key not in known for item in items):
            copy.keep()  # before its money is booked: no payment without the answer it came from
        for item in items:
            if item.key not in known:
                booked += self._book_one(code_id, provider.value, item)
        for item in items:
            if item.source.reversal_of and item.key in known:
                self._settle(known[item.key])
        complete = listed.complete
        if code_id:
            whole = self._compare(code_id, provider.value, listed, copy)
            complete = whole and listed.complete
            code = self._scope.store.code(code_id)
            changed_at = datetime.fromisoformat(code.stamp.updated_at)
            again = next_poll(code, changed_at, asked_at) if complete else asked_at + _AGAIN
            if complete:
                self._scope.store.news(code_id, provider, asked_at, again_at=again)
            elif again is not None:
                self._scope.store.ask_again(code_id, provider, again)
        return Pulled(Answer.OK, booked, complete)

    def _book_one(self, code_id: str, provider: str, item: Keyed) -> int:
        for _ in range(TRIES):
            code = self._scope.store.code(code_id) if code_id else None
            try:
                return self._commit(self._payment(provider, item), code, item)
            except WriteRefusedError as error:
                if error.refused("unique:PAYMENT"):
                    return 0  # another reading of the same list was quicker
        raise TryAgainError

    def _payment(self, provider: str, item: Keyed) -> Payment:
        return Payment(
            id=self._scope.ids.new(),
            key=item.key,
            provider=provider,
            source=item.source,
            outcome=Outcome.UNMATCHED,
            state=PaymentState.UNMATCHED,
            received_at=self._scope.clock.now(),
        )

    def _commit(self, fresh: Payment, code: PaymentCode | None, item: Keyed) -> int:
        """Book a payment, or agree it with the line of a statement; how many are new."""
        scope, source = self._scope, fresh.source
        unit = scope.store.unit()
        if item.repeats:
            payment = replace(
                fresh,
                code_id=code.id if code is not None else "",
                outcome=Outcome.DUPLICATE,
                state=PaymentState.IGNORED,
                why=LISTED_TWICE,
            )
            unit.add_payment(payment, "payment.duplicate")
            unit.commit()
            return 1
        zone = scope.organisation().zone
        paid = tuple(sorted({local_date(source.booked_at, zone), source.value_date}))
        takes_back = bool(source.reversal_of)
        seen = scope.store.sightings(source.rf)
        listing = Listing(source.amount, takes_back, source.provider_payment_id, paid)
        verdict = decide_listing(listing, seen, self._settlement)
        if verdict.sighting is not None:
            self._agree(unit, fresh, seen, verdict.sighting, paid, verdict.reason)
            unit.commit()
            return 0
        original = self._original(fresh)
        payment = book_payment(scope, unit, fresh, self._reversed_code(original, code), original)
        sighting = Sighting(
            payment_id=payment.id,
            amount=source.amount,
            takes_back=takes_back,
            listed=True,
            provider_payment_id=source.provider_payment_id,
            paid=paid,
        )
        unit.sight(source.rf, seen, sighting)
        if verdict.reason and payment.outcome in QUIET:
            raise_attention(unit, payment, f"payment_{verdict.reason}")
        unit.commit()
        latency = payment.received_at - source.booked_at
        self._meter.count("PaymentNoticeSeconds", max(0, int(latency.total_seconds())))
        return 1

    def _agree(
        self,
        unit: PaymentsUnit,
        fresh: Payment,
        seen: Sightings,
        sighting: Sighting,
        paid: tuple[date, ...],
        difference: str,
    ) -> None:
        """The bank told of this payment before: the list's row becomes its second side."""
        source = fresh.source
        known = self._scope.store.payment(sighting.payment_id)
        told = replace(
            known.source,
            provider_payment_id=source.provider_payment_id,
            bank_code=known.source.bank_code or source.bank_code,
            bank_name=known.source.bank_name or source.bank_name,
        )
        listed = replace(known, listed_key=fresh.key, source=told)
        detail = {"amount": source.amount.minor, "difference": difference}
        unit.know_payment(fresh.key, known.id)
        unit.save_payment(known, listed, "payment.listed", detail)
        unit.sight(
            source.rf,
            seen,
            replace(
                sighting,
                listed=True,
                provider_payment_id=source.provider_payment_id,
                paid=paid,
            ),
        )
        if difference:
            raise_attention(unit, listed, f"payment_{difference}")

    def _original(self, payment: Payment) -> Payment | None:
        wanted = payment.source.reversal_of
        if not wanted:
            return None
        key = key_of(payment.provider, wanted)
        owner = self._scope.store.known_keys([key]).get(key)
        return self._scope.store.payment(owner) if owner is not None else None

    def _reversed_code(
        self, original: Payment | None, listed: PaymentCode | None
    ) -> PaymentCode | None:
        """The code whose money a reversal takes back: a person may have given it to another."""
        if original is None or not original.code_id:
            return listed
        if listed is not None and listed.id == original.code_id:
            return listed
        return self._scope.store.code(original.code_id)

    def _settle(self, payment_id: str) -> None:
        """Book a reversal that waits on the bench, now that its payment is in the books.

        A list may have held the reversal without its payment, or a person gave the payment to a
        code only later.
        """
        for _ in range(TRIES):
            payment = self._scope.store.payment(payment_id)
            if payment.state is not PaymentState.UNMATCHED:
                return
            original = self._original(payment)
            if original is None or not can_be_reversed(original):
                return
            code = self._scope.store.code(original.code_id)
            try:
                book_waiting_reversal(self._scope, payment, code, original)
            except WriteRefusedError:
                continue
            return
        raise TryAgainError

    # ------------------------------------------------------------------ what must not shrink

    def _compare(self, code_id: str, provider: str, listed: Listed, copy: _Copy) -> bool:
        """Whether everything we booked is still in the list; a change of the answer is told."""
        present = {item.key for item in keyed(provider, listed.payments)}
        for _ in range(TRIES):
            code = self._scope.store.code(code_id)
            missing = sum(
                1
                for payment in self._scope.store.payments(code_id)
                if payment.state is PaymentState.BOOKED
                and (key := payment.key_at(provider))
                and key not in present
            )
            if missing == code.missing:
                return missing == 0
            copy.keep()
            unit = self._scope.store.unit()
            action = "code.list_shrank" if missing else "code.list_whole"
            unit.save_code(code, replace(code, missing=missing), action, {"missing": missing})
            if missing:
                unit.publish(
                    CODE_INCIDENT_OPENED,
                    f"payment_code:{code_id}",
                    {
                        "incident_id": self._scope.ids.new(),
                        "subject": f"payment_code:{code_id}",
                        "code": "payments_missing",
                        "actor": "operator",
                        "count": missing,
                    },
                )
            try:
                unit.commit()
            except WriteRefusedError:
                continue
            return missing == 0
        raise TryAgainError


class PullOrganisation:
    """Read what the whole organisation got lately, and pull every code with something new.

    One call a minute for all codes together: the list says where to look, the codes' own lists say
    what to book. Only when every code it names was read is the news complete.
    """

    def __init__(
        self,
        scope: Scope,
        provider: PaymentProvider,
        pull: PullPayments,
        meter: Meter,
        kept: ExchangeKeeper,
    ) -> None:
        self._scope = scope
        self._provider = provider
        self._pull = pull
        self._meter = meter
        self._kept = kept

    def __call__(self, *, remaining: Callable[[], float]) -> Pulled:
        scope = self._scope
        organisation = scope.organisation()
        if not organisation.is_online or organisation.connection is ConnectionState.REFUSED:
            return Pulled(Answer.CREDENTIALS)
        try:
            key = scope.store.provider_key(organisation)
        except KeyUnavailableError:
            note_answer(scope, organisation, Answer.CREDENTIALS)
            return Pulled(Answer.CREDENTIALS)
        asked_at = scope.clock.now()
        self._meter.count_at(organisation.provider, {"ProviderCalls": 1})
        listed = self._provider.recent(
            key,
            organisation.org_code,
            self._since(organisation, asked_at),
            deadline_seconds=CALL_SECONDS,
        )
        odd = listed.answer is not Answer.OK or not listed.complete
        if listed.said is not None and odd and is_news(organisation, listed.answer):
            # It may name payers of many codes: hidden, because no erasure would find them here.
            self._kept.keep(organisation.id, asked_at, listed.said, masked=True)
        note_answer(scope, organisation, listed.answer)
        if listed.answer is not Answer.OK:
            return Pulled(listed.answer)
        booked, whole = 0, listed.complete
        for rf in self._named(organisation, listed.payments):
            if remaining() < CALL_SECONDS + RESERVE_SECONDS:
                whole = False  # the next minute goes on
                break
            pulled = self._pull.stray(rf, remaining=remaining)
            booked += pulled.booked
            whole = whole and pulled.answer is Answer.OK and pulled.complete
        if whole:
            scope.store.organisation_news(organisation.id, asked_at)
        return Pulled(Answer.OK, booked, whole)

    @staticmethod
    def _since(organisation: Organisation, now: datetime) -> datetime:
        known = organisation.pulled_at or datetime.fromisoformat(organisation.stamp.created_at)
        return min(known, now) - _LOOK_BACK

    def _named(self, organisation: Organisation, payments: Sequence[SourcePayment]) -> list[str]:
        """Codes in the list that have at least one payment we do not know."""
        items = list(keyed(organisation.provider.value, payments))
        known = self._scope.store.known_keys([item.key for item in items])
        return sorted({item.source.rf for item in items if item.key not in known})


class RefreshCode:
    """A person wants news now: "Update status" (*Ενημέρωση Status ΜΚΠ*)."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, code_id: str) -> PaymentCode:
        code = self._scope.store.code(code_id)
        if not self._scope.organisation().is_online:
            raise ConflictError(
                "provider_offline", "There is no provider to ask: codes are issued offline."
            )
        unit = self._scope.store.unit()
        request_id = self._scope.ids.new()
        unit.enqueue("pull", {"code_id": code_id, "request_id": request_id, "by_person": True})
        unit.commit()
        return code


class ExpireCode:
    """Move a code whose last day is over; money that comes later is booked as late."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, code_id: str) -> bool:
        code = self._scope.store.code(code_id)
        organisation = self._scope.organisation()
        today = self._scope.today(organisation)
        status = code.judged(today, organisation.tolerance)
        if status is code.status or status is not CodeStatus.EXPIRED:
            return False
        after = self._scope.with_due(replace(code, status=status), organisation)
        unit = self._scope.store.unit()
        unit.save_code(code, after, "code.expired", {})
        unit.publish(
            "payment_codes.CodeClosed.v1",
            f"payment_code:{code_id}",
            {
                "code_id": code_id,
                "status": status.value,
                "source_kind": code.source.kind.value,
            },
        )
        unit.commit()
        return True
