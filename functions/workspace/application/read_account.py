"""A person's own view of the account: preferences, companies, open sessions."""

from dataclasses import dataclass

from workspace.domain.user import Person
from workspace.ports import OpenSession, SystemStore


@dataclass(frozen=True, slots=True)
class AccountView:
    """What the settings page shows."""

    person: Person
    sessions: tuple[OpenSession, ...]


@dataclass(frozen=True, slots=True)
class ReadAccount:
    """Reads a person with the sessions that may still be open."""

    store: SystemStore

    def __call__(self, person_id: str) -> AccountView:
        """Raises: NotFoundError."""
        person = self.store.person(person_id)
        return AccountView(person, tuple(self.store.sessions_of(person_id)))
