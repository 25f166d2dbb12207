"""The payment network behind a port whose calls are fault points (reliability.md §10)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kernel.sensitive import Secret
from payment_codes.ports import Answer, Created, Listed, Order, PaymentProvider
from tests.support.faults import SWITCHBOARD


@dataclass
class FaultyProvider:
    """The provider behind a port whose calls are fault points."""

    real: PaymentProvider

    def create(self, key: Secret, order: Order, *, deadline_seconds: float) -> Created:
        return self._effect(
            "create", lambda: self.real.create(key, order, deadline_seconds=deadline_seconds)
        )

    def cancel(self, key: Secret, rf: str, *, deadline_seconds: float) -> Created:
        return self._effect(
            "cancel", lambda: self.real.cancel(key, rf, deadline_seconds=deadline_seconds)
        )

    def payments(self, key: Secret, rf: str, *, deadline_seconds: float) -> Listed:
        return self._list(lambda: self.real.payments(key, rf, deadline_seconds=deadline_seconds))

    def recent(
        self, key: Secret, org_code: str, since: datetime, *, deadline_seconds: float
    ) -> Listed:
        return self._list(
            lambda: self.real.recent(key, org_code, since, deadline_seconds=deadline_seconds)
        )

    def _effect(self, label: str, call: Callable[[], Created]) -> Created:
        return SWITCHBOARD.on_port(
            f"dias.{label}",
            call,
            lost=lambda _: Created(Answer.UNKNOWN),
            refused=lambda: Created(Answer.NOT_SENT),
        )

    def _list(self, call: Callable[[], Listed]) -> Listed:
        return SWITCHBOARD.on_port(
            "dias.list",
            call,
            lost=lambda _: Listed(Answer.NOT_SENT),
            refused=lambda: Listed(Answer.NOT_SENT),
        )
