"""Which company an item belongs to, for an operator who has only its id."""

from collections.abc import Callable
from dataclasses import dataclass

from kernel.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Locate:
    """Looks into a register of the operators."""

    tenant_of: Callable[[str], str | None]

    def __call__(self, identity: str) -> str:
        """Raises: NotFoundError."""
        tenant_id = self.tenant_of(identity)
        if tenant_id is None:
            raise NotFoundError("not_found", "There is no such item.")
        return tenant_id
