"""Settings of workflow, read once per process."""

from dataclasses import dataclass
from typing import Self

from toolkit.settings import CommonSettings, Environment


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """What all contexts share; the rules need nothing of their own."""

    common: CommonSettings

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        return cls(CommonSettings.from_environment(environment or Environment()))
