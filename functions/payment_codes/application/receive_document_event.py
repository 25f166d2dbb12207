"""Take a signed event of a document from a queue: the signature says whose it is (PAY-02)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from kernel.errors import KopruError, UnauthorizedError
from kernel.ids import is_id
from kernel.signed_events import (
    EventFate,
    ProvenEvent,
    RefusedEvent,
    RefusedState,
    SigningKeys,
    forged,
    keep_refused,
    prove,
    refused_event,
    settle_refused,
    take_once,
)
from payment_codes.application.connection import CODE_ATTENTION_CLEARED, CODE_ATTENTION_RAISED
from payment_codes.application.context import Scope
from payment_codes.application.document_events import Decision, TakeDocumentEvent, wish_of
from payment_codes.application.issue_code import RECEIPTS
from payment_codes.domain.stated_document import REFUSED_EVENT, StatedDocument
from payment_codes.ports import Meter

FORGED: Final = "DocumentEventsForged"
_SHOWN: Final = 64
_COUNTED: Final = {
    EventFate.TAKEN: "DocumentEventsTaken",
    EventFate.REPEATED: "DocumentEventsRepeated",
    EventFate.REFUSED: "DocumentEventsRefused",
}
Members = Callable[[str], Mapping[str, Any]]
"""Members of the text of an event; raises MalformedError or ValidationError when it has none."""
Stated = Callable[[Mapping[str, Any]], StatedDocument]
"""What the members say; raises ValidationError with everything that is wrong."""


class ReceiveDocumentEvent:
    """Checks, takes or keeps one event.

    Raises: UnauthorizedError("webhook_signature") for anything that is not signed by the company it
    names, after nothing but reads; WriteRefusedError when others moved the same rows.
    """

    def __init__(self, scope_of: Callable[[str], Scope], keys: SigningKeys, meter: Meter) -> None:
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
        scope, proven = self._proven(tenant_id, headers, payload)
        found: Mapping[str, Any] = {}

        def take() -> None:
            nonlocal found
            found = members(proven.payload)
            _take(scope, stated(found), proven.stated_at, proven.id)

        def keep(error: KopruError) -> None:
            event = refused_event(
                REFUSED_EVENT, scope.ids.new(), proven, error, _name_of(found), scope.clock.now()
            )
            unit = scope.store.unit()
            keep_refused(unit, event, RECEIPTS, CODE_ATTENTION_RAISED, "document_event_refused")

        fate = take_once(lambda: scope.store.was_received(RECEIPTS, proven.id), take, keep)
        self._meter.count(_COUNTED[fate])
        return fate

    def _proven(
        self, tenant_id: str, headers: Mapping[str, str], payload: str
    ) -> tuple[Scope, ProvenEvent]:
        try:
            if not is_id(tenant_id):
                raise forged()
            scope = self._scope_of(tenant_id)
            organisation, now = scope.store.organisation(), scope.clock.now()
            versions = () if organisation is None else organisation.event_secret_versions(now)
            return scope, prove(self._keys, tenant_id, versions, headers, payload, now)
        except UnauthorizedError:
            self._meter.count(FORGED)
            raise


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
        event = self._scope.store.refused_event(event_id)
        after = event.settled(RefusedState.TAKEN)
        # Its id is noted since it was refused; a second try that dies half-way finds its code.
        _take(self._scope, stated(members(event.payload)), event.stated_at, "")
        return _settle(self._scope, event, after, "document_event.taken")


class DismissRefusedEvent:
    """Say that a refused event needs nothing any more."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, note: str) -> RefusedEvent:
        event = self._scope.store.refused_event(event_id)
        after = event.settled(RefusedState.DISMISSED, note)
        return _settle(self._scope, event, after, "document_event.dismissed")


def _settle(scope: Scope, before: RefusedEvent, after: RefusedEvent, action: str) -> RefusedEvent:
    return settle_refused(scope.store.unit(), before, after, action, CODE_ATTENTION_CLEARED)
