"""Uploaded payroll files, generated files and raw exchanges in S3, always below the tenant's
prefix.
"""

from typing import Any

from kernel.ids import IdSource
from toolkit.soap.audit import Direction


class S3ExchangeArchive:
    """Raw requests and answers of insurers, without secrets, kept 30 days by the bucket's
    lifecycle.
    """

    def __init__(self, client: Any, bucket: str, tenant_id: str, ids: IdSource) -> None:
        self._client = client
        self._bucket = bucket
        self._tenant_id = tenant_id
        self._ids = ids

    def record(self, reference: str, direction: Direction, raw: bytes) -> None:
        """Keep one half of an exchange under its transmission."""
        key = f"T/{self._tenant_id}/exchanges/{reference}/{self._ids.new()}-{direction.value}.xml"
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=raw, ContentType="application/xml"
        )
