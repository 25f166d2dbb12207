"""Bring people and contributions in from payroll files: dry run, all problems at once, undo
(PEN-04, PEN-08).

A file is read twice: once whole to know everything that is wrong, once to write. Rows are written
in chunks of ten, each in one transaction together with its guard row and the job's counters; a
worker that dies continues where the guards end, and the guards hold what an undo needs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Final

from kernel.errors import ConflictError, KopruError, NotFoundError, ParseError, ValidationError
from kernel.files import UploadedFile
from kernel.periods import Period
from kernel.sensitive import Tckn
from kernel.storing import WriteRefusedError
from pensions.application.context import GROUP, Scope
from pensions.application.contributions import (
    CalculateContributions,
    ContributionFields,
    month_rows,
)
from pensions.application.employees import FieldCheck, current_fields, employee_of, merge
from pensions.application.submissions import Started
from pensions.domain.employee import (
    EDITABLE,
    CheckedFields,
    Employee,
    EmployeeStatus,
    FieldParsers,
)
from pensions.ports import FileAccess, ImportChunk, ImportFiles, ImportRow, ImportTable, RowProblem

MAX_SHOWN_PROBLEMS: Final = 300
_TRIES: Final = 3
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class StartImport:
    """Keep the file and start a job; nothing is imported in the request itself."""

    def __init__(self, scope: Scope, files: FileAccess) -> None:
        self._scope = scope
        self._files = files

    def __call__(
        self,
        contract_id: str,
        kind: str,
        *,
        upload_id: str | None = None,
        file: UploadedFile | None = None,
        dry_run: bool = False,
        language: str = "tr",
        period: Period | None = None,
        mapping: Mapping[str, str] | None = None,
    ) -> Started:
        """Raises: NotFoundError for an unknown contract or upload."""
        self._scope.store.contract(contract_id)
        if file is not None:
            upload_id = self._scope.ids.new()
            self._files.keep_upload(upload_id, file)
        if upload_id is None:
            raise NotFoundError("file_not_found", "There is no such file.")
        self._files.upload(upload_id)
        job_id = self._scope.ids.new()
        unit = self._scope.store.unit()
        unit.create_job(
            job_id,
            f"{kind}_import",
            subject=f"contract:{contract_id}",
            total=0,
            private={
                "contract_id": contract_id,
                "upload_id": upload_id,
                "dry_run": dry_run,
                "language": language,
                "period": str(period) if period is not None else "",
                "mapping": dict(mapping or {}),
            },
        )
        unit.enqueue("import", {"job_id": job_id})
        unit.commit()
        return Started(job_id)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one row will do: add a person, change one, or nothing, with its problems."""

    row: ImportRow
    outcome: str
    after: Employee | None = None
    before: Employee | None = None
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Ten rows of a file; the first chunk also tells the job how many rows there are."""

    job_id: str
    contract_id: str
    number: int
    rows: Sequence[ImportRow]
    row_count: int

    def progress(self, failed: int) -> dict[str, int]:
        """What writing it moves in the job."""
        deltas = {"done": len(self.rows), "failed": failed}
        if self.number == 0:
            deltas["total"] = self.row_count
        return {name: number for name, number in deltas.items() if number}


class RunImport:
    """Validate a whole file and, unless it is a dry run, write it."""

    def __init__(
        self, scope: Scope, files: FileAccess, import_files: ImportFiles, parsers: FieldParsers
    ) -> None:
        self._scope = scope
        self._files = files
        self._import_files = import_files
        self._parsers = parsers

    def __call__(self, job_id: str) -> None:
        """Idempotent: a redelivered job skips the chunks that are written."""
        store = self._scope.store
        job = store.job(job_id)
        if job is None or job.status not in {"queued", "running"}:
            return
        store.start_job(job_id)
        private = job.private
        try:
            table = self._import_files.read(
                "employees" if job.kind == "employees_import" else "contributions",
                self._files.upload(str(private["upload_id"])),
                remembered=private["mapping"],
                language=str(private["language"]),
            )
        except (ValidationError, NotFoundError) as error:
            problems = [
                {"pointer": p.pointer, "code": p.code, "message": p.message} for p in error.problems
            ]
            self._end(
                job_id,
                "failed",
                {"code": error.code},
                problems or [{"pointer": "", "code": error.code, "message": error.message}],
            )
            return
        if job.kind == "employees_import":
            self._people(job_id, table, private)
        else:
            self._contributions(job_id, table, private)

    # ------------------------------------------------------------------ people

    def _people(self, job_id: str, table: ImportTable, private: Mapping[str, Any]) -> None:
        counts: Counter[str] = Counter()
        problems: list[RowProblem] = []
        written = {chunk.number: chunk for chunk in self._scope.store.import_chunks(job_id)}
        seen: dict[str, int] = {}
        for number, rows in enumerate(_chunks(table.rows())):
            job = _Chunk(job_id, str(private["contract_id"]), number, rows, table.row_count)
            plans = self._plan(job, seen)
            outcomes = Counter(plan.outcome for plan in plans)
            if number in written:
                # What it did is in its guard: seen again, its rows only look unchanged.
                outcomes = Counter(written[number].outcomes)
            elif not private["dry_run"]:
                plans = self._write_chunk(job, seen, plans)
                outcomes = Counter(plan.outcome for plan in plans)
            counts += outcomes
            problems += [problem for plan in plans for problem in plan.problems]
        self._conclude(job_id, table, private, counts, problems)

    def _plan(self, chunk: _Chunk, seen: dict[str, int]) -> list[_Plan]:
        """What each row of a chunk would do; people already registered are read once per chunk."""
        check = FieldCheck(self._scope.store, chunk.contract_id, self._parsers)
        checked = [check(row.fields) for row in chunk.rows]
        numbers = [value for c in checked if isinstance(value := c.values.get("national_id"), Tckn)]
        store = self._scope.store
        known = store.employees_by_national_id(chunk.contract_id, numbers)
        people = store.employees_by_id(list(known.values()))
        plans = []
        for row, result in zip(chunk.rows, checked, strict=True):
            number = result.values.get("national_id")
            clear = number.reveal("match") if isinstance(number, Tckn) else ""
            if clear and seen.get(clear, row.line) != row.line:
                problem = RowProblem(
                    row.line,
                    "national_id",
                    "duplicate_row",
                    f"This person is in row {seen[clear]} already.",
                )
                plans.append(_Plan(row, "duplicate", problems=(problem,)))
                continue
            if clear:
                seen[clear] = row.line
            found = _told(row, result)
            before = people.get(known[clear]) if clear in known else None
            if before is None:
                after = employee_of(
                    result,
                    employee_id=self._scope.ids.new(),
                    contract_id=chunk.contract_id,
                    import_id=chunk.job_id,
                )
                outcome = "invalid" if result.problems else "created"
                plans.append(_Plan(row, outcome, after, problems=found))
            elif before.status not in EDITABLE:
                plans.append(_Plan(row, "unchanged", before=before, problems=found))
            else:
                merged = {**current_fields(before), **{k: v for k, v in row.fields.items() if v}}
                result = check(merged)
                found = _told(row, result)
                after = merge(before, result)
                same = replace(after, stamp=before.stamp, reason=before.reason) == before
                outcome = "unchanged" if same else ("invalid" if result.problems else "changed")
                plans.append(_Plan(row, outcome, None if same else after, before, found))
        return plans

    def _write_chunk(
        self, chunk: _Chunk, seen: dict[str, int], plans: Sequence[_Plan]
    ) -> list[_Plan]:
        """Write a chunk as a whole; when others changed one of its people, plan it again."""
        current = list(plans)
        for _ in range(_TRIES):
            try:
                self._commit_chunk(chunk, current)
            except WriteRefusedError as error:
                if error.refused("chunk"):
                    return current  # another worker wrote it
                current = self._plan(chunk, seen)
            else:
                return current
        raise ConflictError("too_much_contention", "Others changed the same data; try again.")

    def _commit_chunk(self, chunk: _Chunk, plans: Sequence[_Plan]) -> None:
        unit = self._scope.store.unit()
        changes: list[dict[str, Any]] = []
        detail = {"import_id": chunk.job_id}
        for plan in plans:
            if plan.after is None:
                continue
            if plan.before is None:
                unit.add_employee(plan.after, "employee.imported", detail)
                changes.append({"op": "add", "id": plan.after.id})
            else:
                unit.save_employee(plan.before, plan.after, "employee.changed_by_import", detail)
                changes.append(
                    {"op": "change", "id": plan.after.id, "before": current_fields(plan.before)}
                )
        outcomes = Counter(plan.outcome for plan in plans)
        failed = outcomes["invalid"] + outcomes["duplicate"]
        unit.add_import_chunk(chunk.job_id, ImportChunk(chunk.number, changes, dict(outcomes)))
        unit.advance_job(chunk.job_id, chunk.progress(failed))
        unit.commit()

    # ------------------------------------------------------------------ contributions

    def _contributions(self, job_id: str, table: ImportTable, private: Mapping[str, Any]) -> None:
        store = self._scope.store
        contract_id, period = str(private["contract_id"]), Period.parse(private["period"])
        calculate = CalculateContributions(self._scope)
        counts: Counter[str] = Counter()
        problems: list[RowProblem] = []
        written = {chunk.number: chunk for chunk in store.import_chunks(job_id)}
        existing = month_rows(self._scope, contract_id, period)
        seen: dict[str, int] = {}
        for number, part in enumerate(_chunks(table.rows(), GROUP * 10)):
            rows, lines, refused = self._contribution_rows(contract_id, part, seen)
            problems += refused
            outcomes = Counter({"refused": len({p.line for p in refused})})
            if private["dry_run"]:
                counts += outcomes + Counter({"valid": len(rows)})
                continue
            if number in written:
                # Not computed again: somebody may have changed a row since.
                counts += Counter(written[number].outcomes)
                problems += [RowProblem(**found) for found in written[number].changes]
                continue
            found = []
            for result in calculate(contract_id, period, rows, import_id=job_id, existing=existing):
                outcomes[result.outcome] += 1
                if result.problem is not None:
                    field = result.problem.pointer.rpartition("/")[2]
                    code, message = result.problem.code, result.problem.message
                    found.append(RowProblem(lines[result.row], field, code, message))
            counts += outcomes
            problems += found
            chunk = _Chunk(job_id, contract_id, number, part, table.row_count)
            unit = store.unit()
            kept = [asdict(problem) for problem in found]
            unit.add_import_chunk(job_id, ImportChunk(number, kept, dict(outcomes)))
            unit.advance_job(job_id, chunk.progress(outcomes["refused"]))
            with suppress(WriteRefusedError):  # another worker wrote it
                unit.commit()
        self._conclude(job_id, table, private, counts, problems)

    def _contribution_rows(
        self, contract_id: str, chunk: Sequence[ImportRow], seen: dict[str, int]
    ) -> tuple[list[ContributionFields], list[int], list[RowProblem]]:
        parsed = [(row, self._parse_money_row(row)) for row in chunk]
        numbers = [v["national_id"] for _, (v, _) in parsed if "national_id" in v]
        known = self._scope.store.employees_by_national_id(contract_id, numbers)
        rows, lines, problems = [], [], []
        for row, (values, found) in parsed:
            number = values.get("national_id")
            employee_id = known.get(number.reveal("match")) if number is not None else None
            if number is not None and employee_id is None:
                found.append(
                    RowProblem(
                        row.line,
                        "national_id",
                        "not_registered",
                        "Nobody with this number is registered under this contract.",
                    )
                )
            elif employee_id in seen:
                found.append(
                    RowProblem(
                        row.line,
                        "national_id",
                        "duplicate_row",
                        f"This person is in row {seen[employee_id]} already.",
                    )
                )
            if found or employee_id is None:
                problems += found
                continue
            seen[employee_id] = row.line
            lines.append(row.line)
            rows.append(
                ContributionFields(
                    employee_id=employee_id,
                    earnings=values.get("earnings"),
                    rate=values.get("rate"),
                    amount=values.get("amount"),
                    paid_on=values.get("paid_on"),
                )
            )
        return rows, lines, problems

    def _parse_money_row(self, row: ImportRow) -> tuple[dict[str, Any], list[RowProblem]]:
        values: dict[str, Any] = {}
        problems = []
        for name in ("national_id", "earnings", "amount", "rate", "paid_on"):
            text = row.fields.get(name, "")
            if not text:
                if name == "national_id":
                    problems.append(
                        RowProblem(row.line, name, "required", "This field is required.")
                    )
                continue
            try:
                values[name] = self._parsers.by_field[name](text)
            except ParseError as error:
                problems.append(RowProblem(row.line, name, error.code.lower(), error.message))
        return values, problems

    # ------------------------------------------------------------------ the end

    def _conclude(
        self,
        job_id: str,
        table: ImportTable,
        private: Mapping[str, Any],
        counts: Mapping[str, int],
        problems: Sequence[RowProblem],
    ) -> None:
        result: dict[str, Any] = {
            "dry_run": bool(private["dry_run"]),
            "rows": table.row_count,
            "counts": dict(counts),
            "mapping": dict(table.mapping),
            "format": table.source,
            "encoding": table.encoding,
            "sheet": table.sheet,
            "other_sheets": list(table.other_sheets),
            "hidden_sheets": list(table.hidden_sheets),
            "problem_count": len(problems),
        }
        if problems:
            workbook = self._import_files.returned(
                table, problems, language=str(private["language"])
            )
            name = f"{job_id}.xlsx"
            self._files.keep_export(job_id, UploadedFile(workbook, XLSX, name))
            result["corrected_workbook"] = job_id
        shown = [
            {
                "pointer": f"/rows/{p.line}" + (f"/{p.field}" if p.field else ""),
                "line": p.line,
                "field": p.field,
                "code": p.code,
                "message": p.message,
            }
            for p in problems[:MAX_SHOWN_PROBLEMS]
        ]
        status = "partially_succeeded" if problems else "succeeded"
        good = sum(n for name, n in counts.items() if name not in {"refused", "duplicate"})
        if not good and problems:
            status = "failed"
        self._end(job_id, status, result, shown)

    def _end(
        self,
        job_id: str,
        status: str,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]],
    ) -> None:
        unit = self._scope.store.unit()
        unit.finish_job(job_id, status, result=result, problems=problems)
        try:
            unit.commit()
        except WriteRefusedError:
            return  # another worker ended it


def _told(row: ImportRow, checked: CheckedFields) -> tuple[RowProblem, ...]:
    return tuple(RowProblem(row.line, p.field, p.code, p.message) for p in checked.problems)


def _chunks(rows: Iterator[ImportRow], size: int = GROUP) -> Iterator[list[ImportRow]]:
    while chunk := list(islice(rows, size)):
        yield chunk


class UndoImport:
    """Take back what an import did to people, as far as nothing was sent since (N11).

    Added people are withdrawn; changed ones get their former values back. Whoever moved on stays
    and is named.
    """

    def __init__(self, scope: Scope, api_parsers: FieldParsers) -> None:
        self._scope = scope
        self._parsers = api_parsers

    def __call__(self, job_id: str) -> dict[str, int]:
        """Counts of ``undone`` and ``kept``. Raises NotFoundError,
        ConflictError("not_undoable").
        """
        store = self._scope.store
        job = store.job(job_id)
        if job is None:
            raise NotFoundError("not_found", "There is no such item.")
        if job.kind != "employees_import" or job.private.get("dry_run"):
            raise ConflictError("not_undoable", "Only an import of people can be undone.")
        if job.status in {"queued", "running"}:
            raise ConflictError("import_running", "The import is still running.")
        counts = {"undone": 0, "kept": 0}
        for chunk in store.import_chunks(job_id):
            people = store.employees_by_id([str(change["id"]) for change in chunk.changes])
            for change in chunk.changes:
                done = self._undo(people.get(str(change["id"])), change, job_id)
                counts["undone" if done else "kept"] += 1
        return counts

    def _undo(self, person: Employee | None, change: Mapping[str, Any], job_id: str) -> bool:
        if person is None or person.status not in EDITABLE:
            return person is not None and person.status is EmployeeStatus.CANCELLED
        unit = self._scope.store.unit()
        if change["op"] == "add":
            if person.import_id != job_id:
                return False
            after = person.moved(EmployeeStatus.CANCELLED)
            unit.save_employee(person, after, "employee.import_undone", {"import_id": job_id})
        else:
            check = FieldCheck(self._scope.store, person.contract_id, self._parsers)
            checked = check(change["before"])
            unit.save_employee(
                person,
                merge(person, checked),
                "employee.import_undone",
                {"import_id": job_id},
            )
        try:
            unit.commit()
        except (WriteRefusedError, KopruError):
            return False
        return True
