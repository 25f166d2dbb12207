"""Take a signed event of a card sale from a queue: the signature says whose it is (CRD-04)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from card_contracts.application.context import Scope
from card_contracts.application.matches import CARD_ATTENTION_CLEARED, CARD_ATTENTION_RAISED
from card_contracts.application.sales import (
    RECEIPTS,
    CancelSale,
    Companions,
    PostSale,
    RefundSale,
)
from card_contracts.domain.sale import Sale
from card_contracts.domain.sale_event import REFUSED_EVENT, SaleEvent, SaleEventKind
from kernel.errors import KopruError, NotFoundError, Problem
from kernel.ids import is_id
from kernel.signed_events import (
    EventFate,
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

_SHOWN: Final = 64
Members = Callable[[str], Mapping[str, Any]]
"""Members of the text of an event; raises MalformedError or ValidationError when it has none."""
Stated = Callable[[Mapping[str, Any]], SaleEvent]
"""What the members say; raises ValidationError with everything that is wrong."""


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
        found: Mapping[str, Any] = {}

        def take() -> None:
            nonlocal found
            found = members(proven.payload)
            _take(scope, stated(found), proven.id)

        def keep(error: KopruError) -> None:
            event = refused_event(
                REFUSED_EVENT, scope.ids.new(), proven, error, _name_of(found), now
            )
            unit = scope.store.unit()
            keep_refused(unit, event, RECEIPTS, CARD_ATTENTION_RAISED, "sale_event_refused")

        return take_once(lambda: scope.store.was_received(RECEIPTS, proven.id), take, keep)


def _name_of(members: Mapping[str, Any]) -> str:
    """What an event calls its document; empty when that cannot be read."""
    sale = members.get("sale")
    name = sale.get("document_no") if isinstance(sale, dict) else members.get("document_no")
    return name[:_SHOWN] if isinstance(name, str) and name.isprintable() else ""


def _take(scope: Scope, event: SaleEvent, receipt: str) -> Sale:
    """Do what an event tells and note its id together with the effect, or alone without one."""
    companions = Companions(event_id=receipt)
    if event.sale is not None:
        posted = PostSale(scope)(event.sale, companions=companions)
        sale, noted = posted.sale, posted.created
    else:
        known = scope.store.sale_of_document(event.document_no)
        if known is None:
            message = "There is no sale of this document."
            problem = Problem("/document_no", "not_found", message)
            raise NotFoundError("sale_unknown", message, problems=[problem])
        if event.kind is SaleEventKind.CANCELLED:
            sale = CancelSale(scope)(known.id, companions)
            noted = sale.stamp.version != known.stamp.version
        else:
            assert event.refund is not None  # noqa: S101  (the edge makes no other)
            sale, _ = RefundSale(scope)(known.id, event.refund, companions=companions)
            noted = sale.stamp.version != known.stamp.version
    if receipt and not noted:
        unit = scope.store.unit()
        unit.received(RECEIPTS, receipt)
        unit.commit()
    return sale


class RetrySaleEvent:
    """Take a refused event again, after a person put right what stood in its way.

    Raises: what taking it raises; ConflictError("event_settled").
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, members: Members, stated: Stated) -> RefusedEvent:
        event = self._scope.store.refused_event(event_id)
        after = event.settled(RefusedState.TAKEN)
        # Its id is noted since it was refused; a second try that dies half-way finds its document.
        _take(self._scope, stated(members(event.payload)), "")
        return _settle(self._scope, event, after, "sale_event.taken")


class DismissSaleEvent:
    """Say that a refused event needs nothing any more."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, event_id: str, note: str) -> RefusedEvent:
        event = self._scope.store.refused_event(event_id)
        after = event.settled(RefusedState.DISMISSED, note)
        return _settle(self._scope, event, after, "sale_event.dismissed")


def _settle(scope: Scope, before: RefusedEvent, after: RefusedEvent, action: str) -> RefusedEvent:
    return settle_refused(scope.store.unit(), before, after, action, CARD_ATTENTION_CLEARED)
