"""Slices of batches in S3, always below the tenant's prefix.

A slice is written once, by condition: a reader that dies and begins again writes the same bytes.
All of it expires with the bucket's lifecycle after seven days.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.money import Money
from kernel.sensitive import Email
from payment_codes.domain.batch import BatchDocument, RowProblem
from payment_codes.domain.payment import CURRENCY
from payment_codes.domain.payment_code import Customer
from payment_codes.domain.source import Source, SourceKind
from toolkit.aws.objects import FileStore

_JSON: Final = "application/json"
_STORED: Final = "store"


class S3BatchSlices:
    """``BatchSlices`` of one tenant."""

    def __init__(self, files: FileStore, tenant_id: str) -> None:
        self._files = files
        self._tenant_id = tenant_id

    def keep(self, job_id: str, number: int, documents: Sequence[BatchDocument]) -> None:
        """Store one slice."""
        self._put_json(job_id, f"{number:05d}", [_packed(document) for document in documents])

    def documents(self, job_id: str, number: int) -> Sequence[BatchDocument]:
        """One slice."""
        return [_unpacked(row) for row in self._json(job_id, f"{number:05d}")]

    def keep_problems(self, job_id: str, problems: Sequence[RowProblem]) -> None:
        """Store what the reader found."""
        self._put_json(job_id, "problems", [asdict(problem) for problem in problems])

    def problems(self, job_id: str) -> Sequence[RowProblem]:
        """What the reader found."""
        try:
            return [RowProblem(**row) for row in self._json(job_id, "problems")]
        except NotFoundError:
            return []

    def _key(self, job_id: str, name: str) -> str:
        return f"T/{self._tenant_id}/batches/{job_id}/{name}.json"

    def _put_json(self, job_id: str, name: str, rows: Sequence[Any]) -> None:
        content = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
        key = self._key(job_id, name)
        self._files.put(key, content, content_type=_JSON, filename=f"{name}.json")

    def _json(self, job_id: str, name: str) -> list[Any]:
        found = json.loads(self._files.get(self._key(job_id, name)).content)
        return list(found)


def _packed(document: BatchDocument) -> dict[str, Any]:
    customer, day = document.customer, document.valid_until
    return {
        "row": document.row,
        "kind": document.source.kind.value,
        "id": document.source.id,
        "customer": [
            customer.id,
            customer.name,
            customer.email.reveal(_STORED) if customer.email is not None else "",
            customer.language,
        ],
        "amount": document.amount.minor if document.amount is not None else None,
        "description": document.description,
        "valid_until": day.isoformat() if day is not None else "",
        "enabled": document.customer_enabled,
    }


def _unpacked(row: dict[str, Any]) -> BatchDocument:
    identity, name, email, language = row["customer"]
    return BatchDocument(
        row=row["row"],
        source=Source(SourceKind(row["kind"]), row["id"]),
        customer=Customer(identity, name, Email(email) if email else None, language),
        amount=Money(row["amount"], CURRENCY) if row["amount"] is not None else None,
        description=row["description"],
        valid_until=date.fromisoformat(row["valid_until"]) if row["valid_until"] else None,
        customer_enabled=row["enabled"],
    )
