"""Settings of the workspace, read once per process."""

from dataclasses import dataclass
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment

_MAIL_QUEUE: Final = "KOPRU_QUEUE_WORKSPACE_SEND_MAIL"
_SENDER: Final = "KOPRU_SENDER"
_CONFIGURATION_SET: Final = "KOPRU_MAIL_CONFIGURATION_SET"


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """The mail queue, and how mails leave: sender and configuration set of SES."""

    common: CommonSettings
    mail_queue: str
    sender: str
    configuration_set: str

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            mail_queue=env.text(_MAIL_QUEUE),
            sender=env.text(_SENDER),
            configuration_set=env.text(_CONFIGURATION_SET),
        )
