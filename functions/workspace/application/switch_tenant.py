"""Go on working for another company of one's own."""

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.errors import NotFoundError
from workspace.domain.tenant import Tenant, TenantState
from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class SwitchTenant:
    """Moves a session to another company."""

    store: SystemStore
    clock: Clock

    def __call__(self, person_id: str, session_digest: str, tenant_id: str) -> Tenant:
        """Raises: NotFoundError for a company without a counting membership."""
        _, membership, tenant = self.store.standing(person_id, tenant_id)
        if (
            membership is None
            or tenant is None
            or tenant.state is not TenantState.ACTIVE
            or not membership.counts_on(self.clock.today(tenant.zone))
        ):
            raise NotFoundError("not_found", "There is no such item.")
        self.store.move_session(session_digest, tenant_id=tenant_id, epoch=None)
        return tenant
