"""``DueRows`` over the ``due`` indexes of all contexts: keys and times only, nothing is moved."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from kernel.ids import is_id, time_of
from toolkit.aws.due import parts_of
from toolkit.aws.dynamodb import PREFIX_OF, Database, Keyspace, TableRole
from toolkit.aws.rows import moment
from workspace.domain.stuck_item import StuckItem

_OUTBOX: Final = "OUT"
_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "workspace": ("WEBHOOKS", "PRIVACY"),
    "pensions": ("ANSWERS",),
    "workflow": ("WORK", "APPROVALS", "ARCHIVE"),
}
"""Lists of work that a context looks through every few minutes, beside the one that all have. What
is only asked about a few times a day stands in none of them.
"""


def _lists(context: str) -> Iterator[tuple[TableRole, str]]:
    yield from (("core", "DUE"), ("flow", "DUE"))
    yield from (("core", name) for name in _LISTS.get(context, ()))


class DynamoDueRows:
    """Reads the lists of due work of every context."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def older_than(self, instant: datetime, most: int) -> Sequence[StuckItem]:
        found = [
            item
            for context, prefix in PREFIX_OF.items()
            for table, waits_for in _lists(context)
            for shard in Keyspace.of_system(prefix).due_shards(waits_for)
            for item in self._late(context, table, shard, instant, most)
        ]
        return sorted(found, key=lambda item: (item.since, item.context, item.id))

    def _late(
        self, context: str, table: TableRole, shard: str, instant: datetime, most: int
    ) -> Iterator[StuckItem]:
        # A row of the outbox is pushed forward at every try: late is what was written long ago.
        bound = None if table == "flow" else f"{moment(instant)}~"
        page = self._database.query(table, shard, index="due", up_to=bound, limit=most)
        for key in page.items:
            tenant_id, kind, identity = parts_of(str(key["pk"]))
            due = datetime.fromisoformat(str(key["due_sk"]).partition("#")[0]).astimezone(UTC)
            written = kind == _OUTBOX and is_id(identity) and time_of(identity)
            since = written or due
            if since <= instant:
                yield StuckItem(context, kind.lower().replace("-", "_"), identity, tenant_id, since)
