"""Issue codes for many documents through the queue: read once, issue in slices (PAY-01, PAY-02).

A batch is a job. A file is read and checked as a whole by its first message; what is right is cut
into slices of a hundred, and every slice is a message of its own. A slice reserves its numbers with
one call of the counter and writes up to ten codes a transaction. Messages may come twice, late or
in any order: the source key of a document refuses a second code, and the guard row of a slice is
written together with what it moves in the job.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

from kernel.errors import ConflictError, KopruError, NotFoundError, Problem, ValidationError
from kernel.files import XLSX, UploadedFile
from kernel.storing import WriteRefusedError
from payment_codes.application.context import Scope, TryAgainError
from payment_codes.application.issue_code import (
    DEAD,
    IssueCode,
    Wish,
    customer_disabled,
    document_has_code,
)
from payment_codes.domain.batch import (
    GROUP,
    JOB_KIND,
    MAX_LISTED,
    MAX_ROWS,
    SLICE,
    UNDO_KIND,
    BatchDocument,
    RowOutcome,
    RowProblem,
    SliceResult,
    duplicate,
    status_of,
)
from payment_codes.domain.organisation import Organisation
from payment_codes.domain.payment_code import PaymentCode
from payment_codes.domain.source import Source, SourceKind
from payment_codes.ports import BatchFiles, BatchSlices, BatchTable, FileAccess, JobView

QUEUE: Final = "batch"
MAX_SHOWN: Final = 300
_MAX_ACTIONS: Final = 100
_FOUND_BY: Final = 4
"""Two words of the customer, the code and the document."""
_MESSAGES: Final = 40
RESERVE_SECONDS: Final = 8
"""What must be left for the commit of a group, or of one code."""
_Item = TypeVar("_Item")


def _parts(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _group_size(organisation: Organisation) -> int:
    """Codes that fit into one transaction: each is three rows, three keys, one piece of news and
    what it is found by; online also a message to the provider, offline perhaps a mail of three rows
    and its message.
    """
    mail = 4 if organisation.mail_on_issue else 0
    return min(GROUP, _MAX_ACTIONS // (7 + _FOUND_BY + (1 if organisation.is_online else mail)))


def wish_of(document: BatchDocument, batch: str) -> Wish:
    """What a document of a batch asks for."""
    return Wish(
        document.source,
        document.customer,
        document.amount,
        document.description,
        document.valid_until,
        document.customer_enabled,
        batch=batch,
    )


def check_documents(
    scope: Scope, organisation: Organisation, documents: Sequence[BatchDocument]
) -> Iterator[RowProblem]:
    """Everything that keeps rows from being issued and can be known before anything is written."""
    issue = IssueCode(scope)
    seen: dict[Source, int] = {}
    for document in documents:
        first = seen.setdefault(document.source, document.row)
        if first != document.row:
            yield duplicate(document.row, first)
        try:
            issue.check(wish_of(document, ""), organisation)
        except ValidationError as error:
            for found in error.problems:
                yield RowProblem(document.row, found.pointer.strip("/"), found.code, found.message)


def _enqueue_slices(scope: Scope, job: JobView, numbers: Sequence[int]) -> None:
    for part in _parts(numbers, _MESSAGES):
        unit = scope.store.unit()
        for number in part:
            unit.enqueue(QUEUE, {"job_id": job.id, "slice": number})
        unit.commit()


class StartBatch:
    """Start a batch from a list or from a file; nothing is issued in the request itself.

    Raises: ValidationError with a pointer for everything wrong in a list;
    ConflictError("organisation_missing"); NotFoundError for an unknown upload.
    """

    def __init__(self, scope: Scope, files: FileAccess, slices: BatchSlices) -> None:
        self._scope = scope
        self._files = files
        self._slices = slices

    def of_list(self, documents: Sequence[BatchDocument]) -> str:
        """Start with at most ``MAX_LISTED`` documents; returns the job's id."""
        organisation = self._scope.organisation()
        problems = [
            Problem(f"/documents/{p.row}/{p.field}", p.code, p.message)
            for p in check_documents(self._scope, organisation, documents)
        ]
        if not 1 <= len(documents) <= MAX_LISTED:
            message = f"A list has 1 to {MAX_LISTED} documents; use a file for more."
            problems.insert(0, Problem("/documents", "list_length", message))
        if problems:
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
        job_id = self._scope.ids.new()
        parts = list(_parts(documents, SLICE))
        for number, part in enumerate(parts):
            self._slices.keep(job_id, number, part)
        unit = self._scope.store.unit()
        private = {"list": True, "language": organisation.language}
        self._create(unit, job_id, private, total=len(documents), slices=len(parts))
        for number in range(len(parts)):
            unit.enqueue(QUEUE, {"job_id": job_id, "slice": number})
        unit.commit()
        return job_id

    def of_file(
        self,
        kind: SourceKind,
        *,
        upload_id: str | None = None,
        file: UploadedFile | None = None,
        dry_run: bool = False,
        language: str = "el",
        mapping: Mapping[str, str] | None = None,
    ) -> str:
        """Start with a file; ``kind`` counts for rows that name none. Returns the job's id."""
        self._scope.organisation()
        if file is not None:
            upload_id = self._scope.ids.new()
            self._files.keep_upload(upload_id, file)
        if upload_id is None:
            raise NotFoundError("file_not_found", "There is no such file.")
        self._files.upload(upload_id)
        job_id = self._scope.ids.new()
        unit = self._scope.store.unit()
        private = {
            "upload_id": upload_id,
            "kind": kind.value,
            "dry_run": dry_run,
            "language": language,
            "mapping": dict(mapping or {}),
        }
        self._create(unit, job_id, private)
        unit.enqueue(QUEUE, {"job_id": job_id})
        unit.commit()
        return job_id

    def _create(
        self, unit: Any, job_id: str, private: Mapping[str, Any], total: int = 0, slices: int = 0
    ) -> None:
        subject = f"organisation:{self._scope.tenant_id}"
        unit.create_job(
            job_id, JOB_KIND, subject=subject, total=total, private=private, slices=slices
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """What a whole file says: documents to issue, and everything wrong with the others."""

    documents: Sequence[BatchDocument]
    problems: Sequence[RowProblem]


class PrepareBatch:
    """Read and check a whole file, cut it into slices and give every slice its message.

    A repeated message does the rest: a file that is not cut is read again (the same bytes make the
    same slices), slices that stopped moving get their message again.
    """

    def __init__(
        self, scope: Scope, files: FileAccess, slices: BatchSlices, batch_files: BatchFiles
    ) -> None:
        self._scope = scope
        self._files = files
        self._slices = slices
        self._batch_files = batch_files
        self._closing = CloseBatch(scope, files, slices, batch_files)

    def __call__(self, job_id: str) -> None:
        store = self._scope.store
        job = store.job(job_id)
        if job is None or job.is_final:
            return
        if job.prepared:
            self._go_on(job)
            return
        store.lease_job(job_id, seen=-1)
        if job.kind == UNDO_KIND:
            self._cut(job, {name: int(job.private[name]) for name in ("total", "slices")})
            return
        try:
            table = self._closing.table(job)
            found = self._found(table)
        except (ValidationError, NotFoundError, ConflictError) as error:
            self._closing.fail(job_id, error)
            return
        if found.problems:
            self._slices.keep_problems(job_id, found.problems)
        refused = len({problem.row for problem in found.problems})
        parts = [] if job.private.get("dry_run") else list(_parts(found.documents, SLICE))
        for number, part in enumerate(parts):
            self._slices.keep(job_id, number, part)
        valid = len(found.documents) if job.private.get("dry_run") else 0
        counts = {RowOutcome.REFUSED.value: refused, RowOutcome.VALID.value: valid}
        self._cut(
            job,
            {
                "total": len(found.documents) + refused,
                "slices": len(parts),
                "done": refused + valid,
                "failed": refused,
                **{f"n_{name}": number for name, number in counts.items() if number},
            },
        )

    def _cut(self, job: JobView, numbers: Mapping[str, int]) -> None:
        """Say once how much there is to do, and give every slice its message."""
        unit = self._scope.store.unit()
        unit.prepare_job(job.id, numbers)
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("job"):
                raise
            return  # another worker prepared it, or it was closed
        _enqueue_slices(self._scope, job, range(numbers["slices"]))
        self._closing(job.id)

    def _found(self, table: BatchTable) -> _Found:
        if table.row_count > MAX_ROWS:
            message = f"A file has at most {MAX_ROWS} rows."
            problem = Problem("/rows", "too_many_rows", message)
            raise ValidationError("too_many_rows", message, problems=[problem])
        organisation = self._scope.organisation()
        documents: list[BatchDocument] = []
        problems: list[RowProblem] = []
        for row in table.rows():
            problems += row.problems
            if row.document is not None:
                documents.append(row.document)
        problems += check_documents(self._scope, organisation, documents)
        refused = {problem.row for problem in problems}
        good = [document for document in documents if document.row not in refused]
        return _Found(good, sorted(problems, key=lambda problem: problem.row))

    def _go_on(self, job: JobView) -> None:
        """Give slices their message again if nothing moved since the last look."""
        moved = job.seen != job.done
        self._scope.store.lease_job(job.id, seen=job.done)
        if not moved:
            done = self._scope.store.slices_done(job.id)
            missing = [number for number in range(job.slices) if number not in done]
            _enqueue_slices(self._scope, job, missing)
        self._closing(job.id)


class SliceWork(Protocol):
    """What a kind of job does with one slice; doing it again changes nothing.

    Raises: TryAgainError when time is short: what is written stays, and the rest comes again;
    ConflictError for what ends the whole job.
    """

    def __call__(
        self, job: JobView, number: int, remaining: Callable[[], float]
    ) -> SliceResult: ...


class WorkOnSlice:
    """Deal with one slice of a job as its kind asks; a repeated message does nothing twice.

    Raises: TryAgainError.
    """

    def __init__(self, scope: Scope, closing: "CloseBatch", works: Mapping[str, SliceWork]) -> None:
        self._scope = scope
        self._closing = closing
        self._works = works

    def __call__(self, job_id: str, number: int, *, remaining: Callable[[], float]) -> None:
        store = self._scope.store
        job = store.job(job_id)
        if job is None or job.is_final:
            return
        if store.slice_done(job_id, number) is None:
            try:
                result = self._works[job.kind](job, number, remaining)
            except ConflictError as error:
                self._closing.fail(job_id, error)
                return
            self._closing.note(job_id, result)
        self._closing(job_id)


class IssueSlice:
    """Issue the codes of one slice."""

    def __init__(self, scope: Scope, slices: BatchSlices) -> None:
        self._scope = scope
        self._slices = slices
        self._issue = IssueCode(scope)

    def __call__(self, job: JobView, number: int, remaining: Callable[[], float]) -> SliceResult:
        job_id = job.id
        documents = self._slices.documents(job_id, number)
        organisation = self._scope.organisation()
        known = self._scope.store.codes_of_sources([each.source for each in documents])
        switches = self._scope.store.customers_enabled({each.customer.id for each in documents})
        outcomes: Counter[str] = Counter()
        problems: list[RowProblem] = []
        wanted: list[BatchDocument] = []
        for document in documents:
            code = known.get(document.source)
            enabled = document.customer_enabled
            if enabled is None:
                enabled = switches.get(document.customer.id, True)
            if code is not None and code.status not in DEAD:
                try:
                    outcomes[_of_known(document, code, job_id)] += 1
                except ConflictError as error:
                    problems.append(_problem(document, error))
            elif not enabled:
                problems.append(_problem(document, customer_disabled()))
            else:
                wanted.append(document)
        for document, result in self._make(job_id, organisation, wanted, known, remaining):
            if isinstance(result, KopruError):
                problems.append(_problem(document, result))
            else:
                outcomes[result] += 1
        outcomes[RowOutcome.REFUSED.value] = len(problems)
        counts = {name: count for name, count in outcomes.items() if count}
        return SliceResult(number, counts, tuple(problems))

    def _make(
        self,
        job_id: str,
        organisation: Organisation,
        wanted: Sequence[BatchDocument],
        known: Mapping[Source, PaymentCode],
        remaining: Callable[[], float],
    ) -> Iterator[tuple[BatchDocument, str | KopruError]]:
        """Codes in groups of one transaction; what a group is refused is issued one by one."""
        if not wanted:
            return
        last = self._scope.store.next_sequence(organisation.org_code, len(wanted))
        sequences = iter(range(last - len(wanted) + 1, last + 1))
        rest = iter(wanted)
        size = _group_size(organisation)
        while group := list(islice(rest, size)):
            if remaining() < RESERVE_SECONDS:
                raise TryAgainError
            unit = self._scope.store.unit()
            for document in group:
                before = known.get(document.source)
                wish = wish_of(document, job_id)
                self._issue.add(unit, wish, organisation, next(sequences), before)
            try:
                unit.commit()
            except WriteRefusedError:
                # Somebody issued one of them meanwhile, or the counter was set back.
                for document in group:
                    yield document, self._alone(document, job_id)
            else:
                for document in group:
                    yield document, RowOutcome.ISSUED.value

    def _alone(self, document: BatchDocument, job_id: str) -> str | KopruError:
        try:
            issued = self._issue(wish_of(document, job_id))
        except (ConflictError, ValidationError) as error:
            return error
        return _of_known(document, issued.code, job_id)


def _of_known(document: BatchDocument, code: PaymentCode, job_id: str) -> str:
    """Outcome of a document with a living code; raises ConflictError("document_has_code")."""
    if code.amount != document.amount:
        raise document_has_code()
    return RowOutcome.ISSUED.value if code.batch == job_id else RowOutcome.EXISTS.value


def _problem(document: BatchDocument, error: KopruError) -> RowProblem:
    return RowProblem(document.row, "", error.code, error.message)


class CloseBatch:
    """End a batch once all of its rows are dealt with; safe to call any number of times."""

    def __init__(
        self, scope: Scope, files: FileAccess, slices: BatchSlices, batch_files: BatchFiles
    ) -> None:
        self._scope = scope
        self._files = files
        self._slices = slices
        self._batch_files = batch_files

    def __call__(self, job_id: str) -> None:
        job = self._scope.store.job(job_id)
        if job is None or job.is_final or not job.prepared or job.done < job.total:
            return
        outcomes = dict(job.outcomes)
        undo = job.kind == UNDO_KIND
        result: dict[str, Any] = {
            "dry_run": bool(job.private.get("dry_run")),
            "rows": job.total,
            "counts": outcomes,
            "problem_count": 0,
        }
        problems: Sequence[RowProblem] = ()
        if outcomes.get(RowOutcome.REFUSED.value) or outcomes.get(RowOutcome.KEPT.value):
            problems = self._problems(job)
            result["problem_count"] = len(problems)
            if not (undo or job.private.get("list")):
                result["corrected_workbook"] = self._workbook(job, problems)
        shown = [_shown(problem, listed=bool(job.private.get("list"))) for problem in problems]
        self.end(job_id, status_of(outcomes), result, shown[:MAX_SHOWN])

    def note(self, job_id: str, result: SliceResult) -> None:
        """Write that a slice is done together with what it moves in the job; twice is once."""
        unit = self._scope.store.unit()
        unit.add_slice(job_id, result)
        refused = result.outcomes.get(RowOutcome.REFUSED.value, 0)
        deltas = {f"n_{name}": count for name, count in result.outcomes.items()}
        done = sum(result.outcomes.values())
        unit.advance_job(job_id, {"done": done, "failed": refused, **deltas})
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("slice"):
                raise  # else: the same message, delivered twice, was quicker

    def table(self, job: JobView) -> BatchTable:
        """The file of a batch, read again. Raises ValidationError, NotFoundError."""
        private = job.private
        return self._batch_files.read(
            self._files.upload(str(private["upload_id"])),
            kind=SourceKind(str(private["kind"])),
            remembered=private["mapping"],
            language=str(private["language"]),
        )

    def _problems(self, job: JobView) -> list[RowProblem]:
        found = list(self._slices.problems(job.id))
        for done in self._scope.store.slices_done(job.id).values():
            found += done.problems
        return sorted(found, key=lambda problem: problem.row)

    def _workbook(self, job: JobView, problems: Sequence[RowProblem]) -> str:
        content = self._batch_files.returned(
            self.table(job), problems, language=str(job.private["language"])
        )
        self._files.keep_export(job.id, UploadedFile(content, XLSX, f"{job.id}.xlsx"))
        return job.id

    def fail(self, job_id: str, error: KopruError) -> None:
        """Close the job with everything that is wrong."""
        problems = [
            {"pointer": p.pointer, "code": p.code, "message": p.message} for p in error.problems
        ] or [{"pointer": "", "code": error.code, "message": error.message}]
        self.end(job_id, "failed", {"code": error.code}, problems)

    def end(
        self,
        job_id: str,
        status: str,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]],
    ) -> None:
        """Close the job, once."""
        unit = self._scope.store.unit()
        unit.finish_job(job_id, status, result=result, problems=problems)
        try:
            unit.commit()
        except WriteRefusedError:
            return  # another worker ended it


def _shown(problem: RowProblem, *, listed: bool) -> dict[str, Any]:
    place = f"/documents/{problem.row}" if listed else f"/rows/{problem.row}"
    return {
        "pointer": place + (f"/{problem.field}" if problem.field else ""),
        "line": problem.row,
        "field": problem.field,
        "code": problem.code,
        "message": problem.message,
        **({"subject": problem.subject} if problem.subject else {}),
    }
