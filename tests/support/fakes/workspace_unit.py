"""The unit of work of the workspace in memory, and the rows that it writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from kernel.clock import Clock
from kernel.events import Event
from kernel.ids import IdSource
from kernel.sensitive import Email
from kernel.stamp import Stamp
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from toolkit.auth import TenantContext
from toolkit.aws.rows import moment
from workspace.domain.api_key import ApiKey
from workspace.domain.attention import Attention, updated
from workspace.domain.dead_letter import Redrive
from workspace.domain.incident import Incident
from workspace.domain.link import Link
from workspace.domain.message import Message
from workspace.domain.saved_view import SavedView
from workspace.domain.search import Found
from workspace.domain.second_factor import SecondFactor, SignInStep
from workspace.domain.session import Session
from workspace.domain.signup import Signup
from workspace.domain.support import GrantState, SupportGrant
from workspace.domain.tenant import Tenant
from workspace.domain.user import Membership, Person
from workspace.ports import (
    HistoryView,
    JobView,
    KeyOwner,
    ResetRequest,
)

T = TypeVar("T")
Key = tuple[str, str]
SYSTEM = ""
ANSWERED = timedelta(hours=48)


def email_digest(email: Email) -> str:
    return "digest:" + email.reveal("fake digest").lower()


@dataclass
class MemoryState:
    """Everything stored. Keys of tenant rows are (tenant, id); the system's tenant is empty."""

    clock: Clock
    ids: IdSource
    tenants: dict[str, Tenant] = field(default_factory=dict)
    persons: dict[str, Person] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    grants: dict[Key, SupportGrant] = field(default_factory=dict)
    supporters: dict[Key, str] = field(default_factory=dict)
    signups: dict[str, Signup] = field(default_factory=dict)
    redrives: dict[str, Redrive] = field(default_factory=dict)
    findable: list[tuple[str, str, Found]] = field(default_factory=list)
    memberships: dict[Key, Membership] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    keys: dict[Key, ApiKey] = field(default_factory=dict)
    key_owners: dict[str, KeyOwner] = field(default_factory=dict)
    incidents: dict[Key, Incident] = field(default_factory=dict)
    messages: dict[Key, Message] = field(default_factory=dict)
    due: dict[Key, datetime] = field(default_factory=dict)
    suppressed: dict[str, str] = field(default_factory=dict)
    resets: dict[str, ResetRequest] = field(default_factory=dict)
    inbox: set[tuple[str, str, str]] = field(default_factory=set)
    attention: dict[Key, Attention] = field(default_factory=dict)
    events: dict[Key, Event] = field(default_factory=dict)
    answers: dict[Key, tuple[str, datetime, Remembered]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    steps: dict[str, SignInStep] = field(default_factory=dict)
    step_codes: dict[Key, str] = field(default_factory=dict)
    devices: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    factors: dict[str, SecondFactor] = field(default_factory=dict)
    views: dict[Key, SavedView] = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=dict)
    history: dict[Key, list[HistoryView]] = field(default_factory=dict)
    jobs: dict[Key, JobView] = field(default_factory=dict)
    chain_rows: dict[Key, list[Mapping[str, Any]]] = field(default_factory=dict)
    orders: list[dict[str, str]] = field(default_factory=list)
    published: list[Event] = field(default_factory=list)


@dataclass
class _Write:
    label: str
    holds: Callable[[], bool]
    apply: Callable[[], None]


class MemoryUnit:
    """``WorkspaceUnit`` in memory."""

    def __init__(
        self,
        state: MemoryState,
        actor: str,
        context: TenantContext | None,
        writes: list[_Write] | None = None,
    ) -> None:
        self._state = state
        self._actor = context.actor if context else actor
        self._correlation = context.correlation_id if context else ""
        self._tenant = context.tenant_id if context else None
        self._writes = writes if writes is not None else []
        self._now = moment(state.clock.now())

    def __len__(self) -> int:
        return len(self._writes)

    def for_tenant(self, context: TenantContext) -> "MemoryUnit":
        return MemoryUnit(self._state, self._actor, context, self._writes)

    @property
    def _owner(self) -> str:
        if self._tenant is None:
            message = "this unit writes for no tenant"
            raise ValueError(message)
        return self._tenant

    def _add(self, label: str, holds: Callable[[], bool], apply: Callable[[], None]) -> None:
        self._writes.append(_Write(label, holds, apply))

    def _fresh(self) -> Stamp:
        return Stamp(1, "hash-1", self._now, self._now)

    def _next(self, stamp: Stamp) -> Stamp:
        version = stamp.version + 1
        return Stamp(version, f"hash-{version}", stamp.created_at, self._now)

    def _note(self, tenant: str, subject: str, action: str, before: str, after: str) -> None:
        entry = HistoryView(self._now, self._actor, action, before, after, {}, self._correlation)
        rows = self._state.history.setdefault((tenant, subject), [])
        rows.append(entry)
        chain = self._state.chain_rows.setdefault((tenant, subject), [])
        chain.append({"seq": len(rows), "entity": subject})

    def _create(
        self, store: dict[Any, T], key: Any, item: T, tenant: str, subject: str, action: str
    ) -> None:
        def apply() -> None:
            store[key] = item
            state = getattr(item, "state", None)
            self._note(tenant, subject, action, "", state.value if state else "")

        self._add(subject, lambda: key not in store, apply)

    def _save(
        self,
        store: dict[Any, T],
        key: Any,
        before: Any,
        after: T,
        tenant: str,
        subject: str,
        action: str,
    ) -> None:
        def holds() -> bool:
            current: Any = store.get(key)
            return (
                current is not None
                and current.stamp.version == before.stamp.version
                and current.state is before.state
            )

        def apply() -> None:
            store[key] = after
            self._note(
                tenant,
                subject,
                action,
                before.state.value,
                after.state.value,  # type: ignore[attr-defined]
            )

        self._add(subject, holds, apply)

    # ------------------------------------------------------------------ entities

    def add_tenant(self, tenant: Tenant) -> Tenant:
        made = replace(tenant, stamp=self._fresh())
        self._create(
            self._state.tenants,
            tenant.id,
            made,
            self._owner,
            f"tenant:{tenant.id}",
            "tenant.created",
        )
        return made

    def save_tenant(self, before: Tenant, after: Tenant, action: str) -> Tenant:
        made = replace(after, stamp=self._next(before.stamp))
        self._save(
            self._state.tenants, after.id, before, made, self._owner, f"tenant:{after.id}", action
        )
        return made

    def add_person(self, person: Person) -> Person:
        made = replace(person, stamp=self._fresh())
        digest = email_digest(person.email)
        self._create(
            self._state.persons,
            person.id,
            made,
            SYSTEM,
            f"person:{person.id}",
            "person.entered",
        )
        self._add(
            f"unique:EMAIL:{digest}",
            lambda: digest not in self._state.emails,
            lambda: self._state.emails.update({digest: person.id}),
        )
        return made

    def save_person(self, before: Person, after: Person, action: str) -> Person:
        if before.stamp.version == 0:
            message = "a person is changed after it was read, not in the unit that adds it"
            raise ValueError(message)
        made = replace(after, stamp=self._next(before.stamp))
        self._save(
            self._state.persons, after.id, before, made, SYSTEM, f"person:{after.id}", action
        )
        return made

    def set_password(self, person_id: str, password_hash: str) -> None:
        self._add(
            "password",
            lambda: True,
            lambda: self._state.passwords.update({person_id: password_hash}),
        )

    def add_membership(self, membership: Membership, action: str) -> Membership:
        made = replace(membership, stamp=self._fresh())
        key = (self._owner, membership.person_id)
        self._create(
            self._state.memberships,
            key,
            made,
            self._owner,
            f"user:{membership.person_id}",
            action,
        )
        return made

    def save_membership(self, before: Membership, after: Membership, action: str) -> Membership:
        made = replace(after, stamp=self._next(before.stamp))
        key = (self._owner, after.person_id)
        self._save(
            self._state.memberships,
            key,
            before,
            made,
            self._owner,
            f"user:{after.person_id}",
            action,
        )
        return made

    def require_unchanged(self, membership: Membership) -> None:
        key = (self._owner, membership.person_id)

        def holds() -> bool:
            current = self._state.memberships.get(key)
            return current is not None and current.stamp.version == membership.stamp.version

        self._add("owner", holds, lambda: None)

    # ------------------------------------------------------------------ links and keys

    def add_signup(self, signup: Signup) -> Signup:
        made = replace(signup, stamp=self._fresh())
        subject = f"signup:{signup.id}"
        self._create(self._state.signups, signup.id, made, SYSTEM, subject, "signup.requested")
        return made

    def save_signup(self, before: Signup, after: Signup, action: str) -> Signup:
        made = replace(after, stamp=self._next(before.stamp))
        subject = f"signup:{after.id}"
        self._save(self._state.signups, after.id, before, made, SYSTEM, subject, action)
        return made

    def add_redrive(self, redrive: Redrive) -> Redrive:
        made = replace(redrive, stamp=self._fresh())
        subject, action = f"redrive:{redrive.id}", "dead_letters.redrive_started"
        self._create(self._state.redrives, redrive.id, made, SYSTEM, subject, action)
        return made

    def save_redrive(self, before: Redrive, after: Redrive, action: str) -> Redrive:
        made = replace(after, stamp=self._next(before.stamp))
        subject = f"redrive:{after.id}"
        self._save(self._state.redrives, after.id, before, made, SYSTEM, subject, action)
        return made

    def reserve_numbers(self, numbers: str, person_id: str) -> None:
        self._add(
            f"unique:NUMBERS:{numbers}",
            lambda: numbers not in self._state.numbers,
            lambda: self._state.numbers.update({numbers: person_id}),
        )

    def add_support_grant(self, grant: SupportGrant) -> SupportGrant:
        made = replace(grant, stamp=self._fresh())
        subject = f"support_grant:{grant.id}"
        self._create(
            self._state.grants,
            (self._owner, grant.id),
            made,
            self._owner,
            subject,
            "support_grant.requested",
        )
        return made

    def save_support_grant(
        self, before: SupportGrant, after: SupportGrant, action: str, *, act: str = ""
    ) -> SupportGrant:
        made = replace(after, stamp=self._next(before.stamp))
        key = (self._owner, after.id)
        subject = f"support_grant:{after.id}"
        self._save(self._state.grants, key, before, made, self._owner, subject, action)
        if after.state is GrantState.GRANTED and before.state is GrantState.REQUESTED:
            named = (self._owner, after.operator_id)
            self._add(
                "supporter",
                lambda: True,
                lambda: self._state.supporters.update({named: after.id}),
            )
        return made

    def link_subject(self, subject: str, person_id: str) -> None:
        self._add(
            "subject",
            lambda: subject not in self._state.subjects,
            lambda: self._state.subjects.update({subject: person_id}),
        )

    def add_link(self, link: Link) -> None:
        self._add(
            "link",
            lambda: link.digest not in self._state.links,
            lambda: self._state.links.update({link.digest: link}),
        )

    def add_saved_view(self, view: SavedView) -> SavedView:
        made = replace(view, stamp=self._fresh())
        key = (self._owner, view.id)

        def apply() -> None:
            self._state.views[key] = made

        self._add(f"saved_view:{view.id}", lambda: key not in self._state.views, apply)
        return made

    def save_saved_view(self, before: SavedView, after: SavedView, action: str) -> SavedView:
        made = replace(after, stamp=self._next(before.stamp))
        key = (self._owner, after.id)

        def apply() -> None:
            self._state.views[key] = made

        self._add(f"saved_view:{after.id}", lambda: self._state.views.get(key) == before, apply)
        return made

    def set_feed(self, person_id: str, digest: str) -> None:
        self._add("feed", lambda: True, lambda: self._state.feeds.update({person_id: digest}))

    def add_session(self, session: Session) -> None:
        self._add(
            "session",
            lambda: session.digest not in self._state.sessions,
            lambda: self._state.sessions.update({session.digest: session}),
        )

    def add_step(self, step: SignInStep) -> None:
        self._add(
            "step",
            lambda: step.digest not in self._state.steps,
            lambda: self._state.steps.update({step.digest: step}),
        )

    def use_step(self, step: SignInStep) -> None:
        def holds() -> bool:
            current = self._state.steps.get(step.digest)
            return current is not None and not current.used

        def apply() -> None:
            self._state.steps[step.digest] = replace(step, used=True)

        self._add("step", holds, apply)

    def add_step_code(self, step_digest: str, attempt_id: str, code_digest: str) -> None:
        key = (step_digest, attempt_id)
        self._add(
            "step_code",
            lambda: key not in self._state.step_codes,
            lambda: self._state.step_codes.update({key: code_digest}),
        )

    def add_device(self, digest: str, person_id: str, until: datetime) -> None:
        self._add(
            "device",
            lambda: digest not in self._state.devices,
            lambda: self._state.devices.update({digest: (person_id, until)}),
        )

    def save_second_factor(
        self, person_id: str, before: SecondFactor | None, after: SecondFactor
    ) -> None:
        def holds() -> bool:
            current = self._state.factors.get(person_id)
            return (current.version if current else None) == (before.version if before else None)

        self._add("second_factor", holds, lambda: self._state.factors.update({person_id: after}))

    def use_link(self, link: Link) -> None:
        def holds() -> bool:
            current = self._state.links.get(link.digest)
            return current is not None and not current.used

        def apply() -> None:
            self._state.links[link.digest] = replace(link, used=True)

        self._add("link", holds, apply)

    def add_api_key(self, key: ApiKey, digest: str) -> ApiKey:
        tenant = self._tenant or SYSTEM
        made = replace(key, stamp=self._fresh())
        self._create(
            self._state.keys, (tenant, key.id), made, tenant, f"api_key:{key.id}", "api_key.issued"
        )
        self._add(
            "key_lookup",
            lambda: digest not in self._state.key_owners,
            lambda: self._state.key_owners.update({digest: KeyOwner(tenant or None, key.id)}),
        )
        return made

    def save_api_key(self, before: ApiKey, after: ApiKey, action: str) -> ApiKey:
        tenant = self._tenant or SYSTEM
        made = replace(after, stamp=self._next(before.stamp))
        self._save(
            self._state.keys,
            (tenant, after.id),
            before,
            made,
            tenant,
            f"api_key:{after.id}",
            action,
        )
        return made

    # ------------------------------------------------------------------ incidents and mail

    def add_incident(self, incident: Incident) -> Incident:
        made = replace(incident, stamp=self._fresh())
        self._create(
            self._state.incidents,
            (self._owner, incident.id),
            made,
            self._owner,
            f"incident:{incident.id}",
            "incident.opened",
        )
        return made

    def save_incident(self, before: Incident, after: Incident, action: str) -> Incident:
        made = replace(after, stamp=self._next(before.stamp))
        self._save(
            self._state.incidents,
            (self._owner, after.id),
            before,
            made,
            self._owner,
            f"incident:{after.id}",
            action,
        )
        return made

    def _mail_owner(self, message: Message) -> str:
        return self._owner if message.tenant_id else SYSTEM

    def _set_due(self, key: Key, message: Message, *, enqueue: bool) -> None:
        if message.in_flight and (message.next_at is not None or enqueue):
            self._state.due[key] = message.next_at or self._state.clock.now() + timedelta(minutes=2)
        else:
            self._state.due.pop(key, None)

    def add_message(self, message: Message) -> Message:
        tenant = self._mail_owner(message)
        key = (tenant, message.id)
        made = replace(message, stamp=self._fresh())
        self._create(
            self._state.messages, key, made, tenant, f"message:{message.id}", "message.queued"
        )
        self._add("due", lambda: True, lambda: self._set_due(key, made, enqueue=True))
        self.order_mail(message)
        return made

    def save_message(
        self, before: Message, after: Message, action: str, *, enqueue: bool = False
    ) -> Message:
        tenant = self._mail_owner(after)
        key = (tenant, after.id)
        made = replace(after, stamp=self._next(before.stamp))
        self._save(self._state.messages, key, before, made, tenant, f"message:{after.id}", action)
        self._add("due", lambda: True, lambda: self._set_due(key, made, enqueue=enqueue))
        if enqueue:
            self.order_mail(after)
        return made

    def order_mail(self, message: Message) -> None:
        order = {"tenant_id": self._mail_owner(message), "message_id": message.id}
        self._add("outbox", lambda: True, lambda: self._state.orders.append(order))

    def require_not_suppressed(self, email: Email) -> None:
        self._add(
            "suppressed", lambda: email_digest(email) not in self._state.suppressed, lambda: None
        )

    def suppress(self, email: Email, reason: str) -> None:
        self._add(
            "suppress",
            lambda: True,
            lambda: self._state.suppressed.update({email_digest(email): reason}),
        )

    def request_reset(self, request_id: str, email: Email, language: str) -> None:
        ends = self._state.clock.now() + timedelta(minutes=30)
        wish = ResetRequest(request_id, email_digest(email), language, ends)
        self._add(
            "reset",
            lambda: request_id not in self._state.resets,
            lambda: self._state.resets.update({request_id: wish}),
        )
        order = {"tenant_id": SYSTEM, "reset_id": request_id}
        self._add("outbox", lambda: True, lambda: self._state.orders.append(order))

    # ------------------------------------------------------------------ events

    def received(self, source: str, event_id: str) -> None:
        key = (self._owner, source, event_id)
        self._add("inbox", lambda: key not in self._state.inbox, lambda: self._state.inbox.add(key))

    def put_attention(self, attention: Attention) -> None:
        key = (self._owner, attention.key)
        known = self._state.attention.get(key)
        after = updated(known, attention)
        if after is None:
            raise WriteRefusedError(["attention"])
        self._add(
            "attention",
            lambda: self._state.attention.get(key) == known,
            lambda: self._state.attention.update({key: after}),
        )

    def log_event(self, event: Event) -> None:
        key = (self._owner, event.id)
        self._add(
            "event_log",
            lambda: key not in self._state.events,
            lambda: self._state.events.update({key: event}),
        )

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        event = Event(
            id=self._state.ids.new(),
            type=event_type,
            source=f"kopru.{event_type.partition('.')[0]}",
            time=self._state.clock.now(),
            tenant_id=self._owner,
            subject=subject,
            data=data,
        )
        self.log_event(event)
        self._add("outbox", lambda: True, lambda: self._state.published.append(event))

    # ------------------------------------------------------------------ commit

    def remember(self, command: CommandIdentity, answer: Remembered) -> None:
        key = (self._tenant or SYSTEM, command.identity)
        body_hash = str(getattr(command, "body_hash", ""))
        now = self._state.clock.now()
        self._add(
            "idempotency",
            lambda: key not in self._state.answers or self._state.answers[key][1] <= now,
            lambda: self._state.answers.update({key: (body_hash, now + ANSWERED, answer)}),
        )

    def commit(self, *, dispatch: bool = True) -> None:
        refused = [write.label for write in self._writes if not write.holds()]
        if refused:
            raise WriteRefusedError(refused)
        for write in self._writes:
            write.apply()
