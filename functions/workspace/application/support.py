"""Support access: asked for by an operator, decided by a second person, used, ended.

The company's owners find the wish and the visit on Today and in a mail, for as long as it lasts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from kernel.clock import Clock
from kernel.errors import NotFoundError
from kernel.ids import IdSource
from kernel.parsing import format_instant
from kernel.storing import Position, WriteRefusedError
from toolkit.auth import TenantContext
from workspace.application.telling import counting, mail_members
from workspace.domain.attention import Attention
from workspace.domain.message import MessageKind
from workspace.domain.support import (
    DECIDERS,
    GrantState,
    SupportGrant,
    SupportView,
    approved,
    asked,
    check_request,
    in_force,
    looked_at,
    news_of,
    refused,
    revoked,
)
from workspace.domain.tenant import Tenant, TenantState
from workspace.domain.user import Membership
from workspace.ports import CompanyStore, Page, SystemStore, WorkspaceUnit

_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class AskForSupport:
    """An operator asks to look into a company."""

    store: SystemStore
    clock: Clock
    ids: IdSource

    def __call__(
        self, operator_id: str, tenant_id: str, *, reason: str, hours: int, correlation_id: str
    ) -> SupportGrant:
        """Raises: ValidationError for reason or hours; NotFoundError for a company that is not
        active.
        """
        said = check_request(reason, hours)
        tenant = self.store.tenants_by_id([tenant_id]).get(tenant_id)
        if tenant is None or tenant.state is not TenantState.ACTIVE:
            raise NotFoundError("not_found", "There is no such item.")
        context = TenantContext(tenant_id, f"user:{operator_id}", correlation_id)
        company = self.store.company(context)
        unit = company.unit()
        grant = SupportGrant(self.ids.new(), tenant_id, operator_id, said, hours, self.clock.now())
        saved = unit.add_support_grant(grant)
        wish = asked(grant, tenant.zone)
        unit.put_attention(wish)
        _mail(unit, self.ids, tenant, wish, _owners(company, self.clock.today(tenant.zone)), hours)
        unit.commit()
        return saved


Decision = Callable[[SupportGrant, str, datetime], SupportGrant]


@dataclass(frozen=True, slots=True)
class DecideSupport:
    """Approves, refuses or revokes, for the company or for a second operator.

    What a second operator approves is mailed to the company's owners, who were not asked.
    """

    store: SystemStore
    clock: Clock
    ids: IdSource

    def approve(self, context: TenantContext, grant_id: str, person_id: str) -> SupportGrant:
        """Raises: NotFoundError, ForbiddenError("own_support_request"),
        ConflictError("support_decided").
        """
        return self._decide(context, grant_id, person_id, approved, "support_grant.approved")

    def refuse(self, context: TenantContext, grant_id: str, person_id: str) -> SupportGrant:
        """Raises as ``approve``."""
        return self._decide(context, grant_id, person_id, refused, "support_grant.rejected")

    def revoke(self, context: TenantContext, grant_id: str, person_id: str) -> SupportGrant:
        """Raises: NotFoundError, ConflictError("support_over")."""
        return self._decide(context, grant_id, person_id, revoked, "support_grant.revoked")

    def _decide(
        self,
        context: TenantContext,
        grant_id: str,
        person_id: str,
        decision: Decision,
        action: str,
        tries: int = _TRIES,
    ) -> SupportGrant:
        company, now = self.store.company(context), self.clock.now()
        before = company.support_grant(grant_id)
        after = decision(before, person_id, now)
        tenant = company.tenant()
        unit = company.unit()
        saved = unit.save_support_grant(before, after, action)
        for news in news_of(before, after, now, tenant.zone):
            unit.put_attention(news)
        if after.state is GrantState.GRANTED:
            owners = _owners(company, self.clock.today(tenant.zone))
            if person_id not in (each.person_id for each in owners):
                _mail(unit, self.ids, tenant, in_force(after), owners, after.hours)
        try:
            unit.commit()
        except WriteRefusedError:
            # Somebody looked or decided in this moment; what holds now decides again.
            if tries == 1:
                raise
            return self._decide(context, grant_id, person_id, decision, action, tries - 1)
        return saved


def _owners(company: CompanyStore, today: date) -> list[Membership]:
    """Those of the company who decide."""
    wanted = set(DECIDERS)
    return [
        member
        for member in counting(company, today)
        if wanted & {f"role:{role}" for role in member.roles}
    ]


def _mail(
    unit: WorkspaceUnit,
    ids: IdSource,
    tenant: Tenant,
    what: Attention,
    owners: Sequence[Membership],
    hours: int,
) -> None:
    """Tell the owners; the mail ends with what it is about."""
    params = {
        "task": what.key,
        "why": what.code,
        "hours": str(hours),
        "until": "" if what.ends_at is None else format_instant(what.ends_at),
        "zone": tenant.zone,
    }
    mail_members(unit, ids, tenant.id, owners, MessageKind.SUPPORT_ACCESS, params)


@dataclass(frozen=True, slots=True)
class ListSupport:
    """Grants, newest first: of one company, or of all for operators."""

    store: SystemStore

    def of_company(
        self, context: TenantContext, *, limit: int, after: Position | None
    ) -> Page[SupportView]:
        """Grants of one company."""
        page = self.store.company(context).support_grants(limit=limit, after=after)
        return Page(self._views(page.items), page.next)

    def of_all(self, *, limit: int, after: Position | None) -> Page[SupportView]:
        """Grants of all companies."""
        page = self.store.support_grants(limit=limit, after=after)
        return Page(self._views(page.items), page.next)

    def one(self, context: TenantContext, grant_id: str) -> SupportView:
        """Raises: NotFoundError."""
        return self.view(self.store.company(context).support_grant(grant_id))

    def view(self, grant: SupportGrant) -> SupportView:
        """The grant with its names."""
        return self._views([grant])[0]

    def _views(self, grants: Sequence[SupportGrant]) -> tuple[SupportView, ...]:
        """Grants with their names; every company and person is looked up once."""
        tenants = self.store.tenants_by_id(list(dict.fromkeys(grant.tenant_id for grant in grants)))
        people = dict.fromkeys(
            person_id
            for grant in grants
            for person_id in (grant.operator_id, grant.decided_by, grant.ended_by)
        )
        names = {person_id: self._name(person_id) for person_id in people}
        return tuple(
            SupportView(
                grant,
                tenants[grant.tenant_id].name if grant.tenant_id in tenants else "",
                names[grant.operator_id],
                names[grant.decided_by],
                names[grant.ended_by],
            )
            for grant in grants
        )

    def _name(self, person_id: str) -> str:
        try:
            return self.store.person(person_id).name if person_id else ""
        except NotFoundError:
            return ""


@dataclass(frozen=True, slots=True)
class UseSupport:
    """Lets an operator look at a company under a grant, and writes down that they did.

    What cannot be written down is not shown: the record is made before the request is answered.
    """

    store: SystemStore
    clock: Clock

    def __call__(self, person_id: str, tenant_id: str, act: str, tries: int = _TRIES) -> bool:
        """Whether this request may look. Raises: WriteRefusedError when it cannot be recorded."""
        company = self.store.company(TenantContext(tenant_id, f"user:{person_id}"))
        grant = company.support_of(person_id)
        if grant is None or not grant.lets_in(person_id, self.clock.now()):
            return False
        unit = company.unit()
        after = replace(grant, uses=grant.uses + 1)
        unit.save_support_grant(grant, after, "support_grant.used", act=looked_at(act))
        try:
            unit.commit()
        except WriteRefusedError:
            # Two requests at once: each is a row of its own.
            if tries == 1:
                raise
            return self(person_id, tenant_id, act, tries - 1)
        return True


@dataclass(frozen=True, slots=True)
class VisitCompany:
    """Moves an operator's session into a company under a grant, and out again."""

    store: SystemStore
    clock: Clock

    def enter(self, person_id: str, session_digest: str, grant_id: str, tenant_id: str) -> None:
        """Raises: NotFoundError unless the grant is the operator's own and lets in now."""
        company = self.store.company(TenantContext(tenant_id, f"user:{person_id}"))
        if not company.support_grant(grant_id).lets_in(person_id, self.clock.now()):
            raise NotFoundError("not_found", "There is no such item.")
        self.store.move_session(session_digest, tenant_id=tenant_id, epoch=None)

    def leave(self, session_digest: str) -> None:
        """Work for no company, as before."""
        self.store.move_session(session_digest, tenant_id="", epoch=None)
