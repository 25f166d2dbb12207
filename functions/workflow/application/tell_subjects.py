"""Subjects and their facts, told one by one or from files (WFL-06)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import NotFoundError, Problem, ValidationError
from kernel.files import UploadedFile
from kernel.ids import derived_id
from kernel.row_jobs import RowProblem, end_row_job
from workflow.application.propose_work import TriggerScope
from workflow.domain.processes.subjects import Subject, SubjectKind
from workflow.ports import ImportJob, SubjectFiles, SubjectRow, UploadAccess

_GROUP: Final = 25
"""Subjects of one write: three rows each, and the list of the morning."""


@dataclass(frozen=True, slots=True)
class Told:
    """How many subjects were new, changed, or said nothing new."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def to_dict(self) -> dict[str, int]:
        """As an answer and a job show it."""
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged}

    def plus(self, other: "Told") -> "Told":
        """Both together."""
        return Told(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )


class TellSubjects:
    """Record what is known of subjects; telling the same again changes nothing.

    Raises: NotFoundError("kind_unknown"); ValidationError("facts_invalid") with every row's
    problems below ``/subjects/<n>``; WriteRefusedError when somebody else changed one of them.
    """

    def __init__(self, scope: TriggerScope) -> None:
        self._scope = scope

    def __call__(self, kind_key: str, rows: Sequence[SubjectRow]) -> Told:
        """All of them, in writes of some each."""
        kind = kind_of(self._scope, kind_key)
        read, problems = self.read(kind, rows)
        if problems:
            raise ValidationError("facts_invalid", "Some facts are wrong.", problems=problems)
        told = Told()
        for start in range(0, len(read), _GROUP):
            told = told.plus(self._group(kind, read[start : start + _GROUP]))
        return told

    @staticmethod
    def read(
        kind: SubjectKind, rows: Sequence[SubjectRow]
    ) -> tuple[list[tuple[SubjectRow, dict[str, Any]]], list[Problem]]:
        """Rows with their facts as JSON, and everything that is wrong."""
        read, problems, seen = [], list[Problem](), dict[str, int]()
        for number, row in enumerate(rows):
            first = seen.setdefault(row.reference, number)
            if first != number:
                text = f"This subject stands at {first} already."
                problems.append(Problem(f"/subjects/{number}/reference", "duplicate", text))
            try:
                read.append((row, kind.read(row.facts)))
            except ValidationError as error:
                problems += [one.under(f"/subjects/{number}") for one in error.problems]
        return read, problems

    def _group(self, kind: SubjectKind, rows: Sequence[tuple[SubjectRow, dict[str, Any]]]) -> Told:
        store, rules = self._scope.store, self._scope.processes.rules
        ids = {row.reference: subject_id(rules.tenant_id, kind.key, row.reference)
               for row, _ in rows}  # fmt: skip
        known = store.subjects_by_id(list(ids.values()))
        unit, added, changed = store.unit(), 0, 0
        for row, facts in rows:
            before = known.get(ids[row.reference])
            since = row.since or rules.today
            fresh = before or Subject(ids[row.reference], kind.key, row.reference)
            after = fresh.told(facts, since, row.label or None)
            detail = {"facts": sorted(facts), "since": since.isoformat()}
            if before is None:
                unit.add_subject(after, detail)
                added += 1
            elif after != before:
                unit.save_subject(before, after, detail)
                changed += 1
        if added or changed:
            if added:
                unit.watch_mornings()
            unit.commit()
        return Told(added, changed, len(rows) - added - changed)


def subject_id(tenant_id: str, kind: str, reference: str) -> str:
    """The id that a subject always has, so that it is there only once."""
    return derived_id("\0".join((tenant_id, "subject", kind, reference)))


def kind_of(scope: TriggerScope, key: str) -> SubjectKind:
    """A kind by its key. Raises: NotFoundError("kind_unknown")."""
    for kind in scope.kinds:
        if kind.key == key:
            return kind
    raise NotFoundError("kind_unknown", "There is no such kind of subjects.")


class StartSubjectImport:
    """Keep a file and start a job; nothing is recorded in the request itself.

    Raises: NotFoundError for an unknown kind or upload.
    """

    def __init__(self, scope: TriggerScope, files: UploadAccess) -> None:
        self._scope = scope
        self._files = files

    def __call__(
        self,
        kind: str,
        *,
        file: UploadedFile | None = None,
        upload_id: str = "",
        dry_run: bool = False,
        language: str = "tr",
    ) -> str:
        """Id of the job."""
        kind_of(self._scope, kind)
        ids = self._scope.processes.rules.ids
        if file is not None:
            upload_id = ids.new()
            self._files.keep_upload(upload_id, file)
        else:
            self._files.upload(upload_id)
        job_id = ids.new()
        unit = self._scope.store.unit()
        private = {"kind": kind, "upload_id": upload_id, "dry_run": dry_run, "language": language}
        unit.create_import(job_id, private)
        unit.enqueue({"job_id": job_id})
        unit.commit()
        return job_id


class RunSubjectImport:
    """Check a whole file, and record all of it or, when something is wrong, nothing.

    A worker that dies begins again: what it recorded says nothing new then.
    """

    def __init__(self, scope: TriggerScope, access: UploadAccess, files: SubjectFiles) -> None:
        self._scope = scope
        self._access = access
        self._files = files

    def __call__(self, job_id: str) -> None:
        """Idempotent. Raises: WriteRefusedError when somebody changes the same subjects."""
        job = self._scope.store.import_job(job_id)
        if job is None or job.status not in {"queued", "running"}:
            return
        self._scope.store.start_import(job_id)
        try:
            self._run(job)
        except (ValidationError, NotFoundError) as error:
            whole = RowProblem(0, Problem("", error.code, error.message))
            unit = self._scope.store.unit()
            end_row_job(unit, job_id, "failed", {"code": error.code}, [whole])

    def _run(self, job: ImportJob) -> None:
        said = job.private
        kind = kind_of(self._scope, str(said["kind"]))
        file = self._access.upload(str(said["upload_id"]))
        rows: list[SubjectRow] = []
        lines: list[int] = []
        problems: list[RowProblem] = []
        for line, row in self._files.rows(file, kind, language=str(said["language"])):
            if isinstance(row, ValidationError):
                problems += [RowProblem(line, problem) for problem in row.problems]
            else:
                rows.append(row)
                lines.append(line)
        if not rows and not problems:
            raise ValidationError("file_empty", "There are no rows in this file.")
        tell = TellSubjects(self._scope)
        for found in tell.read(kind, rows)[1]:
            _, _, number, *rest = found.pointer.split("/")
            where = "/" + "/".join(rest)
            problem = Problem(where, found.code, found.message)
            problems.append(RowProblem(lines[int(number)], problem))
        total = len({problem.line for problem in problems} | set(lines))
        if problems or said["dry_run"]:
            status = "failed" if problems else "succeeded"
            wrong = len({problem.line for problem in problems})
            counts = {"valid": total - wrong, "refused": wrong}
            problems.sort(key=lambda problem: problem.line)
            unit = self._scope.store.unit()
            end_row_job(unit, job.id, status, counts, problems, total=total)
            return
        told = tell(kind.key, rows).to_dict()
        end_row_job(self._scope.store.unit(), job.id, "succeeded", told, total=total)
