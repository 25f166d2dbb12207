"""Rows that wait for their time: how they enter the ``due`` index, and who may work on them.

A row is due when the time in its ``due_sk`` has come. Whoever takes it pushes that time forward
first, on the condition that nobody did so before: two sweepers cannot storm, and work that is lost
comes again (reliability.md §6).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from toolkit.aws.dynamodb import Database, Item, Keyspace, TableRole, equals
from toolkit.aws.rows import moment

NOT_DUE: Final = ("due_pk", "due_sk")
"""Attributes to remove from a row that waits for nothing any more."""


def due_at(keyspace: Keyspace, at: datetime, identity: str, *, waits_for: str = "DUE") -> Item:
    """Attributes that make a row due at ``at``, in the list ``waits_for`` of its context."""
    return {
        "due_pk": keyspace.due(identity, waits_for),
        "due_sk": f"{moment(at)}#{identity}",
    }


@dataclass(frozen=True, slots=True)
class DueRow:
    """A row taken for work.

    Shapes: ``kind`` and ``id`` are the last two parts of its partition key, ``tenant_id`` is empty
    for a row of the system; ``row`` is all of it, already pushed forward.
    """

    kind: str
    id: str
    tenant_id: str
    due_at: datetime
    row: Item


def take_due(
    database: Database,
    table: TableRole,
    keyspace: Keyspace,
    now: datetime,
    *,
    limit: int,
    push: timedelta | Callable[[str], timedelta],
    waits_for: str = "DUE",
) -> list[DueRow]:
    """At most ``limit`` rows whose time has come, shard by shard, oldest first within each.

    ``push`` is how much later they come again; a callable decides by their kind.
    """
    shards = keyspace.due_shards(waits_for)
    bound = f"{moment(now)}~"
    taken: list[DueRow] = []
    for number, shard in enumerate(shards):
        # What a shard has not is there for those after it; together they never take more.
        share = -(-(limit - len(taken)) // (len(shards) - number))
        if not share:
            break
        page = database.query(table, shard, index="due", up_to=bound, limit=share)
        for key in page.items:
            owner, kind, identity = parts_of(str(key["pk"]))
            later = now + (push(kind) if callable(push) else push)
            row = database.update(
                table,
                key["pk"],
                key["sk"],
                assign={"due_sk": f"{moment(later)}#{identity}"},
                when=equals("due_sk", key["due_sk"]),
            )
            if row is not None:
                since = datetime.fromisoformat(str(key["due_sk"]).partition("#")[0])
                taken.append(DueRow(kind, identity, owner, since, row))
    return taken


def waiting(
    database: Database, table: TableRole, keyspace: Keyspace, *, waits_for: str
) -> Iterator[tuple[str, str]]:
    """Tenant and id of every row in a list, due or not, page by page."""
    for shard in keyspace.due_shards(waits_for):
        for key in database.query_all(table, shard, index="due"):
            owner, _, identity = parts_of(str(key["pk"]))
            yield owner, identity


def parts_of(pk: str) -> tuple[str, str, str]:
    """Tenant (empty for the system), kind and id of a row that waits, from its partition key."""
    _, realm, *rest = pk.split("#")
    owner = rest.pop(0) if realm == "T" else ""
    return owner, rest[-2], rest[-1]
