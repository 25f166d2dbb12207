"""Uploaded payroll files, generated files and raw exchanges in S3, always below the tenant's
prefix.
"""

from typing import Any

from kernel.errors import NotFoundError
from kernel.ids import IdSource
from pensions.ports import UploadedFile, UploadForm
from toolkit.aws.objects import FileStore, export_key, upload_key
from toolkit.soap.audit import Direction


class S3FileAccess:
    """``FileAccess`` for one tenant."""

    def __init__(self, files: FileStore, tenant_id: str) -> None:
        self._files = files
        self._tenant_id = tenant_id

    def upload(self, upload_id: str) -> UploadedFile:
        """An uploaded file. Raises NotFoundError."""
        if not upload_id.isalnum():
            raise NotFoundError("file_not_found", "There is no such file.")
        stored = self._files.get(upload_key(self._tenant_id, upload_id))
        return UploadedFile(stored.content, stored.content_type, stored.filename)

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None:
        """Store a file that came in the request body."""
        self._files.put(
            upload_key(self._tenant_id, upload_id),
            file.content,
            content_type=file.content_type,
            filename=file.filename,
        )

    def keep_export(self, export_id: str, file: UploadedFile) -> None:
        """Store a generated file once; a repeated worker changes nothing."""
        self._files.put(
            export_key(self._tenant_id, export_id),
            file.content,
            content_type=file.content_type,
            filename=file.filename,
        )

    def download_link(self, export_id: str, filename: str) -> str:
        """A link to a generated file, good for five minutes."""
        return self._files.presign_download(
            export_key(self._tenant_id, export_id), filename=filename
        )

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """A form that uploads one file. What kind it is shows its content, not its name."""
        upload = self._files.presign_upload(
            self._tenant_id,
            upload_id,
            content_type="application/octet-stream",
            filename="payroll",
            redirect=back_to,
        )
        return UploadForm(upload.url, upload.fields)


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
