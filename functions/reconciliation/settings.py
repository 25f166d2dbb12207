"""Settings of reconciliation, read once per process."""

from dataclasses import dataclass
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment

_QUEUES: Final = ("import", "mailing", "mail", "portal", "privacy")


@dataclass(frozen=True, slots=True)
class ReconciliationSettings:
    """Queues of this context, and how mails leave.

    Shapes: ``queues`` maps ``import``, ``mailing``, ``mail``, ``portal`` and ``privacy`` to URLs.
    """

    common: CommonSettings
    queues: dict[str, str]
    sender: str
    configuration_set: str

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            queues={
                name: env.text(f"KOPRU_QUEUE_RECONCILIATION_{name.upper()}") for name in _QUEUES
            },
            sender=env.text("KOPRU_SENDER"),
            configuration_set=env.text("KOPRU_LETTER_CONFIGURATION_SET"),
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``import``, ``mailing``, ``mail``, ``portal`` or ``privacy``."""
        return self.queues[queue]
