"""Which files may be sent to us; what is in them is the business of whoever reads them."""

import re
from typing import Final

from kernel.errors import Problem
from kernel.text import clean_free_text
from workspace.domain.problems import invalid, parsed_at

MAX_BYTES: Final = 10_000_000
# Bank statements of a big company are long; they are read as a stream.
LONG_TEXTS: Final = frozenset({"text/plain", "text/xml", "application/xml"})
MAX_LONG_BYTES: Final = 100_000_000
CONTENT_TYPES: Final = (
    "text/csv",
    "text/plain",
    "text/xml",
    "application/xml",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/octet-stream",
)
_NOT_IN_NAMES: Final = re.compile(r'[\\/:*?"<>|\r\n\t]')
_MAX_NAME: Final = 120


def check_upload(filename: str, content_type: str, size: int) -> str:
    """The file's name without any path, if such a file may be sent.

    Units: ``size`` is bytes, 1 to 10,000,000; for plain text and XML to 100,000,000.
    Raises: ValidationError("invalid_input") with a problem per wrong field.
    """
    clean = parsed_at("/filename", lambda: clean_free_text(filename, 500))
    name = _NOT_IN_NAMES.sub("_", clean).strip(" .")[-_MAX_NAME:]
    problems = []
    if not name:
        problems.append(Problem("/filename", "required", "The file needs a name."))
    if content_type not in CONTENT_TYPES:
        problems.append(
            Problem("/content_type", "content_type_unknown", "Send CSV, XLSX, XML or text.")
        )
    limit = MAX_LONG_BYTES if content_type in LONG_TEXTS else MAX_BYTES
    if not 0 < size <= limit:
        problems.append(Problem("/size", "size_limit", f"A file has 1 to {limit:,} bytes."))
    if problems:
        raise invalid(*problems)
    return name
