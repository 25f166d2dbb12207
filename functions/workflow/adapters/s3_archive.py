"""Decisions in a bucket with object lock: one object each, below the tenant and the month."""

import json
from decimal import Decimal
from typing import Any

from toolkit.aws.objects import FileStore
from workflow.domain.rules.record import DecisionRecord


def archive_key(tenant_id: str, record: DecisionRecord) -> str:
    """Object key of a decision."""
    return f"T/{tenant_id}/decisions/{record.decided_at:%Y/%m}/{record.id}.json"


class S3DecisionArchive:
    """``DecisionArchive``; how long an object stays is a rule of the bucket, not of this code."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def keep(self, tenant_id: str, record: DecisionRecord) -> None:
        """Write a decision once: the same one gives the same bytes."""
        text = json.dumps(
            record.to_dict(), sort_keys=True, ensure_ascii=False, indent=1, default=_plain
        )
        self._store.put(
            archive_key(tenant_id, record),
            text.encode(),
            content_type="application/json",
            filename=f"decision-{record.id}.json",
        )


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    message = f"{type(value).__name__} is no JSON"
    raise TypeError(message)
