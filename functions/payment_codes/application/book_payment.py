"""The one way in which money gets into the books, whoever told of it (PAY-03).

Judgement, ledger entries and news of a payment, added to the transaction of the caller, who guards
the payment's key.
"""

from dataclasses import replace
from typing import Final

from payment_codes.application.connection import CODE_ATTENTION_RAISED
from payment_codes.application.context import Scope
from payment_codes.domain.payment import (
    BANK,
    CURRENCY,
    SUSPENSE,
    Entry,
    Outcome,
    Payment,
    PaymentState,
    entries,
    judge,
    quarantine_reason,
)
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.ports import PaymentsUnit

PAYMENT_BOOKED: Final = "payment_codes.PaymentBooked.v1"
UNMATCHED_ACCOUNT: Final = "unmatched"
_TELL: Final = frozenset({Outcome.UNMATCHED, Outcome.LATE, Outcome.OVER, Outcome.REVERSAL})
QUIET: Final = frozenset(Outcome) - _TELL
"""Outcomes of which nobody is told by themselves."""


def book_payment(
    scope: Scope,
    unit: PaymentsUnit,
    fresh: Payment,
    code: PaymentCode | None,
    original: Payment | None,
) -> Payment:
    """Judge a payment nobody told of before and write it, its code, its entries and its news.

    Shapes: ``original`` is the payment that a reversal takes back, if we have it.
    """
    organisation = scope.organisation()
    judged = judge(fresh, code, organisation, scope.today(organisation), original)
    payment = judged.payment
    unit.add_payment(payment, f"payment.{payment.outcome}")
    after = judged.code
    if payment.counts and code is not None and after is not None:
        after = scope.with_due(after, organisation)
        unit.save_code(
            code,
            after,
            "code.payment",
            {"payment_id": payment.id, "outcome": payment.outcome.value, "paid": after.paid},
        )
        for entry in entries(code, after):
            unit.post(f"code:{code.id}", payment.id, entry, code.currency)
        if payment.reverses and original is not None:
            taken = replace(original, reversed=original.reversed + payment.source.amount.minor)
            unit.save_payment(original, taken, "payment.reversed", {"reversal_id": payment.id})
    elif payment.state is PaymentState.UNMATCHED and not quarantine_reason(payment.source):
        minor = payment.source.amount.minor
        there, back = (BANK, SUSPENSE), (SUSPENSE, BANK)
        debit, credit = back if payment.source.reversal_of else there
        unit.post(UNMATCHED_ACCOUNT, payment.id, Entry("held", debit, credit, minor), CURRENCY)
    tell(unit, payment, after if after is not None else code)
    return payment


def tell(unit: PaymentsUnit, payment: Payment, code: PaymentCode | None) -> None:
    """Publish a payment, and raise attention where a person must look."""
    unit.publish(
        PAYMENT_BOOKED,
        f"payment:{payment.id}",
        {
            "payment_id": payment.id,
            "code_id": payment.code_id,
            "outcome": payment.outcome.value,
            "state": payment.state.value,
            "amount_minor": payment.source.amount.minor,
            "currency": payment.source.amount.currency,
            "status": code.status.value if code is not None else "",
        },
    )
    if payment.outcome in _TELL:
        raise_attention(unit, payment, f"payment_{payment.outcome}")


def raise_attention(unit: PaymentsUnit, payment: Payment, what: str) -> None:
    """Have a person look at a payment."""
    subject = f"payment_code:{payment.code_id}" if payment.code_id else f"payment:{payment.id}"
    unit.publish(
        CODE_ATTENTION_RAISED,
        subject,
        {
            "key": f"payment:{payment.id}",
            "subject": subject,
            "code": what,
            "severity": "high" if payment.outcome is Outcome.UNMATCHED else "medium",
            "money_minor": payment.source.amount.minor,
            "currency": payment.source.amount.currency,
        },
    )
