"""Settings of the pensions context, read once per process."""

from dataclasses import dataclass
from typing import Self

from toolkit.settings import CommonSettings, Environment


@dataclass(frozen=True, slots=True)
class PensionsSettings:
    """Where the insurers are.

    Shapes: ``insurer_endpoints`` and ``insurer_accounts`` (IBAN that receives contributions) are
    keyed by provider code and decided at deployment, never by a tenant.
    """

    common: CommonSettings
    insurer_endpoints: dict[str, str]
    insurer_accounts: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            insurer_endpoints=env.mapping("KOPRU_INSURER_ENDPOINTS"),
            insurer_accounts=env.mapping("KOPRU_INSURER_ACCOUNTS"),
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``import``, ``prepare``, ``refresh``, ``privacy`` or ``send:<provider_code>``."""
        return self.common.queue_url(f"pensions-{queue.replace(':', '-')}")
