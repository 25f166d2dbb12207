"""The evidence of one letter: everything that was sent, seen and said, in a chain of hashes.

Each entry carries the hash of the one before it, so nothing can be changed, left out or moved
without breaking every entry after it; files are named by their hashes. The head of the chain is
written into the letter's own history when a pack is made: a chain that was forged as a whole has
another head.
Source: domain/reconciliation.md §5.6; product.md N4; security.md §10.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

FORMAT: Final = "kopru-evidence/1"
GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. Shapes: ``at`` sorts as text; ``content`` is plain JSON data."""

    at: str
    kind: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file of the pack. Shapes: ``name`` is its place in the archive."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class EvidencePack:
    """A pack as it is handed out. Shapes: ``document`` is the text of ``evidence.json``."""

    document: str
    head: str
    files: tuple[EvidenceFile, ...]


def entry_hash(entry: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of an entry without its own hash."""
    content = {key: value for key, value in entry.items() if key != "hash"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def build_pack(
    subject: Mapping[str, Any], facts: Iterable[Fact], files: Iterable[EvidenceFile]
) -> EvidencePack:
    """The pack over these facts, in order of time; the subject is its first entry."""
    kept = tuple(files)
    listed = [
        {"name": file.name, "sha256": file.digest, "size": len(file.content)} for file in kept
    ]
    ordered = sorted(facts, key=lambda fact: (fact.at, fact.kind))
    first = Fact("", "subject", {**subject, "files": listed})
    entries: list[dict[str, Any]] = []
    previous = GENESIS
    for number, fact in enumerate([first, *ordered], 1):
        entry: dict[str, Any] = {
            "seq": number,
            "at": fact.at,
            "kind": fact.kind,
            "content": dict(fact.content),
            "prev_hash": previous,
        }
        entry["hash"] = previous = entry_hash(entry)
        entries.append(entry)
    document = {"format": FORMAT, "head": previous, "entries": entries}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return EvidencePack(text, previous, kept)
