"""Units of work of the workspace on DynamoDB: rows of the system and of one tenant in one commit.

Rows in ``core``: ``wsp#T#<t>#TENANT|USER|API-KEY|INCIDENT|MESSAGE#<id>`` / ``META`` and
``…#ATTENTION`` / ``<key>``; ``wsp#SYS#PERSON#<id>`` / ``META``, ``PASSWORD``
and ``FACTOR``;
``wsp#SYS#SIGNUP#<id>`` / ``META``;
``wsp#SYS#KEY#<hash>``, ``wsp#SYS#INCIDENT#<id>``, ``wsp#SYS#SUPPRESSED#<hash>`` / ``META``. In
``flow``: ``…#EVENTS`` / ``<event id>``. In ``edge``: ``wsp#SYS#LINK|RESET#<…>``. Addresses stand in
no key: they are found by a keyed hash.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Self

from kernel.events import Event
from kernel.sensitive import Email
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from toolkit.auth import TenantContext
from toolkit.aws.due import NOT_DUE, due_at
from toolkit.aws.dynamodb import Item, Keyspace, absent, equals
from toolkit.aws.rows import moment
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, Machinery, UnitOfWork, entity_key
from toolkit.http.idempotency import Command, IdempotencyStore, StoredAnswer
from workspace.adapters import rows
from workspace.adapters.entity_writes import CONTEXT, SYSTEM, change_entity, create_entity
from workspace.adapters.entrance_rows import EntranceWrites
from workspace.adapters.redrive_rows import RedriveWrites
from workspace.adapters.signup_rows import SignupWrites
from workspace.adapters.support_rows import SupportWrites
from workspace.adapters.view_rows import ViewWrites
from workspace.domain.api_key import ApiKey
from workspace.domain.attention import Attention, updated
from workspace.domain.incident import Incident, IncidentState
from workspace.domain.link import Link
from workspace.domain.message import Message
from workspace.domain.tenant import Tenant
from workspace.domain.user import Membership, Person

PASSWORD: Final = "PASSWORD"  # noqa: S105  (a sort key)
EVENT_LOG: Final = timedelta(days=90)
RESET_LIFETIME: Final = timedelta(minutes=30)
_FIRST_SWEEP: Final = timedelta(minutes=2)
_INCIDENT_RANK: Final = {IncidentState.OPEN: "2", IncidentState.RESOLVED: "1"}

EmailDigest = Callable[[Email], str]


def incident_prefix(state: IncidentState) -> str:
    """Beginning of the sort position of incidents of one state; open ones sort last."""
    return f"{_INCIDENT_RANK[state]}#"


def message_keyspace(tenant_id: str) -> Keyspace:
    """Keyspace of a mail: its company's, or the system's for one that is nobody's business."""
    return Keyspace(CONTEXT, tenant_id) if tenant_id else SYSTEM


@dataclass(frozen=True, slots=True)
class Workshop:
    """What units and stores are made from: machinery, the mail queue and the hash of addresses."""

    machinery: Machinery
    mail_queue: str
    email_digest: EmailDigest


class DynamoUnit(SignupWrites, EntranceWrites, ViewWrites, RedriveWrites, SupportWrites):
    """``WorkspaceUnit`` over one transaction."""

    def __init__(self, workshop: Workshop, system: UnitOfWork, tenant: UnitOfWork | None) -> None:
        self._workshop = workshop
        self._system = system
        self._tenant_unit = tenant

    @classmethod
    def begin(cls, workshop: Workshop, actor: str, context: TenantContext | None) -> Self:
        """An empty unit, for a tenant if ``context`` is given."""
        correlation = context.correlation_id if context else ""
        system = UnitOfWork(workshop.machinery, SYSTEM, TenantContext("", actor, correlation))
        unit = cls(workshop, system, None)
        return unit if context is None else unit.for_tenant(context)

    def __len__(self) -> int:
        return len(self._system)

    def for_tenant(self, context: TenantContext) -> Self:
        keyspace = Keyspace(CONTEXT, context.tenant_id)
        return type(self)(self._workshop, self._system, self._system.beside(keyspace, context))

    # ------------------------------------------------------------------ entities

    def add_tenant(self, tenant: Tenant) -> Tenant:
        row = rows.tenant_row(tenant) | {"by_pk": SYSTEM.key("TENANTS"), "by_sk": tenant.id}
        stamp = create_entity(
            self._tenant, "tenant", tenant.id, row, "tenant.created", tenant.state.value
        )
        return replace(tenant, stamp=stamp)

    def save_tenant(self, before: Tenant, after: Tenant, action: str) -> Tenant:
        stamp = change_entity(
            self._tenant,
            "tenant",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            rows.tenant_row(after),
            detail=_changed(rows.tenant_row(before), rows.tenant_row(after)),
        )
        return replace(after, stamp=stamp)

    def add_person(self, person: Person) -> Person:
        stamp = create_entity(
            self._system,
            "person",
            person.id,
            rows.person_row(person),
            "person.entered",
            person.state.value,
        )
        self._system.claim("EMAIL", self._workshop.email_digest(person.email), owner=person.id)
        return replace(person, stamp=stamp)

    def save_person(self, before: Person, after: Person, action: str) -> Person:
        if before.stamp.version == 0:
            message = "a person is changed after it was read, not in the unit that adds it"
            raise ValueError(message)
        stamp = change_entity(
            self._system,
            "person",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            rows.person_row(after),
            detail=_changed(rows.person_row(before), rows.person_row(after)),
        )
        return replace(after, stamp=stamp)

    def set_password(self, person_id: str, password_hash: str) -> None:
        self._system.transaction.update(
            "core",
            entity_key(SYSTEM, "person", person_id),
            PASSWORD,
            assign={"hash": password_hash, "set_at": moment(self._system.now)},
            label="password",
        )

    def add_membership(self, membership: Membership, action: str) -> Membership:
        row = rows.membership_row(membership) | {
            "by_pk": self._tenant.keyspace.key("USERS"),
            "by_sk": membership.person_id,
        }
        stamp = create_entity(
            self._tenant,
            "user",
            membership.person_id,
            row,
            action,
            membership.state.value,
            roles=list(membership.roles),
        )
        return replace(membership, stamp=stamp)

    def save_membership(self, before: Membership, after: Membership, action: str) -> Membership:
        stamp = change_entity(
            self._tenant,
            "user",
            after.person_id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            rows.membership_row(after),
            detail={"roles": list(after.roles)},
        )
        return replace(after, stamp=stamp)

    def require_unchanged(self, membership: Membership) -> None:
        self._tenant.transaction.check(
            "core",
            entity_key(self._tenant.keyspace, "user", membership.person_id),
            META,
            equals("version", membership.stamp.version),
            label="owner",
        )

    # ------------------------------------------------------------------ links and keys

    def add_link(self, link: Link) -> None:
        row = {"pk": SYSTEM.key("LINK", link.digest), "sk": "-", **rows.link_row(link)}
        self._system.transaction.put_new("edge", row, label="link")

    def use_link(self, link: Link) -> None:
        self._system.transaction.update(
            "edge",
            SYSTEM.key("LINK", link.digest),
            "-",
            assign={"used": True},
            when=equals("used", False),
            label="link",
        )

    def add_api_key(self, key: ApiKey, digest: str) -> ApiKey:
        unit = self._tenant_or_system
        row = rows.api_key_row(key) | {"by_pk": unit.keyspace.key("API-KEYS"), "by_sk": key.id}
        stamp = create_entity(
            unit,
            "api_key",
            key.id,
            row,
            "api_key.issued",
            key.state.value,
            scopes=list(key.scopes),
            roles=list(key.roles),
        )
        lookup = {
            "pk": SYSTEM.key("KEY", digest),
            "sk": META,
            "tenant_id": unit.keyspace.tenant_id or "",
            "key_id": key.id,
        }
        self._system.transaction.put_new("core", lookup, label="key_lookup")
        return replace(key, stamp=stamp)

    def save_api_key(self, before: ApiKey, after: ApiKey, action: str) -> ApiKey:
        stamp = change_entity(
            self._tenant_or_system,
            "api_key",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            rows.api_key_row(after),
        )
        return replace(after, stamp=stamp)

    # ------------------------------------------------------------------ incidents

    def add_incident(self, incident: Incident) -> Incident:
        row = rows.incident_row(incident) | {
            "by_pk": self._tenant.keyspace.key("INCIDENTS"),
            "by_sk": incident_prefix(incident.state) + incident.id,
        }
        stamp = create_entity(
            self._tenant,
            "incident",
            incident.id,
            row,
            "incident.opened",
            incident.state.value,
            subject=incident.subject,
            code=incident.code,
            count=incident.count,
        )
        register = {
            "pk": SYSTEM.key("INCIDENT", incident.id),
            "sk": META,
            "id": incident.id,
            "tenant_id": incident.tenant_id,
            "by_pk": SYSTEM.key("OPEN-INCIDENTS"),
            "by_sk": incident.id,
        }
        self._system.transaction.put_new("core", register, label="incident_register")
        return replace(incident, stamp=stamp)

    def save_incident(self, before: Incident, after: Incident, action: str) -> Incident:
        row = rows.incident_row(after) | {"by_sk": incident_prefix(after.state) + after.id}
        stamp = change_entity(
            self._tenant,
            "incident",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            row,
            detail={"code": after.code},
        )
        if after.state is IncidentState.RESOLVED:
            self._system.transaction.update(
                "core",
                SYSTEM.key("INCIDENT", after.id),
                META,
                remove=("by_pk", "by_sk"),
                label="incident_register",
            )
        return replace(after, stamp=stamp)

    # ------------------------------------------------------------------ mail

    def _mail_unit(self, message: Message) -> UnitOfWork:
        return self._tenant if message.tenant_id else self._system

    def _due(self, unit: UnitOfWork, message: Message) -> Item:
        when = message.next_at or unit.now + _FIRST_SWEEP
        return due_at(unit.keyspace, when, message.id)

    def add_message(self, message: Message) -> Message:
        unit = self._mail_unit(message)
        row = rows.message_row(message) | self._due(unit, message)
        if message.tenant_id:
            row |= {"by_pk": unit.keyspace.key("MESSAGES"), "by_sk": message.id}
        stamp = create_entity(
            unit,
            "message",
            message.id,
            row,
            "message.queued",
            message.state.value,
            mail=message.kind.value,
        )
        self.order_mail(message)
        return replace(message, stamp=stamp)

    def save_message(
        self, before: Message, after: Message, action: str, *, enqueue: bool = False
    ) -> Message:
        unit = self._mail_unit(after)
        row = rows.message_row(after)
        # In flight means due or owned by a person; a mail given up has neither time nor lease.
        waits = after.in_flight and (after.next_at is not None or enqueue)
        stamp = change_entity(
            unit,
            "message",
            after.id,
            (before.state.value, before.stamp),
            action,
            after.state.value,
            row | self._due(unit, after) if waits else row,
            remove=() if waits else NOT_DUE,
            detail={"mail": after.kind.value, "attempt": after.attempts, "code": after.code},
        )
        if enqueue:
            self.order_mail(after)
        return replace(after, stamp=stamp)

    def order_mail(self, message: Message) -> None:
        self._mail_unit(message).enqueue(self._workshop.mail_queue, {"message_id": message.id})

    def _suppression_key(self, email: Email) -> str:
        return SYSTEM.key("SUPPRESSED", self._workshop.email_digest(email))

    def require_not_suppressed(self, email: Email) -> None:
        self._system.transaction.check(
            "core", self._suppression_key(email), META, absent(), label="suppressed"
        )

    def suppress(self, email: Email, reason: str) -> None:
        self._system.transaction.update(
            "core",
            self._suppression_key(email),
            META,
            assign={"reason": reason, "at": moment(self._system.now)},
            label="suppress",
        )

    def request_reset(self, request_id: str, email: Email, language: str) -> None:
        ends = self._system.now + RESET_LIFETIME
        row = {
            "pk": SYSTEM.key("RESET", request_id),
            "sk": "-",
            "email_digest": self._workshop.email_digest(email),
            "language": language,
            "expires_at": moment(ends),
            "ttl": int(ends.timestamp()) + 86_400,
        }
        self._system.transaction.put_new("edge", row, label="reset")
        self._system.enqueue(self._workshop.mail_queue, {"reset_id": request_id})

    # ------------------------------------------------------------------ events

    def received(self, source: str, event_id: str) -> None:
        self._tenant.received(source, event_id)

    def put_attention(self, attention: Attention) -> None:
        pk = self._tenant.keyspace.key("ATTENTION")
        row = self._workshop.machinery.database.get("core", pk, attention.key)
        known = rows.attention_from(row) if row else None
        after = updated(known, attention)
        if after is None:
            raise WriteRefusedError(["attention"])
        guard = absent() if row is None else equals("news_at", row["news_at"])
        self._tenant.transaction.update(
            "core",
            pk,
            attention.key,
            assign=rows.attention_row(after),
            when=guard,
            label="attention",
        )

    def log_event(self, event: Event) -> None:
        self._log(event.id, json.dumps(event.to_dict(), ensure_ascii=False))

    def _log(self, event_id: str, body: str) -> None:
        unit = self._tenant
        row = {
            "pk": unit.keyspace.key("EVENTS"),
            "sk": event_id,
            "body": body,
            "ttl": int((unit.now + EVENT_LOG).timestamp()),
        }
        unit.transaction.put_new("flow", row, label="event_log")

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        self._tenant.publish(event_type, subject, data)
        published = self._tenant.deliveries[-1].row
        self._log(published["id"], published["body"])

    # ------------------------------------------------------------------ commit

    def remember(self, command: CommandIdentity, answer: Remembered) -> None:
        if not isinstance(command, Command):
            message = "a command comes from the HTTP edge"
            raise TypeError(message)
        unit = self._tenant_or_system
        store = IdempotencyStore(self._workshop.machinery.database, unit.keyspace)
        store.record(unit, command, StoredAnswer(answer.status, answer.body, answer.headers))

    def commit(self, *, dispatch: bool = True) -> None:
        try:
            self._system.commit(dispatch=dispatch)
        except TransactionRefusedError as error:
            raise WriteRefusedError([item.label for item in error.refused]) from error


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Names of the fields that changed: values may be personal, names are not."""
    return {"changed": sorted(name for name in after if before.get(name) != after[name])}
