"""Mails of the portal and addresses of counterparties on DynamoDB.

Rows in ``core``: ``PORTAL-MAIL#<id>`` is an entity named by what it is about (keyed hash), due
while it is not over; ``PORTAL-CONTACTS#<counterparty>`` is an entity with the addresses it added
itself.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kernel.mail_delivery import MailState
from kernel.sensitive import Email
from reconciliation.adapters.parts import ReadPart, WritePart
from reconciliation.domain.contact import Contact, Contacts
from reconciliation.domain.portal_mail import PortalMail, PortalMailKind
from toolkit.aws.due import NOT_DUE
from toolkit.aws.dynamodb import Item
from toolkit.aws.rows import instant_of, moment, stamp_of
from toolkit.aws.unit_of_work import META, Change, entity_key

MAIL: Final = "portal_mail"
CONTACTS: Final = "portal_contacts"
_KEPT: Final = "kept"
_STORED: Final = "store"


def _mail_row(mail: PortalMail) -> Item:
    return {
        "mail_kind": mail.kind.value,
        "counterparty_id": mail.counterparty_id,
        "ref": mail.ref,
        "to": mail.to.reveal(_STORED),
        "language": mail.language,
        "asked_at": mail.asked_at,
        "sent_at": mail.sent_at,
        "note": mail.note,
        "attempt_id": mail.attempt_id,
        "attempts": mail.attempts,
        "lease_until": moment(mail.lease_until),
        "next_at": moment(mail.next_at),
        "provider_id": mail.provider_id,
        "reason": mail.reason,
    }


def _mail_from(row: Mapping[str, Any]) -> PortalMail:
    return PortalMail(
        id=row["id"],
        kind=PortalMailKind(row["mail_kind"]),
        counterparty_id=row["counterparty_id"],
        ref=row["ref"],
        to=Email(row["to"]),
        language=row["language"],
        asked_at=row["asked_at"],
        sent_at=row["sent_at"],
        note=row.get("note", ""),
        state=MailState(row["state"]),
        attempt_id=row["attempt_id"],
        attempts=row["attempts"],
        lease_until=instant_of(row["lease_until"]),
        next_at=instant_of(row["next_at"]),
        provider_id=row["provider_id"],
        reason=row["reason"],
        stamp=stamp_of(row),
    )


def _contact_row(contact: Contact) -> Item:
    return {
        "key": contact.key,
        "email": contact.email.reveal(_STORED),
        "added_at": contact.added_at,
        "confirmed_at": contact.confirmed_at,
        "subscribed_at": contact.subscribed_at,
        "wants_subscription": contact.wants_subscription,
        "waits_for": contact.waits_for,
    }


def _contacts_from(counterparty_id: str, row: Mapping[str, Any] | None) -> Contacts:
    if row is None:
        return Contacts(counterparty_id)
    items = tuple(Contact(**{**one, "email": Email(one["email"])}) for one in row["items"])
    return Contacts(counterparty_id, items, stamp_of(row))


class PortalMailWrites(WritePart):
    """The part of ``ReconciliationUnit`` that mails of the portal need."""

    def add_portal_mail(self, mail: PortalMail) -> None:
        row = {**_mail_row(mail), **self._due(mail.id, mail.next_at)}
        detail = {"kind": mail.kind.value, "counterparty_id": mail.counterparty_id}
        change = Change("portal_mail.queued", mail.state.value, detail=detail)
        self._unit.create(MAIL, mail.id, row, change)

    def save_portal_mail(self, before: PortalMail, after: PortalMail, action: str) -> PortalMail:
        self._matter(MAIL, before, after)
        stored = self._unit.as_read(MAIL, before.id, before.state.value, before.stamp)
        detail = {"reason": after.reason, "attempts": after.attempts}
        changed = self._unit.change(
            stored,
            Change(action, after.state.value, detail=detail),
            assign={**_mail_row(after), **self._due(after.id, after.next_at)},
            remove=() if after.next_at is not None else NOT_DUE,
        )
        return _mail_from(changed)

    def save_contacts(self, before: Contacts, after: Contacts, action: str) -> Contacts:
        row = {"items": [_contact_row(one) for one in after.items]}
        change = Change(action, _KEPT, detail={"addresses": len(after.items)})
        identity = after.counterparty_id
        if not before.stamp.version:
            made = self._unit.create(CONTACTS, identity, row, change)
            return _contacts_from(identity, made)
        stored = self._unit.as_read(CONTACTS, identity, _KEPT, before.stamp)
        changed = self._unit.change(stored, change, assign=row)
        return _contacts_from(identity, changed)


class PortalMailReads(ReadPart):
    """The part of ``ReconciliationStore`` that mails of the portal need."""

    def portal_mail_id(
        self, kind: PortalMailKind, counterparty_id: str, what: str, to: Email
    ) -> str:
        address = to.reveal("look up an address").lower()
        return self._named("portal-mail", kind.value, counterparty_id, what, address)

    def portal_mail(self, mail_id: str) -> PortalMail | None:
        return self.portal_mails([mail_id]).get(mail_id)

    def portal_mails(self, ids: Iterable[str]) -> dict[str, PortalMail]:
        keys = [(entity_key(self.keyspace, MAIL, one), META) for one in ids]
        found = self.database.get_many("core", keys)
        return {row["id"]: _mail_from(row) for row in found.values()}

    def contacts(self, counterparty_id: str) -> Contacts:
        key = entity_key(self.keyspace, CONTACTS, counterparty_id)
        return _contacts_from(counterparty_id, self.database.get("core", key, META))

    def subscribers(self, counterparty_ids: Iterable[str]) -> dict[str, tuple[Email, ...]]:
        known = self.contacts_of(counterparty_ids).items()
        return {card: them for card, one in known if (them := one.subscribers())}

    def contacts_of(self, counterparty_ids: Iterable[str]) -> dict[str, Contacts]:
        keys = [(entity_key(self.keyspace, CONTACTS, one), META) for one in counterparty_ids]
        found = self.database.get_many("core", keys).values()
        return {str(row["id"]): _contacts_from(str(row["id"]), row) for row in found}
