"""Settings of card contracts, read once per process."""

from dataclasses import dataclass
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment

_QUEUES: Final = ("import", "privacy")


@dataclass(frozen=True, slots=True)
class CardContractsSettings:
    """Queues of this context. Shapes: ``queues`` maps ``import`` and ``privacy`` to URLs."""

    common: CommonSettings
    queues: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            queues={
                name: env.text(f"KOPRU_QUEUE_CARD_CONTRACTS_{name.upper()}") for name in _QUEUES
            },
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``import`` or ``privacy``."""
        return self.queues[queue]
