"""Settings of the pensions context, read once per process."""

from dataclasses import dataclass
from typing import Final, Self

from toolkit.settings import CommonSettings, Environment

_QUEUES: Final = ("import", "prepare", "refresh", "privacy")


@dataclass(frozen=True, slots=True)
class PensionsSettings:
    """Queues of this context and where the insurers are.

    Shapes: ``queues`` maps ``import``, ``prepare``, ``refresh`` and ``privacy`` to URLs; the
    send queue of an insurer is ``insurer_queue_prefix`` + provider code; ``insurer_endpoints`` and
    ``insurer_accounts`` (IBAN that receives contributions) are keyed by provider code and decided
    at deployment, never by a tenant.
    """

    common: CommonSettings
    queues: dict[str, str]
    insurer_queue_prefix: str
    insurer_endpoints: dict[str, str]
    insurer_accounts: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            queues={name: env.text(f"KOPRU_QUEUE_PENSIONS_{name.upper()}") for name in _QUEUES},
            insurer_queue_prefix=env.text("KOPRU_INSURER_QUEUE_URL_PREFIX"),
            insurer_endpoints=env.mapping("KOPRU_INSURER_ENDPOINTS"),
            insurer_accounts=env.mapping("KOPRU_INSURER_ACCOUNTS"),
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``import``, ``prepare``, ``refresh``, ``privacy`` or ``send:<provider_code>``."""
        kind, _, provider_code = queue.partition(":")
        if kind == "send":
            return f"{self.insurer_queue_prefix}{provider_code}"
        return self.queues[kind]
