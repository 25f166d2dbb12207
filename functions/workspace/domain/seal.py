"""The daily seal: the heads of all audit chains of a company, as they were on one day.

A chain notices a changed row, but whoever may write rows could write a whole chain anew. The seal
stands where nobody can: in storage that keeps objects unchanged for years. It lists the last row of
every chain, in parts, and one root over the parts and the seal before; so a rewritten chain
contradicts a seal, and a removed seal breaks the next one.
Source: security.md §10.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final

from workspace.domain.audit import ChainFault

SEALED_AT: Final = time(0, 15)
"""When the schedule in ``template.yaml`` begins the seals of a day, in UTC."""
NO_SEAL: Final = "0" * 64
"""What the first seal names as the one before it."""
Tally = Mapping[str, tuple[int, int]]
"""By ``<context>/<kind>``: how many entities there are, and how many acts on them were audited."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of one chain: whose context, which entity, which row, its hash."""

    context: str
    entity: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some heads in one object. Shapes: ``digest`` is the SHA-256 of its bytes."""

    name: str
    digest: str
    entities: int


@dataclass(frozen=True, slots=True)
class Seal:
    """The seal of a company for one day.

    Units: ``day`` is a date in UTC. Shapes: ``root`` is empty while parts are being written;
    ``tally`` adds up the heads of the parts so far, and is None for a seal of the time before
    tallies were kept; it is no part of what is sealed, whoever doubts it adds the parts up again;
    ``version`` is for the store.
    """

    id: str
    tenant_id: str
    day: date
    previous: str = NO_SEAL
    parts: tuple[Part, ...] = ()
    root: str = ""
    sealed_at: str = ""
    version: int = 0
    tally: Tally | None = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether the root stands."""
        return bool(self.root)

    @property
    def entities(self) -> int:
        """Chains that it covers."""
        return sum(part.entities for part in self.parts)


def added_up(tally: Tally, heads: Iterable[Head]) -> Tally:
    """The tally with these chains: each is one entity, its sequence is the number of its acts."""
    found = dict(tally)
    for head in heads:
        name = f"{head.context}/{head.entity.partition(':')[0]}"
        entities, acts = found.get(name, (0, 0))
        found[name] = (entities + 1, acts + head.sequence)
    return found


def canonical(value: Mapping[str, Any]) -> bytes:
    """One JSON text for equal content."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def part_content(heads: Iterable[Head]) -> bytes:
    """One line of JSON per head, in order."""
    return b"".join(
        canonical(
            {
                "context": head.context,
                "entity": head.entity,
                "sequence": head.sequence,
                "hash": head.hash,
            }
        )
        + b"\n"
        for head in heads
    )


def heads_of(content: bytes) -> list[Head]:
    """The heads of a part. Raises: ValueError for something else."""
    found = []
    for line in content.splitlines():
        row = json.loads(line)
        try:
            found.append(Head(row["context"], row["entity"], row["sequence"], row["hash"]))
        except (KeyError, TypeError):
            raise ValueError("not a line of a seal") from None
    return found


def seal_content(seal: Seal) -> bytes:
    """The object whose hash is the root: what was sealed, when, and the seal before."""
    return canonical(
        {
            "version": 1,
            "tenant_id": seal.tenant_id,
            "day": seal.day.isoformat(),
            "previous": seal.previous,
            "parts": [
                {"name": part.name, "digest": part.digest, "entities": part.entities}
                for part in seal.parts
            ],
        }
    )


def parts_of(content: bytes) -> tuple[str, tuple[Part, ...]]:
    """The seal before and the parts that a seal's object names. Raises: ValueError."""
    body = json.loads(content)
    try:
        parts = tuple(
            Part(part["name"], part["digest"], part["entities"]) for part in body["parts"]
        )
        return str(body["previous"]), parts
    except (KeyError, TypeError):
        raise ValueError("not a seal") from None


def first_contradiction(
    heads: Sequence[Head], stored: Mapping[tuple[str, str], Mapping[str, Any] | None]
) -> ChainFault | None:
    """The first sealed row that is not stored as it was sealed; None when all are.

    Shapes: ``stored`` gives, by context and entity, the row now stored at the sealed sequence.
    """
    for head in heads:
        row = stored.get((head.context, head.entity))
        if row is None:
            return ChainFault(head.entity, head.sequence, "sealed_row_missing")
        if row.get("hash") != head.hash:
            return ChainFault(head.entity, head.sequence, "sealed_row_changed")
    return None
