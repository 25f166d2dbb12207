"""Take a signed event of a document from a queue: the signature says whose it is (PAY-02)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from kernel.errors import UnauthorizedError
from kernel.ids import is_id
from kernel.signed_events import (
    EventDoor,
    EventFate,
    Members,
    ProvenEvent,
    RefusedEvent,
    SigningKeys,
    forged,
    prove,
)
from payment_codes.application.connection import CODE_ATTENTION_CLEARED, CODE_ATTENTION_RAISED
from payment_codes.application.context import Scope
from payment_codes.application.document_events import TakeDocumentEvent, wish_of
from payment_codes.application.issue_code import RECEIPTS
from payment_codes.domain.stated_document import REFUSED_EVENT, StatedDocument
from payment_codes.ports import Meter

FORGED: Final = "DocumentEventsForged"
_COUNTED: Final = {
    EventFate.TAKEN: "DocumentEventsTaken",
    EventFate.REPEATED: "DocumentEventsRepeated",
    EventFate.REFUSED: "DocumentEventsRefused",
}
Stated = Callable[[Mapping[str, Any]], StatedDocument]
"""What the members say; raises ValidationError with everything that is wrong."""
_DOOR: Final = EventDoor(
    kind=REFUSED_EVENT,
    source=RECEIPTS,
    raised=CODE_ATTENTION_RAISED,
    cleared=CODE_ATTENTION_CLEARED,
    code="document_event_refused",
    action="document_event",
)


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
        fate = _DOOR.receive(
            scope.store,
            proven,
            members,
            lambda found: _take(scope, stated(found), proven.stated_at, proven.id),
            name=_name_of,
            identity=scope.ids.new,
            now=scope.clock.now(),
        )
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


def _name_of(members: Mapping[str, Any]) -> object:
    document = members.get("document")
    return document.get("id") if isinstance(document, dict) else None


def _take(scope: Scope, stated: StatedDocument, stated_at: datetime, receipt: str) -> None:
    """Decide over an event and note its id together with the effect, or alone without one."""
    wish = replace(wish_of(stated), stated_at=stated_at, receipt=receipt)
    decided = TakeDocumentEvent(scope)(stated.event, wish, stated.wished)
    if not decided.created and receipt:
        _DOOR.note(scope.store, receipt)


class RetryRefusedEvent:
    """Take a refused event again. Raises: like ``EventDoor.retry``."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, members: Members, stated: Stated) -> RefusedEvent:
        def take(event: RefusedEvent) -> None:
            _take(self._scope, stated(members(event.payload)), event.stated_at, "")

        return _DOOR.retry(self._scope.store, event_id, take)


class DismissRefusedEvent:
    """Say that a refused event needs nothing any more."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, note: str) -> RefusedEvent:
        return _DOOR.dismiss(self._scope.store, event_id, note)
