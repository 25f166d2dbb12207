"""All companies of one person at a glance (many-client overview)."""

from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from toolkit.auth import Principal, TenantContext
from workspace.domain.glance import CompanyGlance, Standing, glance_of, ordered
from workspace.domain.tenant import Tenant, TenantState
from workspace.domain.user import Membership
from workspace.ports import SystemStore

LOOK: Final = "workspace:today:read"


@dataclass(frozen=True, slots=True)
class OverseeCompanies:
    """Reads Today of every company with a mandate that counts now, one query each."""

    store: SystemStore
    clock: Clock

    def __call__(self, person_id: str, session_digest: str) -> list[CompanyGlance]:
        """What needs somebody first; companies without the right to look are left out.

        Raises: NotFoundError for nobody.
        """
        person = self.store.person(person_id)
        session = self.store.session(session_digest)
        proved = session is not None and session.second_factor
        glances = []
        for tenant, membership in self.store.mandates_of(person):
            if tenant.state is not TenantState.ACTIVE:
                continue
            if not membership.counts_on(self.clock.today(tenant.zone)):
                continue
            if tenant.demands_second_factor(membership.roles) and not proved:
                glances.append(CompanyGlance(tenant, membership, Standing.CLOSED))
            elif Principal("session", person.id, roles=membership.roles).may(LOOK):
                glances.append(self._glance(tenant, membership))
        return ordered(glances)

    def _glance(self, tenant: Tenant, membership: Membership) -> CompanyGlance:
        context = TenantContext(tenant.id, f"user:{membership.person_id}")
        rows = self.store.company(context).attention()
        return glance_of(tenant, membership, rows, self.clock.now())
