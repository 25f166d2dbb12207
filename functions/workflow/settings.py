"""Settings of workflow, read once per process."""

from dataclasses import dataclass
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment

_QUEUES: Final = ("work",)


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """What all contexts share, the bucket in which decisions stay, and queues of this context.

    Shapes: ``queues`` maps ``work`` to its URL.
    """

    common: CommonSettings
    archive_bucket: str
    queues: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            archive_bucket=env.text("KOPRU_BUCKET_ARCHIVE"),
            queues={name: env.text(f"KOPRU_QUEUE_WORKFLOW_{name.upper()}") for name in _QUEUES},
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``work``."""
        return self.queues[queue]
