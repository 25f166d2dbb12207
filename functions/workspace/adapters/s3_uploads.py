"""Room for uploads in S3: a presigned form for exactly one file of the stated size and type."""

from toolkit.aws.objects import FileStore
from workspace.ports import UploadTicket


class S3Uploads:
    """``Uploads`` of the ports."""

    def __init__(self, files: FileStore) -> None:
        self._files = files

    def ticket(
        self,
        tenant_id: str,
        upload_id: str,
        *,
        filename: str,
        content_type: str,
        size: int,
        return_to: str | None,
    ) -> UploadTicket:
        made = self._files.presign_upload(
            tenant_id,
            upload_id,
            content_type=content_type,
            filename=filename,
            redirect=return_to,
            max_bytes=size,
        )
        return UploadTicket(upload_id, made.url, made.fields)
