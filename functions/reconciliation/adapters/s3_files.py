"""Uploaded files in S3, always below the tenant's prefix."""

from kernel.errors import NotFoundError
from reconciliation.ports import UploadedFile
from toolkit.aws.objects import FileStore, upload_key


class S3FileAccess:
    """``FileAccess`` for one tenant."""

    def __init__(self, files: FileStore, tenant_id: str) -> None:
        self._files = files
        self._tenant_id = tenant_id

    def upload(self, upload_id: str) -> UploadedFile:
        if not upload_id.isalnum():
            raise NotFoundError("file_not_found", "There is no such file.")
        stored = self._files.get(upload_key(self._tenant_id, upload_id))
        return UploadedFile(stored.content, stored.content_type, stored.filename)

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None:
        self._files.put(
            upload_key(self._tenant_id, upload_id),
            file.content,
            content_type=file.content_type,
            filename=file.filename,
        )
