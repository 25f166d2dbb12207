"""Whose API key a secret is, and whether it still opens anything."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from kernel.clock import Clock
from kernel.ids import is_id
from kernel.parsing import format_instant
from kernel.sensitive import Secret
from toolkit.auth import Principal
from workspace.domain.api_key import ApiKey, looks_like_key
from workspace.domain.tenant import Tenant, TenantState
from workspace.ports import Digest, KeyOwner, SystemStore

NOTE_USE_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class IdentifyKey:
    """Looks a key up by its hash."""

    store: SystemStore
    clock: Clock
    digest: Digest

    def __call__(self, secret: Secret, tenant_wish: str | None) -> Principal | None:
        """The principal, or None for a key that is not one, was revoked or is too old.

        A company's key speaks for its company only; naming another one leaves it without a tenant.
        The operator's key names the company it looks at.
        """
        clear = secret.reveal("look up an API key")
        if not looks_like_key(clear):
            return None
        owner = self.store.key_owner(self.digest(clear))
        if owner is None:
            return None
        key, tenant = self.store.key_standing(owner)
        now = self.clock.now()
        if key is None or not key.works_on(now.date()):
            return None
        self._note_use(owner, key, now)
        if owner.tenant_id is None:
            return self._operator(key, tenant_wish)
        if tenant is None or tenant.state is not TenantState.ACTIVE:
            return None
        principal = Principal(kind="api_key", id=key.id, roles=key.roles, scopes=key.scopes)
        if tenant_wish is not None and tenant_wish != tenant.id:
            return principal
        return _within(principal, tenant)

    def _operator(self, key: ApiKey, tenant_wish: str | None) -> Principal:
        principal = Principal(kind="api_key", id=key.id, roles=key.roles, scopes=key.scopes)
        if tenant_wish is None or not is_id(tenant_wish):
            return principal
        tenant = self.store.tenants_by_id([tenant_wish]).get(tenant_wish)
        return principal if tenant is None else _within(principal, tenant)

    def _note_use(self, owner: KeyOwner, key: ApiKey, now: datetime) -> None:
        if key.last_used_at and now - datetime.fromisoformat(key.last_used_at) < NOTE_USE_EVERY:
            return
        self.store.note_key_use(owner, format_instant(now))


def _within(principal: Principal, tenant: Tenant) -> Principal:
    return replace(principal, tenant_id=tenant.id, tenant_name=tenant.name, zone=tenant.zone)
