"""Account cards and lines from files: a file is checked whole, and recorded only when all holds.

A worker that dies continues where it stopped: what it recorded is known and not recorded again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from kernel.files import XLSX, UploadedFile
from kernel.row_jobs import RowProblem, end_row_job
from kernel.undoing import start_undo, undo_id, undoable
from reconciliation.application.context import Scope
from reconciliation.application.counterparties import SaveCounterparties, UndoCounterparties, same
from reconciliation.application.invoices import TakeInvoice
from reconciliation.application.ledger import CheckEntries, RecordEntries, UndoEntries
from reconciliation.domain.counterparty import CounterpartyFields
from reconciliation.domain.ledger import Direction
from reconciliation.ports import FileAccess, ImportKind, InvoiceReader, JobView, TableFiles

JOB_KINDS: Final[Mapping[ImportKind, str]] = {
    "counterparties": "counterparty_import",
    "ledger_entries": "ledger_import",
    "e_invoices_sales": "e_invoice_import_sales",
    "e_invoices_purchase": "e_invoice_import_purchase",
}
UNDO_KINDS: Final[Mapping[str, str]] = {
    "counterparty_import": "counterparty_import_undo",
    "ledger_import": "ledger_import_undo",
}
"""Imports that can be taken back. A document that somebody else issued stays what it is."""
_LOOK: Final = 50
Row = TypeVar("Row")
OnRow = tuple[int, Callable[[], Row]]


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


class StartUndo:
    """Take an import back, in a job of its own; twice is one.

    Raises: NotFoundError; ConflictError("not_undoable" | "import_running").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, job_id: str) -> tuple[str, str]:
        """Id and kind of the job that takes it back."""
        store = self._scope.store
        job = undoable(store.job(job_id), UNDO_KINDS)
        undo = undo_id(self._scope.tenant_id, job_id)
        kind = UNDO_KINDS[job.kind]
        private = {**job.private, "import_id": job_id}
        subject = f"{kind}:{undo}"
        start_undo(store.unit(), "import", undo, kind, subject=subject, private=private)
        return undo, kind


class CorrectedWorkbook:
    """The file of an import with what is wrong beside every row, to correct and import again.

    Raises: NotFoundError.
    """

    def __init__(self, scope: Scope, files: FileAccess) -> None:
        self._scope = scope
        self._files = files

    def __call__(self, job_id: str) -> UploadedFile:
        job = self._scope.store.job(job_id)
        if job is None or not job.result.get("corrected"):
            raise NotFoundError("not_found", "There is no such item.")
        return self._files.export(job_id)


class RunImport:
    """Check a whole file and, unless it is a dry run or wrong, record all of it."""

    def __init__(
        self, scope: Scope, files: FileAccess, tables: TableFiles, invoices: InvoiceReader
    ) -> None:
        self._scope = scope
        self._files = files
        self._tables = tables
        self._invoices = invoices

    def __call__(self, job_id: str) -> None:
        """Idempotent: a redelivered job records what is left."""
        job = self._scope.store.job(job_id)
        if job is None or job.status not in {"queued", "running"}:
            return
        self._scope.store.start_job(job_id)
        try:
            file = self._files.upload(str(job.private["upload_id"]))
            self._run(job, file)
        except (ValidationError, NotFoundError) as error:
            found = error.problems or (Problem("", error.code, error.message),)
            problems = [RowProblem(0, problem) for problem in found]
            self._end(job_id, "failed", {"code": error.code}, problems)

    def _run(self, job: JobView, file: UploadedFile) -> None:
        if job.kind == JOB_KINDS["counterparties"]:
            self._counterparties(job, file)
        elif job.kind == JOB_KINDS["ledger_entries"]:
            self._ledger_entries(job, file)
        elif job.kind == UNDO_KINDS[JOB_KINDS["counterparties"]]:
            rows, _, total = _read(self._tables.counterparties(file, language=_language(job)))
            undone = UndoCounterparties(self._scope)([fields for _, fields in rows], job)
            self._end(job.id, "succeeded", undone, total=total)
        elif job.kind == UNDO_KINDS[JOB_KINDS["ledger_entries"]]:
            lines, _, total = _read(self._tables.ledger_entries(file, language=_language(job)))
            undone = UndoEntries(self._scope)([fields for _, fields in lines], job)
            self._end(job.id, "succeeded", undone, total=total)
        else:
            self._e_invoices(job, file)

    def _e_invoices(self, job: JobView, file: UploadedFile) -> None:
        """Documents one by one: each is complete in itself, and a wrong one stops no other."""
        sales = job.kind == JOB_KINDS["e_invoices_sales"]
        direction = Direction.SALES if sales else Direction.PURCHASE
        take = TakeInvoice(self._scope, self._invoices)
        counts: Counter[str] = Counter()
        problems: list[RowProblem] = []
        total = 0
        for number, content in enumerate(self._tables.documents(file), start=1):
            total += 1
            try:
                if job.private["dry_run"]:
                    self._invoices.read(content)
                    counts["valid"] += 1
                else:
                    counts["added" if take(content, direction).created else "unchanged"] += 1
            except KopruError as error:
                counts["refused"] += 1
                found = error.problems or (Problem("", error.code, error.message),)
                problems += [RowProblem(number, problem) for problem in found]
        status = "succeeded" if not problems else "partially_succeeded"
        if problems and not counts["added"] + counts["unchanged"] + counts["valid"]:
            status = "failed"
        self._end(job.id, status, counts, problems, total)

    def _counterparties(self, job: JobView, file: UploadedFile) -> None:
        rows, problems, total = _read(self._tables.counterparties(file, language=_language(job)))
        seen: dict[str, int] = {}
        for line, fields in rows:
            first = seen.setdefault(fields.code, line)
            if first != line:
                text = f"This code is in row {first} already."
                problems.append(RowProblem(line, Problem("/code", "duplicate_row", text)))
        wanted = [fields for _, fields in rows]
        if not self._stopped(job, file, total, problems, lambda: self._card_effects(wanted)):
            counts = SaveCounterparties(self._scope)(wanted, job.id)
            self._end(job.id, "succeeded", counts, total=total)

    def _card_effects(self, wanted: Sequence[CounterpartyFields]) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for start in range(0, len(wanted), _LOOK):
            chunk = wanted[start : start + _LOOK]
            known = self._scope.store.counterparties_by_code([fields.code for fields in chunk])
            for fields in chunk:
                before = known.get(fields.code)
                if before is None:
                    counts["added"] += 1
                else:
                    counts["unchanged" if same(before, fields) else "changed"] += 1
        return {name: counts[name] for name in ("added", "changed", "unchanged")}

    def _ledger_entries(self, job: JobView, file: UploadedFile) -> None:
        rows, problems, total = _read(self._tables.ledger_entries(file, language=_language(job)))
        lines, entries = [line for line, _ in rows], [fields for _, fields in rows]
        known, found = CheckEntries(self._scope)(entries)
        problems += [RowProblem(lines[one.number], one.problem) for one in found]
        effects = partial(RecordEntries(self._scope).effects, entries, known)
        if not self._stopped(job, file, total, problems, effects):
            recorded = RecordEntries(self._scope)(entries, known, job.id)
            self._end(job.id, "succeeded", recorded.to_dict(), total=total)

    def _stopped(
        self,
        job: JobView,
        file: UploadedFile,
        total: int,
        problems: list[RowProblem],
        effects: Callable[[], Mapping[str, int]],
    ) -> bool:
        """Whether the job ends here: something is wrong, or it was only to be checked. A check
        tells what recording would do, a wrong file comes back with its problems marked.
        """
        if not problems and not job.private["dry_run"]:
            return False
        refused = len({one.line for one in problems if one.line})
        problems.sort(key=lambda one: one.line)
        status = "failed" if problems else "succeeded"
        result: dict[str, Any] = {"valid": total - refused, "refused": refused}
        if problems:
            result["corrected"] = self._returned(job, file, problems)
        else:
            result |= effects()
        self._end(job.id, status, result, problems, total)
        return True

    def _returned(self, job: JobView, file: UploadedFile, problems: Sequence[RowProblem]) -> bool:
        marked = [(one.line, one.problem) for one in problems]
        book = self._tables.returned(job.kind, file, marked, language=_language(job))
        name = f"{job.kind}-{job.id}.xlsx"
        self._files.keep_export(job.id, UploadedFile(book, XLSX, name))
        return True

    def _end(
        self,
        job_id: str,
        status: str,
        result: Mapping[str, Any],
        problems: Sequence[RowProblem] = (),
        total: int = 0,
    ) -> None:
        end_row_job(self._scope.store.unit(), job_id, status, result, problems, total=total)


def _language(job: JobView) -> str:
    return str(job.private["language"])


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
