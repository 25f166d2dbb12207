"""Files at the door: one handed in as the body of a request, one handed out as a download."""

from collections.abc import Mapping
from typing import Final

from kernel.errors import TooLargeError
from kernel.files import XLSX, UploadedFile
from toolkit.entrypoints.http import Reply, Request

DIRECT_LIMIT: Final = 1_048_576
"""Bytes of a file that may come as a body; larger ones are uploaded first (api.md)."""
TABLES: Final[Mapping[str, str]] = {"text/csv": "csv", XLSX: "xlsx"}
"""Tables by content type, with the ending of their names."""
STATEMENTS: Final[Mapping[str, str]] = {
    "application/xml": "xml",
    "text/xml": "xml",
    "text/plain": "txt",
    "text/csv": "csv",
}
"""Statements of banks; the reader looks at the content, not at the type."""


def direct_file(
    request: Request, name: str, kinds: Mapping[str, str] = TABLES
) -> UploadedFile | None:
    """The body as a file called ``name``, or None where it is something else than ``kinds``.

    Raises: TooLargeError("too_large") above ``DIRECT_LIMIT``.
    """
    ending = kinds.get(request.media_type)
    if ending is None:
        return None
    if len(request.raw_body) > DIRECT_LIMIT:
        raise TooLargeError("too_large", "Files above 1 MiB are uploaded first.")
    return UploadedFile(request.raw_body, request.media_type, f"{name}.{ending}")


def asks_dry_run(request: Request) -> bool:
    """Whether ``?dry_run=true`` asks only to look what would happen."""
    return request.query.get("dry_run", "") == "true"


def file_reply(file: UploadedFile) -> Reply:
    """A file as a download."""
    disposition = {"content-disposition": f'attachment; filename="{file.filename}"'}
    return Reply(file.content, 200, disposition, file.content_type)


def elsewhere(link: str) -> Reply:
    """A download that lies in the file store."""
    return Reply("", 303, {"location": link}, "text/plain; charset=utf-8")
