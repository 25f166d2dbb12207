"""The log of deliveries, and what a person may do with it: try out, send again."""

from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.errors import ConflictError, NotFoundError
from kernel.events import Event
from kernel.ids import IdSource
from kernel.storing import CommandIdentity, Position
from toolkit.auth import TenantContext
from workspace.application.fan_out_event import FanOutEvent, PutIntoLane
from workspace.domain.catalogue import WEBHOOK_TESTED
from workspace.domain.delivery import Cause, Delivery
from workspace.domain.webhook import Endpoint
from workspace.ports import Answer, Page, Webhooks, WebhookStore

_SOURCE: Final = "kopru.workspace"


@dataclass(frozen=True, slots=True)
class ListDeliveries:
    """What was sent, to whom, and what came back."""

    store: WebhookStore

    def __call__(
        self,
        context: TenantContext,
        endpoint_id: str | None,
        *,
        limit: int,
        after: Position | None,
    ) -> Page[Delivery]:
        """Newest first; of one target, the latest delivery of each event.

        Raises: NotFoundError for an unknown target.
        """
        webhooks = self.store.company(context)
        if endpoint_id is not None:
            webhooks.endpoint(endpoint_id)
        return webhooks.deliveries(endpoint_id, limit=limit, after=after)


@dataclass(frozen=True, slots=True)
class ReadDelivery:
    """One delivery with its attempts."""

    store: WebhookStore

    def __call__(self, context: TenantContext, delivery_id: str) -> Delivery:
        """Raises: NotFoundError."""
        return self.store.company(context).delivery(delivery_id)


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One event of the log."""

    store: WebhookStore

    def __call__(self, context: TenantContext, event_id: str) -> Event:
        """Raises: NotFoundError, also for one that is older than the log."""
        return _event(self.store.company(context), event_id)


@dataclass(frozen=True, slots=True)
class TryEndpoint:
    """Sends a test event to one target."""

    store: WebhookStore
    clock: Clock
    ids: IdSource
    put: PutIntoLane

    def __call__(self, context: TenantContext, endpoint_id: str) -> Delivery:
        """Raises: NotFoundError, ConflictError("endpoint_disabled")."""
        webhooks = self.store.company(context)
        endpoint = _enabled(webhooks, endpoint_id)
        event = Event(
            id=self.ids.new(),
            type=WEBHOOK_TESTED,
            source=_SOURCE,
            time=self.clock.now(),
            tenant_id=context.tenant_id,
            subject=f"webhook_endpoint:{endpoint_id}",
            data={"endpoint_id": endpoint_id},
        )
        # First into the log: what is sent is read from there.
        unit = webhooks.unit()
        unit.log_event(event)
        unit.commit()
        return _made(self.put(webhooks, endpoint, event, Cause.TEST))


@dataclass(frozen=True, slots=True)
class ResendDelivery:
    """Sends one event to one target once more, under the same id."""

    store: WebhookStore
    put: PutIntoLane

    def __call__(
        self,
        context: TenantContext,
        delivery_id: str,
        *,
        command: CommandIdentity | None = None,
        answer: Answer[Delivery] | None = None,
    ) -> Delivery:
        """The new delivery.

        Raises: NotFoundError, also when the event is older than the log; ConflictError(
        "endpoint_disabled").
        """
        webhooks = self.store.company(context)
        before = webhooks.delivery(delivery_id)
        endpoint = _enabled(webhooks, before.endpoint_id)
        event = _event(webhooks, before.event_id)
        return _made(
            self.put(webhooks, endpoint, event, Cause.RESEND, command=command, answer=answer)
        )


@dataclass(frozen=True, slots=True)
class ResendEvent:
    """Sends one event again to whoever wants it now."""

    store: WebhookStore
    fan_out: FanOutEvent

    def __call__(self, context: TenantContext, event_id: str) -> list[Delivery]:
        """The new deliveries; none when no target wants it. Raises: NotFoundError."""
        webhooks = self.store.company(context)
        return self.fan_out.among(webhooks, _event(webhooks, event_id), Cause.RESEND)


def _enabled(webhooks: Webhooks, endpoint_id: str) -> Endpoint:
    endpoint = webhooks.endpoint(endpoint_id)
    if not endpoint.enabled:
        raise ConflictError("endpoint_disabled", "Switch the target on first.")
    return endpoint


def _event(webhooks: Webhooks, event_id: str) -> Event:
    event = webhooks.event(event_id)
    if event is None:
        raise NotFoundError("not_found", "There is no such item.")
    return event


def _made(delivery: Delivery | None) -> Delivery:
    if delivery is None:  # what a person asks for is always made
        raise ConflictError("lane_busy", "The lane keeps moving; try again.")
    return delivery
