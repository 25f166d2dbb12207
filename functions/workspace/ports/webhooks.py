"""Events that leave for other systems."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from kernel.events import Event
from kernel.sensitive import Secret
from kernel.storing import Position
from toolkit.auth import TenantContext
from workspace.domain.delivery import Answer as WebhookAnswer
from workspace.domain.delivery import Delivery, DueWebhook, Lane, Recovery, SentMark
from workspace.domain.webhook import Endpoint
from workspace.ports.records import Page
from workspace.ports.storing import WorkspaceUnit


class WebhookUnit(WorkspaceUnit, Protocol):
    """The unit of work, with what goes out by webhook."""

    def add_endpoint(self, endpoint: Endpoint, secret: Secret) -> Endpoint:
        """A target and its first secret, sealed."""
        ...

    def save_endpoint(
        self, before: Endpoint, after: Endpoint, action: str, *, secret: Secret | None = None
    ) -> Endpoint:
        """Refused with ``webhook_endpoint:…`` when somebody changed it meanwhile."""
        ...

    def require_endpoint(self, endpoint: Endpoint) -> None:
        """Refused with ``endpoint`` unless the target still is what was read."""
        ...

    def note_health(self, endpoint_id: str, failing_since: datetime | None) -> None: ...
    def add_delivery(self, delivery: Delivery, mark: SentMark | None) -> Delivery:
        """A delivery for an event whose last mark was ``mark``; refused with ``mark`` when it is
        not any more.
        """
        ...

    def save_delivery(
        self, before: Delivery, after: Delivery, action: str, *, mark: SentMark | None = None
    ) -> Delivery: ...
    def save_lane(self, before: Lane, after: Lane) -> Lane:
        """Refused with ``lane`` when somebody moved it meanwhile."""
        ...

    def order_lane(self, lane: Lane) -> None: ...
    def order_waking(self, endpoint_id: str, after: str = "") -> None:
        """A work order that wakes the lanes of a target, beyond the lane ``after``."""
        ...

    def add_recovery(self, recovery: Recovery) -> None: ...
    def save_recovery(self, before: Recovery, after: Recovery, *, resent: int) -> None:
        """Refused with ``job`` when another run moved it."""
        ...

    def order_recovery(self, recovery: Recovery) -> None: ...


class Webhooks(Protocol):
    """Reads and units of work of one tenant's webhooks."""

    def unit(self) -> WebhookUnit: ...
    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Raises NotFoundError, also for one that was removed."""
        ...

    def known_endpoint(self, endpoint_id: str) -> Endpoint:
        """The target, also a removed one. Raises NotFoundError."""
        ...

    def endpoints(self) -> list[Endpoint]:
        """Oldest first."""
        ...

    def failing_since(self, endpoint_id: str) -> datetime | None: ...
    def secret(self, endpoint_id: str, version: int) -> Secret:
        """Raises SecretUnavailableError."""
        ...

    def delivery(self, delivery_id: str) -> Delivery:
        """Raises NotFoundError."""
        ...

    def deliveries(
        self, endpoint_id: str | None, *, limit: int, after: Position | None
    ) -> Page[Delivery]:
        """Newest first; of one target, the latest delivery of each event."""
        ...

    def lane(self, lane_id: str) -> Lane | None: ...
    def lanes_waiting(self, endpoint_id: str, *, limit: int, after: str) -> list[Lane]:
        """Lanes of a target with something in them, by id, beyond ``after``."""
        ...

    def event(self, event_id: str) -> Event | None:
        """An event of the log; None for one that is not there (any more)."""
        ...

    def events_between(self, after: str, until: str, *, limit: int) -> list[Event]:
        """Events whose ids lie between the two, oldest first; ``until`` is included."""
        ...

    def marks(self, endpoint_id: str, event_ids: Sequence[str]) -> Mapping[str, SentMark]: ...
    def recovery(self, job_id: str) -> Recovery | None: ...


class WebhookStore(Protocol):
    """Webhooks of all tenants."""

    def company(self, context: TenantContext) -> Webhooks: ...
    def due(self, now: datetime, limit: int) -> list[DueWebhook]: ...


class WebhookSender(Protocol):
    """Signs a notification and hands it over, once, without following where it is sent on to."""

    def send(
        self,
        url: str,
        *,
        identity: str,
        at: datetime,
        body: bytes,
        secrets: Sequence[Secret],
        deadline_seconds: float,
    ) -> WebhookAnswer: ...
