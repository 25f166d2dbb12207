"""Work is taken from all shards alike, and never more of it than was asked for."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.aws.due import take_due
from toolkit.aws.dynamodb import Keyspace

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
KEYSPACE = Keyspace("pay")


@dataclass
class Table:
    """As much of the database as taking needs: rows by shard."""

    shards: dict[str, int]
    asked: list[int] = field(default_factory=list)

    def query(self, _table: str, shard: str, **wanted: Any) -> Any:
        self.asked.append(wanted["limit"])
        there = min(self.shards[shard], wanted["limit"])
        keys = [
            {"pk": f"pay#T#T1#POLL#{shard}-{n}", "sk": "META", "due_sk": "2026-06-01T08:00:00Z#x"}
            for n in range(there)
        ]
        return SimpleNamespace(items=keys)

    def update(self, _table: str, pk: str, _sk: str, **_: Any) -> dict[str, Any]:
        return {"pk": pk}


@pytest.mark.parametrize(
    ("there", "limit", "taken"),
    [
        ((9, 9, 9, 9), 3, 3),
        ((9, 9, 9, 9), 8, 8),
        ((0, 0, 0, 9), 8, 8),
        ((1, 0, 9, 9), 8, 8),
        ((1, 1, 1, 1), 8, 4),
        ((9, 9, 9, 9), 0, 0),
    ],
)
def test_what_one_shard_has_not_is_taken_from_those_after_it(
    there: tuple[int, ...], limit: int, taken: int
) -> None:
    shards = KEYSPACE.due_shards("DUE")
    assert len(shards) == len(there)
    table = Table(dict(zip(shards, there, strict=True)))
    found = take_due(
        table,  # type: ignore[arg-type]
        "core",
        KEYSPACE,
        NOW,
        limit=limit,
        push=timedelta(minutes=1),
    )
    assert len(found) == taken
    assert all(table.asked), "a shard that may give nothing is not asked"
