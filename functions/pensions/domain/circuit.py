"""Circuit breaker of one provider: an outage of hours costs no deliveries and no dead letters."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

TRIPS_AT: Final = 5
PROBE_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Circuit:
    """Consecutive failures of a provider and, when open, the next instant a probe may go
    through.
    """

    provider_code: str
    failures: int = 0
    open_until: datetime | None = None

    def blocks(self, now: datetime) -> bool:
        """Whether calls must wait."""
        return self.open_until is not None and now < self.open_until

    @property
    def is_open(self) -> bool:
        """Whether the provider counts as down."""
        return self.failures >= TRIPS_AT

    def failed(self, now: datetime) -> "Circuit":
        """The circuit after one more call that never arrived or met a server error."""
        failures = self.failures + 1
        opened = now + PROBE_EVERY if failures >= TRIPS_AT else None
        return Circuit(self.provider_code, failures, opened)

    def succeeded(self) -> "Circuit":
        """The circuit after an answer of any kind."""
        return Circuit(self.provider_code)
