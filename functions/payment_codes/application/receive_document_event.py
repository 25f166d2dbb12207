"""Take a signed event of a document from a queue: the signature says whose it is (PAY-02).

Anybody who may send to the queue can write any company into a message. So the company in it only
says which secret to try; what is believed is what this secret signed. An event that is signed and
cannot be taken is kept with its reasons and waits for a person; one that is not signed by the
company it names touches nothing of that company.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from kernel.errors import (
    ConflictError,
    KopruError,
    MalformedError,
    RuleViolationError,
    UnauthorizedError,
    ValidationError,
)
from kernel.ids import is_id
from kernel.storing import WriteRefusedError
from payment_codes.application.connection import CODE_ATTENTION_CLEARED, CODE_ATTENTION_RAISED
from payment_codes.application.context import Scope
from payment_codes.application.document_events import Decision, TakeDocumentEvent, wish_of
from payment_codes.application.issue_code import RECEIPTS
from payment_codes.domain.refused_event import (
    MAX_PAYLOAD,
    MAX_PROBLEMS,
    RefusedEvent,
    RefusedState,
)
from payment_codes.domain.stated_document import StatedDocument
from payment_codes.ports import Meter, NotificationKeys, PaymentsUnit, SignedMessage

FORGED: Final = "DocumentEventsForged"
_SHOWN: Final = 64
CONTENTION: Final = "too_much_contention"


class EventFate(StrEnum):
    """What became of a signed event."""

    TAKEN = "taken"
    REPEATED = "repeated"
    REFUSED = "refused"


Members = Callable[[str], Mapping[str, Any]]
"""Members of the text of an event; raises MalformedError or ValidationError when it has none."""
Stated = Callable[[Mapping[str, Any]], StatedDocument]
"""What the members say; raises ValidationError with everything that is wrong."""


@dataclass(frozen=True, slots=True)
class ProvenEvent:
    """An event whose signature held. ``stated_at`` is when its company signed it."""

    scope: Scope
    id: str
    payload: str
    stated_at: datetime


class ReceiveDocumentEvent:
    """Checks, takes or keeps one event.

    Raises: UnauthorizedError("webhook_signature") for anything that is not signed by the company it
    names, after nothing but reads; WriteRefusedError when others moved the same rows.
    """

    def __init__(
        self, scope_of: Callable[[str], Scope], keys: NotificationKeys, meter: Meter
    ) -> None:
        self._scope_of = scope_of
        self._keys = keys
        self._meter = meter

    def __call__(
        self,
        tenant_id: str,
        headers: Mapping[str, str],
        payload: str,
        members: Members,
        stated: Stated,
    ) -> EventFate:
        proven = self._proven(tenant_id, headers, payload)
        scope = proven.scope
        if scope.store.was_received(RECEIPTS, proven.id):
            self._meter.count("DocumentEventsRepeated")
            return EventFate.REPEATED
        found: Mapping[str, Any] = {}
        try:
            found = members(proven.payload)
            _take(scope, stated(found), proven.stated_at, proven.id)
        except WriteRefusedError as error:
            if error.refused("inbox"):
                self._meter.count("DocumentEventsRepeated")
                return EventFate.REPEATED
            raise
        except (ConflictError, MalformedError, RuleViolationError, ValidationError) as error:
            if error.code == CONTENTION:
                raise
            self._keep(proven, error, _name_of(found))
            self._meter.count("DocumentEventsRefused")
            return EventFate.REFUSED
        self._meter.count("DocumentEventsTaken")
        return EventFate.TAKEN

    def _proven(self, tenant_id: str, headers: Mapping[str, str], payload: str) -> ProvenEvent:
        refusal = UnauthorizedError("webhook_signature", "The signature of this event is wrong.")
        try:
            if not is_id(tenant_id) or len(payload) > MAX_PAYLOAD:
                raise refusal
            scope = self._scope_of(tenant_id)
            organisation = scope.store.organisation()
            now = scope.clock.now()
            if organisation is None:
                raise refusal
            versions = organisation.event_secret_versions(now)
            signed = SignedMessage(headers, payload.encode())
            self._keys.check(tenant_id, versions, signed, now)
        except UnauthorizedError:
            self._meter.count(FORGED)
            raise
        stated_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        return ProvenEvent(scope, headers["webhook-id"], payload, stated_at)

    @staticmethod
    def _keep(proven: ProvenEvent, error: KopruError, document: str) -> None:
        """Keep what was refused with the reasons, and have a person look at it."""
        scope = proven.scope
        problems = tuple((p.pointer, p.code) for p in error.problems) or (("", error.code),)
        event = RefusedEvent(
            id=scope.ids.new(),
            event_id=proven.id,
            payload=proven.payload,
            document=document,
            reason=error.code,
            problems=problems[:MAX_PROBLEMS],
            stated_at=proven.stated_at,
            received_at=scope.clock.now(),
        )
        unit = scope.store.unit()
        unit.add_refused_event(event)
        unit.received(RECEIPTS, proven.id)
        subject = f"refused_event:{event.id}"
        unit.publish(
            CODE_ATTENTION_RAISED,
            subject,
            {
                "key": subject,
                "subject": subject,
                "code": "document_event_refused",
                "severity": "medium",
            },
        )
        unit.commit()


def _name_of(members: Mapping[str, Any]) -> str:
    """What an event calls its document; empty when that cannot be read."""
    document = members.get("document")
    name = document.get("id") if isinstance(document, dict) else None
    return name[:_SHOWN] if isinstance(name, str) and name.isprintable() else ""


def _take(scope: Scope, stated: StatedDocument, stated_at: datetime, receipt: str) -> Decision:
    """Decide over an event and note its id together with the effect, or alone without one."""
    wish = replace(wish_of(stated), stated_at=stated_at, receipt=receipt)
    decided = TakeDocumentEvent(scope)(stated.event, wish, stated.wished)
    if not decided.created and receipt:
        unit = scope.store.unit()
        unit.received(RECEIPTS, receipt)
        unit.commit()
    return decided


class RetryRefusedEvent:
    """Take a refused event again, after a person put right what stood in its way.

    Raises: what taking it raises; ConflictError("event_settled").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, members: Members, stated: Stated) -> RefusedEvent:
        event = _waiting(self._scope, event_id)
        # Its id is noted since it was refused; a second try that dies half-way finds its code.
        _take(self._scope, stated(members(event.payload)), event.stated_at, "")
        return _settle(self._scope, event, RefusedState.TAKEN, "document_event.taken")


class DismissRefusedEvent:
    """Say that a refused event needs nothing any more."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, note: str) -> RefusedEvent:
        event = replace(_waiting(self._scope, event_id), note=note)
        return _settle(self._scope, event, RefusedState.DISMISSED, "document_event.dismissed")


def _waiting(scope: Scope, event_id: str) -> RefusedEvent:
    event = scope.store.refused_event(event_id)
    if not event.waits:
        raise ConflictError("event_settled", "Somebody dealt with this event already.")
    return event


def _settle(scope: Scope, event: RefusedEvent, state: RefusedState, action: str) -> RefusedEvent:
    unit: PaymentsUnit = scope.store.unit()
    saved = unit.save_refused_event(event, replace(event, state=state), action)
    subject = f"refused_event:{event.id}"
    unit.publish(CODE_ATTENTION_CLEARED, subject, {"key": subject, "subject": subject})
    try:
        unit.commit()
    except WriteRefusedError as error:
        message = "Somebody dealt with this event already."
        raise ConflictError("event_settled", message) from error
    return saved
