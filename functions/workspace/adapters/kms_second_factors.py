"""Secrets of authenticators, sealed by KMS for one person and one version.

The ciphertext lies on the person's own row and not among the credentials: the door that checks
codes must open them, and no role may both store and open credentials.
"""

from typing import Final

from kernel.sensitive import Secret
from toolkit.aws.secrets import CredentialVault, SecretName
from workspace.domain.second_factor import SecondFactor

PURPOSE: Final = "second_factor"
_NO_TENANT: Final = "system"


class KmsSecondFactors:
    """``SecondFactorSecrets`` of the ports."""

    def __init__(self, vault: CredentialVault) -> None:
        self._vault = vault

    def seal(self, person_id: str, factor: SecondFactor, secret: Secret) -> bytes:
        return self._vault.encrypt(_name(person_id, factor), secret)

    def open(self, person_id: str, factor: SecondFactor) -> Secret:
        return self._vault.decrypt(_name(person_id, factor), factor.sealed)


def _name(person_id: str, factor: SecondFactor) -> SecretName:
    return SecretName(_NO_TENANT, person_id, PURPOSE, factor.secret_version)
