"""What the use cases of card contracts need from the outside world, in the words of the domain."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from card_contracts.domain.calendars import CalendarFeed, OverrideTable
from card_contracts.domain.company import CompanySettings
from card_contracts.domain.contract import CalendarName, Contract, Pair
from card_contracts.domain.lookups import BankAccount, Card, DeductionDefinition, Lookup
from card_contracts.domain.open_payments import Expected
from card_contracts.domain.sale import LineStatus, ReceivableLine, Refund, Sale
from card_contracts.domain.settlement import BankLine, Drift, LineState, Match, Share
from kernel.files import UploadedFile
from kernel.signed_events import RefusedEvent
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered


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
    prepared: bool = False
    total: int = 0
    done: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Mapping[str, Any]] = ()
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """A receivable as a match sees it: what it is of, and who holds it."""

    expected: Expected
    bank_account_code: str
    status: LineStatus
    match_id: str


class SettlementUnit(Protocol):
    """What statements and matches write."""

    def add_bank_lines(self, lines: Sequence[BankLine]) -> None:
        """Add lines that must not be there yet (label ``bank_line``)."""
        ...

    def prepare_job(self, job_id: str, total: int) -> None:
        """Note once that the whole file was read and is right (label ``job``)."""
        ...

    def step_job(self, job_id: str, *, seen: int, done: int, counts: Mapping[str, int]) -> None:
        """Move a job from ``seen`` lines to ``done``, if nobody else did (label ``job``)."""
        ...

    def add_match(self, match: Match, action: str) -> None:
        """Add a match; one with the same content is refused (label ``card_match``)."""
        ...

    def save_match(self, before: Match, after: Match, action: str) -> None: ...
    def require_match(self, match: Match) -> None:
        """Hold only while the match is what was read."""
        ...

    def take_lines(self, match: Match, state: LineState) -> None:
        """Give lines to a match, or back (``open``) (label ``bank_line``)."""
        ...

    def flag_line(self, account: str, key: str) -> None:
        """Note that an open line looks like one that was matched (label ``bank_line``)."""
        ...

    def set_aside(self, line: BankLine, reason: str) -> None:
        """Take an open line off the list of what waits, with why (label ``bank_line``)."""
        ...

    def take_back(self, line: BankLine) -> None:
        """Let a line wait again that was set aside (label ``bank_line``)."""
        ...

    def settle(self, members: Sequence[str], match_id: str) -> None:
        """Mark receivables as paid by a match; again is no harm (label ``line``)."""
        ...

    def release(self, members: Sequence[str], match_id: str) -> None:
        """Expect receivables again that a match had paid (label ``line``)."""
        ...

    def count_drift(self, month: str, currency: str, share: Share, sign: int) -> None: ...
    def save_alarm(self, drift: Drift, alarm: bool) -> None:
        """Note whether somebody was told, if nobody else did (label ``drift``)."""
        ...


class SettlementStore(Protocol):
    """What statements and matches read."""

    def job_list(self, kind: str, *, limit: int) -> list[JobView]: ...
    def lease_job(self, job_id: str) -> None:
        """Mark a job as running; the sweep asks again only when a run would be over."""
        ...

    def known_lines(self, lines: Sequence[BankLine]) -> frozenset[str]:
        """Keys of those that are stored already."""
        ...

    def bank_line(self, account: str, key: str) -> BankLine:
        """Raises NotFoundError."""
        ...

    def bank_lines(self, account: str, since: date, until: date) -> Iterator[BankLine]:
        """Lines of an account by day; memory stays flat."""
        ...

    def line_list(
        self, state: LineState, *, limit: int, after: Position | None
    ) -> tuple[list[BankLine], Position | None]:
        """Lines that wait (``open``) or were set aside, by day."""
        ...

    def owed(self, since: date, until: date, accounts: Collection[str]) -> Iterator[Expected]:
        """Expected receivables of some accounts by day; memory stays flat."""
        ...

    def owed_of(self, members: Sequence[str]) -> list[Owed]:
        """Receivables by key, in this order. Raises NotFoundError."""
        ...

    def match(self, match_id: str) -> Match:
        """Raises NotFoundError."""
        ...

    def match_page(
        self, state: str, *, limit: int, after: Position | None
    ) -> tuple[list[Match], Position | None]:
        """Matches of one state by day."""
        ...

    def suggested_members(self, since: date, until: date) -> frozenset[str]:
        """Receivables that suggestions of these days hold."""
        ...

    def drifts(self, since: str, until: str) -> list[Drift]:
        """What banks kept, by month (``YYYY-MM``, both included) and contract."""
        ...


class CardsUnit(SettlementUnit, Protocol):
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
    def add_sale(self, sale: Sale, lines: Sequence[ReceivableLine], *, replaces: str = "") -> None:
        """Add a sale with its receivables; its document is taken for ever.

        ``replaces`` is the sale of the same document that was taken back, if there is one.
        """
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
    def save_settings(
        self,
        before: CompanySettings,
        after: CompanySettings,
        action: str,
        detail: Mapping[str, Any],
    ) -> CompanySettings: ...
    def add_refused_event(self, event: RefusedEvent) -> None:
        """Keep a sale event that could not be taken."""
        ...

    def save_refused_event(
        self, before: RefusedEvent, after: RefusedEvent, action: str
    ) -> RefusedEvent: ...
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


class CardsStore(SettlementStore, Protocol):
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
    def settings(self) -> CompanySettings:
        """What the company decided; what we ship where it decided nothing."""
        ...

    def was_received(self, source: str, event_id: str) -> bool:
        """Whether the inbox holds an event."""
        ...

    def refused_events(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[RefusedEvent], Position | None]:
        """Sale events that wait for a person, oldest first."""
        ...

    def refused_event(self, event_id: str) -> RefusedEvent:
        """Raises NotFoundError."""
        ...

    def history(self, subject: str) -> list[HistoryLine]: ...
    def job(self, job_id: str) -> JobView | None: ...
    def start_job(self, job_id: str) -> None: ...
    def answered(self, command: CommandIdentity) -> Remembered | None:
        """The first answer to a command, if any. Raises ValidationError for a reused key."""
        ...


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


class FeedTokens(Protocol):
    """Makes and reads the secret tokens of cash calendar feeds."""

    def token(self, tenant_id: str, version: int) -> str: ...
    def read(self, token: str) -> tuple[str, int] | None:
        """Tenant and version behind a token; None for anything else."""
        ...
