"""Settings of card contracts, read once per process."""

from dataclasses import dataclass
from typing import Self

from toolkit.settings import CommonSettings, Environment


@dataclass(frozen=True, slots=True)
class CardContractsSettings:
    """What all contexts share; this one needs nothing more."""

    common: CommonSettings

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``import`` or ``privacy``."""
        return self.common.queue_url(f"card-contracts-{queue}")
