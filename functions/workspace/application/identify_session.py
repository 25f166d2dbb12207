"""Whose session a cookie is, and what its owner may do in one company at this moment."""

from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.ids import is_id
from kernel.parsing import format_instant
from kernel.sensitive import Secret
from toolkit.auth import SECOND_FACTOR_REQUIRED, Principal
from workspace.domain.session import Session
from workspace.domain.tenant import DEFAULT_ZONE, Tenant, TenantState
from workspace.domain.user import OPERATOR, Membership, Person
from workspace.ports import Digest, SystemStore

MAX_CHOICES: Final = 20
"""Companies named in the authorizer's answer, which has a limit of 8 KB; the page lists all."""


@dataclass(frozen=True, slots=True)
class IdentifySession:
    """Reads session, person, membership and company now; nothing is remembered between requests."""

    store: SystemStore
    clock: Clock
    digest: Digest
    operators_prove_twice: bool = True

    def __call__(self, token: Secret, tenant_wish: str | None) -> Principal | None:
        """The principal, or None for a session that is not alive.

        A company the person has no counting membership in leaves the principal without a tenant
        and without roles: whatever needs one is refused. An operator holds that role in every
        company and in none, with a second factor only where the stage is a real one.
        """
        digest = self.digest(token.reveal("look up a session"))
        session = self.store.session(digest)
        if session is None:
            return None
        wanted = session.tenant_id if tenant_wish is None else tenant_wish
        person, membership, tenant = self.store.standing(
            session.person_id, wanted if is_id(wanted) else ""
        )
        now = self.clock.now()
        if person is None or not session.is_alive(now, person.session_epoch):
            return None
        if session.needs_touch(now):
            self.store.touch_session(digest, now)
        counts = self._counts(membership, tenant)
        barred = ""
        if (
            counts
            and membership
            and tenant
            and not session.second_factor
            and tenant.demands_second_factor(membership.roles)
        ):
            counts, barred = False, SECOND_FACTOR_REQUIRED
        roles = membership.roles if counts and membership else ()
        if self._operates(person, session):
            roles = (*roles, OPERATOR)
        return Principal(
            kind="session",
            id=person.id,
            tenant_id=tenant.id if counts and tenant else "",
            roles=roles,
            session_hash=digest,
            language=person.language,
            theme=person.theme,
            zone=tenant.zone if counts and tenant else DEFAULT_ZONE,
            name=person.name,
            email=person.email.reveal("account menu of its owner"),
            tenant_name=tenant.name if counts and tenant else "",
            barred=barred,
            proved_at=format_instant(session.last_proof),
            tenants=tuple((each.id, each.name) for each in person.companies[:MAX_CHOICES]),
        )

    def _operates(self, person: Person, session: Session) -> bool:
        return person.operator and (session.second_factor or not self.operators_prove_twice)

    def _counts(self, membership: Membership | None, tenant: Tenant | None) -> bool:
        return (
            membership is not None
            and tenant is not None
            and tenant.state is TenantState.ACTIVE
            and membership.counts_on(self.clock.today(tenant.zone))
        )
