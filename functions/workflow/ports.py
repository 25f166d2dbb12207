"""What the use cases of workflow need from the outside world, in the words of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from kernel.files import UploadedFile, UploadForm
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered
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
