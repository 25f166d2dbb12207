"""What every use case of this context is built from: the tenant's store, time, ids, calendar."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from kernel.business_days import Calendar
from kernel.clock import Clock
from kernel.errors import PreconditionFailedError
from kernel.ids import IdSource
from kernel.storing import WriteRefusedError
from reconciliation.domain.counterparty import Origin
from reconciliation.ports import ReconciliationStore, ReconciliationUnit

TRIES: Final = 4
MAIL_SECONDS: Final = 8
"""Longest time of handing one mail over."""
RESERVE_SECONDS: Final = 10
"""What must be left for the commit afterwards."""
ZONE: Final = "Europe/Istanbul"
"""Where a month begins."""


class TryAgainError(Exception):
    """The message must come again: somebody else was quicker too often, or time is short."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The world of one use case, for one tenant.

    Shapes: ``actor`` is who acts, ``where`` the way it came: ``staff``, ``program``, ``import``,
    ``books`` or ``counterparty``.
    """

    tenant_id: str
    store: ReconciliationStore
    clock: Clock
    ids: IdSource
    calendar: Callable[[], Calendar]
    actor: str = ""
    where: str = ""

    @property
    def origin(self) -> Origin:
        """Of an address that is added now."""
        return Origin(self.actor, self.where, self.clock.now().isoformat())

    @property
    def again(self) -> timedelta:
        """When a mail whose message was lost gets it again."""
        return timedelta(minutes=10)

    @staticmethod
    def digest(content: bytes) -> str:
        """SHA-256 in hexadecimal."""
        return hashlib.sha256(content).hexdigest()

    @staticmethod
    def expect(stored: int, version: int) -> None:
        """Raises: PreconditionFailedError when a caller speaks of another version."""
        if stored != version:
            raise _stale()

    @staticmethod
    def commit(unit: ReconciliationUnit) -> None:
        """Write; raises PreconditionFailedError when somebody was quicker."""
        try:
            unit.commit()
        except WriteRefusedError as error:
            raise _stale() from error

    def today(self) -> date:
        """The present date."""
        return self.clock.today(ZONE)


def _stale() -> PreconditionFailedError:
    return PreconditionFailedError("stale_version", "Somebody changed this; read it again.")
