"""Bodies of the DIAS-like gateway to and from our values; pure.

A list is read as a whole or not at all: one row that cannot be understood makes the answer unknown,
because a list with a gap must never look complete.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kernel.errors import ParseError
from kernel.money import Money
from kernel.text import clean_payer_name
from payment_codes.domain.payment import SourcePayment
from payment_codes.ports import Answer, Listed, Order

_TEXT_LIMIT: Final = 200
_QR_LIMIT: Final = 1_000


def order_body(order: Order) -> bytes:
    """The request that makes a code known."""
    content = {
        "organisation": order.org_code,
        "identification": order.ident,
        "amount": order.amount.amount_text if order.amount is not None else None,
        "currency": order.amount.currency if order.amount is not None else "EUR",
        "valid_until": order.valid_until.isoformat() if order.valid_until is not None else None,
        "reference": order.reference,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def members(body: bytes) -> Mapping[str, Any] | None:
    """The members of an answer; None when it is no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def code_of(answer: Mapping[str, Any] | None) -> str:
    """The gateway's own code of a refusal; empty without one."""
    found = (answer or {}).get("code")
    return found if isinstance(found, str) else ""


def member(answer: Mapping[str, Any], name: str) -> str:
    """A text member; empty when it is absent or no text."""
    found = answer.get(name)
    return found[:_TEXT_LIMIT] if isinstance(found, str) else ""


def qr_of(answer: Mapping[str, Any]) -> str:
    """The text of the provider's QR picture; empty when there is none or it is no plain line."""
    found = answer.get("qr")
    if not isinstance(found, str) or not 0 < len(found) <= _QR_LIMIT:
        return ""
    return found if found.isprintable() else ""


def listed(answer: Mapping[str, Any] | None) -> Listed:
    """A list of payments; unknown when any part of it cannot be understood."""
    if answer is None or not isinstance(answer.get("payments"), list):
        return Listed(Answer.UNKNOWN, reason="unreadable")
    try:
        payments = tuple(_payment(row) for row in answer["payments"])
    except (KeyError, TypeError, ValueError, ParseError):
        return Listed(Answer.UNKNOWN, reason="unreadable_row")
    count = answer.get("count", len(payments))
    complete = answer.get("complete", True) is True and count == len(payments)
    return Listed(Answer.OK, payments, complete)


def _payment(row: Any) -> SourcePayment:
    if not isinstance(row, dict):
        raise TypeError
    bank = row["bank"]
    booked_at = datetime.fromisoformat(_required(row, "booked_at"))
    if booked_at.tzinfo is None:
        raise ValueError
    payer = row.get("payer")
    return SourcePayment(
        rf=_required(row, "rf"),
        value_date=date.fromisoformat(_required(row, "value_date")),
        booked_at=booked_at,
        bank_code=member(bank, "code"),
        bank_name=member(bank, "name"),
        amount=_amount(row),
        provider_payment_id=member(row, "id"),
        payer_name=clean_payer_name(payer[:_TEXT_LIMIT]) if isinstance(payer, str) else "",
        reversal_of=member(row, "reversal_of"),
    )


def _amount(row: Mapping[str, Any]) -> Money:
    """The amount as listed, also zero or negative: what to do about it is not decided here."""
    written = _required(row, "amount")
    try:
        return Money.from_decimal(Decimal(written), _required(row, "currency"))
    except InvalidOperation:
        raise ValueError from None


def _required(row: Mapping[str, Any], name: str) -> str:
    found = row[name]
    if not isinstance(found, str) or not found or len(found) > _TEXT_LIMIT:
        raise ValueError
    return found
