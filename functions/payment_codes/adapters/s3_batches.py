"""Uploads, generated files and slices of batches in S3, always below the tenant's prefix.

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
from payment_codes.ports import UploadedFile, UploadForm
from toolkit.aws.objects import FileStore, export_key, upload_key

_JSON: Final = "application/json"
_STORED: Final = "store"


class S3BatchFiles:
    """``FileAccess`` and ``BatchSlices`` of one tenant."""

    def __init__(self, files: FileStore, tenant_id: str) -> None:
        self._files = files
        self._tenant_id = tenant_id

    # ------------------------------------------------------------------ files of people

    def upload(self, upload_id: str) -> UploadedFile:
        """An uploaded file. Raises NotFoundError."""
        if not upload_id.isalnum():
            raise NotFoundError("file_not_found", "There is no such file.")
        stored = self._files.get(upload_key(self._tenant_id, upload_id))
        return UploadedFile(stored.content, stored.content_type, stored.filename)

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None:
        """Store a file that came in the request body."""
        self._put(upload_key(self._tenant_id, upload_id), file)

    def keep_export(self, export_id: str, file: UploadedFile) -> None:
        """Store a generated file once."""
        self._put(export_key(self._tenant_id, export_id), file)

    def download_link(self, export_id: str, filename: str) -> str:
        """A link to a generated file, good for five minutes."""
        key = export_key(self._tenant_id, export_id)
        return self._files.presign_download(key, filename=filename)

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """A form that uploads one file. What kind it is shows its content, not its name."""
        upload = self._files.presign_upload(
            self._tenant_id,
            upload_id,
            content_type="application/octet-stream",
            filename="batch",
            redirect=back_to,
        )
        return UploadForm(upload.url, upload.fields)

    # ------------------------------------------------------------------ slices

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

    def _put(self, key: str, file: UploadedFile) -> None:
        self._files.put(key, file.content, content_type=file.content_type, filename=file.filename)

    def _key(self, job_id: str, name: str) -> str:
        return f"T/{self._tenant_id}/batches/{job_id}/{name}.json"

    def _put_json(self, job_id: str, name: str, rows: Sequence[Any]) -> None:
        content = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
        self._put(self._key(job_id, name), UploadedFile(content, _JSON, f"{name}.json"))

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
