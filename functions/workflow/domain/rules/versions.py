"""Versions of tables and processes: one person drafts, another publishes, nobody changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Self

from kernel.errors import ConflictError, ForbiddenError
from kernel.stamp import NEW, Stamp
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.scope import DEFAULT
from workflow.domain.rules.table import Table


class VersionStatus(StrEnum):
    """Where a version stands; published ones decide, retired ones as far as they were known.
    Withdrawn ones are drafts that came to nothing.
    """

    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"


OPEN = frozenset({VersionStatus.DRAFT, VersionStatus.REVIEW})


@dataclass(frozen=True)
class Version:
    """One version of a document for a scope and a time: a table of rules, a process.

    Shapes: ``document`` is what is read; ``sha256`` is the hash of all of it;
    ``recorded_at`` is when it was published (drafted, before that). ``author`` and
    ``publisher`` are actors (``user:…``, ``key:…``).
    """

    id: str
    key: str
    scope: str
    document: Mapping[str, Any]
    sha256: str
    valid_from: date
    recorded_at: datetime
    author: str
    status: VersionStatus = VersionStatus.DRAFT
    valid_to: date | None = None
    publisher: str = ""
    retired_at: datetime | None = None
    note: str = ""
    stamp: Stamp = NEW

    @property
    def decides(self) -> bool:
        """Whether it is or was in force."""
        return self.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED)

    @property
    def is_shipped(self) -> bool:
        """Whether it came with the product."""
        return self.scope == DEFAULT

    def submitted(self) -> Self:
        """Handed over for publication. Raises: ConflictError("version_state")."""
        self._require(VersionStatus.DRAFT)
        return replace(self, status=VersionStatus.REVIEW)

    def withdrawn(self) -> Self:
        """A draft that nobody needs any more. Raises: ConflictError("version_state")."""
        self._require(*OPEN)
        return replace(self, status=VersionStatus.WITHDRAWN)

    def published(self, by: str, at: datetime) -> Self:
        """In force from its validity on.

        Raises: ConflictError("version_state"); ForbiddenError("four_eyes") for its author.
        """
        self._require(*OPEN)
        if by == self.author:
            raise ForbiddenError(
                "four_eyes", "Who wrote it does not publish it; ask somebody else."
            )
        return replace(self, status=VersionStatus.PUBLISHED, publisher=by, recorded_at=at)

    def retired(self, at: datetime) -> Self:
        """No longer in force; what was decided before stays as it was."""
        self._require(VersionStatus.PUBLISHED)
        return replace(self, status=VersionStatus.RETIRED, retired_at=at)

    def _require(self, *wanted: VersionStatus) -> None:
        if self.status not in wanted:
            raise ConflictError("version_state", f"The version is {self.status.value}.")


class TableVersion(Version):
    """A version of a table."""

    @property
    def table(self) -> Table:
        """The table, read once per content."""
        return _table(self.sha256, Document(self.document))


@dataclass(frozen=True, eq=False)
class Document:
    """A document that goes along with its hash, which is what the cache compares."""

    content: Mapping[str, Any]

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document)


@lru_cache(maxsize=256)
def _table(_sha256: str, document: Document) -> Table:
    return read_table(document.content)
