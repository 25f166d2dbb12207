"""Secrets: one application secret for derived keys, and credentials sealed by KMS with their full
context.

The application secret (Secrets Manager, read once per process) never protects anything directly;
purposes get their own keys by HKDF-like HMAC derivation: paging cursors, CSRF tokens, blind
indexes per tenant. Credentials go straight through KMS ``Encrypt``/``Decrypt`` (≤ 4 KB) with an
encryption context of opaque ids, so a ciphertext row copied to another tenant, contract or version
does not open (security.md §4).
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from kernel.errors import KopruError
from kernel.sensitive import Secret
from toolkit.aws.dynamodb import Database, Keyspace
from toolkit.aws.transactions import Transaction


class SecretUnavailableError(KopruError):
    """A stored secret is missing or its key does not open it: hold the work, never go on
    without.
    """


class ApplicationSecret:
    """Root of all derived keys of a stage; loaded lazily, once per process."""

    def __init__(self, client: Any, secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id
        self._root: bytes | None = None

    def derive(self, purpose: str, scope: str = "") -> bytes:
        """A 32-byte key for one purpose (and tenant); different labels give unrelated keys."""
        if self._root is None:
            answer = self._client.get_secret_value(SecretId=self._secret_id)
            self._root = str(answer["SecretString"]).encode()
        label = f"kopru/1/{purpose}/{scope}".encode()
        return hmac.new(self._root, label, hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class SecretName:
    """Which secret: tenant, owner (contract…), purpose and version; all opaque."""

    tenant_id: str
    owner_id: str
    purpose: str
    version: int


class CredentialVault:
    """Seals and opens credentials of one context. The API process only seals; workers only open."""

    def __init__(
        self, kms: Any, database: Database, *, key_id: str, stage: str, context: str
    ) -> None:
        self._kms = kms
        self._database = database
        self._key_id = key_id
        self._stage = stage
        self._context = context

    def _encryption_context(self, name: SecretName) -> dict[str, str]:
        return {
            "app": "kopru",
            "stage": self._stage,
            "context": self._context,
            "tenant_id": name.tenant_id,
            "owner_id": name.owner_id,
            "purpose": name.purpose,
            "version": str(name.version),
        }

    def _pk(self, name: SecretName) -> str:
        return Keyspace(self._context, name.tenant_id).key("SECRET", name.owner_id)

    def seal(self, transaction: Transaction, name: SecretName, clear: Secret) -> None:
        """Encrypt ``clear`` and add its row to ``transaction``; versions are never overwritten."""
        transaction.put_new(
            "secrets",
            {
                "pk": self._pk(name),
                "sk": f"{name.purpose}#{name.version:010d}",
                "ciphertext": self.encrypt(name, clear),
            },
            label="secret",
        )

    def encrypt(self, name: SecretName, clear: Secret) -> bytes:
        """The ciphertext, for a value that lives on its owner's row."""
        answer = self._kms.encrypt(
            KeyId=self._key_id,
            Plaintext=clear.reveal("seal").encode(),
            EncryptionContext=self._encryption_context(name),
        )
        return bytes(answer["CiphertextBlob"])

    def open(self, name: SecretName) -> Secret:
        """Decrypt one version.

        Raises: SecretUnavailableError("secret_unavailable") when the row is gone or the key
        refuses.
        """
        row = self._database.get("secrets", self._pk(name), f"{name.purpose}#{name.version:010d}")
        if row is None:
            raise SecretUnavailableError("secret_unavailable", "The credentials are not stored.")
        return self.decrypt(name, row["ciphertext"])

    def decrypt(self, name: SecretName, ciphertext: bytes) -> Secret:
        """The value behind ``encrypt``; raises SecretUnavailableError("secret_unavailable")."""
        try:
            answer = self._kms.decrypt(
                KeyId=self._key_id,
                CiphertextBlob=ciphertext,
                EncryptionContext=self._encryption_context(name),
            )
        except self._kms.exceptions.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise SecretUnavailableError(
                "secret_unavailable", "The credentials cannot be opened now.", detail=code
            ) from error
        return Secret(bytes(answer["Plaintext"]).decode())
