"""What every store of a context speaks of: refused writes, repeated commands, history, lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kernel.errors import ConflictError

Position = Mapping[str, Any]
"""Where a list goes on; opaque outside the store."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that happened to an item: who, when, from which state to which.

    Shapes: ``at`` is an RFC 3339 instant; ``actor`` is ``user:…``, ``key:…`` or ``system:…``;
    ``detail`` holds ids, codes, counts and minor units, never personal data.
    """

    at: str
    actor: str
    action: str
    from_state: str
    to_state: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Remembered:
    """The first answer to a command with an ``Idempotency-Key``, to be repeated as it was."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class CommandIdentity(Protocol):
    """Who sent which command with which key and body (made at the edge)."""

    @property
    def identity(self) -> str:
        """Opaque id of the command."""
        ...


class WriteRefusedError(ConflictError):
    """A unit was refused because something it depends on is not what was read.

    ``labels`` name the refused writes: ``contract:<id>``, ``unique:EMAIL:…``, ``idempotency``…
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__("conflict", "The data changed in the meantime; nothing was written.")
        self.labels = tuple(labels)

    def refused(self, prefix: str) -> bool:
        """Whether a write whose label starts with ``prefix`` was refused."""
        return any(label.startswith(prefix) for label in self.labels)
