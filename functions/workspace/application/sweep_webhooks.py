"""Webhooks whose time has come: the next try, dead senders, lost work orders."""

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.errors import ConflictError
from toolkit.auth import TenantContext
from workspace.application.deliver_webhooks import ACTOR
from workspace.ports import WebhookStore


@dataclass(frozen=True, slots=True)
class SweepWebhooks:
    """Gives every lane and every recovery that is due its work order (I-14)."""

    store: WebhookStore
    clock: Clock

    def __call__(self, limit: int = 200) -> dict[str, int]:
        """Counts by kind."""
        counts = {"lanes": 0, "recoveries": 0}
        for due in self.store.due(self.clock.now(), limit):
            webhooks = self.store.company(TenantContext(due.tenant_id, ACTOR, due.id))
            unit = webhooks.unit()
            if due.kind == "lane":
                lane = webhooks.lane(due.id)
                if lane is None or not lane.waiting:
                    continue
                unit.order_lane(lane)
                counts["lanes"] += 1
            else:
                recovery = webhooks.recovery(due.id)
                if recovery is None or recovery.is_final:
                    continue
                unit.order_recovery(recovery)
                counts["recoveries"] += 1
            try:
                unit.commit()
            except ConflictError:
                continue  # the next minute repeats it
        return counts
