"""Account cards and lines from files: a file is checked whole, and recorded only when all holds.

A worker that dies continues where it stopped: what it recorded is known and not recorded again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from kernel.files import UploadedFile
from kernel.storing import WriteRefusedError
from reconciliation.application.context import Scope
from reconciliation.application.counterparties import SaveCounterparties
from reconciliation.application.ledger import CheckEntries, RecordEntries
from reconciliation.ports import FileAccess, ImportKind, JobView, TableFiles

JOB_KINDS: Final[Mapping[ImportKind, str]] = {
    "counterparties": "counterparty_import",
    "ledger_entries": "ledger_import",
}
Row = TypeVar("Row")
OnRow = tuple[int, Callable[[], Row]]


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong with one row; row 0 is the file."""

    line: int
    problem: Problem

    def to_dict(self) -> dict[str, Any]:
        """As a job shows it; the pointer names row and field."""
        where = f"/rows/{self.line}" if self.line else ""
        found = self.problem.under(where)
        return {"pointer": found.pointer, "code": found.code, "message": found.message}


class StartImport:
    """Keep the file and start a job; nothing is recorded in the request itself.

    Raises: NotFoundError for an unknown upload.
    """

    def __init__(self, scope: Scope, files: FileAccess) -> None:
        self._scope = scope
        self._files = files

    def __call__(
        self,
        kind: ImportKind,
        *,
        upload_id: str | None = None,
        file: UploadedFile | None = None,
        dry_run: bool = False,
        language: str = "tr",
    ) -> str:
        """Id of the job."""
        if file is not None:
            upload_id = self._scope.ids.new()
            self._files.keep_upload(upload_id, file)
        if upload_id is None:
            raise NotFoundError("file_not_found", "There is no such file.")
        self._files.upload(upload_id)
        job_id = self._scope.ids.new()
        private = {"upload_id": upload_id, "dry_run": dry_run, "language": language}
        unit = self._scope.store.unit()
        subject = f"{JOB_KINDS[kind]}:{job_id}"
        unit.create_job(job_id, JOB_KINDS[kind], subject=subject, private=private)
        unit.enqueue("import", {"job_id": job_id})
        unit.commit()
        return job_id


class RunImport:
    """Check a whole file and, unless it is a dry run or wrong, record all of it."""

    def __init__(self, scope: Scope, files: FileAccess, tables: TableFiles) -> None:
        self._scope = scope
        self._files = files
        self._tables = tables

    def __call__(self, job_id: str) -> None:
        """Idempotent: a redelivered job records what is left."""
        job = self._scope.store.job(job_id)
        if job is None or job.status not in {"queued", "running"}:
            return
        self._scope.store.start_job(job_id)
        try:
            file = self._files.upload(str(job.private["upload_id"]))
            if job.kind == JOB_KINDS["counterparties"]:
                self._counterparties(job, file)
            else:
                self._ledger_entries(job, file)
        except (ValidationError, NotFoundError) as error:
            found = error.problems or (Problem("", error.code, error.message),)
            problems = [RowProblem(0, problem) for problem in found]
            self._end(job_id, "failed", {"code": error.code}, problems)

    def _counterparties(self, job: JobView, file: UploadedFile) -> None:
        language = str(job.private["language"])
        rows, problems, total = _read(self._tables.counterparties(file, language=language))
        seen: dict[str, int] = {}
        for line, fields in rows:
            first = seen.setdefault(fields.code, line)
            if first != line:
                text = f"This code is in row {first} already."
                problems.append(RowProblem(line, Problem("/code", "duplicate_row", text)))
        if not self._stopped(job, total, problems):
            counts = SaveCounterparties(self._scope)([fields for _, fields in rows], job.id)
            self._end(job.id, "succeeded", counts, total=total)

    def _ledger_entries(self, job: JobView, file: UploadedFile) -> None:
        language = str(job.private["language"])
        rows, problems, total = _read(self._tables.ledger_entries(file, language=language))
        lines, entries = [line for line, _ in rows], [fields for _, fields in rows]
        known, found = CheckEntries(self._scope)(entries)
        problems += [RowProblem(lines[one.number], one.problem) for one in found]
        if not self._stopped(job, total, problems):
            recorded = RecordEntries(self._scope)(entries, known, job.id)
            self._end(job.id, "succeeded", recorded.to_dict(), total=total)

    def _stopped(self, job: JobView, total: int, problems: list[RowProblem]) -> bool:
        """Whether the job ends here: something is wrong, or it was only to be checked."""
        if not problems and not job.private["dry_run"]:
            return False
        refused = len({one.line for one in problems if one.line})
        problems.sort(key=lambda one: one.line)
        status = "failed" if problems else "succeeded"
        counts = {"valid": total - refused, "refused": refused}
        self._end(job.id, status, counts, problems, total)
        return True

    def _end(
        self,
        job_id: str,
        status: str,
        result: Mapping[str, Any],
        problems: Sequence[RowProblem] = (),
        total: int = 0,
    ) -> None:
        unit = self._scope.store.unit()
        unit.finish_job(
            job_id,
            status,
            result=result,
            problems=[problem.to_dict() for problem in problems],
            total=total,
            failed=len({problem.line for problem in problems}),
        )
        try:
            unit.commit()
        except WriteRefusedError:
            return  # another worker closed it


def _read(rows: Iterable[OnRow[Row]]) -> tuple[list[tuple[int, Row]], list[RowProblem], int]:
    """Rows that can be read, everything that is wrong with the others, and how many there are.

    Raises: ValidationError for a file that is no such table, or an empty one.
    """
    read: list[tuple[int, Row]] = []
    problems: list[RowProblem] = []
    total = 0
    for line, make in rows:
        total += 1
        try:
            read.append((line, make()))
        except KopruError as error:
            found = error.problems or (Problem("", error.code, error.message),)
            problems += [RowProblem(line, problem) for problem in found]
    if not total:
        raise ValidationError("file_empty", "There are no rows in this file.")
    return read, problems, total
