"""Settings of the workspace, read once per process."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment, SettingsError

_LOCAL_TARGETS: Final = "KOPRU_WEBHOOKS_TO_LOCALHOST"
_SEAL_BUCKET: Final = "KOPRU_BUCKET_SEALS"
_STACK: Final = "KOPRU_STACK"
_SENDER: Final = "KOPRU_SENDER"
_CONFIGURATION_SET: Final = "KOPRU_MAIL_CONFIGURATION_SET"
_PROVIDER: Final = "KOPRU_IDENTITY_PROVIDER"
_PROVIDER_MEMBERS: Final = frozenset({"issuer", "client_id", "domain", "scope", "second_factor"})
_ADDRESS: Final = re.compile(r"https://[a-z0-9.-]{4,120}(/[A-Za-z0-9_-]{1,80})?")
_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,100}")


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """How mails leave: sender and configuration set of SES; where seals are kept; the name of the
    stack, with which the names of its queues begin; whether webhooks may go to this very machine,
    which only a local stack allows; and who signs people in beside ourselves, empty for nobody.
    """

    common: CommonSettings
    sender: str
    configuration_set: str
    seal_bucket: str
    stack: str
    local_targets: bool = False
    identity_provider: Mapping[str, str] = field(default_factory=dict)

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
            identity_provider=checked_provider(env.mapping(_PROVIDER)),
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``send-mail``, ``deliver-webhooks``, ``seal-audit`` or ``privacy``."""
        return self.common.queue_url(f"workspace-{queue}")


def checked_provider(given: Mapping[str, str]) -> Mapping[str, str]:
    """The members of an identity provider, all of them or none.

    Raises: SettingsError: half a provider would be a door that nobody watches.
    """
    if not given:
        return {}
    if set(given) != _PROVIDER_MEMBERS:
        message = f"{_PROVIDER} has the members {', '.join(sorted(_PROVIDER_MEMBERS))}"
        raise SettingsError(message)
    for name in ("issuer", "domain"):
        if _ADDRESS.fullmatch(given[name]) is None:
            message = f"{_PROVIDER}: {name} is not an https address without a slash at its end"
            raise SettingsError(message)
    for name in ("client_id", "scope"):
        if _NAME.fullmatch(given[name]) is None:
            message = f"{_PROVIDER}: {name} is not a name"
            raise SettingsError(message)
    if given["second_factor"] not in ("yes", "no"):
        message = f"{_PROVIDER}: second_factor is yes or no"
        raise SettingsError(message)
    return dict(given)
