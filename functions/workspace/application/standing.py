"""What somebody who proved who they are may do in one company at this moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.clock import Clock
from kernel.parsing import format_instant
from toolkit.auth import SECOND_FACTOR_REQUIRED, Principal, PrincipalKind
from workspace.domain.tenant import DEFAULT_ZONE, Tenant, TenantState
from workspace.domain.user import OPERATOR, Membership, Person

MAX_CHOICES: Final = 20
"""Companies named in the authorizer's answer, which has a limit of 8 KB; the page lists all."""


@dataclass(frozen=True, slots=True)
class Proved:
    """By what somebody proved who they are, when, and whether it took more than a password."""

    kind: PrincipalKind
    at: datetime
    second_factor: bool
    session_hash: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Makes a principal of person, membership and company as they are now."""

    clock: Clock
    operators_prove_twice: bool = True

    def __call__(
        self, person: Person, membership: Membership | None, tenant: Tenant | None, proved: Proved
    ) -> Principal:
        """The principal.

        A company the person has no counting membership in leaves the principal without a tenant
        and without roles: whatever needs one is refused. An operator holds that role in every
        company and in none, with a second factor only where the stage is a real one.
        """
        roles: tuple[str, ...] = ()
        barred, company = "", None
        if membership is not None and tenant is not None and self._counts(membership, tenant):
            if tenant.demands_second_factor(membership.roles) and not proved.second_factor:
                barred = SECOND_FACTOR_REQUIRED
            else:
                company, roles = tenant, membership.roles
        if person.operator and (proved.second_factor or not self.operators_prove_twice):
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

    def _counts(self, membership: Membership, tenant: Tenant) -> bool:
        active = tenant.state is TenantState.ACTIVE
        return active and membership.counts_on(self.clock.today(tenant.zone))
