"""Approvals that other contexts, and processes of this one, ask for by event."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import (
    ConflictError,
    ForbiddenError,
    KopruError,
    LaterError,
    NotFoundError,
    ValidationError,
)
from kernel.events import Event
from kernel.storing import WriteRefusedError
from workflow.application.approvals.context import ApprovalScope
from workflow.application.approvals.request_approval import (
    RequestApproval,
    WithdrawApproval,
    approval_id,
)
from workflow.application.approvals.resolve_chain import Matter
from workflow.domain.approvals.chain import Person

REQUEST_INCIDENT: Final = "workflow.IncidentOpened.v1"
UNRESOLVED: Final = "approval_unresolved"


class HearRequest:
    """Open, open again or withdraw what an event asks for; each event counts once.

    A request whose chain cannot be resolved becomes an incident: the asker waits, and somebody
    must see why.
    """

    def __init__(self, scope: ApprovalScope) -> None:
        self._scope = scope

    def request(self, event: Event) -> None:
        """``<context>.ApprovalRequested.v1``. Raises: ConflictError, and the record comes again."""
        try:
            matter = _matter(event)
            RequestApproval(self._scope)(matter, heard=(event.source, event.id))
        except (ConflictError, LaterError) as error:
            if error.code != "approval_closed":
                raise
            self._incident(event, error)
        except (KopruError, KeyError, TypeError, ValueError) as error:
            self._incident(event, error)

    def withdraw(self, event: Event) -> None:
        """``<context>.ApprovalWithdrawn.v1``; what has ended already stays as it is."""
        scope = self._scope
        identity = approval_id(
            scope.rules.tenant_id, event.context, str(event.data.get("request_id"))
        )
        try:
            approval = scope.store.approval(identity)
            if not approval.status.final:
                by = Person(f"system:{event.context}")
                WithdrawApproval(scope)(identity, by, str(event.data.get("reason", "")))
        except (NotFoundError, ForbiddenError):
            return

    def _incident(self, event: Event, error: Exception) -> None:
        scope = self._scope
        unit = scope.store.unit()
        unit.received(event.source, event.id)
        unit.publish(
            REQUEST_INCIDENT,
            event.subject,
            {
                "incident_id": scope.rules.ids.new(),
                "subject": event.subject,
                "code": UNRESOLVED,
                "actor": "operator",
                "why": getattr(error, "code", type(error).__name__),
            },
        )
        try:
            unit.commit()
        except WriteRefusedError as refused:
            if not refused.refused("inbox"):
                raise


def _matter(event: Event) -> Matter:
    data: Mapping[str, Any] = event.data
    content, facts = data["content"], data.get("facts", {})
    if not isinstance(content, Mapping) or not isinstance(facts, Mapping):
        raise ValidationError("event_data", "The data of an event does not fit its type.")
    stages = data.get("stages")
    return Matter(
        origin=event.context,
        request_id=str(data["request_id"]),
        kind=str(data["kind"]),
        subject=event.subject,
        facts=dict(facts),
        content=dict(content),
        requested_by=str(data["requested_by"]),
        rule=str(data.get("rule") or ""),
        stages=tuple(map(str, stages)) if stages else None,
        duties={str(duty): str(person) for duty, person in data.get("duties", {}).items()},
    )
