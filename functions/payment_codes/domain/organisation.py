"""The organisation of a company at the payment network, and when it wants codes by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.signed_events import EVENT_LIFETIME, counting_versions
from kernel.stamp import NEW, Stamp
from payment_codes.domain.source import SourceKind

OVERLAP: Final = timedelta(days=1)
"""How long a retired notification secret is still accepted."""


class ProviderKind(StrEnum):
    """Who carries the codes: a gateway that is asked, or nobody (codes are made and printed)."""

    DIAS = "dias"
    OFFLINE = "offline"


class ConnectionState(StrEnum):
    """What is known about the connection to the provider."""

    OFFLINE = "offline"
    UNTESTED = "untested"
    UP = "up"
    DOWN = "down"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Organisation:
    """One company at the payment network.

    Units: ``tolerance`` is minor units that a payment may differ and still be exact;
    ``valid_days`` are calendar days a code lives when nobody says otherwise, 0 for ever;
    ``retired_at`` is when the notification secret before the present one was replaced, and
    ``events_retired_at`` the same of the secret that ERP systems sign document events with.
    Shapes: ``automatic`` says for each kind of document whether codes are issued by themselves;
    ``branch`` is two digits inside every identification.
    """

    id: str
    org_code: str
    provider: ProviderKind
    payee: str
    language: str = "el"
    zone: str = "Europe/Athens"
    branch: str = "00"
    tolerance: int = 0
    valid_days: int = 0
    mail_on_issue: bool = False
    automatic: Mapping[SourceKind, bool] = field(default_factory=dict)
    credentials_version: int = 0
    secret_version: int = 0
    retired_at: datetime | None = None
    events_version: int = 0
    events_retired_at: datetime | None = None
    connection: ConnectionState = ConnectionState.UNTESTED
    pulled_at: datetime | None = None
    stamp: Stamp = NEW

    @property
    def is_online(self) -> bool:
        """Whether there is anybody to ask about payments."""
        return self.provider is not ProviderKind.OFFLINE

    def issues_for(self, kind: SourceKind) -> bool:
        """Whether a document of this kind gets a code by itself."""
        return self.automatic.get(kind, kind.is_automatic)

    def valid_until(self, today: date) -> date | None:
        """Last day of a code issued today; None for no end."""
        return today + timedelta(days=self.valid_days) if self.valid_days else None

    def secret_versions(self, now: datetime) -> tuple[int, ...]:
        """Versions of the notification secret that count now, newest first."""
        return counting_versions(self.secret_version, self.retired_at, now, OVERLAP)

    def event_secret_versions(self, now: datetime) -> tuple[int, ...]:
        """Versions of the secret of document events that count now, newest first.

        A message may have waited in its queue for all of the time that the queue keeps it.
        """
        return counting_versions(self.events_version, self.events_retired_at, now, EVENT_LIFETIME)
