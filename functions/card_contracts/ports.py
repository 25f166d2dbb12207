"""What the use cases of card contracts need from the outside world, in the words of the domain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from card_contracts.domain.calendars import CalendarFeed, OverrideTable
from card_contracts.domain.contract import CalendarName, Contract, Pair
from card_contracts.domain.lookups import BankAccount, Card, DeductionDefinition, Lookup
from card_contracts.domain.sale import ReceivableLine, Refund, Sale
from kernel.errors import ConflictError

Position = Mapping[str, Any]
"""Where a list goes on; opaque outside the store."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that happened to an item; ``detail`` holds ids, codes, counts, minor units."""

    at: str
    actor: str
    action: str
    from_state: str
    to_state: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Remembered:
    """The first answer to a command with an ``Idempotency-Key``, to be repeated as it was."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class CommandIdentity(Protocol):
    """Who sent which command with which key and body (made at the edge)."""

    @property
    def identity(self) -> str:
        """Opaque id of the command."""
        ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """Everything a sale is planned with, read at once.

    Shapes: ``newest`` is the contract as it is (lock, version), ``deciding`` the revision that
    counts for the sale's day; ``overrides`` by calendar.
    """

    newest: Contract
    deciding: Contract
    overrides: Mapping[CalendarName, OverrideTable]


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its worker sees it."""

    id: str
    kind: str
    status: str
    private: Mapping[str, Any]


class CardsUnit(Protocol):
    """Everything one use case writes: applied as a whole or not at all.

    ``action`` names what happened; ``detail`` holds ids, codes, counts and minor units, never
    personal data. A ``save_…`` holds only while the entity is what was read.
    """

    def add_contract(self, contract: Contract) -> None:
        """Add a contract with its first revision; its code is taken for ever."""
        ...

    def save_contract(
        self, before: Contract, after: Contract, action: str, detail: Mapping[str, Any]
    ) -> Contract:
        """Change a contract; a new revision number stores its content beside the others."""
        ...

    def require_contract(self, contract: Contract) -> None:
        """Hold only while the contract is what was read."""
        ...

    def save_pair(self, pair: Pair) -> None:
        """Write who holds a card and account, while it is what was read."""
        ...

    def add_lookup(self, lookup: Lookup) -> None: ...
    def save_lookup(self, before: Lookup, after: Lookup, action: str) -> Lookup: ...
    def add_sale(self, sale: Sale, lines: Sequence[ReceivableLine]) -> None:
        """Add a sale with its receivables; its document is taken for ever."""
        ...

    def save_sale(
        self, before: Sale, after: Sale, action: str, detail: Mapping[str, Any]
    ) -> Sale: ...
    def add_refund(self, refund: Refund, lines: Sequence[ReceivableLine]) -> None:
        """Add a refund with its negative receivables; its document is taken for ever."""
        ...

    def cancel_lines(self, sale: Sale) -> None:
        """Mark the receivables of a sale as cancelled, while the bank has paid none of them."""
        ...

    def post(
        self, account: str, key: str, *, debit: str, credit: str, amount: int, currency: str
    ) -> None:
        """Book one ledger entry; an amount of zero books nothing."""
        ...

    def save_overrides(
        self, before: OverrideTable, after: OverrideTable, action: str, detail: Mapping[str, Any]
    ) -> OverrideTable: ...
    def save_feed(self, before: CalendarFeed, after: CalendarFeed) -> CalendarFeed: ...
    def received(self, source: str, event_id: str) -> None:
        """Note an incoming event; refused (label ``inbox``) when it was here before."""
        ...

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None: ...
    def enqueue(self, queue: str, message: Mapping[str, Any]) -> None:
        """Give work to a queue: ``import``."""
        ...

    def create_job(
        self, job_id: str, kind: str, *, subject: str, private: Mapping[str, Any]
    ) -> None: ...
    def advance_job(self, job_id: str, deltas: Mapping[str, int]) -> None: ...
    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
        total: int = 0,
        failed: int = 0,
    ) -> None:
        """Close a job once, with how many rows it had and how many of them went wrong."""
        ...

    def remember(self, command: CommandIdentity, answer: Remembered) -> None: ...
    def commit(self) -> None:
        """Write everything or nothing. Raises WriteRefusedError."""
        ...


class CardsStore(Protocol):
    """Reads and units of work of one tenant. There is no way to name another tenant."""

    def unit(self) -> CardsUnit: ...
    def contract(self, code: str) -> Contract:
        """Raises NotFoundError for an unknown, foreign or removed contract."""
        ...

    def contracts(self) -> list[Contract]:
        """All contracts that were not removed, by code."""
        ...

    def revisions(self, code: str) -> list[Contract]:
        """Every revision of a contract, oldest first."""
        ...

    def conditions(self, code: str, sold_on: date) -> Conditions:
        """What a sale of this day is planned with. Raises NotFoundError."""
        ...

    def overrides(self, name: CalendarName) -> OverrideTable: ...
    def pair(self, card_code: str, bank_account_code: str) -> Pair: ...
    def cards(self) -> list[Card]: ...
    def bank_accounts(self) -> list[BankAccount]: ...
    def deduction_definitions(self) -> list[DeductionDefinition]: ...
    def lookup(self, kind: type[Lookup], code: str) -> Lookup | None:
        """One entry of a list, also a removed one."""
        ...

    def lookups_of(
        self, contract: Contract
    ) -> tuple[Card | None, BankAccount | None, frozenset[str]]:
        """What a contract's codes name: the card, the account, the deductions that are known."""
        ...

    def sale(self, sale_id: str) -> Sale:
        """Raises NotFoundError for an unknown or foreign sale."""
        ...

    def sale_of_document(self, document_no: str) -> Sale | None: ...
    def sale_page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[Sale], Position | None]:
        """Sales, newest first."""
        ...

    def lines_of_sale(self, sale: Sale) -> list[ReceivableLine]: ...
    def refund_of_document(self, document_no: str) -> Refund | None: ...
    def refunds(self, sale_id: str) -> list[Refund]:
        """Refunds of a sale, oldest first."""
        ...

    def lines(self, since: date, until: date) -> Iterator[ReceivableLine]:
        """All receivables of these days, both included, by day; memory stays flat."""
        ...

    def line_page(
        self, since: date, until: date, *, limit: int, after: Position | None
    ) -> tuple[list[ReceivableLine], Position | None]: ...
    def feed(self) -> CalendarFeed: ...
    def history(self, subject: str) -> list[HistoryLine]: ...
    def job(self, job_id: str) -> JobView | None: ...
    def start_job(self, job_id: str) -> None: ...
    def answered(self, command: CommandIdentity) -> Remembered | None:
        """The first answer to a command, if any. Raises ValidationError for a reused key."""
        ...


class WriteRefusedError(ConflictError):
    """A unit was refused because something it depends on is not what was read."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__("conflict", "The data changed in the meantime; nothing was written.")
        self.labels = tuple(labels)

    def refused(self, prefix: str) -> bool:
        """Whether a write whose label starts with ``prefix`` was refused."""
        return any(label.startswith(prefix) for label in self.labels)


@dataclass(frozen=True, slots=True)
class Due:
    """A row that waits for its time."""

    kind: str
    id: str
    tenant_id: str
    due_at: datetime


class DueWork(Protocol):
    """Finds what is due over all tenants (schedules only)."""

    def due(self, now: datetime, limit: int) -> list[Due]:
        """Jobs that are not over; each was pushed forward by condition."""
        ...


# ---------------------------------------------------------------------------- files


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as it came in or goes out."""

    content: bytes
    content_type: str
    filename: str


@dataclass(frozen=True, slots=True)
class SaleRow:
    """One row of a file of sales: texts by field, and its line for people (from 1)."""

    line: int
    fields: Mapping[str, str]


class FileAccess(Protocol):
    """Uploads of one tenant."""

    def upload(self, upload_id: str) -> UploadedFile:
        """Raises NotFoundError."""
        ...

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...


class SaleFiles(Protocol):
    """Reads files of sales."""

    def read(self, file: UploadedFile, *, language: str) -> Iterator[SaleRow]:
        """Rows by field. Raises ValidationError for a file that is no table of sales."""
        ...


ExportCell = str | int | date | Any


class TableWriter(Protocol):
    """Writes tables for people."""

    def write(
        self,
        file_format: str,
        name: str,
        header: Sequence[str],
        rows: Iterable[tuple[ExportCell, ...]],
    ) -> UploadedFile:
        """The table as a file. Raises ValidationError for a format we do not write."""
        ...


class FeedTokens(Protocol):
    """Makes and reads the secret tokens of cash calendar feeds."""

    def token(self, tenant_id: str, version: int) -> str: ...
    def read(self, token: str) -> tuple[str, int] | None:
        """Tenant and version behind a token; None for anything else."""
        ...
