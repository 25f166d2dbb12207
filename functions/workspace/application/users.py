"""See, change and end memberships of a company."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from kernel.clock import Clock
from kernel.errors import NotFoundError
from kernel.text import sort_key
from toolkit.auth import TenantContext
from workspace.application.tenants import stale_version
from workspace.domain.user import (
    Membership,
    MembershipState,
    check_mandate,
    check_roles,
    refuse_self,
    remaining_owner,
    without_company,
)
from workspace.ports import CompanyStore, SystemStore, WorkspaceUnit


@dataclass(frozen=True, slots=True)
class ListUsers:
    """People of a company by name, without those who left."""

    store: SystemStore

    def __call__(self, context: TenantContext) -> list[Membership]:
        """In Turkish order of names, which also keeps Greek names together."""
        found = [
            membership
            for membership in self.store.company(context).memberships()
            if membership.state is not MembershipState.REMOVED
        ]
        return sorted(found, key=lambda membership: sort_key(membership.name, "tr"))


@dataclass(frozen=True, slots=True)
class ReadUser:
    """One member."""

    store: SystemStore

    def __call__(self, context: TenantContext, person_id: str) -> Membership:
        """Raises: NotFoundError, also for somebody who left."""
        return _present(self.store.company(context), person_id)


@dataclass(frozen=True, slots=True)
class ChangeUser:
    """Changes roles and end of a mandate; nobody changes their own."""

    store: SystemStore
    clock: Clock

    def __call__(
        self,
        context: TenantContext,
        *,
        actor_id: str,
        person_id: str,
        expected_version: int,
        roles: Iterable[str] | None,
        since: date | None,
        until: date | None,
    ) -> Membership:
        """``roles`` None leaves them; ``since`` and ``until`` are taken as they are.

        Raises: NotFoundError, PreconditionFailedError, ForbiddenError("own_roles"),
        RuleViolationError("last_owner"), ValidationError.
        """
        company = self.store.company(context)
        before = _present(company, person_id)
        refuse_self(actor_id, person_id)
        if before.stamp.version != expected_version:
            raise stale_version()
        after = replace(
            before,
            roles=before.roles if roles is None else check_roles(roles),
            since=since,
            until=until,
        )
        check_mandate(since, until)
        unit = company.unit()
        _keep_an_owner(company, unit, self.clock, before, after)
        saved = unit.save_membership(before, after, "user.roles_changed")
        unit.commit()
        return saved


@dataclass(frozen=True, slots=True)
class RemoveUser:
    """Ends a membership at once; the next request of that person is refused."""

    store: SystemStore
    clock: Clock

    def __call__(self, context: TenantContext, *, actor_id: str, person_id: str) -> Membership:
        """Raises: NotFoundError, ForbiddenError("own_roles"), RuleViolationError("last_owner")."""
        company = self.store.company(context)
        before = _present(company, person_id)
        refuse_self(actor_id, person_id)
        after = replace(before, state=MembershipState.REMOVED)
        unit = company.unit()
        _keep_an_owner(company, unit, self.clock, before, None)
        person = self.store.person(person_id)
        saved = unit.save_membership(before, after, "user.removed")
        left = without_company(person, context.tenant_id)
        if left != person:
            unit.save_person(person, left, "person.left_company")
        unit.commit()
        return saved


def _present(company: CompanyStore, person_id: str) -> Membership:
    membership = company.membership(person_id)
    if membership.state is MembershipState.REMOVED:
        raise NotFoundError("not_found", "There is no such item.")
    return membership


def _keep_an_owner(
    company: CompanyStore,
    unit: WorkspaceUnit,
    clock: Clock,
    before: Membership,
    after: Membership | None,
) -> None:
    """Refuse to change the last owner, also when two owners do it to each other at once."""
    members = list(company.memberships())
    today = clock.today(company.tenant().zone)
    others = [member for member in members if member.person_id != before.person_id]
    if not before.counts_on(today) or not before.is_lasting_owner:
        return
    keeper = remaining_owner(others, after, today)
    if keeper is not after:
        unit.require_unchanged(keeper)
