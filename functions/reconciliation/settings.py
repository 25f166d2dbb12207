"""Settings of reconciliation, read once per process."""

from dataclasses import dataclass
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment

_QUEUES: Final = ("import",)


@dataclass(frozen=True, slots=True)
class ReconciliationSettings:
    """Queues of this context. Shapes: ``queues`` maps ``import`` to its URL."""

    common: CommonSettings
    queues: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            queues={
                name: env.text(f"KOPRU_QUEUE_RECONCILIATION_{name.upper()}") for name in _QUEUES
            },
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``import``."""
        return self.queues[queue]
