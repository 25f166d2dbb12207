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
        if owner is not None:
            owner = replace(owner, name=check_person_name(owner.name, "/owner/name"))
        context = TenantContext(tenant.id, actor, correlation_id)
        unit = self.store.unit(actor).for_tenant(context)
        tenant = unit.add_tenant(tenant)
        member = (
            None
            if owner is None
            else enter_owner(self.store, unit, self.ids, tenant, owner, MessageKind.INVITATION)
        )
        key, secret = None, None
        if with_key:
            key, secret = self.keys.make(unit, "first key", FIRST_KEY_SCOPES, created_by=actor)
        tell_of_company(unit, tenant)
        unit.commit()
        return NewCompany(tenant, member, key, secret)


def tell_of_company(unit: WorkspaceUnit, tenant: Tenant) -> None:
    """Add the news of a new company to the unit that opens it."""
    unit.publish(
        TENANT_CREATED,
        f"tenant:{tenant.id}",
        {"tenant_id": tenant.id, "language": tenant.language, "zone": tenant.zone},
    )


def enter_owner(
    store: SystemStore,
    unit: WorkspaceUnit,
    ids: IdSource,
    tenant: Tenant,
    owner: PersonEntry,
    mail: MessageKind,
) -> Membership:
    """Add the first owner of a new company and the mail by which they join."""
    person = enter_person(store, unit, ids, owner)
    member = unit.add_membership(
        Membership(person.id, owner.email, owner.name, (OWNER,), owner.language), "user.invited"
    )
    unit.add_message(Message(ids.new(), tenant.id, mail, person.id, owner.language))
    return member
