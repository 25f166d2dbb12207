"""Give somebody an account with a password at once: for the installer of a stack, not for the API.

The local stack seeds its demo people with it; the first operator of a small installation does too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kernel.ids import IdSource
from kernel.sensitive import Email, Secret
from toolkit.auth import TenantContext
from workspace.application.invite_user import PersonEntry
from workspace.application.passwords import checked_password
from workspace.domain.user import (
    Company,
    Membership,
    MembershipState,
    Person,
    PersonState,
    check_person_name,
    check_roles,
    with_company,
)
from workspace.ports import PasswordHasher, SystemStore, WorkspaceUnit


@dataclass(frozen=True, slots=True)
class InstallUser:
    """Adds an active member; somebody who has an account keeps their password."""

    store: SystemStore
    ids: IdSource
    hasher: PasswordHasher

    def __call__(
        self,
        context: TenantContext,
        *,
        email: Email,
        name: str,
        roles: Iterable[str],
        language: str,
        password: Secret,
    ) -> Person:
        """Raises: ValidationError; ConflictError for somebody who is a member already."""
        company = self.store.company(context)
        tenant = company.tenant()
        unit = company.unit()
        known = self.store.person_of(email)
        entry = PersonEntry(email, check_person_name(name), language)
        joined = with_company(
            known or Person(self.ids.new(), email, entry.name, language),
            Company(tenant.id, tenant.name),
        )
        fresh = replace(joined, state=PersonState.ACTIVE)
        person = unit.add_person(fresh) if known is None else self._join(unit, known, fresh)
        if known is None or known.state is PersonState.INVITED:
            clear = checked_password(password, fresh, tenant.name)
            unit.set_password(person.id, self.hasher.hash(clear))
        unit.add_membership(
            Membership(
                person.id, email, entry.name, check_roles(roles), language, MembershipState.ACTIVE
            ),
            "user.installed",
        )
        unit.commit()
        return person

    @staticmethod
    def _join(unit: WorkspaceUnit, known: Person, fresh: Person) -> Person:
        return unit.save_person(known, fresh, "person.joined_company")
