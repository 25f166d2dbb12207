"""Settings of workflow, read once per process."""

from dataclasses import dataclass
from typing import Self

from toolkit.settings import CommonSettings, Environment


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """What all contexts share, and the bucket in which decisions stay."""

    common: CommonSettings
    archive_bucket: str

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(CommonSettings.from_environment(env), env.text("KOPRU_BUCKET_ARCHIVE"))
