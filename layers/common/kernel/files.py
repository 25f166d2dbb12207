"""Files that people give and get, as every context sees them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

from kernel.money import Money

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""Content type of a workbook."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as bytes with the name and type that people know it by."""

    content: bytes
    content_type: str
    filename: str


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Address and hidden fields of a form that uploads one file, good for a quarter of an hour."""

    url: str
    fields: Mapping[str, str]


ExportCell = str | int | Decimal | Money | date | None
"""A cell of a table that people get; amounts and dates stay typed."""


class TableWriter(Protocol):
    """Writes tables for people."""

    def write(
        self,
        file_format: str,
        name: str,
        header: Sequence[str],
        rows: Iterable[tuple[ExportCell, ...]],
    ) -> UploadedFile:
        """The table as a file called ``name``. Raises: ValidationError for an unknown format."""
        ...
