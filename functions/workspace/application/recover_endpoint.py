"""Send a target everything since an instant that it has not confirmed: a job over the event log."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from kernel.clock import Clock
from kernel.errors import ConflictError, Problem
from kernel.ids import IdSource, new_id
from toolkit.auth import TenantContext
from workspace.application.deliver_webhooks import ACTOR
from workspace.application.fan_out_event import PutIntoLane
from workspace.domain.delivery import Cause, Recovery
from workspace.domain.problems import invalid
from workspace.ports import WebhookStore

LOG: Final = timedelta(days=90)
AT_ONCE: Final = 50
FINISHED: Final = "~"
"""Sorts after every id."""


@dataclass(frozen=True, slots=True)
class StartRecovery:
    """Begins a recovery."""

    store: WebhookStore
    clock: Clock
    ids: IdSource

    def __call__(self, context: TenantContext, endpoint_id: str, since: datetime) -> str:
        """Id of the job.

        Raises: NotFoundError, ConflictError("endpoint_disabled"), ValidationError for an instant
        in the future or before the log begins.
        """
        webhooks = self.store.company(context)
        endpoint = webhooks.endpoint(endpoint_id)
        now = self.clock.now()
        if since > now:
            raise invalid(Problem("/since", "in_the_future", "Choose a time that is over."))
        if since < now - LOG:
            raise invalid(Problem("/since", "before_log", "The event log keeps ninety days."))
        if not endpoint.enabled:
            raise ConflictError("endpoint_disabled", "Switch the target on first.")
        recovery = Recovery(self.ids.new(), endpoint_id, _before(since), _last(now))
        unit = webhooks.unit()
        unit.add_recovery(recovery)
        unit.order_recovery(recovery)
        unit.commit()
        return recovery.job_id


@dataclass(frozen=True, slots=True)
class ContinueRecovery:
    """Goes through the log, some events a step."""

    store: WebhookStore
    put: PutIntoLane

    def __call__(self, tenant_id: str, job_id: str) -> None:
        """One step, and the order for the next one.

        Raises: ConflictError when lanes keep moving or another run is ahead; the record comes
        again, and what was made already is not made twice.
        """
        webhooks = self.store.company(TenantContext(tenant_id, ACTOR, job_id))
        recovery = webhooks.recovery(job_id)
        if recovery is None or recovery.is_final:
            return
        endpoint = webhooks.known_endpoint(recovery.endpoint_id)
        events = webhooks.events_between(recovery.after, recovery.until, limit=AT_ONCE)
        made = [
            self.put(webhooks, endpoint, event, Cause.RECOVERY)
            for event in events
            if endpoint.wants(event.type)
        ]
        resent = sum(delivery is not None for delivery in made)
        over = len(events) < AT_ONCE
        last = events[-1].id if events else recovery.after
        after = replace(recovery, after=last, is_final=over)
        unit = webhooks.unit()
        unit.save_recovery(recovery, after, resent=resent)
        if not over:
            unit.order_recovery(after)
        unit.commit()


def _before(instant: datetime) -> str:
    """An id that sorts before every id made at ``instant`` or later."""
    return new_id(instant, _zeros)[:10]


def _last(instant: datetime) -> str:
    """A bound that sorts after every id made until ``instant``."""
    return new_id(instant, _zeros)[:10] + FINISHED


def _zeros(count: int) -> bytes:
    return bytes(count)
