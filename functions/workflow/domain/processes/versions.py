"""Versions of process definitions, and which of them a start uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from kernel.errors import NotFoundError
from workflow.domain.processes.definition import Definition, read_definition
from workflow.domain.rules.bitemporal import in_force
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.versions import Document, Version


class DefinitionVersion(Version):
    """A version of a process."""

    @property
    def definition(self) -> Definition:
        """The process, read once per content."""
        return _definition(self.sha256, Document(self.document))


@lru_cache(maxsize=64)
def _definition(_sha256: str, document: Document) -> Definition:
    return read_definition(document.content)


@dataclass(frozen=True)
class Processes:
    """All versions of all processes of a company, shipped and own, by key."""

    by_key: Mapping[str, tuple[DefinitionVersion, ...]]

    @classmethod
    def of(cls, versions: Iterable[DefinitionVersion]) -> Processes:
        """The same, grouped; keys in their order."""
        grouped: dict[str, list[DefinitionVersion]] = {}
        for version in versions:
            grouped.setdefault(version.key, []).append(version)
        return cls({key: tuple(grouped[key]) for key in sorted(grouped)})

    def plus(self, versions: Iterable[DefinitionVersion]) -> Processes:
        """These and more."""
        return Processes.of([*(v for group in self.by_key.values() for v in group), *versions])

    def current(self, key: str, on: date, known_on: datetime) -> DefinitionVersion:
        """The version that a start on a date uses.

        Raises: NotFoundError("process_unknown") for a key nobody knows;
        NotFoundError("no_version") when none is in force.
        """
        versions = self.by_key.get(key)
        if versions is None:
            raise NotFoundError("process_unknown", "There is no such process.")
        decided = [version for version in versions if version.decides]
        found = in_force(decided, Scopes().chain, on, known_on)
        if found is None:
            raise NotFoundError("no_version", "No version of this process is in force today.")
        return found

    def version(self, version_id: str) -> DefinitionVersion | None:
        """A version by its id."""
        every = (version for group in self.by_key.values() for version in group)
        return next((version for version in every if version.id == version_id), None)
