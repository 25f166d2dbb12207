"""Nobody to ask: codes are made and printed, payments are found on bank statements."""
# ruff: noqa: ARG002  (the signatures are the port's)

from datetime import datetime

from kernel.sensitive import Secret
from payment_codes.ports import Answer, Created, Listed, Order


class OfflineProvider:
    """``PaymentProvider`` without a provider: nothing is ever sent, nothing is ever heard."""

    def create(self, key: Secret, order: Order, *, deadline_seconds: float) -> Created:
        return Created(Answer.NOT_SENT, reason="offline")

    def cancel(self, key: Secret, rf: str, *, deadline_seconds: float) -> Created:
        return Created(Answer.NOT_SENT, reason="offline")

    def payments(self, key: Secret, rf: str, *, deadline_seconds: float) -> Listed:
        return Listed(Answer.NOT_SENT, complete=False, reason="offline")

    def recent(
        self, key: Secret, org_code: str, since: datetime, *, deadline_seconds: float
    ) -> Listed:
        return Listed(Answer.NOT_SENT, complete=False, reason="offline")
