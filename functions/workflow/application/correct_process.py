"""Correct and cancel: always more history, never less (WFL-04)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.errors import Problem, ValidationError
from workflow.application.process_context import (
    APPROVAL_WITHDRAWN,
    BUSINESS_ZONE,
    Opened,
    ProcessScope,
    opened,
)
from workflow.domain.processes.engine import cancel, correct, open_request
from workflow.domain.processes.head import Head


@dataclass(frozen=True, slots=True)
class Correction:
    """What was wrong with an event, and why it is said now."""

    process_id: str
    event_id: str
    reason: str
    data: Mapping[str, Any]
    on_behalf_of: str = ""
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Why a process ends before its time. ``data`` is what its guards ask for."""

    process_id: str
    reason: str
    data: Mapping[str, Any] = field(default_factory=dict)
    on_behalf_of: str = ""
    expected: int | None = None


class CorrectProcess:
    """Correct what an event said; what followed from it is corrected along, or it is refused.

    Raises: NotFoundError; ConflictError("process_closed"); ValidationError("reason_missing"),
    ("correction_refused") with every step that would not stand any more.
    """

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(self, wanted: Correction) -> Head:
        _reasoned(wanted.reason)
        found = opened(
            self._scope,
            wanted.process_id,
            expected=wanted.expected,
            on_behalf_of=wanted.on_behalf_of,
        )
        correct(
            found.definition,
            found.instance,
            wanted.event_id,
            wanted.data,
            wanted.reason,
            found.journal,
            found.judge,
            BUSINESS_ZONE,
        )
        return _written(found, "process.corrected")


class CancelProcess:
    """Cancel a process whose guards allow it; completed steps get their compensation.

    Raises: NotFoundError; ConflictError("process_closed"); ValidationError("reason_missing"),
    ("cancel_refused") with every dependant that forbids it.
    """

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(self, wanted: Cancel) -> Head:
        _reasoned(wanted.reason)
        found = opened(
            self._scope,
            wanted.process_id,
            expected=wanted.expected,
            on_behalf_of=wanted.on_behalf_of,
        )
        cancel(
            found.definition,
            found.instance,
            wanted.data,
            wanted.reason,
            found.journal,
            found.judge,
        )
        withdraw_request(found, wanted.reason)
        return _written(found, "process.cancelled")


def withdraw_request(found: Opened, reason: str) -> None:
    """Take back the approval that nobody needs any more."""
    request = open_request(found.instance)
    if request is not None:
        found.unit.publish(
            APPROVAL_WITHDRAWN,
            f"process:{found.head.id}",
            {
                "request_id": request.detail["request_id"],
                "reason": reason,
                "by": found.journal.actor,
            },
        )


def _reasoned(reason: str) -> None:
    if not reason.strip():
        problem = Problem("/reason", "required", "Say why.")
        raise ValidationError("reason_missing", "A reason is needed.", problems=[problem])


def _written(found: Opened, action: str) -> Head:
    found.save(action)
    found.unit.commit()
    return found.scope.store.process(found.head.id)
