"""Mails whose time has come: lost work orders, dead senders, silence after a hand-over."""

from dataclasses import dataclass

from kernel.clock import Clock
from kernel.errors import ConflictError
from kernel.ids import IdSource
from toolkit.auth import TenantContext
from workspace.application.send_mail import ACTOR
from workspace.domain.incident import Incident
from workspace.domain.message import (
    MAX_ATTEMPTS,
    Message,
    MessageState,
    again,
    given_up,
    lost_sight_of,
)
from workspace.ports import SystemStore, WorkspaceUnit


@dataclass(frozen=True, slots=True)
class SweepMessages:
    """Pushes every mail in flight towards an end, or towards a person (I-14)."""

    store: SystemStore
    clock: Clock
    ids: IdSource

    def __call__(self, limit: int = 200) -> dict[str, int]:
        """Counts by what was done."""
        counts = {"requeued": 0, "lost": 0, "resent": 0, "given_up": 0}
        for tenant_id, message_id in self.store.due_messages(self.clock.now(), limit):
            message = self.store.message(tenant_id, message_id)
            if message is None or not message.in_flight:
                continue
            try:
                counts[self._push(message)] += 1
            except ConflictError:
                continue  # somebody is at work on it, which is what the sweep wanted
        return counts

    def _push(self, message: Message) -> str:
        unit = self._unit(message)
        match message.state:
            case MessageState.QUEUED:
                unit.order_mail(message)
                done = "requeued"
            case MessageState.SENDING:
                after = lost_sight_of(message, "lease_ended", self.clock.now())
                unit.save_message(message, after, "message.unknown")
                done = "lost"
            case _ if message.attempts < MAX_ATTEMPTS:
                unit.save_message(message, again(message), "message.resent", enqueue=True)
                done = "resent"
            case _:
                unit.save_message(message, given_up(message), "message.given_up")
                self._hand_to_person(unit, message)
                done = "given_up"
        unit.commit()
        return done

    def _hand_to_person(self, unit: WorkspaceUnit, message: Message) -> None:
        if not message.tenant_id:
            return  # a reset mail: its owner simply asks again
        unit.add_incident(
            Incident(
                id=self.ids.new(),
                tenant_id=message.tenant_id,
                subject=f"message:{message.id}",
                code="mail_unknown",
                source="workspace",
                facts={"kind": message.kind.value, "attempts": message.attempts},
            )
        )

    def _unit(self, message: Message) -> WorkspaceUnit:
        if message.tenant_id:
            context = TenantContext(message.tenant_id, ACTOR, message.id)
            return self.store.company(context).unit()
        return self.store.unit(ACTOR)
