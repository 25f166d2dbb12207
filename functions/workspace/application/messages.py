"""The mail log of a company: what was sent to whom and what became of it."""

from dataclasses import dataclass

from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.domain.message import Message
from workspace.ports import Page, SystemStore


@dataclass(frozen=True, slots=True)
class ListMessages:
    """Mails of a company."""

    store: SystemStore

    def __call__(
        self, context: TenantContext, *, limit: int, after: Position | None
    ) -> Page[Message]:
        """Newest first."""
        return self.store.company(context).messages(limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """One mail."""

    store: SystemStore

    def __call__(self, context: TenantContext, message_id: str) -> Message:
        """Raises: NotFoundError."""
        return self.store.company(context).message(message_id)
