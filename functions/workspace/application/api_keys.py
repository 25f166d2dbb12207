"""See and revoke the API keys of a company."""

from dataclasses import dataclass, replace

from kernel.errors import ConflictError
from toolkit.auth import TenantContext
from workspace.domain.api_key import ApiKey, ApiKeyState
from workspace.ports import SystemStore


@dataclass(frozen=True, slots=True)
class ListApiKeys:
    """All keys, newest first, revoked ones included."""

    store: SystemStore

    def __call__(self, context: TenantContext) -> list[ApiKey]:
        """Newest first."""
        keys = self.store.company(context).api_keys()
        return sorted(keys, key=lambda key: key.id, reverse=True)


@dataclass(frozen=True, slots=True)
class ReadApiKey:
    """One key, without its secret, which nobody has any more."""

    store: SystemStore

    def __call__(self, context: TenantContext, key_id: str) -> ApiKey:
        """Raises: NotFoundError."""
        return self.store.company(context).api_key(key_id)


@dataclass(frozen=True, slots=True)
class RevokeApiKey:
    """Makes a key worthless at once."""

    store: SystemStore

    def __call__(self, context: TenantContext, key_id: str) -> ApiKey:
        """Raises: NotFoundError; ConflictError("api_key_revoked")."""
        company = self.store.company(context)
        before = company.api_key(key_id)
        if before.state is ApiKeyState.REVOKED:
            raise ConflictError("api_key_revoked", "This key was revoked already.")
        unit = company.unit()
        after = unit.save_api_key(
            before, replace(before, state=ApiKeyState.REVOKED), "api_key.revoked"
        )
        unit.commit()
        return after
