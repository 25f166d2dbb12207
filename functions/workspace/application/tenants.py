"""Read and change companies."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kernel.errors import PreconditionFailedError
from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.domain.tenant import Tenant, check_language, check_name, check_zone
from workspace.ports import Page, SystemStore


@dataclass(frozen=True, slots=True)
class ReadTenant:
    """The company of a request."""

    store: SystemStore

    def __call__(self, context: TenantContext) -> Tenant:
        """Raises: NotFoundError."""
        return self.store.company(context).tenant()


@dataclass(frozen=True, slots=True)
class ListTenants:
    """All companies, for the operator."""

    store: SystemStore

    def __call__(self, *, limit: int, after: Position | None) -> Page[Tenant]:
        """Oldest first."""
        return self.store.tenants(limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class ChangeTenant:
    """Changes name, language, time zone, or which roles need a second factor."""

    store: SystemStore

    def __call__(
        self,
        context: TenantContext,
        *,
        expected_version: int,
        name: str | None = None,
        language: str | None = None,
        zone: str | None = None,
        second_factor_roles: Iterable[str] | None = None,
    ) -> Tenant:
        """``second_factor_roles`` may be empty: then no role needs a second factor.

        Raises: PreconditionFailedError("stale_version"); ParseError, ValidationError."""
        company = self.store.company(context)
        before = company.tenant()
        if before.stamp.version != expected_version:
            raise stale_version()
        after = replace(
            before,
            name=before.name if name is None else check_name(name),
            language=before.language if language is None else check_language(language),
            zone=before.zone if zone is None else check_zone(zone),
            second_factor_roles=before.second_factor_roles
            if second_factor_roles is None
            else tuple(second_factor_roles),
        )
        unit = company.unit()
        saved = unit.save_tenant(before, after, "tenant.changed")
        unit.commit()
        return saved


def stale_version() -> PreconditionFailedError:
    """What a caller hears who changes an older version than the stored one."""
    return PreconditionFailedError(
        "stale_version", "Somebody changed this in the meantime. Read it again."
    )
