"""Seals of the audit, and requests about personal data."""

from datetime import date, datetime
from typing import Any, Protocol

from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.domain.privacy import PrivacyRequest
from workspace.domain.seal import Seal
from workspace.ports.records import Page
from workspace.ports.storing import WorkspaceUnit


class Seals(Protocol):
    """The daily seals of one tenant."""

    def begin(self, seal: Seal) -> None:
        """A new seal and the order for its first part; refused with ``seal`` if there is one."""
        ...

    def order(self, seal: Seal) -> None: ...
    def seal(self, seal_id: str) -> Seal | None: ...
    def progress(self, seal_id: str) -> tuple[Seal, Position | None] | None:
        """The seal, and after which chain its next part begins."""
        ...

    def save(self, seal: Seal, after: Position | None) -> None:
        """One more part; orders the next one unless it is complete. Refused with ``seal``."""
        ...

    def last_complete(self, until: date | None = None) -> Seal | None:
        """The newest seal that stands, of ``until`` or an earlier day where a day is given."""
        ...

    def seals(self, *, limit: int, after: Position | None) -> Page[Seal]: ...


class SealDesk(Protocol):
    """Seals of all tenants."""

    def company(self, context: TenantContext) -> Seals: ...


class SealObjects(Protocol):
    """Storage that keeps what was written unchanged, for years."""

    def put(self, tenant_id: str, day: date, name: str, content: bytes) -> None:
        """Writing the same name again changes nothing."""
        ...

    def get(self, tenant_id: str, day: date, name: str) -> bytes | None: ...


class PrivacyUnit(WorkspaceUnit, Protocol):
    """The unit of work, with requests of people."""

    def add_privacy_request(self, request: PrivacyRequest) -> None:
        """A request and its job; refused with ``privacy_request:…`` when it is there already."""
        ...

    def save_privacy_request(self, before: PrivacyRequest, after: PrivacyRequest) -> None:
        """Its job moves along; refused with ``privacy_request:…`` when somebody was faster."""
        ...

    def note_privacy_act(self, request: PrivacyRequest, action: str) -> None:
        """Somebody looked at what came of it: history and audit know."""
        ...


class PrivacyRequests(Protocol):
    """Requests of one tenant, and the parts of copies."""

    def unit(self) -> PrivacyUnit: ...
    def request(self, request_id: str) -> PrivacyRequest:
        """Raises NotFoundError."""
        ...

    def requests(self, *, limit: int, after: Position | None) -> Page[PrivacyRequest]:
        """Newest first."""
        ...

    def part(self, request_id: str, context: str, number: int) -> list[dict[str, Any]]:
        """Records of a part of a copy. Raises NotFoundError, also when it has expired."""
        ...


class PrivacyDesk(Protocol):
    """Requests of all tenants."""

    def company(self, context: TenantContext) -> PrivacyRequests: ...
    def due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Tenant and id of requests to ask about again."""
        ...
