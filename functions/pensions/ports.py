"""What the pensions use cases need from the outside world, in the words of the domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from kernel.errors import KopruError
from kernel.files import UploadedFile, UploadForm
from kernel.money import Money
from kernel.periods import Period
from kernel.rates import Rate
from kernel.sensitive import Email, Iban, Phone, Secret, Tckn
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered
from pensions.domain.circuit import Circuit
from pensions.domain.contract import Contract
from pensions.domain.contribution import Contribution
from pensions.domain.employee import Employee
from pensions.domain.member_status import MemberStatus
from pensions.domain.outcome import Ambiguous, Fault, NotSent, Outcome, TransmissionKind
from pensions.domain.remittance import Remittance
from pensions.domain.transmission import FrozenLine, Transmission


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one insurer for one contract: loaded at send time, dropped after the call."""

    provider_code: str
    contract_no: str
    contract_code: str
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class EnrolmentLine:
    """One person to enrol.

    Shapes: ``line_key`` is an opaque id of ours, never the identity number. ``gender`` is
    ``female`` or ``male``; ``fund_preference`` is ``interest`` or ``interest_free``.
    """

    line_key: str
    national_id: Tckn
    first_name: str
    last_name: str
    birth_date: date
    gender: str | None
    mobile: Phone
    email: Email | None
    iban: Iban | None
    hired_on: date
    fund_preference: str | None
    contribution_rate: Rate | None


@dataclass(frozen=True, slots=True)
class CollectionLine:
    """One contribution of one person for one period, paid on one day."""

    line_key: str
    national_id: Tckn
    policy_no: str
    period: Period
    paid_on: date
    amount: Money
    rate: Rate


@dataclass(frozen=True, slots=True)
class MemberRef:
    """A person whose standing at the insurer we want to know."""

    line_key: str
    national_id: Tckn
    policy_no: str | None


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """Answer of a log-in attempt without effect.

    Shapes: ``ok`` means the insurer let us in. When it did not, ``refused`` tells wrong or locked
    credentials (true) from an insurer that could not be asked (false: nothing is known about the
    credentials). ``code`` is ours; ``message_code`` names a text of the error dictionary.
    """

    ok: bool
    code: str
    message_code: str
    refused: bool = False


class InsurerGateway(Protocol):
    """All insurers behind one door; which dialect speaks is the adapter's business.

    No method raises for anything an insurer or the network can do: it returns an outcome.
    Units: ``deadline_seconds`` is the total time of the whole call, connection included.
    """

    def check_credentials(
        self, connection: Connection, *, deadline_seconds: float
    ) -> CredentialCheck:
        """Try to log in, once, without any other effect."""
        ...

    def enrol(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[EnrolmentLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Send one transmission of people, once."""
        ...

    def collect(
        self,
        connection: Connection,
        reference: str,
        lines: Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Send one transmission of contributions, once."""
        ...

    def query(
        self,
        connection: Connection,
        reference: str,
        kind: TransmissionKind,
        lines: Sequence[EnrolmentLine] | Sequence[CollectionLine],
        *,
        deadline_seconds: float,
    ) -> Outcome:
        """Ask what became of a transmission; no effect at the insurer.

        By our reference where the insurer can, otherwise by period. ``Absent`` when the insurer
        knows nothing of it.
        """
        ...

    def member_statuses(
        self,
        connection: Connection,
        members: Sequence[MemberRef],
        *,
        deadline_seconds: float,
    ) -> Sequence[MemberStatus] | Ambiguous | NotSent | Fault:
        """Where these people stand: enrolled, opted out, left, suspended; one entry per member."""
        ...


# ---------------------------------------------------------------------------- storage


@dataclass(frozen=True, slots=True)
class EmployeeCounts:
    """Number of people of a contract by status, kept beside each change of status."""

    by_status: Mapping[str, int]

    @property
    def employees(self) -> int:
        """All people who are not cancelled."""
        return sum(number for status, number in self.by_status.items() if status != "cancelled")

    @property
    def policies(self) -> int:
        """People with a policy number in force."""
        return self.by_status.get("enrolled", 0)


@dataclass(frozen=True, slots=True)
class JobView:
    """Progress of a piece of long work as its own context stores it.

    ``private`` is not shown; ``cancelled`` means that somebody asked for its end, which comes when
    nothing of it is on its way any more.
    """

    id: str
    kind: str
    status: str
    total: int
    done: int
    failed: int
    subject: str
    private: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    prepared: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Mapping[str, Any]] = ()
    created_at: str = ""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class ImportChunk:
    """What a written part of a file did: changes to take back, and rows by outcome."""

    number: int
    changes: Sequence[Mapping[str, Any]]
    outcomes: Mapping[str, int]


class PensionsUnit(Protocol):
    """Everything one use case writes: applied as a whole or not at all.

    ``action`` names what happened for history and audit (``employee.accepted``); ``detail`` holds
    ids, codes, counts and minor units, never personal data. A ``save_…`` holds only while the
    entity is what was read.
    """

    def __len__(self) -> int:
        """How many single writes it holds; the store takes at most 100."""
        ...

    def add_contract(self, contract: Contract, action: str) -> None:
        """Add a contract; its number at the provider is taken until it is removed."""
        ...

    def save_contract(
        self, before: Contract, after: Contract, action: str, detail: Mapping[str, Any]
    ) -> Contract: ...
    def add_employee(self, employee: Employee, action: str, detail: Mapping[str, Any]) -> None:
        """Add a person; the identity number is taken until the person is withdrawn."""
        ...

    def save_employee(
        self, before: Employee, after: Employee, action: str, detail: Mapping[str, Any]
    ) -> Employee: ...
    def add_contribution(
        self, contribution: Contribution, action: str, detail: Mapping[str, Any]
    ) -> None: ...
    def save_contribution(
        self,
        before: Contribution,
        after: Contribution,
        action: str,
        detail: Mapping[str, Any],
    ) -> Contribution: ...
    def require_enrolled(self, employee_id: str, policy_no: str) -> None:
        """Refuse the whole unit unless this person is enrolled with this policy number."""
        ...

    def require_contract(self, contract: Contract) -> None:
        """Refuse the whole unit unless the contract is still what was read (credentials
        included).
        """
        ...

    def require_transmission(self, transmission: Transmission) -> None:
        """Refuse the whole unit unless the transmission is still what was read."""
        ...

    def add_transmission(self, transmission: Transmission, action: str) -> None: ...
    def save_transmission(
        self,
        before: Transmission,
        after: Transmission,
        action: str,
        detail: Mapping[str, Any],
    ) -> Transmission: ...
    def freeze_lines(self, transmission_id: str, lines: Sequence[FrozenLine]) -> None:
        """Store the exact content of a transmission, once."""
        ...

    def store_credentials(
        self, contract_id: str, version: int, username: str, password: Secret
    ) -> None: ...
    def add_import_chunk(self, import_id: str, chunk: ImportChunk) -> None:
        """Guard one chunk of an import against repetition and keep what is needed to undo it."""
        ...

    def post_collection(self, contribution: Contribution) -> None:
        """Book an accepted contribution: withheld from wages against owed to the insurer."""
        ...

    def create_job(
        self,
        job_id: str,
        kind: str,
        *,
        subject: str,
        total: int,
        private: Mapping[str, Any],
        cancellable: bool = False,
    ) -> None: ...
    def advance_job(self, job_id: str, deltas: Mapping[str, int]) -> None:
        """Move counters of a job: ``total``, ``done``, ``failed`` and ``n_<outcome>``."""
        ...

    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
    ) -> None: ...
    def cancel_job(self, job_id: str) -> None:
        """Note that a job that is not over shall end early; refused (``job``) when it is over."""
        ...

    def job_prepared(self, job_id: str) -> None:
        """Note that everything a job will send has been bound, so that it can end."""
        ...

    def take_slot(self, name: Sequence[str], owner: str) -> None:
        """Refuse the whole unit (label ``slot:…``) unless nobody holds this business slot."""
        ...

    def free_slot(self, name: Sequence[str], owner: str) -> None:
        """Let go of a slot; refused when ``owner`` does not hold it."""
        ...

    def received(self, source: str, event_id: str) -> None:
        """Refuse the whole unit (label ``inbox``) when this event had its effect already."""
        ...

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None: ...
    def enqueue(self, queue: str, message: Mapping[str, Any], *, delay_seconds: int = 0) -> None:
        """Give work to a queue: ``import``, ``prepare``, ``refresh`` or
        ``send:<provider_code>``.
        """
        ...

    def remember(self, command: CommandIdentity, answer: Remembered) -> None: ...
    def commit(self, *, dispatch: bool = True) -> None:
        """Write everything or nothing. Raises ConflictError (see ``WriteRefusedError``)."""
        ...


class PensionsStore(Protocol):
    """Reads and units of work of one tenant. There is no way to name another tenant."""

    def unit(self) -> PensionsUnit: ...
    def contract(self, contract_id: str) -> Contract:
        """Raises NotFoundError for an unknown, foreign or deleted contract."""
        ...

    def contracts(self) -> Iterator[Contract]: ...
    def employee(self, employee_id: str) -> Employee: ...
    def employees_by_id(self, ids: Sequence[str]) -> Mapping[str, Employee]: ...
    def employees_by_national_id(
        self, contract_id: str, national_ids: Sequence[Tckn]
    ) -> Mapping[str, str]:
        """Ids of the people of a contract with these numbers, by clear number."""
        ...

    def employees(self, contract_id: str) -> Iterator[Employee]: ...
    def employee_page(
        self, contract_id: str, *, limit: int, after: Position | None
    ) -> tuple[list[Employee], Position | None]: ...
    def employee_counts(self, contract_id: str) -> EmployeeCounts: ...
    def contribution(self, contribution_id: str) -> Contribution: ...
    def contributions_by_id(self, ids: Sequence[str]) -> Mapping[str, Contribution]: ...
    def contributions(self, contract_id: str, period: Period) -> Iterator[Contribution]: ...
    def transmission(self, transmission_id: str) -> Transmission | None: ...
    def frozen_lines(self, transmission_id: str) -> list[FrozenLine]: ...
    def open_transmissions(self, contract_id: str) -> list[Transmission]:
        """Transmissions of a contract that are not closed, oldest first."""
        ...

    def credentials(self, contract: Contract) -> tuple[str, Secret]:
        """User name and password of the newest version (workers only)."""
        ...

    def import_chunks(self, import_id: str) -> Iterator[ImportChunk]: ...
    def job(self, job_id: str) -> JobView | None: ...
    def history(self, subject: str) -> list[HistoryLine]:
        """What happened to ``<kind>:<id>``, oldest first; the first 200 entries."""
        ...

    def import_mapping(self, kind: str) -> Mapping[str, str]:
        """Which column means which field, as somebody chose for files of this kind before."""
        ...

    def remember_import_mapping(self, kind: str, mapping: Mapping[str, str]) -> None: ...
    def start_job(self, job_id: str) -> None:
        """Mark a job as running; the sweep leaves it alone while a worker may be at it."""
        ...

    def answered(self, command: CommandIdentity) -> Remembered | None:
        """The first answer to a command, if any. Raises ValidationError for a reused key."""
        ...

    def circuit(self, provider_code: str) -> Circuit: ...
    def save_circuit(self, circuit: Circuit) -> None: ...


class CredentialsUnavailableError(KopruError):
    """Stored credentials are missing or their key does not open them: wait, never go without."""


class FileAccess(Protocol):
    """Uploaded and generated files of one tenant."""

    def upload(self, upload_id: str) -> UploadedFile: ...
    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...
    def keep_export(self, export_id: str, file: UploadedFile) -> None: ...
    def download_link(self, export_id: str, filename: str) -> str: ...
    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """Where a browser's own form sends one file; afterwards it goes on at ``back_to``."""
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """A row that waits for its time: kind, id and tenant."""

    kind: str
    id: str
    tenant_id: str
    due_at: datetime


class DueWork(Protocol):
    """Finds what is due over all tenants (sweeper only)."""

    def due(self, now: datetime, limit: int) -> list[Due]:
        """Rows due by ``now``; each was pushed forward by condition, so nobody else has it.

        Units: at most ``limit`` of what insurers have or may have, and as many others.
        """
        ...

    def polls(self, now: datetime, limit: int) -> list[Due]:
        """Contracts whose people are to be asked about; each comes again some hours later."""
        ...

    def contracts(self) -> Iterator[tuple[str, str]]:
        """Tenant and id of every contract that has credentials."""
        ...


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row of a payroll file: texts by field, and all texts as they stand in the file."""

    line: int
    fields: Mapping[str, str]
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class ImportTable:
    """A payroll file that can be read as a table. ``rows`` streams it as often as it is called;
    of a workbook one ``sheet`` is read, the others are named.
    """

    header: Sequence[str]
    row_count: int
    mapping: Mapping[str, str]
    fields: Sequence[str | None]
    source: str
    encoding: str
    sheet: str
    other_sheets: Sequence[str]
    hidden_sheets: Sequence[str]
    rows: Callable[[], Iterator[ImportRow]]


@dataclass(frozen=True, slots=True)
class FileColumn:
    """One column of a file: its name, the field it stands for (empty: not used), and samples."""

    name: str
    field: str
    samples: Sequence[str]


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of a file as we read them, and what a person must still decide.

    Shapes: ``fields`` are all fields of the kind with their names in the reader's language, in the
    order of our template; ``missing`` are required fields no column stands for; ``conflicts`` are
    fields that several columns claim.
    """

    columns: Sequence[FileColumn]
    fields: Mapping[str, str]
    missing: Sequence[str]
    conflicts: Sequence[str]
    row_count: int


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong with one row of a file; ``field`` is empty when it is the whole row."""

    line: int
    field: str
    code: str
    message: str


class ImportFiles(Protocol):
    """Reads payroll files and returns them with their problems marked."""

    def read(
        self, kind: str, file: UploadedFile, *, remembered: Mapping[str, str], language: str
    ) -> ImportTable: ...
    def columns(
        self, kind: str, file: UploadedFile, *, remembered: Mapping[str, str], language: str
    ) -> FileColumns:
        """Raises ValidationError for a file that is not a table."""
        ...

    def returned(
        self, table: ImportTable, problems: Sequence[RowProblem], *, language: str
    ) -> bytes: ...


class BankOrderWriter(Protocol):
    """Writes a remittance as a file a bank or a person can use."""

    def write(
        self, order_format: str, remittance: Remittance, contract: Contract, *, language: str
    ) -> UploadedFile: ...
