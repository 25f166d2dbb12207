"""Make somebody an operator: for the installer of a stack, never for the API."""

from dataclasses import dataclass, replace

from kernel.ids import IdSource
from kernel.sensitive import Email, Secret
from workspace.application.passwords import checked_password
from workspace.domain.user import Person, PersonState, check_person_name
from workspace.ports import PasswordHasher, SystemStore

_ACTOR = "system:installer"


@dataclass(frozen=True, slots=True)
class InstallOperator:
    """Gives the operator's role to a person; somebody who has an account keeps their password."""

    store: SystemStore
    ids: IdSource
    hasher: PasswordHasher

    def __call__(self, *, email: Email, name: str, language: str, password: Secret) -> Person:
        """Raises: ValidationError for the name or the password."""
        unit = self.store.unit(_ACTOR)
        known = self.store.person_of(email)
        if known is None:
            new = Person(self.ids.new(), email, check_person_name(name), language)
            person = unit.add_person(replace(new, state=PersonState.ACTIVE, operator=True))
        else:
            after = replace(known, state=PersonState.ACTIVE, operator=True)
            person = unit.save_person(known, after, "person.made_operator")
        if known is None or known.state is PersonState.INVITED:
            clear = checked_password(password, person, "")
            unit.set_password(person.id, self.hasher.hash(clear))
        unit.commit()
        return person
