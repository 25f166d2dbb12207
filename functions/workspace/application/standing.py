"""What somebody who proved who they are may do in one company at this moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.clock import Clock
from kernel.parsing import format_instant
from toolkit.auth import SECOND_FACTOR_REQUIRED, SUPPORT, Principal, PrincipalKind
from workspace.application.support import UseSupport
from workspace.domain.tenant import DEFAULT_ZONE, Tenant, TenantState
from workspace.domain.user import OPERATOR, Membership, Person

MAX_CHOICES: Final = 20
"""Companies named in the authorizer's answer, which has a limit of 8 KB; the page lists all."""


@dataclass(frozen=True, slots=True)
class Proved:
    """By what somebody proved who they are, when, whether it took more than a password, and what
    the request is for.
    """

    kind: PrincipalKind
    at: datetime
    second_factor: bool
    session_hash: str = ""
    act: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Makes a principal of person, membership and company as they are now."""

    clock: Clock
    support: UseSupport
    operators_prove_twice: bool = True

    def __call__(
        self, person: Person, membership: Membership | None, tenant: Tenant | None, proved: Proved
    ) -> Principal:
        """The principal.

        A company the person has no counting membership in leaves the principal without a tenant
        and without roles: whatever needs one is refused. An operator holds that role in every
        company and in none, with a second factor only where the stage is a real one; while they
        visit a company under a support grant they hold nothing but the right to read there.
        """
        roles: tuple[str, ...] = ()
        barred, company = "", None
        operates = person.operator and (proved.second_factor or not self.operators_prove_twice)
        if membership is not None and tenant is not None and self._counts(membership, tenant):
            if tenant.demands_second_factor(membership.roles) and not proved.second_factor:
                barred = SECOND_FACTOR_REQUIRED
            else:
                company, roles = tenant, membership.roles
        elif operates and tenant is not None and self._visits(person, tenant, proved):
            company, roles, operates = tenant, (SUPPORT,), False
        if operates:
            roles = (*roles, OPERATOR)
        return Principal(
            kind=proved.kind,
            id=person.id,
            tenant_id=company.id if company else "",
            roles=roles,
            session_hash=proved.session_hash,
            language=person.language,
            theme=person.theme,
            zone=company.zone if company else DEFAULT_ZONE,
            name=person.name,
            email=person.email.reveal("account menu of its owner"),
            tenant_name=company.name if company else "",
            barred=barred,
            proved_at=format_instant(proved.at),
            tenants=tuple((each.id, each.name) for each in person.companies[:MAX_CHOICES]),
        )

    def _visits(self, person: Person, tenant: Tenant, proved: Proved) -> bool:
        return tenant.state is TenantState.ACTIVE and self.support(person.id, tenant.id, proved.act)

    def _counts(self, membership: Membership, tenant: Tenant) -> bool:
        active = tenant.state is TenantState.ACTIVE
        return active and membership.counts_on(self.clock.today(tenant.zone))
