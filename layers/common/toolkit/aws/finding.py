"""The index behind the search over everything: rows that all contexts write in one form.

An item is entered in ``core`` as ``<ctx>#T#<tenant>#FIND#<bucket>`` / ``<kind>:<id>``, in the
transaction that writes the item itself, so it is found at once and never without being there. A
bucket is a hash of the tenant and of the three first letters of a word, or of a whole code: no name
and no number stands in a key. The title stands in the row. Rows are not deleted; an item that lost
its title or its words leaves empty ones. The entity row keeps its buckets in ``found_in``, so that
whoever erases the item can empty them without knowing what it was called.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.finding import SHORTEST, Findable, code_of, matches, words_of
from toolkit.aws.dynamodb import Database, Keyspace
from toolkit.aws.unit_of_work import UnitOfWork

FOUND_IN: Final = "found_in"
MOST_READ: Final = 1_000
"""Rows of a bucket that one search looks at."""


@dataclass(frozen=True, slots=True)
class Found:
    """One item that fits."""

    kind: str
    id: str
    title: str
    parent: str


def bucket(keyspace: Keyspace, kind: str, text: str) -> str:
    """Name of a bucket of one tenant; without the tenant's id it says nothing."""
    content = f"{keyspace.tenant_id}\0{kind}\0{text}"
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def enter(
    unit: UnitOfWork, kind: str, identity: str, before: Findable | None, after: Findable
) -> Mapping[str, Any]:
    """Let an item be found as ``after``; gives attributes for its own row.

    Nothing is written while it is called what it was called ``before``.
    """
    if before == after:
        return {}
    keyspace = unit.keyspace
    new = _buckets(keyspace, after)
    old = _buckets(keyspace, before) if before is not None else []
    kept = before is not None and (before.title, before.parent) == (after.title, after.parent)
    for name in new:
        if kept and name in old:
            continue  # that entry says what it should already
        values = {"title": after.title, "parent": after.parent}
        _put(unit, keyspace, name, kind, identity, values)
    for name in old:
        if name not in new:
            _put(unit, keyspace, name, kind, identity, {"title": "", "parent": ""})
    return {FOUND_IN: list(new)}


def forget(unit: UnitOfWork, kind: str, identity: str, row: Mapping[str, Any]) -> None:
    """Empty the entries of an item by its own row: for erasure, which knows no titles."""
    for name in row.get(FOUND_IN, ()):
        _put(unit, unit.keyspace, str(name), kind, identity, {"title": "", "parent": ""})


def search(
    database: Database, contexts: Iterable[str], tenant_id: str, query: str
) -> tuple[list[Found], bool]:
    """Items of these contexts that fit, and whether more were there than one search looks at.

    Shapes: one query a context for the longest word and one for the whole text as a code; the other
    words are compared in memory. A query without a word of three letters and without a code finds
    nothing.
    """
    longest = max(words_of(query), key=len, default="")
    code = code_of(query)
    found: dict[tuple[str, str], Found] = {}
    cut = False
    for context in contexts:
        keyspace = Keyspace(context, tenant_id)
        if len(longest) >= SHORTEST:
            start = bucket(keyspace, "word", longest[:SHORTEST])
            page = database.query("core", keyspace.key("FIND", start), limit=MOST_READ)
            cut = cut or page.next_key is not None
            for row in page.items:
                if row["title"] and matches(query, row["title"]):
                    _note(found, row)
        if len(code) >= SHORTEST:
            whole = bucket(keyspace, "code", code)
            page = database.query("core", keyspace.key("FIND", whole), limit=MOST_READ)
            for row in page.items:
                if row["title"]:
                    _note(found, row)
    return list(found.values()), cut


def _note(found: dict[tuple[str, str], Found], row: Mapping[str, Any]) -> None:
    kind, _, identity = str(row["sk"]).partition(":")
    found[kind, identity] = Found(kind, identity, str(row["title"]), str(row["parent"]))


def _buckets(keyspace: Keyspace, item: Findable) -> list[str]:
    return [bucket(keyspace, kind, text) for kind, text in item.entries()]


def _put(
    unit: UnitOfWork,
    keyspace: Keyspace,
    name: str,
    kind: str,
    identity: str,
    values: Mapping[str, Any],
) -> None:
    unit.transaction.update(
        "core", keyspace.key("FIND", name), f"{kind}:{identity}", assign=values, label="find"
    )
