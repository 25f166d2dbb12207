"""Personal facts of decisions, encrypted by KMS for one tenant and one decision.

A record shows them masked; a replay needs them whole. They live in the hot store only, so that they
are gone when it forgets the decision; the archive holds the masked record (security.md §5).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kernel.errors import Problem, ValidationError
from toolkit.aws.secrets import SecretUnavailableError
from workflow.adapters.rows import pack, unpack

_MOST_BYTES: Final = 4096
"""What KMS encrypts at once."""


class SealedFacts:
    """``PersonalFacts`` by KMS; a ciphertext that was moved to another decision does not open.

    ``client`` is made when it is first needed: few tables have personal facts.
    """

    def __init__(self, client: Callable[[], Any], key_id: str, stage: str, tenant_id: str) -> None:
        self._client = client
        self._key_id = key_id
        self._stage = stage
        self._tenant_id = tenant_id

    def _context(self, decision_id: str) -> dict[str, str]:
        return {
            "app": "kopru",
            "stage": self._stage,
            "context": "wfl",
            "tenant_id": self._tenant_id,
            "owner_id": decision_id,
            "purpose": "facts",
        }

    def seal(self, decision_id: str, facts: Mapping[str, Any]) -> bytes:
        """Encrypted for this tenant and decision."""
        if not facts:
            return b""
        packed = pack(dict(facts))
        if len(packed) > _MOST_BYTES:
            problem = Problem("/facts", "PERSONAL_SIZE", "The personal facts are too long.")
            raise ValidationError("facts_invalid", "Some facts are wrong.", problems=[problem])
        answer = self._client().encrypt(
            KeyId=self._key_id, Plaintext=packed, EncryptionContext=self._context(decision_id)
        )
        return bytes(answer["CiphertextBlob"])

    def open(self, decision_id: str, sealed: bytes) -> dict[str, Any]:
        """What was sealed."""
        if not sealed:
            return {}
        kms = self._client()
        try:
            answer = kms.decrypt(
                KeyId=self._key_id,
                CiphertextBlob=sealed,
                EncryptionContext=self._context(decision_id),
            )
        except kms.exceptions.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise SecretUnavailableError(
                "secret_unavailable", "The personal facts cannot be opened now.", detail=code
            ) from error
        return dict(unpack(bytes(answer["Plaintext"])))
