"""Jobs: everything that takes longer than an answer, with progress that survives a reload.

A job row is ``<ctx>#T#<tenant>#JOB#<id>`` / ``META`` in ``core``, written by its own context and
read by ``workspace`` for ``GET /v1/jobs``. Counters move inside the transactions of the work
itself, so progress can never disagree with what happened.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from toolkit.aws.due import NOT_DUE
from toolkit.aws.dynamodb import Condition, Database, Item, Keyspace, equals, one_of
from toolkit.aws.rows import moment
from toolkit.aws.unit_of_work import META, UnitOfWork

QUEUED: Final = "queued"
RUNNING: Final = "running"
FINAL: Final = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled"})
# A DynamoDB row holds 400 KB; more problems than this go into the report file of the job.
MAX_PROBLEMS: Final = 500


@dataclass(frozen=True, slots=True)
class Job:
    """Progress of a long piece of work. ``done`` counts all finished units, ``failed`` those that
    went wrong. ``cancellable`` jobs hear ``workspace.JobCancelRequested.v1``.
    """

    id: str
    kind: str
    status: str
    total: int
    done: int
    failed: int
    created_at: str
    finished_at: str | None
    subject: str
    result: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Mapping[str, Any]] = ()
    cancellable: bool = False


def job_key(keyspace: Keyspace, job_id: str) -> str:
    """Partition key of a job row."""
    return keyspace.key("JOB", job_id)


def job_from(row: Item) -> Job:
    """The job behind a stored row."""
    return Job(
        id=row["id"],
        kind=row["kind"],
        status=row["status"],
        total=row.get("total", 0),
        done=row.get("done", 0),
        failed=row.get("failed", 0),
        created_at=row["created_at"],
        finished_at=row.get("finished_at"),
        subject=row.get("subject", ""),
        result=row.get("result", {}),
        problems=row.get("problems", []),
        cancellable=bool(row.get("cancellable", False)),
    )


class Jobs:
    """Creates and moves the jobs of one context and tenant."""

    def __init__(self, database: Database, keyspace: Keyspace) -> None:
        self._database = database
        self._keyspace = keyspace

    def create(
        self,
        unit: UnitOfWork,
        job_id: str,
        kind: str,
        *,
        subject: str,
        total: int = 0,
        **extra: Any,
    ) -> Job:
        """Add a queued job to the transaction of ``unit``.

        ``extra`` are private attributes of the context, and ``cancellable=True`` where it listens
        to ``workspace.JobCancelRequested.v1``.
        """
        row: Item = {
            "pk": job_key(self._keyspace, job_id),
            "sk": META,
            "id": job_id,
            "kind": kind,
            "status": QUEUED,
            "subject": subject,
            "total": total,
            "done": 0,
            "failed": 0,
            "created_at": moment(unit.now),
            "by_pk": self._keyspace.key("JOBS"),
            "by_sk": job_id,
            **extra,
        }
        unit.transaction.put_new("core", row, label="job")
        return job_from(row)

    def get(self, job_id: str) -> Item | None:
        """The stored row of a job, with the private attributes of its context."""
        return self._database.get("core", job_key(self._keyspace, job_id), META)

    def advance(self, unit: UnitOfWork, job_id: str, **deltas: int) -> None:
        """Move ``done``, ``failed`` or ``total`` in the transaction of the work itself."""
        unit.count(job_key(self._keyspace, job_id), META, deltas)

    def finish(
        self,
        unit: UnitOfWork,
        job_id: str,
        status: str,
        *,
        result: Mapping[str, Any] | None = None,
        problems: Sequence[Mapping[str, Any]] = (),
        assign: Mapping[str, Any] | None = None,
        when: Condition | None = None,
    ) -> None:
        """Close the job once, in the transaction of ``unit``; a second close is refused."""
        condition = one_of("status", (QUEUED, RUNNING))
        unit.transaction.update(
            "core",
            job_key(self._keyspace, job_id),
            META,
            assign={
                "status": status,
                "finished_at": moment(unit.now),
                "result": dict(result or {}),
                "problems": [dict(item) for item in problems[:MAX_PROBLEMS]],
                **(assign or {}),
            },
            remove=NOT_DUE,
            when=condition & when if when else condition,
            label="job",
        )

    def start(self, job_id: str) -> bool:
        """Mark a queued job as running; False when it runs or is over already."""
        changed = self._database.update(
            "core",
            job_key(self._keyspace, job_id),
            META,
            assign={"status": RUNNING},
            when=equals("status", QUEUED),
        )
        return changed is not None


def read_jobs(
    database: Database,
    contexts: Sequence[str],
    tenant_id: str,
    limit: int,
    *,
    before: str | None = None,
) -> Iterator[Job]:
    """Newest jobs of a tenant over several contexts, older than the job ``before`` if given."""
    found: list[Job] = []
    for context in contexts:
        keyspace = Keyspace(context, tenant_id)
        page = database.list_rows(
            keyspace.key("JOBS"), up_to=before, limit=limit + 1, forward=False
        )
        found += [job_from(row) for row in page.items if row["id"] != before]
    return iter(sorted(found, key=lambda job: job.id, reverse=True)[:limit])


def read_job(
    database: Database, contexts: Sequence[str], tenant_id: str, job_id: str
) -> Job | None:
    """One job of a tenant, whichever context owns it; one batch read."""
    keys = [(job_key(Keyspace(context, tenant_id), job_id), META) for context in contexts]
    rows = database.get_many("core", keys)
    return job_from(next(iter(rows.values()))) if rows else None
