"""Settings of reconciliation, read once per process."""

from dataclasses import dataclass
from typing import Self

from toolkit.settings import CommonSettings, Environment


@dataclass(frozen=True, slots=True)
class ReconciliationSettings:
    """What all contexts share, and how mails leave."""

    common: CommonSettings
    sender: str
    configuration_set: str

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            sender=env.text("KOPRU_SENDER"),
            configuration_set=env.text("KOPRU_LETTER_CONFIGURATION_SET"),
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``import``, ``mailing``, ``mail``, ``portal`` or ``privacy``."""
        return self.common.queue_url(f"reconciliation-{queue}")
