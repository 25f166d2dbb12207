"""Make room for one file: the browser sends it straight to the store, not through a function."""

from dataclasses import dataclass

from kernel.ids import IdSource
from toolkit.auth import TenantContext
from workspace.domain.upload import check_upload
from workspace.ports import Uploads, UploadTicket


@dataclass(frozen=True, slots=True)
class StartUpload:
    """Checks name, type and size, and hands out a ticket for exactly such a file."""

    uploads: Uploads
    ids: IdSource

    def __call__(
        self,
        context: TenantContext,
        *,
        filename: str,
        content_type: str,
        size: int,
        return_to: str | None = None,
    ) -> UploadTicket:
        """Raises: ValidationError, ParseError."""
        name = check_upload(filename, content_type, size)
        return self.uploads.ticket(
            context.tenant_id,
            self.ids.new(),
            filename=name,
            content_type=content_type,
            size=size,
            return_to=return_to,
        )
