"""Settings of the workspace, read once per process."""

from dataclasses import dataclass
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment, SettingsError

_MAIL_QUEUE: Final = "KOPRU_QUEUE_WORKSPACE_SEND_MAIL"
_WEBHOOK_QUEUE: Final = "KOPRU_QUEUE_WORKSPACE_DELIVER_WEBHOOKS"
_LOCAL_TARGETS: Final = "KOPRU_WEBHOOKS_TO_LOCALHOST"
_SEAL_QUEUE: Final = "KOPRU_QUEUE_WORKSPACE_SEAL_AUDIT"
_PRIVACY_QUEUE: Final = "KOPRU_QUEUE_WORKSPACE_PRIVACY"
_SEAL_BUCKET: Final = "KOPRU_BUCKET_SEALS"
_STACK: Final = "KOPRU_STACK"
_SENDER: Final = "KOPRU_SENDER"
_CONFIGURATION_SET: Final = "KOPRU_MAIL_CONFIGURATION_SET"


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """The queues; how mails leave: sender and configuration set of SES; where seals are kept; the
    name of the stack, with which the names of its queues begin; and whether webhooks may go to this
    very machine, which only a local stack allows.
    """

    common: CommonSettings
    mail_queue: str
    sender: str
    configuration_set: str
    webhook_queue: str
    seal_queue: str
    privacy_queue: str
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
            mail_queue=env.text(_MAIL_QUEUE),
            webhook_queue=env.text(_WEBHOOK_QUEUE),
            seal_queue=env.text(_SEAL_QUEUE),
            privacy_queue=env.text(_PRIVACY_QUEUE),
            seal_bucket=env.text(_SEAL_BUCKET),
            stack=env.text(_STACK),
            sender=env.text(_SENDER),
            configuration_set=env.text(_CONFIGURATION_SET),
            local_targets=local_targets,
        )
