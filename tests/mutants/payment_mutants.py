"""Seeded errors of payment codes (reliability.md §11, M14 and R1-R5, R13), in the real code.

They are looked for by machine 3, which sees the books only through the API.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

from kernel.money import Money
from payment_codes.adapters.dynamodb_codes import DynamoUnit
from payment_codes.application import pull_payments
from payment_codes.application.book_payment import book_payment
from payment_codes.application.pull_payments import PullPayments
from payment_codes.application.receive_notification import Received, ReceiveNotification
from payment_codes.domain import payment as rules
from payment_codes.domain.payment import (
    Keyed,
    Outcome,
    Payment,
    PaymentState,
    SourcePayment,
)
from payment_codes.ports import Listed
from tests.mutants.mutants import _methods
from toolkit.aws.unit_of_work import UnitOfWork


def m14() -> Any:
    """A notification books what it tells."""
    real = ReceiveNotification.__call__

    def receive(
        self: ReceiveNotification, provider: str, code: str, identity: str, message: Any
    ) -> Received:
        received = real(self, provider, code, identity, message)
        owner = self._directory.tenant_of(code[4:9])
        assert owner is not None
        scope = self._scope_of(owner)
        own = scope.store.code_by_rf(code)
        if received is Received.TAKEN and own is not None:
            now = scope.clock.now()
            amount = Money(own.due or 100, own.currency)
            told = SourcePayment(code, now.date(), now, "", "", amount, f"note-{identity}")
            key = hashlib.sha256(identity.encode()).hexdigest()[:40]
            state = PaymentState.UNMATCHED
            fresh = Payment(scope.ids.new(), key, provider, told, Outcome.UNMATCHED, state, now)
            unit = scope.store.unit()
            book_payment(scope, unit, fresh, own, None)
            unit.commit()
        return received

    return _methods((ReceiveNotification, "__call__", receive))


def m20() -> Any:
    """Two equal payments of one day without an id are taken for one (R4)."""
    real = rules._digest
    return _methods((rules, "_digest", lambda text: real(text.rpartition("/")[0])))


def m21() -> Any:
    """A payment is known by its place in the list (R3)."""

    def keyed(provider: str, payments: Iterable[SourcePayment]) -> Iterator[Keyed]:
        for place, payment in enumerate(payments):
            yield Keyed(rules._digest(f"{provider}/{payment.rf}/{place}"), payment)

    return _methods((rules, "keyed", keyed), (pull_payments, "keyed", keyed))


def m22() -> Any:
    """What a list does not hold any more is taken out of the books (R5)."""
    real = PullPayments._compare

    def compare(self: PullPayments, code_id: str, provider: str, listed: Listed, copy: Any) -> bool:
        whole = real(self, code_id, provider, listed, copy)
        store = self._scope.store
        code = store.code(code_id)
        paid = sum(item.amount.minor for item in listed.payments if not item.reversal_of)
        if paid < code.paid:
            unit = store.unit()
            unit.save_code(code, replace(code, paid=paid), "code.payment", {})
            unit.commit()
        return whole

    return _methods((PullPayments, "_compare", compare))


def m23() -> Any:
    """The key of a payment is looked up and not taken: two readers of one list book it twice."""
    real_unique, real_add = UnitOfWork.unique, DynamoUnit.add_payment

    def unique(self: UnitOfWork, *segments: str, **named: Any) -> None:
        if segments[0] != "PAYMENT":
            real_unique(self, *segments, **named)

    def add_payment(self: DynamoUnit, payment: Payment, action: str) -> None:
        with mock.patch.object(UnitOfWork, "unique", unique):
            real_add(self, payment, action)
        # Taken by itself, before the books: nobody is refused.
        self._store.database.put_new(
            "flow",
            {
                "pk": self._store.keyspace.key("UNIQ", "PAYMENT", payment.key),
                "sk": "-",
                "owner": payment.id,
            },
        )

    return _methods((DynamoUnit, "add_payment", add_payment))


def m24() -> Any:
    """A reversal that was listed before its payment stays on the bench (R13)."""
    return _methods((PullPayments, "_settle", lambda _self, _payment_id: None))
