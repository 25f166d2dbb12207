"""What is needed for the books: jobs, files, tables and electronic documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from kernel.errors import Problem
from kernel.files import UploadedFile
from reconciliation.domain.counterparty import CounterpartyFields
from reconciliation.domain.e_invoice import InvoiceView
from reconciliation.domain.ledger import EntryFields


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its worker sees it."""

    id: str
    kind: str
    status: str
    private: Mapping[str, Any]
    total: int = 0
    done: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Mapping[str, Any]] = ()
    created_at: str = ""


class FileAccess(Protocol):
    """Uploads of one tenant."""

    def upload(self, upload_id: str) -> UploadedFile:
        """Raises NotFoundError."""
        ...

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...
    def keep_export(self, export_id: str, file: UploadedFile) -> None:
        """Store a generated file once; a repeated worker changes nothing."""
        ...

    def export(self, export_id: str) -> UploadedFile:
        """A generated file. Raises NotFoundError."""
        ...


ImportKind = Literal["counterparties", "ledger_entries", "e_invoices_sales", "e_invoices_purchase"]


class TableFiles(Protocol):
    """Reads tables of account cards and of ledger lines.

    Rows come as (line of the file, read it): reading a row raises ValidationError with everything
    that is wrong with it. A file that is no such table raises ValidationError at once.
    """

    def counterparties(
        self, file: UploadedFile, *, language: str
    ) -> Iterator[tuple[int, Callable[[], CounterpartyFields]]]: ...
    def ledger_entries(
        self, file: UploadedFile, *, language: str
    ) -> Iterator[tuple[int, Callable[[], EntryFields]]]: ...
    def documents(self, file: UploadedFile) -> Iterator[bytes]:
        """The documents of a file: itself, or the members of an archive. Raises ValidationError."""
        ...

    def returned(
        self,
        job_kind: str,
        file: UploadedFile,
        problems: Sequence[tuple[int, Problem]],
        *,
        language: str,
    ) -> bytes:
        """The table as a workbook, with what is wrong beside every row, by its line."""
        ...


class InvoiceReader(Protocol):
    """Reads electronic documents."""

    def read(self, content: bytes) -> InvoiceView:
        """The neutral view. Raises ValidationError with everything that is wrong."""
        ...
