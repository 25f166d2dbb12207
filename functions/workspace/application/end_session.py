"""End one of one's own sessions, for example that of a lost telephone."""

from dataclasses import dataclass

from kernel.errors import NotFoundError
from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class EndSession:
    """Removes a session that is in the list of its owner."""

    store: SystemStore

    def __call__(self, person_id: str, session_id: str) -> None:
        """Raises: NotFoundError for a session that is not open or not one's own."""
        for listed in self.store.sessions_of(person_id):
            session = self.store.session(listed.digest) if listed.id == session_id else None
            if session is not None:
                self.store.close_session(session)
                return
        raise NotFoundError("not_found", "There is no such item.")
