"""What the use cases of payment codes need from the outside world, in the words of the domain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from kernel.errors import KopruError
from kernel.exchange import RawCall
from kernel.files import UploadedFile, UploadForm
from kernel.mailing import MailOutcome
from kernel.money import Money
from kernel.sensitive import Email, Secret
from kernel.signed_events import RefusedEvent
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered
from payment_codes.domain.batch import BatchDocument, RowProblem, SliceResult
from payment_codes.domain.mail import CodeMail
from payment_codes.domain.organisation import Organisation, ProviderKind
from payment_codes.domain.payment import Entry, Payment, SourcePayment
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.domain.pull_budget import PullBucket, PullRate
from payment_codes.domain.source import Source, SourceKind
from payment_codes.domain.statement_line import Sighting, Sightings, StatementLine

# ---------------------------------------------------------------------------- provider


class Answer(StrEnum):
    """What is known after a call: it was taken, refused, never sent, or nobody knows."""

    OK = "ok"
    REFUSED = "refused"
    CREDENTIALS = "credentials"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """A code to make known at the provider; ``reference`` is ours and the same for ever."""

    reference: str
    org_code: str
    ident: str
    amount: Money | None
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Created:
    """Outcome of making a code known. ``rf`` is the provider's own answer, to be compared.

    ``qr`` is the text of a QR picture if the provider gives one; empty otherwise. ``said`` is the
    exchange word for word, without the key; None where nobody was called.
    """

    answer: Answer
    rf: str = ""
    provider_id: str = ""
    reason: str = ""
    qr: str = ""
    said: RawCall | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of payments. ``complete`` is False when the provider itself says rows are missing;
    ``said`` is the exchange word for word, without the key.
    """

    answer: Answer
    payments: tuple[SourcePayment, ...] = ()
    complete: bool = True
    reason: str = ""
    said: RawCall | None = field(default=None, repr=False, compare=False)


class PaymentProvider(Protocol):
    """A payment network behind one door.

    No method raises for anything the provider or the network can do: it returns an outcome.
    Units: ``deadline_seconds`` is the total time of the whole call.
    """

    def create(self, key: Secret, order: Order, *, deadline_seconds: float) -> Created:
        """Make a code known; repeating it is harmless."""
        ...

    def payments(self, key: Secret, rf: str, *, deadline_seconds: float) -> Listed:
        """All payments of one code, always the full list."""
        ...

    def recent(
        self, key: Secret, org_code: str, since: datetime, *, deadline_seconds: float
    ) -> Listed:
        """Payments of the organisation booked since an instant: where to look, not what to book."""
        ...

    def cancel(self, key: Secret, rf: str, *, deadline_seconds: float) -> Created:
        """Ask that a code be no longer payable."""
        ...


# ---------------------------------------------------------------------------- mail


CODE_MAIL_TAG: Final = "kopru-code-mail"
"""Tag that every mail with a code carries and every report about it brings back."""


class CodeMailer(Protocol):
    """Writes and hands over the mail with a code."""

    def send(
        self, mail: CodeMail, code: PaymentCode, organisation: Organisation, link: str
    ) -> MailOutcome: ...


# ---------------------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class ImportChunk:
    """What became of some lines of an import; each line as plain data without names or accounts."""

    number: int
    lines: Sequence[Mapping[str, Any]]


# ---------------------------------------------------------------------------- storage


@dataclass(frozen=True, slots=True)
class JobView:
    """Progress of a piece of long work as this context stores it; ``private`` is not shown.

    Shapes: ``slices`` counts the messages it was cut into; ``seen`` is what ``done`` was when the
    sweep looked last.
    """

    id: str
    kind: str
    status: str
    total: int
    done: int
    failed: int
    private: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    prepared: bool = False
    slices: int = 0
    seen: int = -1
    result: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Mapping[str, Any]] = ()
    created_at: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status not in {"queued", "running"}


class PaymentsUnit(Protocol):
    """Everything one use case writes: applied as a whole or not at all.

    ``action`` names what happened; ``detail`` holds ids, codes, counts and minor units, never
    personal data. A ``save_…`` holds only while the entity is what was read.
    """

    def add_organisation(self, organisation: Organisation) -> None:
        """Add the organisation; its code belongs to this company from then on."""
        ...

    def save_organisation(
        self, before: Organisation, after: Organisation, action: str, detail: Mapping[str, Any]
    ) -> Organisation: ...
    def seal_key(self, organisation_id: str, version: int, key: Secret) -> None:
        """Store the key of the provider's interface; it is never shown again."""
        ...

    def add_code(self, code: PaymentCode, *, replaces: str = "") -> None:
        """Add a code: its identification is taken for ever, its document is taken by it.

        ``replaces`` names the cancelled code that had the document before.
        """
        ...

    def save_code(
        self, before: PaymentCode, after: PaymentCode, action: str, detail: Mapping[str, Any]
    ) -> PaymentCode: ...
    def require_code(self, code: PaymentCode) -> None:
        """Refused (label ``code:<id>``) when the code is not the one that was read any more."""
        ...

    def add_payment(self, payment: Payment, action: str) -> None:
        """Add a payment; its key is taken for ever."""
        ...

    def save_payment(
        self, before: Payment, after: Payment, action: str, detail: Mapping[str, Any]
    ) -> Payment: ...
    def know_payment(self, key: str, payment_id: str) -> None:
        """Take a second key for a payment: the provider's list holds what the bank told first."""
        ...

    def sight(self, rf: str, seen: Sightings, sighting: Sighting) -> None:
        """Note from which sides a payment of a code was seen, as long as nothing else was noted
        since ``seen`` was read (label ``sightings``).
        """
        ...

    def add_line(self, line: StatementLine) -> None:
        """Add a line of a statement; it is there once (label ``statement_line:<id>``)."""
        ...

    def save_line(
        self, before: StatementLine, after: StatementLine, action: str
    ) -> StatementLine: ...
    def add_chunk(self, job_id: str, chunk: ImportChunk, counts: Mapping[str, int]) -> None:
        """Keep what became of some lines (label ``chunk`` when they were written before) and move
        ``done``, ``failed`` and ``n_<outcome>`` of the job.
        """
        ...

    def post(self, account: str, key: str, entry: Entry, currency: str) -> None:
        """Book one ledger entry."""
        ...

    def add_mail(self, mail: CodeMail) -> None: ...
    def save_mail(self, before: CodeMail, after: CodeMail, action: str) -> CodeMail: ...
    def require_not_suppressed(self, email: Email) -> None:
        """Refused (label ``suppressed``) when nothing may be mailed to this address."""
        ...

    def suppress(self, email: Email, reason: str) -> None:
        """Mail nothing to this address any more; repeating it is harmless."""
        ...

    def received(self, source: str, event_id: str) -> None:
        """Note an incoming notification; refused (label ``inbox``) when it was here before."""
        ...

    def add_refused_event(self, event: RefusedEvent) -> None:
        """Keep a document event that could not be taken."""
        ...

    def save_refused_event(
        self, before: RefusedEvent, after: RefusedEvent, action: str
    ) -> RefusedEvent: ...
    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None: ...
    def enqueue(self, queue: str, message: Mapping[str, Any], *, delay_seconds: int = 0) -> None:
        """Give work to a queue: ``issue``, ``pull``, ``mail``, ``statement`` or ``batch``."""
        ...

    def create_job(
        self,
        job_id: str,
        kind: str,
        *,
        subject: str,
        private: Mapping[str, Any],
        total: int = 0,
        slices: int = 0,
    ) -> None:
        """Add a queued job; with ``slices`` it is cut already."""
        ...

    def prepare_job(self, job_id: str, numbers: Mapping[str, int]) -> None:
        """Say once how much there is to do; refused (label ``job``) when it was said or is over."""
        ...

    def advance_job(self, job_id: str, deltas: Mapping[str, int]) -> None:
        """Move counters of a job in the transaction of the work itself."""
        ...

    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Close a job; refused (label ``job``) when it is closed."""
        ...

    def add_slice(self, job_id: str, result: SliceResult) -> None:
        """Note that a slice is done; refused (label ``slice``) when it was done before."""
        ...

    def remember(self, command: CommandIdentity, answer: Remembered) -> None: ...
    def commit(self) -> None:
        """Write everything or nothing. Raises WriteRefusedError."""
        ...


class PaymentsStore(Protocol):
    """Reads and units of work of one tenant. There is no way to name another tenant."""

    def unit(self) -> PaymentsUnit: ...
    def organisation(self) -> Organisation | None: ...
    def provider_key(self, organisation: Organisation) -> Secret:
        """Key of the provider's interface (workers only). Raises KeyUnavailableError."""
        ...

    def next_sequence(self, org_code: str, step: int) -> int:
        """The last of ``step`` numbers that now belong to the caller alone, in one call.

        Numbers are never given twice, gaps are allowed.
        """
        ...

    def code(self, code_id: str) -> PaymentCode:
        """Raises NotFoundError for an unknown or foreign code."""
        ...

    def code_of_source(self, source: Source) -> PaymentCode | None:
        """The newest code of a document."""
        ...

    def codes_of_sources(self, sources: Sequence[Source]) -> Mapping[Source, PaymentCode]:
        """The newest codes of many documents; documents without one are left out."""
        ...

    def code_by_rf(self, rf: str) -> PaymentCode | None: ...
    def code_page(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[PaymentCode], Position | None]:
        """Codes, newest first."""
        ...

    def payments(self, code_id: str) -> list[Payment]:
        """Payments of a code, oldest first."""
        ...

    def payment(self, payment_id: str) -> Payment: ...
    def known_keys(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Ids of the payments that hold these keys."""
        ...

    def unmatched(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[Payment], Position | None]: ...
    def sightings(self, rf: str) -> Sightings:
        """Payments of a code by the sides that told of them; costs one narrow row per payment."""
        ...

    def line(self, line_id: str) -> StatementLine | None: ...
    def differences(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[StatementLine], Position | None]:
        """Lines that wait for a decision, oldest first."""
        ...

    def chunks(
        self, job_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[ImportChunk], Position | None]:
        """What became of the lines of an import, in the order of the file."""
        ...

    def refused_events(
        self, *, limit: int, after: Position | None
    ) -> tuple[list[RefusedEvent], Position | None]:
        """Document events that wait for a person, oldest first."""
        ...

    def refused_event(self, event_id: str) -> RefusedEvent:
        """Raises NotFoundError."""
        ...

    def was_received(self, source: str, event_id: str) -> bool:
        """Whether the inbox holds a message."""
        ...

    def mail(self, mail_id: str) -> CodeMail | None: ...
    def mails(self, code_id: str) -> list[CodeMail]:
        """Mails with a code, oldest first."""
        ...

    def is_suppressed(self, email: Email) -> bool:
        """Whether nothing may be mailed to this address."""
        ...

    def history(self, subject: str) -> list[HistoryLine]: ...
    def news(
        self, code_id: str, provider: ProviderKind, at: datetime, *, again_at: datetime | None
    ) -> None:
        """Note that the full list of a code was read, and when to read it again."""
        ...

    def ask_again(self, code_id: str, provider: ProviderKind, at: datetime) -> None:
        """Read the list of a code at its provider again not later than this."""
        ...

    def organisation_news(self, organisation_id: str, at: datetime) -> None:
        """Note that the organisation's list was read completely."""
        ...

    def customer_enabled(self, customer_id: str) -> bool | None:
        """The customer's own switch; None when nobody ever set it."""
        ...

    def customers_enabled(self, customer_ids: Collection[str]) -> Mapping[str, bool]:
        """The switches of many customers; those that nobody set are left out."""
        ...

    def job(self, job_id: str) -> JobView | None: ...
    def jobs(self, kind: str, *, limit: int) -> list[JobView]:
        """The newest jobs of a kind."""
        ...

    def lease_job(self, job_id: str, *, seen: int) -> None:
        """Mark a job as running, and have the sweep look again only after a while."""
        ...

    def slice_done(self, job_id: str, number: int) -> SliceResult | None:
        """What a slice did, if it is done."""
        ...

    def slices_done(self, job_id: str) -> Mapping[int, SliceResult]:
        """What the finished slices of a job did, by number."""
        ...

    def import_mapping(self, kind: str) -> Mapping[str, str]:
        """Columns as people named their meaning before."""
        ...

    def remember_import_mapping(self, kind: str, mapping: Mapping[str, str]) -> None: ...
    def switch_customer(self, customer_id: str, *, enabled: bool) -> None: ...
    def answered(self, command: CommandIdentity) -> Remembered | None:
        """The first answer to a command, if any. Raises ValidationError for a reused key."""
        ...


class KeyUnavailableError(KopruError):
    """The provider's key is missing or cannot be opened: wait, never go without."""


@dataclass(frozen=True, slots=True)
class Due:
    """A row that waits for its time; ``known_at`` is when its list was last read completely."""

    kind: str
    id: str
    tenant_id: str
    due_at: datetime
    known_at: datetime | None = None


class DueWork(Protocol):
    """Finds what is due over all tenants (schedules only)."""

    def due(self, now: datetime, limit: int) -> list[Due]:
        """Codes to expire or register and mails to send; each was pushed forward by condition."""
        ...

    def polls(self, provider: ProviderKind, now: datetime, limit: int) -> list[Due]:
        """Codes whose list at a provider is to be read again, oldest wish first."""
        ...

    def organisations(self, provider: ProviderKind, now: datetime, limit: int) -> list[Due]:
        """Organisations whose list is to be read; each comes again a minute later."""
        ...

    def bucket(self, provider: ProviderKind, rate: PullRate, now: datetime) -> PullBucket:
        """The tokens of a provider as they are."""
        ...

    def replace_bucket(self, before: PullBucket, after: PullBucket) -> bool:
        """Write the tokens of a provider; False when somebody else was quicker."""
        ...

    def tenant_of(self, org_code: str) -> str | None:
        """The company that owns an organisation code."""
        ...


class PayLinks(Protocol):
    """Makes and reads the tokens of the public payer page."""

    def token(self, tenant_id: str, code_id: str) -> str: ...
    def read(self, token: str) -> tuple[str, str] | None:
        """Tenant and code behind a token; None for anything else."""
        ...


# ---------------------------------------------------------------------------- files


class FileAccess(Protocol):
    """Uploaded and generated files of one tenant."""

    def upload(self, upload_id: str) -> UploadedFile:
        """Raises NotFoundError("file_not_found")."""
        ...

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...
    def keep_export(self, export_id: str, file: UploadedFile) -> None:
        """Store a generated file once; a repeated worker changes nothing."""
        ...

    def download_link(self, export_id: str, filename: str) -> str:
        """A link that is good for five minutes."""
        ...

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """A form that uploads one file and leads back to an address of ours."""
        ...


class BatchSlices(Protocol):
    """Parts of batches on their way from the reader to the workers; written once."""

    def keep(self, job_id: str, number: int, documents: Sequence[BatchDocument]) -> None: ...
    def documents(self, job_id: str, number: int) -> Sequence[BatchDocument]:
        """Raises NotFoundError("file_not_found")."""
        ...

    def keep_problems(self, job_id: str, problems: Sequence[RowProblem]) -> None: ...
    def problems(self, job_id: str) -> Sequence[RowProblem]:
        """What the reader found; empty when it found nothing."""
        ...


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row of a file: its document, or everything wrong with it, and its cells as they are."""

    number: int
    document: BatchDocument | None
    problems: Sequence[RowProblem]
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class BatchTable:
    """A whole file. Shapes: ``fields`` names what each column of ``header`` means, or None."""

    header: Sequence[str]
    fields: Sequence[str | None]
    row_count: int
    rows: Callable[[], Iterator[BatchRow]]


@dataclass(frozen=True, slots=True)
class BatchColumn:
    """A column of a file: its name, the field it is taken for ("" for none), first values."""

    name: str
    field: str
    samples: Sequence[str]


@dataclass(frozen=True, slots=True)
class BatchColumns:
    """What a file looks like before it is read. Shapes: ``fields`` are titles by field."""

    columns: Sequence[BatchColumn]
    fields: Mapping[str, str]
    missing: Sequence[str]
    conflicts: Sequence[str]
    row_count: int


class BatchFiles(Protocol):
    """Reads the files of batches and writes them back with their problems."""

    def read(
        self, file: UploadedFile, *, kind: SourceKind, remembered: Mapping[str, str], language: str
    ) -> BatchTable:
        """Raises ValidationError for a file that is no table or lacks a column."""
        ...

    def columns(
        self, file: UploadedFile, *, remembered: Mapping[str, str], language: str
    ) -> BatchColumns: ...
    def returned(
        self, table: BatchTable, problems: Sequence[RowProblem], *, language: str
    ) -> bytes:
        """The file as a workbook with every problem marked."""
        ...


class Meter(Protocol):
    """Counts what happened."""

    def count(self, name: str, number: int = 1) -> None: ...
    def count_at(self, provider: ProviderKind, counts: Mapping[str, int]) -> None:
        """Counts that belong to one provider."""
        ...
