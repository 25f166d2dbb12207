"""Send what waits in one lane, one after the other: claim, send, commit.

The lane is claimed, so two senders never work on one subject of one target at once. A sender that
dies leaves its lease; whoever comes after it sends the same notification again under the same id,
because the receiver knows a duplicate by it.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from kernel.clock import Clock
from kernel.events import Event
from kernel.ids import IdSource
from kernel.storing import WriteRefusedError
from toolkit.auth import TenantContext
from workspace.application.send_mail import SendResult
from workspace.domain.attention import Attention
from workspace.domain.delivery import (
    LEASE_MARGIN,
    MAX_TRIES,
    Answer,
    AnswerKind,
    Delivery,
    DeliveryState,
    Lane,
    SentMark,
    answered,
    body_of,
    claimed,
    claimed_lane,
    given_up,
    parked_lane,
    released_lane,
)
from workspace.domain.webhook import Endpoint, EndpointState, gone
from workspace.ports import Webhooks, WebhookSender, WebhookStore, WebhookUnit

ACTOR: Final = "system:webhooks"
EFFECT_SECONDS: Final = 15.0
RESERVE_SECONDS: Final = 10.0
_TROUBLE: Final = 3
"""After so many tries of one notification people are told: some five minutes of silence."""
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class DeliverWebhooks:
    """Drives one lane as far as it goes now."""

    store: WebhookStore
    clock: Clock
    ids: IdSource
    sender: WebhookSender

    def __call__(
        self, tenant_id: str, lane_id: str, remaining_seconds: Callable[[], float]
    ) -> SendResult:
        """Raises: ConflictError when somebody else moves the lane; the record comes again."""
        webhooks = self.store.company(TenantContext(tenant_id, ACTOR, lane_id))
        while True:
            lane = webhooks.lane(lane_id)
            now = self.clock.now()
            if lane is None or not lane.waiting:
                return SendResult.DONE
            if lane.is_leased(now):
                return SendResult.LATER
            # With a lease that is over there is no waiting: its sender died.
            if lane.lease_until is None and (lane.next_at is None or now < lane.next_at):
                return SendResult.DONE
            if remaining_seconds() < EFFECT_SECONDS + RESERVE_SECONDS:
                return SendResult.LATER
            if not self._step(webhooks, lane, remaining_seconds):
                return SendResult.DONE

    def _step(self, webhooks: Webhooks, lane: Lane, remaining_seconds: Callable[[], float]) -> bool:
        """Send the first of the lane; whether there is time to look at the lane again."""
        endpoint = webhooks.known_endpoint(lane.endpoint_id)
        delivery = webhooks.delivery(lane.waiting[0][1])
        if endpoint.state is EndpointState.DISABLED:
            return self._park(webhooks, lane, endpoint)
        event = webhooks.event(delivery.event_id)
        hopeless = self._hopeless(endpoint, delivery, event)
        if hopeless:
            more = remaining_seconds() >= EFFECT_SECONDS + RESERVE_SECONDS
            after = given_up(delivery, hopeless)
            self._commit(webhooks, lane, delivery, after, endpoint, hand_on=not more)
            return more
        assert event is not None  # noqa: S101  (an event that is gone is hopeless)
        now = self.clock.now()
        secrets = [
            webhooks.secret(endpoint.id, version) for version in endpoint.signing_versions(now)
        ]
        lease = now + timedelta(seconds=remaining_seconds()) + LEASE_MARGIN
        unit = webhooks.unit()
        unit.require_endpoint(endpoint)
        mine = unit.save_lane(lane, claimed_lane(lane, self.ids.new(), lease))
        trying = unit.save_delivery(delivery, claimed(delivery, now), "webhook_delivery.claimed")
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("endpoint"):
                return True  # switched off or changed this very moment: look again
            raise
        answer = self.sender.send(
            endpoint.url,
            identity=event.id,
            at=now,
            body=body_of(event),
            secrets=secrets,
            deadline_seconds=EFFECT_SECONDS,
        )
        after = answered(trying, answer, self.clock.now())
        more = remaining_seconds() >= EFFECT_SECONDS + RESERVE_SECONDS
        self._commit(webhooks, mine, trying, after, endpoint, answer=answer, hand_on=not more)
        return more

    @staticmethod
    def _hopeless(endpoint: Endpoint, delivery: Delivery, event: Event | None) -> str:
        if endpoint.state is EndpointState.REMOVED:
            return "endpoint_removed"
        if event is None:
            return "event_expired"
        if delivery.state is DeliveryState.SENDING and delivery.tries >= MAX_TRIES:
            return "attempt_lost"
        return ""

    @staticmethod
    def _park(webhooks: Webhooks, lane: Lane, endpoint: Endpoint) -> bool:
        """Nothing is due while the target is off; switching it on wakes the lane.

        Whether to look again, because the target was switched on this very moment.
        """
        unit = webhooks.unit()
        unit.require_endpoint(endpoint)
        unit.save_lane(lane, parked_lane(lane))
        try:
            unit.commit()
        except WriteRefusedError as error:
            if error.refused("endpoint"):
                return True
            raise
        return False

    def _commit(
        self,
        webhooks: Webhooks,
        mine: Lane,
        before: Delivery,
        after: Delivery,
        endpoint: Endpoint,
        *,
        answer: Answer | None = None,
        hand_on: bool = False,
    ) -> None:
        """Write the outcome; others may put more into the lane meanwhile, which is no conflict."""
        lane = mine
        arrived = after.state is DeliveryState.DELIVERED
        mark = SentMark(after.event_id, after.id, delivered=True) if arrived else None
        action = f"webhook_delivery.{after.state.value}"
        for _ in range(_TRIES):
            unit = webhooks.unit()
            unit.save_delivery(before, after, action, mark=mark)
            released = unit.save_lane(lane, released_lane(lane, after, self.clock.now()))
            if hand_on and released.next_at is not None and released.next_at <= self.clock.now():
                unit.order_lane(released)
            if answer is not None:
                self._health(webhooks, unit, endpoint, after, answer)
            try:
                unit.commit()
            except WriteRefusedError as error:
                if not any(map(error.refused, ("lane", "attention", "webhook_endpoint:"))):
                    raise
                fresh = webhooks.lane(mine.id)
                if fresh is None or fresh.attempt_id != mine.attempt_id:
                    return  # our lease ended and somebody else took over
                lane, endpoint = fresh, webhooks.known_endpoint(endpoint.id)
                continue
            return

    def _health(
        self,
        webhooks: Webhooks,
        unit: WebhookUnit,
        endpoint: Endpoint,
        delivery: Delivery,
        answer: Answer,
    ) -> None:
        """What the answer says about the target itself."""
        now = self.clock.now()
        since = webhooks.failing_since(endpoint.id)
        if answer.kind is AnswerKind.TAKEN:
            if since is not None:
                unit.note_health(endpoint.id, None)
                self._tell(unit, endpoint, "webhook_failing", is_open=False)
                # Back again: whatever waits for its time need not wait any longer.
                unit.order_waking(endpoint.id)
            return
        if answer.kind is AnswerKind.GONE:
            if endpoint.enabled:
                unit.save_endpoint(endpoint, gone(endpoint), "webhook_endpoint.gone")
            self._tell(unit, endpoint, "webhook_gone")
        elif delivery.tries == _TROUBLE or delivery.state is DeliveryState.FAILED:
            self._tell(unit, endpoint, "webhook_failing")
        if since is None:
            unit.note_health(endpoint.id, now)

    def _tell(
        self, unit: WebhookUnit, endpoint: Endpoint, code: str, *, is_open: bool = True
    ) -> None:
        now = self.clock.now()
        # Another lane of the same target may have told it this very moment.
        with contextlib.suppress(WriteRefusedError):
            unit.put_attention(
                Attention(
                    key=f"connection:webhook:{endpoint.id}",
                    subject=f"webhook_endpoint:{endpoint.id}",
                    code=code,
                    severity="high" if code == "webhook_gone" else "medium",
                    raised_at=now,
                    news_at=now,
                    open=is_open,
                )
            )
