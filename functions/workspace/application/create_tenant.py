"""Open a company: the operator names it and its first owner, who is invited by mail."""

from dataclasses import dataclass, replace

from kernel.clock import Clock
from kernel.ids import IdSource
from kernel.sensitive import Secret
from toolkit.auth import TenantContext
from workspace.application.invite_user import PersonEntry, enter_person
from workspace.application.issue_api_key import KeyMaker
from workspace.domain.api_key import ApiKey
from workspace.domain.events import TENANT_CREATED
from workspace.domain.message import Message, MessageKind
from workspace.domain.tenant import Tenant, new_tenant
from workspace.domain.user import OWNER, Membership, check_person_name
from workspace.ports import SystemStore, WorkspaceUnit

FIRST_KEY_SCOPES = (
    "workspace:*:*",
    "pensions:*:*",
    "payment_codes:*:*",
    "card_contracts:*:*",
    "workflow:*:*",
    "reconciliation:*:*",
)


@dataclass(frozen=True, slots=True)
class NewCompany:
    """What came of it: the company, its invited owner, and the first key if one was wished."""

    tenant: Tenant
    owner: Membership | None
    key: ApiKey | None
    secret: Secret | None


@dataclass(frozen=True, slots=True)
class CreateTenant:
    """Creates tenant, owner and invitation in one transaction."""

    store: SystemStore
    clock: Clock
    ids: IdSource
    keys: KeyMaker

    def __call__(
        self,
        *,
        actor: str,
        correlation_id: str,
        name: str,
        language: str,
        zone: str,
        owner: PersonEntry | None,
        with_key: bool,
    ) -> NewCompany:
        """``owner`` None leaves the company without people, for an installer who adds them.

        Raises: ValidationError("invalid_input") for the fields.
        """
        tenant = new_tenant(self.ids.new(), name, language, zone)
        context = TenantContext(tenant.id, actor, correlation_id)
        unit = self.store.unit(actor).for_tenant(context)
        tenant = unit.add_tenant(tenant)
        member = None if owner is None else self._invite(unit, tenant, owner)
        key, secret = None, None
        if with_key:
            key, secret = self.keys.make(unit, "first key", FIRST_KEY_SCOPES, created_by=actor)
        unit.publish(
            TENANT_CREATED,
            f"tenant:{tenant.id}",
            {"tenant_id": tenant.id, "language": language, "zone": zone},
        )
        unit.commit()
        return NewCompany(tenant, member, key, secret)

    def _invite(self, unit: WorkspaceUnit, tenant: Tenant, owner: PersonEntry) -> Membership:
        entry = replace(owner, name=check_person_name(owner.name, "/owner/name"))
        person = enter_person(self.store, unit, self.ids, entry)
        member = unit.add_membership(
            Membership(person.id, entry.email, entry.name, (OWNER,), entry.language),
            "user.invited",
        )
        unit.add_message(
            Message(self.ids.new(), tenant.id, MessageKind.INVITATION, person.id, entry.language)
        )
        return member
