"""Take back the sales that a file posted, as far as nothing came of them since (CRD-04, N11).

The file is read again, and every sale of it that this import posted is cancelled like a single one:
by a linked reversal, in one transaction with the counter of the job. A sale of which the bank paid
part, or part was refunded, stays and is named. Refunds and cancellations of the file are reversals
themselves; they stay too.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from card_contracts.application.context import Scope
from card_contracts.application.imports import (
    KIND,
    UNDO_KIND,
    SalesFileJob,
)
from card_contracts.application.sales import CancelSale, Companions
from card_contracts.domain.sale import Sale, SaleState
from card_contracts.domain.sale_event import SaleEvent
from card_contracts.ports import FileAccess, JobView, SaleRow
from kernel.errors import KopruError, NotFoundError, Problem
from kernel.row_jobs import RowProblem
from kernel.undoing import not_undoable, start_undo, undo_expired, undo_id, undoable


class StartUndo:
    """Take an import of sales back in a job of its own; twice is one. A dry run only counts.

    Raises: NotFoundError; ConflictError("not_undoable" | "import_running" | "undo_expired").
    """

    def __init__(self, scope: Scope, files: FileAccess) -> None:
        self._scope = scope
        self._files = files

    def __call__(self, import_id: str, *, dry_run: bool = False) -> str:
        """Id of the job."""
        scope = self._scope
        job = undoable(scope.store.job(import_id), (KIND,))
        if not job.result.get("posted"):
            raise not_undoable()
        job_id = scope.ids.new() if dry_run else undo_id(scope.tenant_id, import_id)
        if scope.store.job(job_id) is not None:
            return job_id
        try:
            self._files.upload(str(job.private["upload_id"]))
        except NotFoundError:
            raise undo_expired() from None
        private = {**job.private, "import_id": import_id, "dry_run": dry_run}
        private["imported_at"] = job.created_at
        unit, subject = scope.store.unit(), f"card_import:{import_id}"
        start_undo(unit, "import", job_id, UNDO_KIND, subject=subject, private=private)
        return job_id


@dataclass(slots=True)
class _Found:
    """What is known of the rows so far: how many sales by what became of them, and what stays."""

    counts: Counter[str] = field(default_factory=Counter)
    kept: list[RowProblem] = field(default_factory=list)


class UndoSales(SalesFileJob):
    """Take back the sales of one file, or only count them."""

    def _unreadable(self, _: KopruError) -> KopruError:
        """It was read when it was imported: now it is gone."""
        return undo_expired()

    def _work(self, job: JobView, rows: Sequence[SaleRow]) -> None:
        found = _Found()
        for row in rows:
            event = self._parse(row.fields)
            if event.sale is not None:
                self._sale(row.line, event, job, found)
            else:
                self._reversal(row.line, event, job, found)
        counts = self._counts(job.id, found)
        status = "partially_succeeded" if found.kept else "succeeded"
        self._end(job.id, status, counts, found.kept, total=sum(counts.values()))

    def _counts(self, job_id: str, found: _Found) -> dict[str, int]:
        """Sales that this job took back counted themselves in its transactions, in whichever run;
        what was cancelled without it was gone before.
        """
        job = self._scope.store.job(job_id)
        undone = job.done if job is not None else 0
        counts = {
            "undoable": found.counts["undoable"],
            "undone": undone,
            "kept": len(found.kept),
            "gone": found.counts["cancelled"] - undone,
        }
        return {name: number for name, number in counts.items() if number}

    def _sale(self, line: int, event: SaleEvent, job: JobView, found: _Found) -> None:
        import_id = str(job.private["import_id"])
        sale = self._scope.store.sale_of_document(event.document_no)
        if sale is None or sale.import_id != import_id:
            return  # it was posted before, by somebody else
        if sale.state is SaleState.CANCELLED:
            found.counts["cancelled"] += 1
            return
        cancel = CancelSale(self._scope)
        try:
            if job.private["dry_run"]:
                cancel.tried(sale)
                found.counts["undoable"] += 1
                return
            cancel(sale.id, Companions(job_id=job.id), undoes=import_id)
            found.counts["cancelled"] += 1
        except KopruError as error:
            if error.code == "too_much_contention":
                raise
            found.kept.append(_stays(line, error.code, error.message, sale))

    def _reversal(self, line: int, event: SaleEvent, job: JobView, found: _Found) -> None:
        """A refund or a cancellation of the import: a reversal is not reversed."""
        sale = self._scope.store.sale_of_document(event.document_no)
        if sale is None or sale.import_id == job.private["import_id"]:
            return  # its own sale says what became of it
        since = str(job.private["imported_at"])
        if event.refund is not None:
            refund = self._scope.store.refund_of_document(event.refund.document_no)
            if refund is not None and refund.stamp.created_at >= since:
                text = "A refund is not taken back; post the sale again under a new document."
                found.kept.append(_stays(line, "refund_stays", text, sale))
        elif sale.state is SaleState.CANCELLED and sale.stamp.updated_at >= since:
            text = "A cancellation is not taken back; post the sale again under a new document."
            found.kept.append(_stays(line, "cancellation_stays", text, sale))


def _stays(line: int, code: str, message: str, sale: Sale) -> RowProblem:
    return RowProblem(line, Problem("/document_no", code, message), f"card_sale:{sale.id}")
