"""A target is back, or switched on again: what waits for it goes on at once."""

from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.storing import WriteRefusedError
from toolkit.auth import TenantContext
from workspace.application.deliver_webhooks import ACTOR
from workspace.domain.delivery import woken_lane
from workspace.ports import WebhookStore

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class WakeLanes:
    """Wakes the lanes of one target, a hundred at a time."""

    store: WebhookStore
    clock: Clock

    def __call__(self, tenant_id: str, endpoint_id: str, after: str = "") -> int:
        """How many lanes were woken; waking one twice costs a look and nothing else."""
        webhooks = self.store.company(TenantContext(tenant_id, ACTOR, endpoint_id))
        lanes = webhooks.lanes_waiting(endpoint_id, limit=AT_ONCE, after=after)
        now = self.clock.now()
        woken = 0
        for lane in lanes:
            if lane.is_leased(now) or not lane.waiting:
                continue
            unit = webhooks.unit()
            unit.order_lane(unit.save_lane(lane, woken_lane(lane, now)))
            try:
                unit.commit()
            except WriteRefusedError:
                continue  # somebody moves it already
            woken += 1
        if len(lanes) == AT_ONCE:
            unit = webhooks.unit()
            unit.order_waking(endpoint_id, lanes[-1].id)
            unit.commit()
        return woken
