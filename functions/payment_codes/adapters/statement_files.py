"""Uploaded bank statements in the words of payment codes."""

from payment_codes.ports import UploadedFile, UploadForm
from toolkit.statements.uploads import StatementUploads


class S3StatementFiles(StatementUploads):
    """``StatementFiles`` for one tenant."""

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """A form that uploads one file."""
        upload = self.presigned(upload_id, back_to=back_to)
        return UploadForm(upload.url, upload.fields)

    def keep(self, upload_id: str, file: UploadedFile) -> None:
        """Store a file that came in the request body."""
        self.put(upload_id, file.content, content_type=file.content_type, filename=file.filename)
