"""Take sales, refunds and cancellations from a file: the whole file is tried first, and done only
when all of it holds.

A worker that dies continues where it stopped: documents that this job posted are known by it and
never posted twice.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from card_contracts.application.context import Scope
from card_contracts.application.sales import Companions
from card_contracts.application.take_sale import take_sale
from card_contracts.application.try_sales import TrySales
from card_contracts.domain.sale_event import SaleEvent
from card_contracts.ports import FileAccess, JobView, SaleFiles, SaleRow
from kernel.errors import KopruError, NotFoundError, Problem, ValidationError
from kernel.files import UploadedFile
from kernel.row_jobs import RowProblem, end_row_job

KIND: Final = "card_sales_import"
UNDO_KIND: Final = "card_sales_import_undo"
MAX_ROWS: Final = 5_000
"""Rows of one file: each is one transaction of one run of the worker."""
ParseRow = Callable[[Mapping[str, str]], SaleEvent]


class StartSalesImport:
    """Keep the file and start a job; nothing is posted in the request itself."""

    def __init__(self, scope: Scope, files: FileAccess) -> None:
        self._scope = scope
        self._files = files

    def __call__(
        self,
        *,
        upload_id: str | None = None,
        file: UploadedFile | None = None,
        dry_run: bool = False,
        language: str = "tr",
    ) -> str:
        """Id of the job. Raises: NotFoundError for an unknown upload."""
        if file is not None:
            upload_id = self._scope.ids.new()
            self._files.keep_upload(upload_id, file)
        if upload_id is None:
            raise NotFoundError("file_not_found", "There is no such file.")
        self._files.upload(upload_id)
        job_id = self._scope.ids.new()
        private = {"upload_id": upload_id, "dry_run": dry_run, "language": language}
        unit = self._scope.store.unit()
        unit.create_job(job_id, KIND, subject=f"card_import:{job_id}", private=private)
        unit.enqueue("import", {"job_id": job_id})
        unit.commit()
        return job_id


class SalesFileJob(ABC):
    """A job over a file of sales: idempotent, a redelivered one does what is left."""

    def __init__(
        self, scope: Scope, files: FileAccess, sale_files: SaleFiles, parse: ParseRow
    ) -> None:
        self._scope = scope
        self._files = files
        self._sale_files = sale_files
        self._parse = parse

    def __call__(self, job_id: str) -> None:
        """Read the file and work on its rows; a file that cannot be read ends the job."""
        job = self._scope.store.job(job_id)
        if job is None or job.status not in {"queued", "running"}:
            return
        self._scope.store.start_job(job_id)
        try:
            rows = self._read(job)
        except (ValidationError, NotFoundError) as unread:
            error = self._unreadable(unread)
            found = [RowProblem(0, problem) for problem in error.problems]
            whole = RowProblem(0, Problem("", error.code, error.message))
            self._end(job_id, "failed", {"code": error.code}, found or [whole])
            return
        self._work(job, rows)

    @abstractmethod
    def _work(self, job: JobView, rows: Sequence[SaleRow]) -> None:
        """Do what the job is for, and end it."""

    def _unreadable(self, error: KopruError) -> KopruError:
        """What the job says of a file that cannot be read."""
        return error

    def _read(self, job: JobView) -> list[SaleRow]:
        file = self._files.upload(str(job.private["upload_id"]))
        rows = []
        for row in self._sale_files.read(file, language=str(job.private["language"])):
            rows.append(row)
            if len(rows) > MAX_ROWS:
                raise ValidationError("too_many_rows", f"At most {MAX_ROWS} sales in one file.")
        if not rows:
            raise ValidationError("file_empty", "There are no sales in this file.")
        return rows

    def _end(
        self,
        job_id: str,
        status: str,
        result: Mapping[str, Any],
        problems: Sequence[RowProblem],
        *,
        total: int = 0,
    ) -> None:
        end_row_job(self._scope.store.unit(), job_id, status, result, problems, total=total)


class RunSalesImport(SalesFileJob):
    """Try a whole file and, unless it is a dry run or wrong, take every row."""

    def _work(self, job: JobView, rows: Sequence[SaleRow]) -> None:
        events, problems = self._check(rows, job.id)
        if problems or job.private["dry_run"]:
            counts = {"valid": len(events), "refused": len({one.line for one in problems})}
            status = "failed" if problems else "succeeded"
            self._end(job.id, status, counts, problems, total=len(rows))
            return
        self._post(job.id, events)

    def _check(
        self, rows: Sequence[SaleRow], job_id: str
    ) -> tuple[list[tuple[int, SaleEvent]], list[RowProblem]]:
        """Rows that can be taken, and everything that is wrong with the others."""
        events: list[tuple[int, SaleEvent]] = []
        problems: list[RowProblem] = []
        attempt = TrySales(self._scope)
        for row in rows:
            try:
                event = self._parse(row.fields)
                attempt(row.line, event)
            except KopruError as error:
                if not self._posted(row, job_id):
                    found = error.problems or (Problem("", error.code, error.message),)
                    problems += [RowProblem(row.line, problem) for problem in found]
                continue
            events.append((row.line, event))
        return events, problems

    def _posted(self, row: SaleRow, job_id: str) -> bool:
        """Whether this job posted the row before it died and the contract was locked since."""
        known = self._scope.store.sale_of_document(row.fields.get("document_no", ""))
        return known is not None and known.import_id == job_id

    def _post(self, job_id: str, events: Sequence[tuple[int, SaleEvent]]) -> None:
        problems: list[RowProblem] = []
        for line, event in events:
            try:
                take_sale(self._scope, event, Companions(job_id=job_id))
            except KopruError as error:
                if error.code == "too_much_contention":
                    raise
                problems.append(RowProblem(line, Problem("", error.code, error.message)))
        counts = self._counts(job_id, len(events), len(problems))
        status = "succeeded"
        if problems:
            status = "failed" if len(problems) == len(events) else "partially_succeeded"
        self._end(job_id, status, counts, problems, total=len(events))

    def _counts(self, job_id: str, rows: int, refused: int) -> dict[str, int]:
        """Every row that did something counted itself in its transaction, in whichever run."""
        job = self._scope.store.job(job_id)
        posted = job.done if job is not None else 0
        counts = {"posted": posted, "unchanged": rows - posted - refused, "refused": refused}
        return {name: number for name, number in counts.items() if number}
