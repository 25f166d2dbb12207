"""Rows of all contexts that have one form: jobs, history, audit chains. Read only, one tenant."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from kernel.errors import NotFoundError
from kernel.storing import Position
from toolkit.aws.dynamodb import PREFIX_OF, Database, Item, Keyspace
from toolkit.aws.finding import search
from toolkit.aws.history import SUBJECT_CONTEXTS, context_of, last_state, read_history
from toolkit.aws.jobs import Job, read_job, read_jobs
from toolkit.aws.unit_of_work import sequence
from workspace.domain.seal import Head
from workspace.domain.search import Found
from workspace.ports import ChainView, HistoryView, JobView, Page

T = TypeVar("T")
CONTEXTS: Final = tuple(sorted(set(SUBJECT_CONTEXTS.values())))
"""Contexts that keep items; one that does not exist yet costs no query."""


def _job_view(job: Job) -> JobView:
    return JobView(
        id=job.id,
        kind=job.kind,
        status=job.status,
        total=job.total,
        done=job.done,
        failed=job.failed,
        created_at=job.created_at,
        finished_at=job.finished_at,
        subject=job.subject,
        result=job.result,
        problems=job.problems,
        cancellable=job.cancellable,
    )


class DynamoSharedRecords:
    """``SharedRecords`` through the readers of the toolkit."""

    def __init__(self, database: Database, tenant_id: str) -> None:
        self._database = database
        self._tenant_id = tenant_id

    def jobs(self, *, limit: int, before: str | None) -> Page[JobView]:
        found = list(read_jobs(self._database, CONTEXTS, self._tenant_id, limit + 1, before=before))
        shown = tuple(map(_job_view, found[:limit]))
        more = len(found) > limit
        return Page(shown, {"before": shown[-1].id} if more else None)

    def job(self, job_id: str) -> JobView:
        job = read_job(self._database, CONTEXTS, self._tenant_id, job_id)
        if job is None:
            raise NotFoundError("not_found", "There is no such item.")
        return _job_view(job)

    def history(self, subject: str, *, limit: int, after: Position | None) -> Page[HistoryView]:
        context = context_of(subject)
        if context is None:
            return Page(())
        entries, next_key = read_history(
            self._database,
            context,
            self._tenant_id,
            subject,
            limit=limit,
            after=dict(after) if after else None,
        )
        views = tuple(
            HistoryView(
                entry.at,
                entry.actor,
                entry.action,
                entry.from_state,
                entry.to_state,
                entry.detail,
                entry.correlation_id,
            )
            for entry in entries
        )
        return Page(views, next_key)

    def search(self, contexts: Iterable[str], query: str) -> tuple[list[Found], bool]:
        prefixes = [PREFIX_OF[context] for context in contexts]
        found, cut = search(self._database, prefixes, self._tenant_id, query)
        return [Found(each.kind, each.id, each.title, each.parent) for each in found], cut

    def state_of(self, subject: str) -> str:
        kind, _, identity = subject.partition(":")
        if kind == "job":
            job = read_job(self._database, CONTEXTS, self._tenant_id, identity)
            return job.status if job else ""
        context = context_of(subject)
        if context is None:
            return ""
        return last_state(self._database, context, self._tenant_id, subject)

    def chains(self, *, limit: int, after: Position | None) -> Page[ChainView]:
        return self._each(self._chain, limit=limit, after=after)

    def heads(self, *, limit: int, after: Position | None) -> Page[Head]:
        return self._each(self._head, limit=limit, after=after)

    def _each(
        self, read: Callable[[Keyspace, str], T], *, limit: int, after: Position | None
    ) -> Page[T]:
        """One thing per registered entity, context after context."""
        context, key = (str(after["context"]), after["key"]) if after else (CONTEXTS[0], None)
        found: list[T] = []
        while True:
            keyspace = Keyspace(context, self._tenant_id)
            page = self._database.query(
                "core",
                keyspace.key("ENTITIES"),
                index="by",
                after=dict(key) if key else None,
                limit=limit - len(found),
            )
            found += [read(keyspace, str(item["by_sk"])) for item in page.items]
            if page.next_key is not None:
                return Page(tuple(found), {"context": context, "key": page.next_key})
            following = CONTEXTS[CONTEXTS.index(context) + 1 :]
            if not following:
                return Page(tuple(found))
            context, key = following[0], None
            if len(found) >= limit:
                return Page(tuple(found), {"context": context, "key": None})

    def _head(self, keyspace: Keyspace, subject: str) -> Head:
        page = self._database.query("audit", keyspace.key("ENT", subject), limit=1, forward=False)
        # A registered entity without rows is sealed as that: its first row was taken away.
        row: Item = page.items[0] if page.items else {"seq": 0, "hash": ""}
        return Head(keyspace.context, subject, int(row["seq"]), str(row["hash"]))

    def rows_at(self, heads: Sequence[Head]) -> Mapping[tuple[str, str], Mapping[str, Any] | None]:
        found: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        for head in heads:
            key = Keyspace(head.context, self._tenant_id).key("ENT", head.entity)
            page = self._database.query("audit", key, prefix=sequence(head.sequence), limit=1)
            found[head.context, head.entity] = page.items[0] if page.items else None
        return found

    def _chain(self, keyspace: Keyspace, subject: str) -> ChainView:
        rows: list[Item] = list(self._database.query_all("audit", keyspace.key("ENT", subject)))
        history = self._database.query(
            "core", keyspace.key("HIST", subject), limit=1, forward=False
        )
        last = int(history.items[0]["sk"]) if history.items else 0
        return ChainView(subject, tuple(rows), last)
