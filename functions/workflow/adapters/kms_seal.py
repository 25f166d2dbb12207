"""The hub's own signature over a decision record: an elliptic-curve key that never leaves KMS."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

_ALGORITHM: Final = "ECDSA_SHA_256"


class KmsSeal:
    """``Seal`` by KMS ``Sign``."""

    def __init__(self, client: Callable[[str], Any], key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def sign(self, statement: bytes) -> Mapping[str, Any]:
        """See ``Seal``: ECDSA over the SHA-256 of the statement, which KMS computes itself."""
        answer = self._client("kms").sign(
            KeyId=self._key_id,
            Message=statement,
            MessageType="RAW",
            SigningAlgorithm=_ALGORITHM,
        )
        return {
            "algorithm": _ALGORITHM,
            "key": str(answer["KeyId"]).rpartition("/")[2],
            "signature": base64.b64encode(answer["Signature"]).decode(),
        }
