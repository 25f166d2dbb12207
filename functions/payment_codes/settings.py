"""Settings of payment codes, read once per process."""

from dataclasses import dataclass
from typing import Self

from toolkit.settings import CommonSettings, Environment


@dataclass(frozen=True, slots=True)
class PaymentCodesSettings:
    """Where the payment networks are, and how mails leave.

    Shapes: ``endpoints`` is keyed by provider and decided at deployment, never by a tenant.
    """

    common: CommonSettings
    endpoints: dict[str, str]
    sender: str
    configuration_set: str

    @classmethod
    def from_environment(cls, environment: Environment | None = None) -> Self:
        """Read the settings; raises SettingsError for what is missing."""
        env = environment or Environment()
        return cls(
            common=CommonSettings.from_environment(env),
            endpoints=env.mapping("KOPRU_PAYMENT_ENDPOINTS"),
            sender=env.text("KOPRU_SENDER"),
            configuration_set=env.text("KOPRU_MAIL_CONFIGURATION_SET"),
        )

    def queue_url(self, queue: str) -> str:
        """URL of ``issue``, ``pull``, ``mail``, ``statement``, ``batch`` or ``privacy``."""
        return self.common.queue_url(f"payment-codes-{queue}")
