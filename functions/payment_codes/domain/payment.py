"""What became of one payment: the outcome, the booking, and the key that keeps it single (PAY-03).

Money is judged from the provider's full list only. A payment is never dropped: what cannot be
booked waits as unmatched.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from kernel.clock import local_date
from kernel.identifiers import rf
from kernel.money import Money
from kernel.stamp import NEW, Stamp
from kernel.why import Why
from payment_codes.domain import payment_reasons
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import CodeStatus, PaymentCode

CURRENCY: Final = "EUR"
STATEMENT: Final = "statement"
"""Who told of a payment that only a bank statement shows so far."""
ABSURD: Final = 10**12
"""Minor units above which nobody pays a document; such a payment waits for a person."""


class Outcome(StrEnum):
    """How a payment relates to what was due."""

    EXACT = "exact"
    UNDER = "under"
    OVER = "over"
    DUPLICATE = "duplicate"
    LATE = "late"
    UNMATCHED = "unmatched"
    REVERSAL = "reversal"


class PaymentState(StrEnum):
    """Whether a payment is booked, or waits for a person."""

    BOOKED = "booked"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"
    ASSIGNED = "assigned"
    RETURNED = "returned"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class SourcePayment:
    """A payment as the provider lists it.

    Units: ``amount`` as listed, also when it makes no sense; ``booked_at`` is an aware instant.
    ``reversal_of`` names the provider's id of the payment that was taken back. ``paid_on`` is the
    day that counts for lateness where ``booked_at`` is later than the payer's order.
    """

    rf: str
    value_date: date
    booked_at: datetime
    bank_code: str
    bank_name: str
    amount: Money
    provider_payment_id: str = ""
    payer_name: str = ""
    reversal_of: str = ""
    paid_on: date | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it stands in our books.

    Units: ``effect`` is what it moved under its code, in minor units; negative for a reversal.
    Shapes: ``key`` keeps it single for ever; ``reversed`` is how much of it was taken back;
    ``provider`` is who told of it first. ``line_id`` is the line of a bank statement that shows it,
    ``listed_key`` its key in the provider's list when the bank told of it first; ``part_of`` is the
    payment that a person split, of which this is one part. ``why`` are the reasons of the outcome,
    with the figures of the moment in which it was judged.
    """

    id: str
    key: str
    provider: str
    source: SourcePayment
    outcome: Outcome
    state: PaymentState
    received_at: datetime
    code_id: str = ""
    against: str = ""
    late: bool = False
    effect: int = 0
    reason: str = ""
    reversed: int = 0
    reverses: str = ""
    note: str = ""
    line_id: str = ""
    listed_key: str = ""
    part_of: str = ""
    why: tuple[Why, ...] = ()
    stamp: Stamp = NEW

    @property
    def counts(self) -> bool:
        """Whether it stands in the books of its code."""
        return self.state in (PaymentState.BOOKED, PaymentState.ASSIGNED)

    def key_at(self, provider: str) -> str:
        """Its key in the list of a provider; empty while that list never held it."""
        return self.key if self.provider == provider else self.listed_key


@dataclass(frozen=True, slots=True)
class Keyed:
    """A listed payment with its key; ``repeats`` marks a second line with the same provider id."""

    key: str
    source: SourcePayment
    repeats: bool = False


def keyed(provider: str, payments: Iterable[SourcePayment]) -> Iterator[Keyed]:
    """Every payment of a full list with its key, originals before reversals.

    With an id of the provider the id is the key. Without one it is code, bank, day, amount and the
    k-th occurrence in the list, so that two equal payments on one day stay two and a repeated list
    posts nothing. The order of the list does not matter: what counts is how often.
    """
    seen: Counter[str] = Counter()
    for payment in sorted(payments, key=_order):
        base = _base(payment)
        seen[base] += 1
        repeats = bool(payment.provider_payment_id) and seen[base] > 1
        yield Keyed(_digest(f"{provider}/{base}/{seen[base]}"), payment, repeats)


def _order(payment: SourcePayment) -> tuple[bool, datetime, str, int, str]:
    return (
        bool(payment.reversal_of),
        payment.booked_at,
        payment.provider_payment_id,
        payment.amount.minor,
        payment.bank_code,
    )


def _base(payment: SourcePayment) -> str:
    if payment.provider_payment_id:
        return f"id/{payment.provider_payment_id}"
    return "/".join(
        (
            "row",
            payment.rf,
            payment.bank_code,
            payment.value_date.isoformat(),
            str(payment.amount.minor),
            payment.amount.currency,
            payment.reversal_of,
        )
    )


def key_of(provider: str, provider_payment_id: str) -> str:
    """The key of the payment that a reversal names."""
    return _digest(f"{provider}/id/{provider_payment_id}/1")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a payment means for a code: the payment as it will stand, and the code after it."""

    payment: Payment
    code: PaymentCode | None


def quarantine_reason(payment: SourcePayment) -> str:
    """Why an amount cannot be believed; empty when it can (reliability.md R11)."""
    if payment.amount.currency != CURRENCY:
        return "foreign_currency"
    if payment.amount.minor <= 0:
        return "not_positive"
    return "absurd_amount" if payment.amount.minor > ABSURD else ""


def stray_reason(payment: SourcePayment, organisation: Organisation) -> str:
    """Why a payment belongs to no code of ours."""
    if rf.fault(payment.rf) is not None:
        return "invalid_code"
    return "unknown_code" if payment.rf[4:9] == organisation.org_code else "other_organisation"


def judge(
    payment: Payment,
    code: PaymentCode | None,
    organisation: Organisation,
    today: date,
    original: Payment | None = None,
) -> Judgement:
    """Outcome and booking of a new payment.

    Shapes: ``original`` is the payment that a reversal names, if we have it. The order of the tests
    is reversal, foreign or unknown code, amount; late is a flag on top.
    Source: domain/payment-codes.md §6.
    """
    source = payment.source
    quarantined = quarantine_reason(source)
    if source.reversal_of and code is not None and not quarantined:
        return _reversal(payment, code, organisation, today, original)
    if code is None:
        return Judgement(_unmatched(payment, stray_reason(source, organisation)), None)
    if quarantined:
        return Judgement(_unmatched(payment, quarantined, code.id), code)
    if source.rf != code.code:
        return Judgement(_unmatched(payment, "other_code", code.id), code)
    return _booking(payment, code, organisation, today, source.amount.minor)


def assign(
    payment: Payment,
    code: PaymentCode,
    organisation: Organisation,
    today: date,
    note: str,
    *,
    whole: Money | None = None,
) -> Judgement:
    """An unmatched payment that a person gave to a code; ``whole`` is what it is a part of."""
    amount = payment.source.amount.minor
    booked = _booking(payment, code, organisation, today, amount)
    return replace(
        booked,
        payment=replace(
            booked.payment,
            state=PaymentState.ASSIGNED,
            note=note,
            reason=payment.reason,
            why=(payment_reasons.by_person(whole), *booked.payment.why),
        ),
    )


def part_of(payment: Payment, part_id: str, number: int, amount: Money) -> Payment:
    """One part of an unmatched payment; parts of one payment never share a key."""
    return replace(
        payment,
        id=part_id,
        key=_digest(f"{payment.key}/part/{number}"),
        source=replace(payment.source, amount=amount),
        part_of=payment.id,
        stamp=NEW,
    )


def _booking(
    payment: Payment, code: PaymentCode, organisation: Organisation, today: date, amount: int
) -> Judgement:
    source = payment.source
    paid_on = source.paid_on or local_date(source.booked_at, organisation.zone)
    late = code.status is CodeStatus.CANCELLED or code.is_past(paid_on)
    against = Outcome.EXACT
    if code.amount is not None:
        difference = amount - code.due
        if difference < -organisation.tolerance:
            against = Outcome.UNDER
        elif difference > organisation.tolerance:
            against = Outcome.OVER
    after = replace(
        code,
        paid=code.paid + amount,
        late=code.late + (amount if late else 0),
        payments=code.payments + 1,
    )
    after = replace(after, status=after.judged(today, organisation.tolerance))
    booked = replace(
        payment,
        code_id=code.id,
        outcome=Outcome.LATE if late else against,
        against=against.value,
        state=PaymentState.BOOKED,
        late=late,
        effect=amount,
        why=payment_reasons.of_booking(code, amount, organisation.tolerance, paid_on, late=late),
    )
    return Judgement(booked, after)


def can_be_reversed(original: Payment) -> bool:
    """Whether a reversal can be booked against a payment: it moved money and stands in the books.

    What waits on the bench, or was split among codes, a person has to undo.
    """
    return original.counts and original.effect > 0


def _reversal(
    payment: Payment,
    code: PaymentCode,
    organisation: Organisation,
    today: date,
    original: Payment | None,
) -> Judgement:
    amount = payment.source.amount.minor
    if original is None or original.code_id != code.id or not can_be_reversed(original):
        return Judgement(_unmatched(payment, "reversal_of_unknown", code.id), code)
    if amount > original.effect - original.reversed:
        return Judgement(_unmatched(payment, "reversal_too_large", code.id), code)
    after = replace(
        code,
        paid=code.paid - amount,
        late=code.late - (amount if original.late else 0),
        payments=code.payments + 1,
    )
    after = replace(after, status=after.judged(today, organisation.tolerance))
    booked = replace(
        payment,
        code_id=code.id,
        outcome=Outcome.REVERSAL,
        # The code's own list holds neither a payment that a person gave to it nor its reversal.
        state=original.state,
        late=original.late,
        effect=-amount,
        reverses=original.id,
        reason="",
        why=payment_reasons.of_reversal(
            payment.source.amount, original.source.amount, original.source.value_date
        ),
    )
    return Judgement(booked, after)


def _unmatched(payment: Payment, reason: str, code_id: str = "") -> Payment:
    return replace(
        payment,
        code_id=code_id,
        outcome=Outcome.UNMATCHED,
        state=PaymentState.UNMATCHED,
        reason=reason,
        why=payment_reasons.of_unmatched(reason),
    )


# ---------------------------------------------------------------------------- ledger


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger entry of two legs; ``amount`` is minor units > 0."""

    leg: str
    debit: str
    credit: str
    amount: int


BANK: Final = "bank"
RECEIVABLE: Final = "receivable"
SURPLUS: Final = "surplus"
SUSPENSE: Final = "suspense"


def _parts(code: PaymentCode) -> dict[str, int]:
    counted = max(0, code.on_time)
    due = counted if code.amount is None else min(counted, code.amount.minor)
    return {RECEIVABLE: due, SURPLUS: counted - due, SUSPENSE: code.late}


def entries(before: PaymentCode, after: PaymentCode, *, from_account: str = BANK) -> list[Entry]:
    """What one payment moves: from the bank to the receivable, the surplus or the suspense account.

    A reversal moves the same accounts back. The sum of all entries is what the code says.
    """
    old, new = _parts(before), _parts(after)
    found = []
    for account in (RECEIVABLE, SURPLUS, SUSPENSE):
        delta = new[account] - old[account]
        if delta > 0:
            found.append(Entry(account, from_account, account, delta))
        elif delta < 0:
            found.append(Entry(account, account, from_account, -delta))
    return found
