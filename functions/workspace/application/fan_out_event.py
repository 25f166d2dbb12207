"""Make a delivery of an event for every target that wants it, each exactly once."""

from dataclasses import dataclass, replace
from typing import Final

from kernel.clock import Clock
from kernel.errors import ConflictError
from kernel.events import Event
from kernel.ids import IdSource
from kernel.storing import CommandIdentity, WriteRefusedError
from toolkit.auth import TenantContext
from workspace.domain.delivery import (
    MAX_WAITING,
    Cause,
    Delivery,
    Lane,
    given_up,
    joined,
    lane_id,
)
from workspace.domain.webhook import Endpoint
from workspace.ports import Answer, Webhooks, WebhookStore

_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class PutIntoLane:
    """Makes one delivery and puts it into its lane, in one transaction."""

    clock: Clock
    ids: IdSource

    def __call__(
        self,
        webhooks: Webhooks,
        endpoint: Endpoint,
        event: Event,
        cause: Cause,
        *,
        command: CommandIdentity | None = None,
        answer: Answer[Delivery] | None = None,
    ) -> Delivery | None:
        """The delivery; None when there is one already: of the event (for the event itself), or one
        that waits or arrived (for a recovery). A person's wish is always granted, and at once.

        Raises: ConflictError("lane_busy") when others keep moving the lane.
        """
        delivery = Delivery(self.ids.new(), endpoint.id, event.id, event.type, event.subject, cause)
        for _ in range(_TRIES):
            mark = webhooks.marks(endpoint.id, (event.id,)).get(event.id)
            if mark is not None and cause is Cause.EVENT:
                return None
            identity = lane_id(endpoint.id, event.subject)
            lane = webhooks.lane(identity) or Lane(identity, endpoint.id, event.subject)
            if cause is Cause.RECOVERY and (
                (mark is not None and mark.delivered)
                or any(waiting == event.id for waiting, _ in lane.waiting)
            ):
                return None
            now = self.clock.now()
            unit = webhooks.unit()
            if len(lane.waiting) >= MAX_WAITING:
                # Kept in the log and visible; a recovery sends it when the target is back.
                made = unit.add_delivery(given_up(delivery, "lane_full"), mark)
            else:
                # Behind others its time is not known.
                first = replace(delivery, next_at=None if lane.waiting else now)
                made = unit.add_delivery(first, mark)
                after = joined(lane, made, now)
                urgent = cause in (Cause.RESEND, Cause.TEST) and not lane.is_leased(now)
                saved = unit.save_lane(lane, replace(after, next_at=now) if urgent else after)
                if urgent or not lane.waiting:
                    unit.order_lane(saved)
            if command is not None and answer is not None:
                unit.remember(command, answer(made))
            try:
                unit.commit()
            except WriteRefusedError as error:
                if error.refused("lane") or error.refused("mark"):
                    continue
                raise
            return made
        raise ConflictError("lane_busy", "The lane keeps moving; try again.")


@dataclass(frozen=True, slots=True)
class FanOutEvent:
    """Gives one event to all targets of its company that want it."""

    store: WebhookStore
    put: PutIntoLane

    def __call__(self, event: Event, cause: Cause = Cause.EVENT) -> list[Delivery]:
        """The deliveries made now; a second call for the same event makes none.

        Raises: ConflictError when lanes keep moving, and the record comes again.
        """
        context = TenantContext(event.tenant_id, "system:webhooks", event.id)
        return self.among(self.store.company(context), event, cause)

    def among(self, webhooks: Webhooks, event: Event, cause: Cause) -> list[Delivery]:
        """The same for the targets of a company at hand."""
        made = (
            self.put(webhooks, endpoint, event, cause)
            for endpoint in webhooks.endpoints()
            if endpoint.wants(event.type)
        )
        return [delivery for delivery in made if delivery is not None]
