"""Read a bank statement and bring its payments into agreement with what the provider told (PAY-03).

A file is read twice: once whole, to know everything that is wrong (then nothing of it is used), and
once to work. Lines with a payment code become payments in the same way as the provider's, or are
agreed with them; what became of every line is kept in chunks. A worker that dies or runs out of
time goes on where the chunks end; a line that was done is found by its content and not done again.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from kernel.bank_statement import (
    Direction,
    LineKeys,
    StatementEntry,
    StatementSummary,
    entries_of,
)
from kernel.files import UploadedFile
from kernel.statement_jobs import (
    RESERVE,
    UNREADABLE,
    Profile,
    StatementFiles,
    StatementJobs,
    checked,
    keep_statement,
    statements_out,
)
from kernel.storing import CommandIdentity, WriteRefusedError
from payment_codes.application.context import Scope
from payment_codes.application.post_line import PostLine
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.statement_line import (
    LineOutcome,
    chosen_code,
    find_codes,
    line_of,
)
from payment_codes.ports import ImportChunk, JobView

STATEMENT_IMPORTED: Final = "payment_codes.StatementImported.v1"
KIND: Final = "statement_import"
CHUNK: Final = 50


class StartStatementImport:
    """Keep the file and start a job; nothing is read in the request itself."""

    def __init__(self, scope: Scope, files: StatementFiles) -> None:
        self._scope = scope
        self._files = files

    def __call__(
        self,
        *,
        upload_id: str | None = None,
        file: UploadedFile | None = None,
        dry_run: bool = False,
        profile: Profile = None,
        command: CommandIdentity | None = None,
    ) -> str:
        """Id of the job.

        Raises: NotFoundError for an unknown upload, ValidationError for a wrong CSV profile,
        ConflictError("organisation_missing").
        """
        jobs = _jobs(self._scope)
        if (known := jobs.answered(command)) is not None:
            return known
        self._scope.organisation()
        upload_id = keep_statement(self._files, self._scope.ids, upload_id, file, profile)
        private = {"upload_id": upload_id, "dry_run": dry_run, "profile": profile or ""}
        return jobs.begin(private, command)


def _jobs(scope: Scope) -> StatementJobs:
    return StatementJobs(
        scope.store, scope.ids, KIND, subject="statement_import", queue="statement"
    )


class ImportStatement:
    """Work of one import, as far as the time goes."""

    def __init__(self, scope: Scope, files: StatementFiles, post: PostLine) -> None:
        self._scope = scope
        self._files = files
        self._jobs = _jobs(scope)
        self._post = post

    def __call__(self, job_id: str, *, remaining: Callable[[], float]) -> None:
        """Idempotent: a redelivered job goes on after the chunks that are written."""
        store = self._scope.store
        job = store.job(job_id)
        if job is None or job.status not in {"queued", "running"}:
            return
        store.lease_job(job_id, seen=job.done)
        try:
            if not job.prepared and not self._check(job):
                return
            self._work(job_id, remaining)
        except UNREADABLE as error:
            self._jobs.refuse_file(job_id, error)

    def _items(self, job: JobView) -> Any:
        profile = job.private.get("profile") or None
        return self._files.read(str(job.private["upload_id"]), profile)

    # ------------------------------------------------------------------ check

    def _check(self, job: JobView) -> bool:
        """Read the whole file; False when something is wrong with it and the job is over."""
        with self._items(job) as items:
            check = checked(items)
        if check.problem_count:
            self._jobs.refuse(job.id, check)
            return False
        unit = self._scope.store.unit()
        unit.prepare_job(job.id, {"total": check.entries})
        try:
            unit.commit()
        except WriteRefusedError:
            return False  # another worker is at it
        return True

    # ------------------------------------------------------------------ work

    def _work(self, job_id: str, remaining: Callable[[], float]) -> None:
        job = self._scope.store.job(job_id)
        if job is None:
            return
        organisation = self._scope.organisation()
        keys = LineKeys()
        statements: list[StatementSummary] = []
        number = 0
        with self._items(job) as items:
            entries = entries_of(items, statements)
            while rows := list(islice(entries, CHUNK)):
                # Ids count how often a line came, so lines that are done are counted too.
                lines = [self._prepared(entry, organisation, keys) for entry in rows]
                if number * CHUNK >= job.done:
                    if remaining() < RESERVE:
                        self._jobs.go_on(job_id)
                        return
                    if not self._chunk(job, number, lines):
                        return
                number += 1
        self._conclude(job_id, statements)

    def _prepared(
        self, entry: StatementEntry, organisation: Organisation, keys: LineKeys
    ) -> "_Row":
        found = find_codes(entry)
        code = chosen_code(found, organisation.org_code)
        if not found.codes:
            reason = "damaged_code" if found.damaged else ""
            return _Row(entry, "", "", LineOutcome.WITHOUT_CODE, reason)
        key = keys.of(entry, code or "/".join(sorted(found.codes)))
        foreign = code is not None and code[4:9] != organisation.org_code
        pays_others = entry.direction is Direction.DEBIT or entry.reversal
        if foreign and pays_others:
            return _Row(entry, code or "", "", LineOutcome.OUTGOING, "")
        return _Row(entry, code or "", key, None, "" if code is not None else "several_codes")

    def _chunk(self, job: JobView, number: int, rows: list["_Row"]) -> bool:
        """Do the lines of a chunk and keep what became of them; False when another worker did."""
        done = [self._one(job, row) for row in rows]
        outcomes = Counter(line["outcome"] for line in done)
        counts = {f"n_{name}": count for name, count in outcomes.items()}
        counts |= {"done": len(rows), "failed": outcomes[LineOutcome.DIFFERS.value]}
        unit = self._scope.store.unit()
        moved = {name: count for name, count in counts.items() if count}
        unit.add_chunk(job.id, ImportChunk(number, done), moved)
        try:
            unit.commit()
        except WriteRefusedError:
            return False
        return True

    def _one(self, job: JobView, row: "_Row") -> dict[str, Any]:
        entry = row.entry
        shown: dict[str, Any] = {
            "line": entry.place.line,
            "path": entry.place.path,
            "booking_date": entry.booking_date.isoformat(),
            "value_date": entry.value_date.isoformat(),
            "direction": entry.direction.value,
            "reversal": entry.reversal,
            "amount": entry.amount.minor,
            "currency": entry.amount.currency,
            "transactions": entry.transactions,
            "code": row.code,
            "outcome": (row.outcome or LineOutcome.DIFFERS).value,
            "reason": row.reason,
        }
        if row.outcome is not None or job.private.get("dry_run"):
            if row.outcome is None:
                shown["outcome"] = "with_code"
            return shown
        draft = line_of(entry, row.code, row.key, job.id)
        line = self._post(draft, unclear=row.reason)
        # The same line of an earlier file: what it was then is no news of this one.
        known = line.import_id != job.id
        return shown | {
            "outcome": LineOutcome.KNOWN.value if known else line.outcome.value,
            "reason": "" if known else line.reason,
            "line_id": line.id,
            "payment_id": line.payment_id,
            "code_id": line.code_id,
        }

    # ------------------------------------------------------------------ the end

    def _conclude(self, job_id: str, statements: list[StatementSummary]) -> None:
        job = self._scope.store.job(job_id)
        if job is None:
            return
        counts = dict(job.outcomes)
        result: dict[str, Any] = {
            "dry_run": bool(job.private.get("dry_run")),
            "lines": job.total,
            "counts": counts,
            **statements_out(statements),
        }
        differs = counts.get(LineOutcome.DIFFERS.value, 0)
        status = "partially_succeeded" if differs else "succeeded"
        unit = self._scope.store.unit()
        unit.finish_job(job_id, status, result=result)
        if not job.private.get("dry_run"):
            unit.publish(
                STATEMENT_IMPORTED,
                f"statement_import:{job_id}",
                {"job_id": job_id, "status": status, "lines": job.total, "counts": counts},
            )
        with suppress(WriteRefusedError):  # another worker ended it
            unit.commit()


class _Row:
    """An entry with what is known of it before anybody is asked; ``outcome`` None is undecided."""

    __slots__ = ("code", "entry", "key", "outcome", "reason")

    def __init__(
        self,
        entry: StatementEntry,
        code: str,
        key: str,
        outcome: LineOutcome | None,
        reason: str,
    ) -> None:
        self.entry = entry
        self.code = code
        self.key = key
        self.outcome = outcome
        self.reason = reason
