"""What every use case of this context is built from: the tenant's store, time and ids."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kernel.clock import Clock
from kernel.errors import ConflictError
from kernel.ids import IdSource
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import PAYABLE, WAITING, PaymentCode
from payment_codes.ports import PaymentsStore

CALL_SECONDS: Final = 15
"""Longest time of one call to a provider, connection included."""
RESERVE_SECONDS: Final = 10
"""What must be left for the commit afterwards."""
TRIES: Final = 4
_REGISTER_AFTER: Final = timedelta(minutes=1)


class TryAgainError(Exception):
    """The message must come again: somebody else was quicker too often, or time is short."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The world of one use case, for one tenant."""

    tenant_id: str
    store: PaymentsStore
    clock: Clock
    ids: IdSource

    def organisation(self) -> Organisation:
        """The company at the payment network.

        Raises: ConflictError("organisation_missing") before anybody entered it.
        """
        found = self.store.organisation()
        if found is None:
            raise ConflictError(
                "organisation_missing", "Enter the organisation code of the company first."
            )
        return found

    def today(self, organisation: Organisation) -> date:
        """Business date of the organisation."""
        return self.clock.today(organisation.zone)

    def with_due(self, code: PaymentCode, organisation: Organisation) -> PaymentCode:
        """The code with the moment at which the sweep must look at it, if there is one."""
        if code.registration in WAITING:
            return replace(code, due_at=self.clock.now() + _REGISTER_AFTER)
        if code.status in PAYABLE and code.valid_until is not None:
            return replace(code, due_at=end_of_day(code.valid_until, organisation.zone))
        return replace(code, due_at=None)


def end_of_day(day: date, zone: str) -> datetime:
    """The first instant after a day, in its zone."""
    following = day + timedelta(days=1)
    return datetime.combine(following, time.min, ZoneInfo(zone)).astimezone(UTC)


def news_age_seconds(code: PaymentCode, organisation: Organisation, now: datetime) -> int:
    """How old the newest complete knowledge of this code's payments is.

    Shapes: a complete list of the code or of the whole organisation counts; before the first one
    nothing can have been paid, so the age begins with the code itself.
    """
    since = datetime.fromisoformat(code.stamp.created_at) if code.stamp.created_at else now
    known = [since, *(at for at in (code.pulled_at,) if at is not None)]
    if organisation.pulled_at is not None and not code.missing:
        known.append(organisation.pulled_at)
    return max(0, int((now - max(known)).total_seconds()))
