"""Take signed events of the books from a queue: the signature says whose they are (REC-01).

An event is taken by the use cases of the API, so it is checked alike; all of it is recorded or
none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kernel.errors import Problem, ValidationError
from kernel.ids import is_id
from kernel.sensitive import Secret
from kernel.signed_events import (
    EventDoor,
    EventFate,
    Members,
    RefusedEvent,
    SigningKeys,
    forged,
    prove,
)
from reconciliation.application.attention import LETTER_ATTENTION_CLEARED, LETTER_ATTENTION_RAISED
from reconciliation.application.context import Scope
from reconciliation.application.counterparties import SaveCounterparties
from reconciliation.application.invoices import TakeInvoice
from reconciliation.application.ledger import PostEntries
from reconciliation.domain.book_event import REFUSED_EVENT, BookEvent, BookEventKind
from reconciliation.ports import InvoiceReader

Stated = Callable[[Mapping[str, Any]], BookEvent]
"""What the members say; raises ValidationError with everything that is wrong."""
_DOOR: Final = EventDoor(
    kind=REFUSED_EVENT,
    source="books",
    raised=LETTER_ATTENTION_RAISED,
    cleared=LETTER_ATTENTION_CLEARED,
    code="book_event_refused",
    action="book_event",
)


class TakeBookEvent:
    """Do what an event tells, whole or not at all; the same again changes nothing.

    Raises: what the use cases of the API raise.
    """

    def __init__(self, scope: Scope, reader: InvoiceReader) -> None:
        self.scope = scope
        self._reader = reader

    def __call__(self, event: BookEvent) -> None:
        if event.kind is BookEventKind.COUNTERPARTIES:
            codes = [fields.code for fields in event.counterparties]
            text = "This code is there twice."
            twice = [
                Problem(f"/counterparties/{number}/code", "duplicate_row", text)
                for number, code in enumerate(codes)
                if code in codes[:number]
            ]
            if twice:
                raise ValidationError("invalid_input", "Some fields are wrong.", problems=twice)
            SaveCounterparties(self.scope)(event.counterparties)
        elif event.kind is BookEventKind.LEDGER_ENTRIES:
            PostEntries(self.scope)(event.entries)
        else:
            TakeInvoice(self.scope, self._reader)(event.document, event.direction)


class ReceiveBookEvent:
    """Checks, takes or keeps one event.

    Raises: UnauthorizedError("webhook_signature") for anything that is not signed by the company it
    names, after nothing but reads; WriteRefusedError when others moved the same rows.
    """

    def __init__(self, taking: Callable[[str], TakeBookEvent], keys: SigningKeys) -> None:
        self._taking = taking
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
        take = self._taking(tenant_id)
        scope = take.scope
        now = scope.clock.now()
        versions = scope.store.event_secret().counting(now)
        proven = prove(self._keys, tenant_id, versions, headers, payload, now)

        def taken(found: Mapping[str, Any]) -> None:
            take(stated(found))
            # Every effect finds itself again, so the id may follow in a commit of its own.
            _DOOR.note(scope.store, proven.id)

        return _DOOR.receive(
            scope.store,
            proven,
            members,
            taken,
            name=_name_of,
            identity=scope.ids.new,
            now=now,
        )


def _name_of(members: Mapping[str, Any]) -> object:
    """The first document or code of an event."""
    for name, key in (("entries", "document_no"), ("counterparties", "code")):
        rows = members.get(name)
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            return rows[0].get(key)
    return ""


@dataclass(frozen=True, slots=True)
class SettleBookEvent:
    """What a person does with a refused event."""

    take: TakeBookEvent
    members: Members
    stated: Stated

    def retry(self, event_id: str) -> RefusedEvent:
        """Take it again. Raises: like ``EventDoor.retry``."""
        return _DOOR.retry(
            self.take.scope.store,
            event_id,
            lambda event: self.take(self.stated(self.members(event.payload))),
        )

    def dismiss(self, event_id: str, note: str) -> RefusedEvent:
        """Put it aside. Raises: like ``EventDoor.dismiss``."""
        return _DOOR.dismiss(self.take.scope.store, event_id, note)


class RenewEventSecret:
    """Make a new secret for an ERP system to sign events of the books with.

    The one before counts as long as a message signed with it may wait in its queue.
    """

    def __init__(self, scope: Scope, keys: SigningKeys) -> None:
        self._scope = scope
        self._keys = keys

    def __call__(self) -> Secret:
        """Raises: PreconditionFailedError when somebody else made one just now."""
        before = self._scope.store.event_secret()
        after = replace(before, version=before.version + 1, retired_at=self._scope.clock.now())
        unit = self._scope.store.unit()
        unit.save_event_secret(before, after)
        self._scope.commit(unit)
        return self._keys.secret(self._scope.tenant_id, after.version)
