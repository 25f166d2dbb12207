"""Split one unmatched payment among several codes: all of it, in one transaction (PAY-03)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from kernel.errors import ConflictError, Problem, ValidationError
from kernel.money import Money
from kernel.storing import WriteRefusedError
from payment_codes.application.book_payment import PAYMENT_BOOKED, UNMATCHED_ACCOUNT
from payment_codes.application.context import TRIES, Scope
from payment_codes.application.unmatched import IN_TRANSIT, clear, refuse_to_book, waiting
from payment_codes.domain.payment import (
    SUSPENSE,
    Entry,
    Payment,
    PaymentState,
    assign,
    entries,
    part_of,
)
from payment_codes.domain.payment_code import PaymentCode

MAX_PARTS: Final = 7
"""A part moves at most thirteen rows, and one transaction holds a hundred."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one code gets of a payment."""

    code_id: str
    amount: Money


class SplitPayment:
    """Give an unmatched payment to several codes; the parts are payments of their own from then on.

    Every part is judged and booked like a payment under its code, and names the payment it comes
    from. The whole leaves the bench in the same transaction.
    Raises: ValidationError("invalid_input" | "cannot_be_booked") with pointers;
    ConflictError("payment_settled").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self, payment_id: str, parts: Sequence[Part], note: str
    ) -> tuple[Payment, list[tuple[Payment, PaymentCode]]]:
        for _ in range(TRIES):
            payment = waiting(self._scope.store.payment(payment_id))
            refuse_to_book(payment)
            _check(payment, parts)
            try:
                return self._split(payment, parts, note)
            except WriteRefusedError:
                continue
        raise ConflictError("too_much_contention", "Others changed the same codes; try again.")

    def _split(
        self, payment: Payment, parts: Sequence[Part], note: str
    ) -> tuple[Payment, list[tuple[Payment, PaymentCode]]]:
        scope = self._scope
        organisation = scope.organisation()
        today = scope.today(organisation)
        amount = payment.source.amount
        unit = scope.store.unit()
        after = replace(payment, state=PaymentState.SPLIT, note=note)
        saved = unit.save_payment(payment, after, "payment.split", {"parts": len(parts)})
        left = Entry("assigned", SUSPENSE, IN_TRANSIT, amount.minor)
        unit.post(UNMATCHED_ACCOUNT, payment.id, left, amount.currency)
        booked = []
        for number, part in enumerate(parts):
            code = scope.store.code(part.code_id)
            fresh = part_of(payment, scope.ids.new(), number, part.amount)
            judged = assign(fresh, code, organisation, today, note, whole=amount)
            assert judged.code is not None  # noqa: S101  (a booking always has its code)
            moved = scope.with_due(judged.code, organisation)
            unit.add_payment(judged.payment, "payment.part_assigned")
            outcome = judged.payment.outcome.value
            detail = {"payment_id": fresh.id, "outcome": outcome, "paid": moved.paid}
            changed = unit.save_code(code, moved, "code.payment", detail)
            for entry in entries(code, moved, from_account=IN_TRANSIT):
                unit.post(f"code:{code.id}", fresh.id, entry, code.currency)
            unit.publish(
                PAYMENT_BOOKED,
                f"payment:{fresh.id}",
                {
                    "payment_id": fresh.id,
                    "code_id": code.id,
                    "outcome": outcome,
                    "state": judged.payment.state.value,
                    "amount_minor": part.amount.minor,
                    "currency": part.amount.currency,
                    "status": moved.status.value,
                },
            )
            booked.append((judged.payment, changed))
        clear(unit, payment)
        unit.commit()
        return saved, booked


def _check(payment: Payment, parts: Sequence[Part]) -> None:
    amount = payment.source.amount
    problems = []
    if not 2 <= len(parts) <= MAX_PARTS:
        message = f"A payment is split into 2 to {MAX_PARTS} parts."
        problems.append(Problem("/parts", "part_count", message))
    seen: set[str] = set()
    for number, part in enumerate(parts):
        if part.code_id in seen:
            problems.append(
                Problem(f"/parts/{number}/code_id", "code_twice", "Each code gets one part.")
            )
        seen.add(part.code_id)
        if part.amount.currency != amount.currency:
            message = f"The payment is in {amount.currency}."
            problems.append(Problem(f"/parts/{number}/amount/currency", "currency", message))
        elif part.amount.minor <= 0:
            message = "A part is more than zero."
            problems.append(Problem(f"/parts/{number}/amount/amount", "amount", message))
    if not problems and sum(part.amount.minor for part in parts) != amount.minor:
        message = f"The parts must add up to {amount.amount_text} {amount.currency}."
        problems.append(Problem("/parts", "parts_sum", message))
    if problems:
        raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
