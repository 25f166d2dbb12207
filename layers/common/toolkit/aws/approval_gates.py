"""Gates of a context on DynamoDB: what waits for an approval, and the settings that say when.

Rows in ``core``: ``APPROVAL-GATE#<id>`` / ``META``, an entity with history whose id follows from
its subject; ``SETTING#<parameter>`` / ``META``, copies of dated values in lists ``SETTINGS#<key>``.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from kernel.approval import Gate, GateState, content_hash
from kernel.errors import ConflictError
from kernel.events import Event
from kernel.ids import derived_id
from toolkit.auth import TenantContext
from toolkit.aws.dynamodb import Item, Keyspace
from toolkit.aws.rows import moment, stamp_of
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, Change, Machinery, UnitOfWork, entity_key

_KIND: Final = "approval_gate"
_OUTCOMES: Final[Mapping[str, GateState]] = {
    "approved": GateState.APPROVED,
    "not_required": GateState.APPROVED,
    "returned": GateState.RETURNED,
    "rejected": GateState.REJECTED,
    "expired": GateState.EXPIRED,
    "withdrawn": GateState.WITHDRAWN,
}
_ENDED: Final = (GateState.REJECTED, GateState.EXPIRED, GateState.WITHDRAWN, GateState.APPROVED)


class ApprovalGates:
    """``GateKeeper`` of one tenant; ``requested`` is the event type by which the context asks."""

    def __init__(
        self, machinery: Machinery, keyspace: Keyspace, context: TenantContext, requested: str
    ) -> None:
        self._machinery = machinery
        self._keyspace = keyspace
        self._context = context
        self._requested = requested

    def _unit(self) -> UnitOfWork:
        return UnitOfWork(self._machinery, self._keyspace, self._context)

    def _row(self, subject: str) -> Item | None:
        key = entity_key(self._keyspace, _KIND, derived_id(f"gate/{subject}"))
        return self._machinery.database.get("core", key, META)

    def setting(self, key: str, day: date) -> Any:
        """See ``GateKeeper``: of what counts on the day, what was recorded last."""
        rows = [
            row
            for row in self._machinery.database.list_all(self._keyspace.key("SETTINGS", key))
            if row["valid_from"] <= day.isoformat()
            and (row["valid_to"] is None or day.isoformat() < row["valid_to"])
        ]
        newest = max(rows, key=lambda row: (row["valid_from"], row["recorded_at"]), default=None)
        return json.loads(newest["value"]) if newest is not None else None

    def gate(self, subject: str) -> Gate | None:
        """See ``GateKeeper``."""
        row = self._row(subject)
        return _gate(row) if row is not None else None

    def ask(
        self,
        subject: str,
        kind: str,
        *,
        facts: Mapping[str, Any],
        content: Mapping[str, Any],
        payload: Mapping[str, Any] | None = None,
    ) -> Gate:
        """See ``GateKeeper``."""
        row = self._row(subject)
        known = _gate(row) if row is not None else None
        asked = content_hash(content)
        if (
            known is not None
            and known.content_hash == asked
            and known.state
            in (
                GateState.ASKED,
                GateState.APPROVED,
            )
        ):
            return known
        ended = known is None or known.state in _ENDED
        gate = Gate(
            id=derived_id(f"gate/{subject}"),
            subject=subject,
            request_id=self._machinery.ids.new() if ended or known is None else known.request_id,
            content_hash=asked,
            state=GateState.ASKED,
            asked_by=self._context.actor,
            payload=payload,
        )
        unit = self._unit()
        change = Change("approval.requested", gate.state.value, detail={"kind": kind})
        if row is None:
            unit.create(_KIND, gate.id, _attributes(gate), change)
        else:
            unit.change(row, change, assign=_attributes(gate))
        unit.publish(
            self._requested,
            subject,
            {
                "request_id": gate.request_id,
                "kind": kind,
                "facts": dict(facts),
                "content": dict(content),
                "requested_by": self._context.actor,
            },
        )
        self._commit(unit)
        return gate

    def hear_decision(self, event: Event) -> Gate | None:
        """See ``GateKeeper``."""
        data = event.data
        row = self._row(str(data["subject"]))
        known = _gate(row) if row is not None else None
        stale = (
            known is None
            or known.request_id != data["request_id"]
            or known.content_hash != data["content_hash"]
        )
        unit = self._unit()
        unit.received(event.source, event.id)
        if row is None or known is None or stale:
            self._commit(unit)
            return None
        state = _OUTCOMES[str(data["outcome"])]
        after = replace(
            known,
            state=state,
            approval_id=str(data["approval_id"]),
            stage=str(data["stage"]),
            reason=str(data["reason"]),
        )
        detail = {"approval_id": after.approval_id, "decided_by": str(data["decided_by"])}
        change = Change(f"approval.{state.value}", state.value, detail=detail)
        unit.change(row, change, assign=_attributes(after))
        self._commit(unit)
        return after

    def hear_setting(self, event: Event) -> None:
        """See ``GateKeeper``."""
        data = event.data
        unit = self._unit()
        unit.received(event.source, event.id)
        identity = event.subject.partition(":")[2]
        unit.transaction.put_new(
            "core",
            {
                "pk": self._keyspace.key("SETTING", identity),
                "sk": META,
                "value": json.dumps(data["value"]),
                "valid_from": str(data["valid_from"]),
                "valid_to": data["valid_to"],
                "recorded_at": moment(event.time),
                "by_pk": self._keyspace.key("SETTINGS", str(data["key"])),
                "by_sk": identity,
            },
            label="setting",
        )
        self._commit(unit)

    def _commit(self, unit: UnitOfWork) -> None:
        try:
            unit.commit()
        except TransactionRefusedError as error:
            if any(item.label == "inbox" for item in error.refused):
                return
            raise ConflictError("conflict", "Somebody changed this at the same time.") from error


def _attributes(gate: Gate) -> Item:
    return {
        "subject": gate.subject,
        "request_id": gate.request_id,
        "content_hash": gate.content_hash,
        "approval_id": gate.approval_id,
        "stage": gate.stage,
        "reason": gate.reason,
        "asked_by": gate.asked_by,
        "payload": json.dumps(gate.payload) if gate.payload is not None else None,
    }


def _gate(row: Mapping[str, Any]) -> Gate:
    return Gate(
        id=row["id"],
        subject=row["subject"],
        request_id=row["request_id"],
        content_hash=row["content_hash"],
        state=GateState(row["state"]),
        approval_id=row["approval_id"],
        stage=row["stage"],
        reason=row["reason"],
        asked_by=row["asked_by"],
        payload=json.loads(row["payload"]) if row["payload"] else None,
        stamp=stamp_of(row),
    )
