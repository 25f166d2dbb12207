"""Uploaded and generated files of one tenant in S3, always below its prefix."""

from typing import Final

from kernel.errors import NotFoundError
from kernel.files import UploadedFile, UploadForm
from toolkit.aws.objects import (
    UPLOAD_LIMIT_BYTES,
    FileStore,
    evidence_key,
    export_key,
    upload_key,
)

_NOT_FOUND: Final = "There is no such file."
_KEPT_BYTES: Final = 50_000_000


class TenantFiles:
    """What the contexts' ports ask for files.

    Units: ``max_bytes`` is the most a browser's own form may send. Shapes: ``name`` is what such a
    file is called; what kind it is shows its content, not its name.
    """

    def __init__(
        self,
        files: FileStore,
        tenant_id: str,
        *,
        name: str = "upload",
        max_bytes: int = UPLOAD_LIMIT_BYTES,
    ) -> None:
        self._files = files
        self._tenant_id = tenant_id
        self._name = name
        self._max_bytes = max_bytes

    def _upload(self, upload_id: str) -> str:
        if not upload_id.isalnum():
            raise NotFoundError("file_not_found", _NOT_FOUND)
        return upload_key(self._tenant_id, upload_id)

    def upload(self, upload_id: str) -> UploadedFile:
        """An uploaded file. Raises: NotFoundError("file_not_found")."""
        return self._files.get(self._upload(upload_id))

    def exists(self, upload_id: str) -> None:
        """Raises NotFoundError("file_not_found") for an unknown upload."""
        if not self._files.exists(self._upload(upload_id)):
            raise NotFoundError("file_not_found", _NOT_FOUND)

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None:
        """Store a file that came in the request body."""
        self._put(self._upload(upload_id), file)

    def keep_export(self, export_id: str, file: UploadedFile) -> None:
        """Store a generated file once; a repeated worker changes nothing."""
        self._put(export_key(self._tenant_id, export_id), file)

    def export(self, export_id: str) -> UploadedFile:
        """A generated file. Raises: NotFoundError("file_not_found")."""
        return self._files.get(export_key(self._tenant_id, export_id))

    def keep_evidence(self, name: str, file: UploadedFile) -> None:
        """Keep a file for good, once; a repeated worker changes nothing."""
        self._put(evidence_key(self._tenant_id, _name(name)), file)

    def evidence(self, name: str) -> UploadedFile:
        """A kept file. Raises: NotFoundError("file_not_found")."""
        return self._files.get(evidence_key(self._tenant_id, _name(name)), max_bytes=_KEPT_BYTES)

    def download_link(self, export_id: str, filename: str) -> str:
        """A link to a generated file, good for five minutes."""
        key = export_key(self._tenant_id, export_id)
        return self._files.presign_download(key, filename=filename)

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """Where a browser's own form sends one file; afterwards it goes on at ``back_to``."""
        return self._files.presign_upload(
            self._tenant_id,
            upload_id,
            content_type="application/octet-stream",
            filename=self._name,
            redirect=back_to,
            max_bytes=self._max_bytes,
        )

    def _put(self, key: str, file: UploadedFile) -> None:
        self._files.put(key, file.content, content_type=file.content_type, filename=file.filename)


def _name(name: str) -> str:
    if not name.replace("-", "").isalnum():
        raise NotFoundError("file_not_found", _NOT_FOUND)
    return name
