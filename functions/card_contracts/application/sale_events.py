"""Take a signed event of a card sale from a queue: the signature says whose it is (CRD-04)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from card_contracts.application.context import Scope
from card_contracts.application.matches import CARD_ATTENTION_CLEARED, CARD_ATTENTION_RAISED
from card_contracts.application.sales import RECEIPTS, Companions
from card_contracts.application.take_sale import take_sale
from card_contracts.domain.sale_event import REFUSED_EVENT, SaleEvent
from kernel.ids import is_id
from kernel.signed_events import (
    EventDoor,
    EventFate,
    Members,
    RefusedEvent,
    SigningKeys,
    forged,
    prove,
)

Stated = Callable[[Mapping[str, Any]], SaleEvent]
"""What the members say; raises ValidationError with everything that is wrong."""
_DOOR: Final = EventDoor(
    kind=REFUSED_EVENT,
    source=RECEIPTS,
    raised=CARD_ATTENTION_RAISED,
    cleared=CARD_ATTENTION_CLEARED,
    code="sale_event_refused",
    action="sale_event",
)


class ReceiveSaleEvent:
    """Checks, takes or keeps one event.

    Raises: UnauthorizedError("webhook_signature") for anything that is not signed by the company it
    names, after nothing but reads; WriteRefusedError when others moved the same rows.
    """

    def __init__(self, scope_of: Callable[[str], Scope], keys: SigningKeys) -> None:
        self._scope_of = scope_of
        self._keys = keys

    def __call__(
        self,
        tenant_id: str,
        headers: Mapping[str, str],
        payload: str,
        members: Members,
        stated: Stated,
    ) -> EventFate:
        if not is_id(tenant_id):
            raise forged()
        scope = self._scope_of(tenant_id)
        now = scope.clock.now()
        versions = scope.store.settings().event_secret_versions(now)
        proven = prove(self._keys, tenant_id, versions, headers, payload, now)
        return _DOOR.receive(
            scope.store,
            proven,
            members,
            lambda found: _take(scope, stated(found), proven.id),
            name=_name_of,
            identity=scope.ids.new,
            now=now,
        )


def _name_of(members: Mapping[str, Any]) -> object:
    sale = members.get("sale")
    return sale.get("document_no") if isinstance(sale, dict) else members.get("document_no")


def _take(scope: Scope, event: SaleEvent, receipt: str) -> None:
    """Do what an event tells and note its id together with the effect, or alone without one."""
    _, noted = take_sale(scope, event, Companions(event_id=receipt))
    if receipt and not noted:
        _DOOR.note(scope.store, receipt)


class RetrySaleEvent:
    """Take a refused event again. Raises: like ``EventDoor.retry``."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, members: Members, stated: Stated) -> RefusedEvent:
        return _DOOR.retry(
            self._scope.store,
            event_id,
            lambda event: _take(self._scope, stated(members(event.payload)), ""),
        )


class DismissSaleEvent:
    """Say that a refused event needs nothing any more."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, note: str) -> RefusedEvent:
        return _DOOR.dismiss(self._scope.store, event_id, note)
