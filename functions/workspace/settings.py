"""Settings of the workspace, read once per process."""

from dataclasses import dataclass
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment, SettingsError

_LOCAL_TARGETS: Final = "KOPRU_WEBHOOKS_TO_LOCALHOST"
_SEAL_BUCKET: Final = "KOPRU_BUCKET_SEALS"
_STACK: Final = "KOPRU_STACK"
_SENDER: Final = "KOPRU_SENDER"
_CONFIGURATION_SET: Final = "KOPRU_MAIL_CONFIGURATION_SET"


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """How mails leave: sender and configuration set of SES; where seals are kept; the name of the
    stack, with which the names of its queues begin; and whether webhooks may go to this very
    machine, which only a local stack allows.
    """

    common: CommonSettings
    sender: str
    configuration_set: str
    seal_bucket: str
    stack: str
    local_targets: bool = False

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing or unsafe."""
        env = environment or Environment()
        common = CommonSettings.from_environment(env)
        local_targets = env.text(_LOCAL_TARGETS, "no") == "yes"
        if local_targets and not common.is_local:
            message = f"{_LOCAL_TARGETS} lets webhooks reach this machine and is for local stacks"
            raise SettingsError(message)
        return cls(
            common=common,
            seal_bucket=env.text(_SEAL_BUCKET),
            stack=env.text(_STACK),
            sender=env.text(_SENDER),
            configuration_set=env.text(_CONFIGURATION_SET),
            local_targets=local_targets,
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``send-mail``, ``deliver-webhooks``, ``seal-audit`` or ``privacy``."""
        return self.common.queue_url(f"workspace-{queue}")
