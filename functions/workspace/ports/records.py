"""Rows that all contexts write in one form, and how lists and people look to the use cases."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from kernel.storing import Position, Remembered
from workspace.domain.seal import Head
from workspace.domain.search import Found
from workspace.domain.second_factor import SecondFactor
from workspace.domain.user import Person

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list in order, and where it goes on (None at the end)."""

    items: tuple[T, ...]
    next: Position | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """Progress of long work of any context."""

    id: str
    kind: str
    status: str
    total: int
    done: int
    failed: int
    created_at: str
    finished_at: str | None
    subject: str
    result: Mapping[str, Any]
    problems: Sequence[Mapping[str, Any]]
    cancellable: bool

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One thing that happened to an item: ids, codes, states and amounts, nothing personal."""

    at: str
    actor: str
    action: str
    from_state: str
    to_state: str
    detail: Mapping[str, Any]
    correlation_id: str


@dataclass(frozen=True, slots=True)
class ChainView:
    """The audit rows of one entity in order, and the last sequence its history speaks of."""

    entity: str
    rows: tuple[Mapping[str, Any], ...]
    last_known: int


class SharedRecords(Protocol):
    """Rows of all contexts that have one form, for one tenant; read only."""

    def jobs(self, *, limit: int, before: str | None) -> Page[JobView]:
        """Jobs, newest first. ``next`` is ``{"before": id}``."""
        ...

    def job(self, job_id: str) -> JobView:
        """Raises NotFoundError for an unknown or foreign job."""
        ...

    def history(self, subject: str, *, limit: int, after: Position | None) -> Page[HistoryView]:
        """History of ``<kind>:<id>``, oldest first; empty for an unknown or foreign item."""
        ...

    def search(self, contexts: Iterable[str], query: str) -> tuple[list[Found], bool]:
        """Items of these contexts that fit a text, and whether more fit than one search reads."""
        ...

    def state_of(self, subject: str) -> str:
        """State of ``<kind>:<id>`` as its history or its job says; empty for an unknown item."""
        ...

    def chains(self, *, limit: int, after: Position | None) -> Page[ChainView]:
        """Audit chains of the tenant's entities over all contexts."""
        ...

    def heads(self, *, limit: int, after: Position | None) -> Page[Head]:
        """The last rows of the same chains, in the same order."""
        ...

    def rows_at(self, heads: Sequence[Head]) -> Mapping[tuple[str, str], Mapping[str, Any] | None]:
        """What is stored at the sequences of these heads, by context and entity."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in needs of a person, found or not: the work is the same for both."""

    person: Person | None
    password_hash: str | None
    second_factor: SecondFactor | None = None


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose key a secret is: the company (None for the operator's own) and the key's id."""

    tenant_id: str | None
    key_id: str


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """A wish for a new password: whose address (as a hash) and the language of the asker."""

    id: str
    email_digest: str
    language: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session in the list of its owner."""

    digest: str
    created_at: str
    device: str

    @property
    def id(self) -> str:
        """Which session is meant: a part of the hash of its cookie, which opens nothing."""
        return self.digest[:32]


Answer = Callable[[T], Remembered]
"""How the edge would answer with a result; stored beside the effect."""
