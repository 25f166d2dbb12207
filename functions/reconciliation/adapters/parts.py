"""What parts of the store and of its unit share: due rows, and ids that say what they are about."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from kernel.ids import derived_id
from reconciliation.domain.letter import LetterMail
from reconciliation.domain.mail_matter import waits_for_person
from reconciliation.domain.portal_mail import PortalMail
from toolkit.auth import TenantContext
from toolkit.aws.due import due_at
from toolkit.aws.dynamodb import Database, Item, Keyspace
from toolkit.aws.unit_of_work import META, UnitOfWork

IndexKey = Callable[[str], bytes]
"""Key of a tenant under which names are hashed."""


class WritePart:
    """A part of ``ReconciliationUnit``; the unit sets what all of them use."""

    _keyspace: Keyspace
    _unit: UnitOfWork

    def _due(self, identity: str, at: datetime | None) -> Item:
        return due_at(self._keyspace, at, identity) if at is not None else {}

    def _matter(
        self, kind: str, before: LetterMail | PortalMail, after: LetterMail | PortalMail
    ) -> None:
        """List a mail while it waits for a person."""
        if waits_for_person(before) is waits_for_person(after):
            return
        listed = {
            "by_pk": self._keyspace.key("MAIL-MATTERS"),
            "by_sk": f"{after.asked_at}#{after.id}",
        }
        waits = waits_for_person(after)
        self._unit.transaction.update(
            "core",
            self._keyspace.key("MAIL-MATTER", after.id),
            META,
            assign={"mail_kind": kind, "mail_id": after.id, **(listed if waits else {})},
            remove=() if waits else tuple(listed),
            label="matter",
        )


class ReadPart:
    """A part of ``ReconciliationStore``; the store sets what all of them use."""

    database: Database
    keyspace: Keyspace
    context: TenantContext
    _index_key: IndexKey

    def _keyed(self, text: str) -> str:
        """Keyed hash of a name, per tenant: 256 bits in hexadecimal digits."""
        key = self._index_key(self.context.tenant_id)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _named(self, *what: str) -> str:
        """Id of what can be there once: made of what it is about."""
        return derived_id(self._keyed("\0".join(what)))
