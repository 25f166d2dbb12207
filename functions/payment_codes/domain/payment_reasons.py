"""Why a payment was booked as it was, as sentences to be (N2): said when judged, kept with it.

A reason holds the figures of that moment: what was due before a payment is not due after it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from kernel.money import Money
from kernel.why import Why
from payment_codes.domain.payment_code import CodeStatus, PaymentCode

LISTED_TWICE: Final = (Why("payment_codes.why.listed_twice"),)
"""The provider's list holds one number twice."""
_UNMATCHED: Final[Mapping[str, Why]] = {
    "unknown_code": Why("payment_codes.why.unknown_code"),
    "other_organisation": Why("payment_codes.why.other_organisation"),
    "invalid_code": Why("payment_codes.why.invalid_code"),
    "other_code": Why("payment_codes.why.other_code"),
    "foreign_currency": Why("payment_codes.why.foreign_currency"),
    "not_positive": Why("payment_codes.why.not_positive"),
    "absurd_amount": Why("payment_codes.why.absurd_amount"),
    "reversal_of_unknown": Why("payment_codes.why.reversal_of_unknown"),
    "reversal_too_large": Why("payment_codes.why.reversal_too_large"),
}


def of_booking(
    code: PaymentCode, amount: int, tolerance: int, paid_on: date, *, late: bool
) -> tuple[Why, ...]:
    """What an amount is beside what was still due, then why it came too late.

    Units: ``amount`` and ``tolerance`` in minor units of the code's currency; ``paid_on`` is the
    day that counts for lateness. Shapes: ``code`` as it stood before the payment.
    """
    said = [_compared(code, amount, tolerance)]
    if late and code.status is CodeStatus.CANCELLED:
        said.append(Why("payment_codes.why.code_cancelled"))
    elif late and code.valid_until is not None:
        days = {"paid_on": paid_on.isoformat(), "valid_until": code.valid_until.isoformat()}
        said.append(Why("payment_codes.why.after_last_day", days))
    return tuple(said)


def _compared(code: PaymentCode, amount: int, tolerance: int) -> Why:
    def money(minor: int) -> dict[str, str]:
        return Money(minor, code.currency).to_api()

    if code.amount is None:
        return Why("payment_codes.why.open_amount", {"amount": money(amount)})
    known = {"amount": money(amount), "due": money(code.due)}
    difference = amount - code.due
    if difference == 0:
        return Why("payment_codes.why.exact", known)
    gap = {**known, "difference": money(abs(difference))}
    if abs(difference) <= tolerance:
        within = {**gap, "tolerance": money(tolerance)}
        return Why("payment_codes.why.within_tolerance", within)
    if difference < 0:
        return Why("payment_codes.why.too_little", gap)
    return Why("payment_codes.why.too_much", gap)


def of_reversal(amount: Money, original: Money, original_on: date) -> tuple[Why, ...]:
    """Which payment was taken back, and how much of it."""
    params = {
        "amount": amount.to_api(),
        "original": original.to_api(),
        "on": original_on.isoformat(),
    }
    return (Why("payment_codes.why.reversal", params),)


def by_person(whole: Money | None = None) -> Why:
    """Somebody gave the payment to its code; ``whole`` is what it is a part of."""
    if whole is None:
        return Why("payment_codes.why.given_by_person")
    return Why("payment_codes.why.part_given_by_person", {"whole": whole.to_api()})


def of_unmatched(reason: str) -> tuple[Why, ...]:
    """Why a payment waits for a person; ``reason`` is its code."""
    return (_UNMATCHED[reason],)
