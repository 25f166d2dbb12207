"""The bench of payments that belong to no code yet: give them to one, or note their return."""

from dataclasses import replace
from typing import Final

from kernel.errors import ConflictError, Problem, ValidationError
from kernel.storing import WriteRefusedError
from payment_codes.application.book_payment import PAYMENT_BOOKED, UNMATCHED_ACCOUNT, tell
from payment_codes.application.connection import CODE_ATTENTION_CLEARED
from payment_codes.application.context import TRIES, Scope
from payment_codes.domain.payment import (
    BANK,
    SUSPENSE,
    Entry,
    Payment,
    PaymentState,
    assign,
    entries,
    judge,
    quarantine_reason,
)
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.ports import PaymentsUnit

IN_TRANSIT: Final = "assigned"
"""Leads a payment from the unmatched account to its code: what leaves one enters the other."""


def waiting(payment: Payment) -> Payment:
    """The payment, if it still waits; raises ConflictError("payment_settled")."""
    if payment.state is not PaymentState.UNMATCHED:
        raise ConflictError("payment_settled", "Somebody dealt with this payment already.")
    return payment


def refuse_to_book(payment: Payment) -> None:
    """Raises ValidationError("cannot_be_booked") for a reversal or an amount without sense."""
    if quarantine_reason(payment.source) or payment.source.reversal_of:
        raise ValidationError(
            "cannot_be_booked",
            "This payment cannot be booked under a code.",
            problems=[Problem("", "cannot_be_booked", "Note its return instead.")],
        )


def clear(unit: PaymentsUnit, payment: Payment) -> None:
    """Say that nobody has to look at a payment any more."""
    subject = f"payment:{payment.id}"
    unit.publish(CODE_ATTENTION_CLEARED, subject, {"key": subject, "subject": subject})


class AssignPayment:
    """Give an unmatched payment to a code. The payment's own list stays as it is.

    Raises: ValidationError("cannot_be_booked") for a reversal, or an amount that makes no sense.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, payment_id: str, code_id: str, note: str) -> tuple[Payment, PaymentCode]:
        for _ in range(TRIES):
            payment = waiting(self._scope.store.payment(payment_id))
            refuse_to_book(payment)
            try:
                return self._assign(payment, self._scope.store.code(code_id), note)
            except WriteRefusedError:
                continue
        raise ConflictError("too_much_contention", "Others changed the same code; try again.")

    def _assign(
        self, payment: Payment, code: PaymentCode, note: str
    ) -> tuple[Payment, PaymentCode]:
        scope = self._scope
        organisation = scope.organisation()
        judged = assign(payment, code, organisation, scope.today(organisation), note)
        assert judged.code is not None  # noqa: S101  (a booking always has its code)
        after = scope.with_due(judged.code, organisation)
        unit = scope.store.unit()
        saved = unit.save_payment(payment, judged.payment, "payment.assigned", {"code_id": code.id})
        changed = unit.save_code(
            code,
            after,
            "code.payment",
            {"payment_id": payment.id, "outcome": saved.outcome.value, "paid": after.paid},
        )
        amount = payment.source.amount
        unit.post(
            UNMATCHED_ACCOUNT,
            payment.id,
            Entry("assigned", SUSPENSE, IN_TRANSIT, amount.minor),
            amount.currency,
        )
        for entry in entries(code, after, from_account=IN_TRANSIT):
            unit.post(f"code:{code.id}", payment.id, entry, code.currency)
        unit.publish(
            PAYMENT_BOOKED,
            f"payment:{payment.id}",
            {
                "payment_id": payment.id,
                "code_id": code.id,
                "outcome": saved.outcome.value,
                "state": saved.state.value,
                "amount_minor": amount.minor,
                "currency": amount.currency,
                "status": after.status.value,
            },
        )
        clear(unit, payment)
        unit.commit()
        return saved, changed


def book_waiting_reversal(
    scope: Scope, payment: Payment, code: PaymentCode, original: Payment
) -> None:
    """Book a reversal from the bench against its payment; nothing happens if it still cannot be.

    Raises: WriteRefusedError when somebody changed one of the three meanwhile.
    """
    organisation = scope.organisation()
    judged = judge(payment, code, organisation, scope.today(organisation), original)
    if not judged.payment.counts or judged.code is None:
        return
    after = scope.with_due(judged.code, organisation)
    minor, currency = payment.source.amount.minor, payment.source.amount.currency
    unit = scope.store.unit()
    saved = unit.save_payment(payment, judged.payment, "payment.matched", {"code_id": code.id})
    taken = replace(original, reversed=original.reversed + minor)
    unit.save_payment(original, taken, "payment.reversed", {"reversal_id": payment.id})
    unit.save_code(
        code,
        after,
        "code.payment",
        {"payment_id": payment.id, "outcome": saved.outcome.value, "paid": after.paid},
    )
    back = Entry("assigned", IN_TRANSIT, SUSPENSE, minor)
    unit.post(UNMATCHED_ACCOUNT, payment.id, back, currency)
    for entry in entries(code, after, from_account=IN_TRANSIT):
        unit.post(f"code:{code.id}", payment.id, entry, code.currency)
    # The same key says now what became of the code instead of that nobody knows the payment.
    tell(unit, saved, after)
    unit.commit()


class ReturnPayment:
    """Note that an unmatched payment went back to its payer, or needs nothing."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, payment_id: str, note: str) -> Payment:
        payment = waiting(self._scope.store.payment(payment_id))
        after = replace(payment, state=PaymentState.RETURNED, note=note)
        unit = self._scope.store.unit()
        saved = unit.save_payment(payment, after, "payment.returned", {})
        if not quarantine_reason(payment.source) and not payment.source.reversal_of:
            amount = payment.source.amount
            entry = Entry("returned", SUSPENSE, BANK, amount.minor)
            unit.post(UNMATCHED_ACCOUNT, payment.id, entry, amount.currency)
        clear(unit, payment)
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise ConflictError(
                "payment_settled", "Somebody dealt with this payment already."
            ) from error
        return saved
