"""Long work in the store of payment codes: jobs of batches and of statements, and their slices.

Rows in ``core`` (``pay#T#<tenant>#…``): ``JOB#<id>``, and ``BATCH#<id>`` / ``SLICE#<n>``, a guard
for each finished slice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from payment_codes.domain.batch import RowProblem, SliceResult
from payment_codes.ports import JobView
from toolkit.aws.due import due_at
from toolkit.aws.dynamodb import Database, Item, Keyspace, equals, one_of
from toolkit.aws.jobs import QUEUED, RUNNING, Jobs, job_from, job_key
from toolkit.aws.unit_of_work import META, Machinery, UnitOfWork

JOB_PUSH: Final = timedelta(minutes=10)
_LEASE: Final = timedelta(minutes=10)  # longer than any worker may run
_SLICE: Final = "SLICE#"


def slice_sort(number: int) -> str:
    """Sort key of the guard of a slice."""
    return f"{_SLICE}{number:05d}"


def _view(row: Item) -> JobView:
    job = job_from(row)
    return JobView(
        job.id,
        job.kind,
        job.status,
        job.total,
        job.done,
        job.failed,
        row.get("private", {}),
        {name[2:]: number for name, number in row.items() if name.startswith("n_") and number},
        bool(row.get("prepared")),
        int(row.get("slices", 0)),
        int(row.get("seen", -1)),
        job.result,
        job.problems,
        job.created_at,
    )


def _slice(row: Item) -> SliceResult:
    problems = tuple(RowProblem(**problem) for problem in row["problems"])
    return SliceResult(int(row["sk"].removeprefix(_SLICE)), row["outcomes"], problems)


class JobWrites:
    """The part of ``PaymentsUnit`` that long work needs."""

    _keyspace: Keyspace
    _unit: UnitOfWork
    _jobs: Jobs

    def create_job(
        self,
        job_id: str,
        kind: str,
        *,
        subject: str,
        private: Mapping[str, Any],
        total: int = 0,
        slices: int = 0,
    ) -> None:
        self._jobs.create(
            self._unit,
            job_id,
            kind,
            subject=subject,
            total=total,
            private=dict(private),
            slices=slices,
            prepared=slices > 0,
            # The sweep looks at unfinished jobs, in case a message was lost.
            **due_at(self._keyspace, self._unit.now + _LEASE, job_id),
        )

    def prepare_job(self, job_id: str, numbers: Mapping[str, int]) -> None:
        self._unit.transaction.update(
            "core",
            job_key(self._keyspace, job_id),
            META,
            assign={"prepared": True, **numbers},
            when=one_of("status", (QUEUED, RUNNING)) & equals("prepared", False),
            label="job",
        )

    def advance_job(self, job_id: str, deltas: Mapping[str, int]) -> None:
        self._jobs.advance(self._unit, job_id, **{name: n for name, n in deltas.items() if n})

    def finish_job(
        self,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._jobs.finish(self._unit, job_id, status, result=result, problems=problems)

    def add_slice(self, job_id: str, result: SliceResult) -> None:
        self._unit.transaction.put_new(
            "core",
            {
                "pk": self._keyspace.key("BATCH", job_id),
                "sk": slice_sort(result.number),
                "outcomes": dict(result.outcomes),
                "problems": [asdict(problem) for problem in result.problems],
            },
            label="slice",
        )


class JobReads:
    """The part of ``PaymentsStore`` that long work needs."""

    database: Database
    keyspace: Keyspace
    machinery: Machinery

    def job(self, job_id: str) -> JobView | None:
        row = Jobs(self.database, self.keyspace).get(job_id)
        return _view(row) if row is not None else None

    def jobs(self, kind: str, *, limit: int) -> list[JobView]:
        page = self.database.list_rows(self.keyspace.key("JOBS"), limit=limit, forward=False)
        return [_view(row) for row in page.items if row["kind"] == kind]

    def lease_job(self, job_id: str, *, seen: int) -> None:
        until = self.machinery.clock.now() + _LEASE
        self.database.update(
            "core",
            job_key(self.keyspace, job_id),
            META,
            assign={"status": RUNNING, "seen": seen, **due_at(self.keyspace, until, job_id)},
            when=one_of("status", (QUEUED, RUNNING)),
        )

    def slice_done(self, job_id: str, number: int) -> SliceResult | None:
        row = self.database.get("core", self.keyspace.key("BATCH", job_id), slice_sort(number))
        return _slice(row) if row is not None else None

    def slices_done(self, job_id: str) -> Mapping[int, SliceResult]:
        pk = self.keyspace.key("BATCH", job_id)
        rows = self.database.query_all("core", pk, prefix=_SLICE)
        return {result.number: result for result in map(_slice, rows)}
