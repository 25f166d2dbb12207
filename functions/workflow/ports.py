"""What the use cases of workflow need from the outside world, in the words of the domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from kernel.errors import ValidationError
from kernel.files import UploadedFile, UploadForm
from kernel.sensitive import Secret
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered
from workflow.domain.approvals.approval import Approval
from workflow.domain.approvals.delegation import Delegation
from workflow.domain.approvals.people import Colleague
from workflow.domain.approvals.signing import CheckedSignature, Trust, Trusted
from workflow.domain.approvals.waiting import Answer, DueTask, Wait
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import Event
from workflow.domain.processes.subjects import Subject, SubjectKind
from workflow.domain.processes.triggers import Proposal, Run
from workflow.domain.processes.versions import DefinitionVersion
from workflow.domain.rules.parameters import Parameter
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.sheet import Line, Spot
from workflow.domain.rules.table import Table
from workflow.domain.rules.versions import TableVersion


class RulesUnit(Protocol):
    """Everything one use case writes: applied as a whole or not at all."""

    def add_version(self, version: TableVersion) -> None: ...
    def save_version(
        self, before: TableVersion, after: TableVersion, action: str, detail: Mapping[str, Any]
    ) -> TableVersion:
        """Change state; holds only while the version is what was read."""
        ...

    def add_parameter(self, parameter: Parameter) -> None: ...
    def add_decision(self, record: DecisionRecord) -> None:
        """Keep a decision; it is written once and never changed."""
        ...

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None: ...
    def remember(self, command: CommandIdentity, answer: Remembered) -> None: ...
    def commit(self) -> None:
        """Write everything or nothing. Raises WriteRefusedError."""
        ...


class RulesStore(Protocol):
    """Reads and units of work of one tenant. There is no way to name another tenant."""

    def unit(self) -> RulesUnit: ...
    def versions(self, table: str) -> list[TableVersion]:
        """The company's own versions of a table, whatever their state."""
        ...

    def version(self, table: str, version_id: str) -> TableVersion:
        """Raises NotFoundError for an unknown or foreign version, or one of another table."""
        ...

    def tables(self) -> list[str]:
        """Keys of the tables the company has versions of."""
        ...

    def parameters(self) -> list[Parameter]:
        """All the company's own parameters."""
        ...

    def decision(self, decision_id: str) -> DecisionRecord:
        """Raises NotFoundError for an unknown or foreign decision."""
        ...

    def decisions(
        self, table: str, *, limit: int, after: Position | None
    ) -> tuple[list[DecisionRecord], Position | None]:
        """Decisions of a table, newest first."""
        ...

    def decided_between(
        self, table: str, first: date, last: date, limit: int
    ) -> list[DecisionRecord]:
        """Up to ``limit`` newest decisions of these UTC days, both included."""
        ...

    def archived(self, decision_id: str, forget_at: datetime) -> None:
        """Note that the archive has a decision, and when the hot store may forget it."""
        ...

    def history(self, subject: str) -> list[HistoryLine]: ...
    def answered(self, command: CommandIdentity) -> Remembered | None:
        """The first answer to a command, if any. Raises ValidationError for a reused key."""
        ...


@dataclass(frozen=True, slots=True)
class DueDecision:
    """A decision that waits for the archive; ``due_at`` is when it was made."""

    id: str
    tenant_id: str
    due_at: datetime


class DueDecisions(Protocol):
    """Decisions of all tenants that wait for the archive."""

    def take(self, now: datetime, limit: int) -> list[DueDecision]:
        """The oldest of them, for this run only; what fails comes again a quarter hour later."""
        ...


class DecisionArchive(Protocol):
    """Where decisions stay for as long as the law wants them."""

    def keep(self, tenant_id: str, record: DecisionRecord) -> None:
        """Write a decision once; a repetition changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of an uploaded table.

    Shapes: ``lines`` in the order of the file, each with the row of the sheet as its number;
    ``letters`` are the columns of the sheet by field (``id``, ``? column``, ``→ output``, extras).
    """

    lines: tuple[Line, ...]
    letters: Mapping[str, str]

    def address(self, spot: Spot) -> str:
        """The cell of a problem, such as ``C7``; the row alone where no cell is meant."""
        if spot.line is None:
            return ""
        number = self.lines[spot.line].number
        return f"{self.letters.get(spot.field or '', '')}{number}"


class SheetFiles(Protocol):
    """Rows of tables as workbooks that people change elsewhere."""

    def write(self, name: str, table: Table) -> UploadedFile:
        """The rows of a table as a workbook."""
        ...

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        """Where a browser sends one workbook; afterwards it goes on at ``back_to``."""
        ...

    def read(self, upload_id: str, table: Table) -> Sheet:
        """The rows of an uploaded file, with the columns of ``table``.

        Raises: NotFoundError("file_not_found"); ValidationError for what is no such sheet.
        """
        ...


class PersonalFacts(Protocol):
    """Keeps the personal facts of decisions so that only a replay or a back-test reads them."""

    def seal(self, decision_id: str, facts: Mapping[str, Any]) -> bytes:
        """Encrypted for this tenant and decision; nothing for no facts.

        Raises: ValidationError("facts_invalid") for more than can be kept.
        """
        ...

    def open(self, decision_id: str, sealed: bytes) -> dict[str, Any]:
        """What was sealed. Raises: KopruError("secret_unavailable")."""
        ...


class Stopwatch(Protocol):
    """Says how long, never when."""

    def __call__(self) -> int:
        """Microseconds since some moment."""
        ...


# ---------------------------------------------------------------------------- processes


class ProcessUnit(RulesUnit, Protocol):
    """What a use case of processes writes beside decisions."""

    def add_definition(self, version: DefinitionVersion) -> None: ...
    def save_definition(
        self,
        before: DefinitionVersion,
        after: DefinitionVersion,
        action: str,
        detail: Mapping[str, Any],
    ) -> DefinitionVersion:
        """Change state; holds only while the version is what was read."""
        ...

    def add_process(self, head: Head, events: Sequence[Event]) -> None:
        """A new process with its first events."""
        ...

    def save_process(self, before: Head, after: Head, events: Sequence[Event], action: str) -> None:
        """Add events to a process; holds only while it is what was read."""
        ...

    def enqueue(self, message: Mapping[str, Any]) -> None:
        """Give work to the queue of processes."""
        ...


class ProcessStore(RulesStore, Protocol):
    """Reads and units of work of one tenant, for processes."""

    def unit(self) -> ProcessUnit: ...
    def definitions(self) -> list[DefinitionVersion]:
        """The company's own versions of processes, whatever their state."""
        ...

    def definition(self, version_id: str) -> DefinitionVersion:
        """Raises NotFoundError for an unknown or foreign version."""
        ...

    def process(self, process_id: str) -> Head:
        """Raises NotFoundError for an unknown or foreign process."""
        ...

    def events(self, process_id: str) -> list[Event]:
        """Everything that happened to a process, in order."""
        ...

    def processes(
        self, *, is_open: bool, limit: int, after: Position | None
    ) -> tuple[list[Head], Position | None]:
        """Open processes, the longest in their step first; closed ones, the newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row whose time has come.

    Shapes: ``kind`` is ``process`` (a timer), ``run`` (of triggers) or ``job`` (an import).
    """

    tenant_id: str
    kind: str
    id: str
    due_at: datetime


class DueWork(Protocol):
    """What waits for its time, over all tenants."""

    def due(self, now: datetime, limit: int) -> list[Waiting]:
        """Rows whose time has come, oldest first; they come again if nothing happens."""
        ...


# ---------------------------------------------------------------------------- subjects, proposals


@dataclass(frozen=True, slots=True)
class ImportJob:
    """An import as its worker sees it. Shapes: ``private`` holds what the request said."""

    id: str
    status: str
    private: Mapping[str, Any]
    total: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Mapping[str, Any]] = ()


class SubjectUnit(ProcessUnit, Protocol):
    """What use cases of subjects and proposals write, also beside a process."""

    def add_subject(self, subject: Subject, detail: Mapping[str, Any]) -> None: ...
    def save_subject(self, before: Subject, after: Subject, detail: Mapping[str, Any]) -> None: ...
    def add_proposal(self, proposal: Proposal) -> None:
        """Refused under the label ``proposal:<id>`` if it was made before."""
        ...

    def save_proposal(self, before: Proposal, after: Proposal, action: str) -> None: ...
    def add_run(self, run: Run) -> None:
        """Refused under the label ``run:<id>`` if it was started before."""
        ...

    def save_run(self, run: Run) -> None:
        """Note where a run stands; holds only while it stands where it was read."""
        ...

    def select(self, selection: str, subject: Subject, amount_minor: int) -> None:
        """Note a selected subject; noting it again changes nothing."""
        ...

    def watch_mornings(self) -> None:
        """From now on the time-driven rules look at this company every morning."""
        ...

    def create_import(self, job_id: str, private: Mapping[str, Any]) -> None: ...
    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
        total: int = 0,
        failed: int = 0,
    ) -> None: ...


class SubjectStore(ProcessStore, Protocol):
    """Reads and units of work of one tenant, for subjects and what is proposed about them."""

    def unit(self) -> SubjectUnit: ...
    def subject(self, subject_id: str) -> Subject:
        """Raises NotFoundError for an unknown or foreign subject."""
        ...

    def subjects_by_id(self, ids: Sequence[str]) -> dict[str, Subject]:
        """Those that exist, by id."""
        ...

    def subjects(
        self, kind: str, *, limit: int, after: Position | None, begins: str = ""
    ) -> tuple[list[Subject], Position | None]:
        """Subjects of a kind by reference, those whose reference begins so."""
        ...

    def proposal(self, proposal_id: str) -> Proposal:
        """Raises NotFoundError for an unknown or foreign proposal."""
        ...

    def proposals_made(self, ids: Sequence[str]) -> Mapping[str, datetime]:
        """Which of these proposals exist, whatever became of them, and when each was made."""
        ...

    def proposals(
        self, *, is_open: bool, limit: int, after: Position | None
    ) -> tuple[list[Proposal], Position | None]:
        """Open proposals, the oldest first; decided ones, the newest first."""
        ...

    def run(self, run_id: str) -> Run:
        """Raises NotFoundError for an unknown or foreign run."""
        ...

    def selection(
        self, selection: str, *, limit: int, after: Position | None
    ) -> tuple[list[tuple[str, int]], Position | None]:
        """References and minor units that a run selected, by reference."""
        ...

    def import_job(self, job_id: str) -> ImportJob | None: ...
    def start_import(self, job_id: str) -> None: ...


class Mornings(Protocol):
    """The companies that the time-driven rules look at."""

    def companies(self) -> Iterator[str]:
        """Their tenant ids."""
        ...


class SubjectFiles(Protocol):
    """Subjects from files."""

    def rows(
        self, file: UploadedFile, kind: SubjectKind, *, language: str
    ) -> Iterator[tuple[int, SubjectRow | ValidationError]]:
        """Rows by their number in the file, each read or refused with everything wrong.

        Raises: ValidationError for a file that is no such table.
        """
        ...

    def template(self, kind: SubjectKind, *, language: str) -> UploadedFile:
        """An empty workbook with the columns of a kind."""
        ...


class UploadAccess(Protocol):
    """Uploaded files of the tenant."""

    def upload(self, upload_id: str) -> UploadedFile:
        """Raises NotFoundError("file_not_found")."""
        ...

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None: ...


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """What one row of a file, or one request, says about a subject."""

    reference: str
    label: str
    since: date | None
    facts: Mapping[str, Any]


# ---------------------------------------------------------------------------- approvals


class ApprovalsUnit(Protocol):
    """Everything one step of an approval writes: applied as a whole or not at all."""

    def add_approval(self, approval: Approval, action: str, detail: Mapping[str, Any]) -> None: ...
    def save_approval(
        self, before: Approval, after: Approval, action: str, detail: Mapping[str, Any]
    ) -> None:
        """Holds only while state and version are what was read."""
        ...

    def add_decision(self, record: DecisionRecord) -> None: ...
    def open_wait(self, task_id: str, due_at: datetime) -> None:
        """A task begins to wait; ``due_at`` is when its execution is looked after."""
        ...

    def close_wait(self, task_id: str, due_at: datetime) -> None:
        """A task has ended; until ``due_at`` its execution should have been woken."""
        ...

    def add_delegation(self, delegation: Delegation) -> None: ...
    def save_delegation(self, before: Delegation, after: Delegation) -> None: ...
    def keep_signature(self, task_id: str, number: int, signature: bytes) -> None:
        """Keep the signature of the vote ``number`` (from 0) of a task, once."""
        ...

    def add_trust(self, trust: Trust) -> None: ...
    def save_trust(self, before: Trust, after: Trust, action: str) -> None: ...
    def know(self, person: Colleague) -> None:
        """Remember a person who acts here, so that others can be shown a name."""
        ...

    def drive(self, approval_id: str, task_id: str) -> None:
        """Have the execution of a task looked after, soon."""
        ...

    def received(self, source: str, event_id: str) -> None: ...
    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None: ...
    def remember(self, command: CommandIdentity, answer: Remembered) -> None: ...
    def commit(self) -> None:
        """Write everything or nothing. Raises WriteRefusedError."""
        ...


class ApprovalsStore(Protocol):
    """Approvals of one tenant. There is no way to name another tenant."""

    def unit(self) -> ApprovalsUnit: ...
    def approval(self, approval_id: str) -> Approval:
        """Raises NotFoundError for an unknown or foreign approval."""
        ...

    def find_approval(self, approval_id: str) -> Approval | None: ...
    def approvals(
        self, *, open_ones: bool, limit: int, after: Position | None
    ) -> tuple[list[Approval], Position | None]:
        """Open ones by the time they are due, closed ones newest first."""
        ...

    def closed_between(self, first: date, last: date, limit: int) -> list[Approval]:
        """Approvals that ended on these UTC days, newest first."""
        ...

    def wait(self, task_id: str) -> Wait | None: ...
    def mark_started(self, wait: Wait, due_at: datetime) -> Wait | None:
        """Count one more execution; None if somebody else did."""
        ...

    def keep_token(self, wait: Wait, token: Secret, due_at: datetime) -> bool:
        """Seal one more token; False if somebody else did at the same time."""
        ...

    def token(self, wait: Wait, number: int) -> Secret:
        """Open a token. Raises SecretUnavailableError."""
        ...

    def look_again(self, wait: Wait, due_at: datetime) -> None: ...
    def mark_done(self, wait: Wait) -> None: ...
    def delegations(self) -> list[Delegation]: ...
    def delegation(self, delegation_id: str) -> Delegation: ...
    def colleagues(self) -> list[Colleague]: ...
    def trust(self) -> list[Trust]:
        """Everything the company trusts or trusted, in the order it was recorded."""
        ...

    def one_trust(self, trust_id: str) -> Trust:
        """Raises NotFoundError for an unknown or foreign record."""
        ...

    def signature(self, task_id: str, number: int) -> bytes:
        """A kept signature. Raises NotFoundError."""
        ...

    def history(self, subject: str) -> list[HistoryLine]: ...
    def answered(self, command: CommandIdentity) -> Remembered | None: ...


class Machine(Protocol):
    """The state machine that waits for tasks. Raises TransientGatewayError when it is not there."""

    def start(self, name: str, task: Mapping[str, Any]) -> None:
        """Start an execution; starting the same again is the same execution."""
        ...

    def wake(self, token: Secret, outcome: Mapping[str, Any]) -> Answer:
        """Tell a waiting execution that its task has ended."""
        ...

    def state(self, name: str) -> Answer:
        """RUNNING or GONE."""
        ...


class Seal(Protocol):
    """Signs a decision record with a key of the hub that never leaves its keeper."""

    def sign(self, statement: bytes) -> Mapping[str, Any]:
        """Key id, algorithm and signature (base64) over the statement."""
        ...


@dataclass(frozen=True, slots=True)
class AuthorityFacts:
    """What a certificate of an authority says of itself."""

    name: str
    fingerprint: str
    data: bytes
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class RevocationFacts:
    """What a revocation list says of itself; ``fingerprint`` is that of its issuer's name."""

    issuer: str
    fingerprint: str
    data: bytes
    made_at: datetime
    ends_at: datetime


class Signatures(Protocol):
    """Reads certificates and detached signatures of persons (CMS, CAdES-BES)."""

    def verify(
        self, signature: bytes, statement: bytes, trusted: Trusted, now: datetime
    ) -> CheckedSignature:
        """What is known of a signature that holds for exactly these bytes.

        Raises: ValidationError with the one reason (``signing.PROBLEMS``) at ``/signature``.
        """
        ...

    def authority(self, data: bytes) -> AuthorityFacts:
        """A certificate in DER or PEM. Raises: ValidationError("certificate_unreadable")."""
        ...

    def revocations(self, data: bytes, anchors: Sequence[bytes]) -> RevocationFacts:
        """A revocation list; one of a known anchor must be signed by it.

        Raises: ValidationError("list_unreadable", "list_partial", "list_too_large",
        "list_forged").
        """
        ...


class ApprovalsDue(Protocol):
    """Tasks of all tenants whose execution must be looked after."""

    def due(self, now: datetime, limit: int) -> list[DueTask]: ...
