"""The ports of the workspace in memory, with the same refusals as the real store.

One contract suite runs against these and DynamoDB (``tests/contract/workspace``), so a fake that
drifts is a failing test. State is public: tests look at what was written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from kernel.clock import Clock
from kernel.errors import NotFoundError, TooManyRequestsError, ValidationError
from kernel.events import Event
from kernel.finding import matches
from kernel.ids import IdSource
from kernel.mailing import MailOutcome, MailResult
from kernel.sensitive import Email, Secret
from kernel.stamp import Stamp
from kernel.storing import CommandIdentity, Position, Remembered, WriteRefusedError
from toolkit.auth import TenantContext
from toolkit.aws.rows import moment
from workspace.domain.api_key import ApiKey
from workspace.domain.attention import Attention, updated
from workspace.domain.dead_letter import Redrive
from workspace.domain.incident import Incident, IncidentState
from workspace.domain.link import Link
from workspace.domain.message import Message
from workspace.domain.saved_view import SavedView
from workspace.domain.seal import Head
from workspace.domain.search import Found
from workspace.domain.second_factor import SecondFactor, SignInStep
from workspace.domain.session import ABSOLUTE, Session
from workspace.domain.signup import Signup, SignupState
from workspace.domain.support import GrantState, SupportGrant
from workspace.domain.tenant import Tenant
from workspace.domain.user import Membership, Person
from workspace.ports import (
    Account,
    ChainView,
    HistoryView,
    JobView,
    KeyOwner,
    OpenSession,
    Page,
    ResetRequest,
    UploadTicket,
)

T = TypeVar("T")
Key = tuple[str, str]
SYSTEM = ""
ANSWERED = timedelta(hours=48)


def _missing() -> NotFoundError:
    return NotFoundError("not_found", "There is no such item.")


def _digest(email: Email) -> str:
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
        digest = _digest(person.email)
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
        self._add("suppressed", lambda: _digest(email) not in self._state.suppressed, lambda: None)

    def suppress(self, email: Email, reason: str) -> None:
        self._add(
            "suppress",
            lambda: True,
            lambda: self._state.suppressed.update({_digest(email): reason}),
        )

    def request_reset(self, request_id: str, email: Email, language: str) -> None:
        ends = self._state.clock.now() + timedelta(minutes=30)
        wish = ResetRequest(request_id, _digest(email), language, ends)
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


def _page(
    items: Sequence[T], limit: int, after: Position | None, key: Callable[[T], str]
) -> Page[T]:
    """Items behind ``after`` in the order given."""
    start = 0
    if after:
        names = [key(item) for item in items]
        start = names.index(after["after"]) + 1
    shown = tuple(items[start : start + limit])
    more = len(items) > start + limit
    return Page(shown, {"after": key(shown[-1])} if more and shown else None)


class MemoryCompanyStore:
    """``CompanyStore`` in memory."""

    def __init__(self, state: MemoryState, context: TenantContext) -> None:
        self._state = state
        self._context = context
        self._id = context.tenant_id

    def unit(self) -> MemoryUnit:
        return MemoryUnit(self._state, self._context.actor, self._context)

    def _find(self, store: Mapping[Key, T], identity: str) -> T:
        found = store.get((self._id, identity))
        if found is None:
            raise _missing()
        return found

    def _mine(self, store: Mapping[Key, T]) -> list[T]:
        return [item for (tenant, _), item in sorted(store.items()) if tenant == self._id]

    def tenant(self) -> Tenant:
        if self._id not in self._state.tenants:
            raise _missing()
        return self._state.tenants[self._id]

    def membership(self, person_id: str) -> Membership:
        return self._find(self._state.memberships, person_id)

    def memberships(self) -> Iterator[Membership]:
        return iter(self._mine(self._state.memberships))

    def api_key(self, key_id: str) -> ApiKey:
        return self._find(self._state.keys, key_id)

    def api_keys(self) -> Iterator[ApiKey]:
        return iter(self._mine(self._state.keys))

    def incident(self, incident_id: str) -> Incident:
        return self._find(self._state.incidents, incident_id)

    def incidents(
        self, state: IncidentState | None, *, limit: int, after: Position | None
    ) -> Page[Incident]:
        found = [
            item
            for item in reversed(self._mine(self._state.incidents))
            if state is None or item.state is state
        ]
        found.sort(key=lambda item: item.state is not IncidentState.OPEN)
        return _page(found, limit, after, lambda item: item.id)

    def message(self, message_id: str) -> Message:
        return self._find(self._state.messages, message_id)

    def messages(self, *, limit: int, after: Position | None) -> Page[Message]:
        found = list(reversed(self._mine(self._state.messages)))
        return _page(found, limit, after, lambda item: item.id)

    def support_grant(self, grant_id: str) -> SupportGrant:
        return self._find(self._state.grants, grant_id)

    def support_grants(self, *, limit: int, after: Position | None) -> Page[SupportGrant]:
        found = sorted(self._mine(self._state.grants), key=lambda each: each.id, reverse=True)
        return _page(found, limit, after, lambda each: each.id)

    def support_of(self, person_id: str) -> SupportGrant | None:
        known = self._state.supporters.get((self._context.tenant_id, person_id))
        return None if known is None else self.support_grant(known)

    def saved_view(self, view_id: str) -> SavedView:
        return self._find(self._state.views, view_id)

    def saved_views(self) -> Iterator[SavedView]:
        return iter(self._mine(self._state.views))

    def find_attention(self, key: str) -> Attention | None:
        return next((row for row in self.attention() if row.key == key), None)

    def attention(self) -> Iterator[Attention]:
        return iter(self._mine(self._state.attention))

    def events(self, *, limit: int, after: Position | None) -> Page[Event]:
        found = list(reversed(self._mine(self._state.events)))
        return _page(found, limit, after, lambda item: item.id)

    def answered(self, command: CommandIdentity) -> Remembered | None:
        stored = self._state.answers.get((self._id, command.identity))
        if stored is None or stored[1] <= self._state.clock.now():
            return None
        if stored[0] != getattr(command, "body_hash", ""):
            raise ValidationError("idempotency_key_reused", "Used with another body.")
        return stored[2]

    def note_sign_in(self, person_id: str, at: str) -> None:
        key = (self._id, person_id)
        if key in self._state.memberships:
            found = self._state.memberships[key]
            self._state.memberships[key] = replace(found, last_seen_at=at)


class MemorySharedRecords:
    """``SharedRecords`` in memory."""

    def __init__(self, state: MemoryState, tenant_id: str) -> None:
        self._state = state
        self._id = tenant_id

    def jobs(self, *, limit: int, before: str | None) -> Page[JobView]:
        found = [
            job
            for (tenant, _), job in sorted(self._state.jobs.items(), reverse=True)
            if tenant == self._id and (before is None or job.id < before)
        ]
        shown = tuple(found[:limit])
        return Page(shown, {"before": shown[-1].id} if len(found) > limit else None)

    def job(self, job_id: str) -> JobView:
        found = self._state.jobs.get((self._id, job_id))
        if found is None:
            raise _missing()
        return found

    def history(self, subject: str, *, limit: int, after: Position | None) -> Page[HistoryView]:
        rows = self._state.history.get((self._id, subject), [])
        start = int(after["after"]) if after else 0
        shown = tuple(rows[start : start + limit])
        more = len(rows) > start + limit
        return Page(shown, {"after": start + limit} if more else None)

    def search(self, contexts: Iterable[str], query: str) -> tuple[list[Found], bool]:
        allowed = set(contexts)
        found = [
            each
            for tenant, context, each in self._state.findable
            if tenant == self._id and context in allowed and matches(query, each.title)
        ]
        return found, False

    def state_of(self, subject: str) -> str:
        kind, _, identity = subject.partition(":")
        job = self._state.jobs.get((self._id, identity))
        if kind == "job":
            return job.status if job else ""
        rows = self._state.history.get((self._id, subject), [])
        return rows[-1].to_state if rows else ""

    def chains(self, *, limit: int, after: Position | None) -> Page[ChainView]:
        found = [
            ChainView(subject, tuple(rows), len(self._state.history[tenant, subject]))
            for (tenant, subject), rows in sorted(self._state.chain_rows.items())
            if tenant == self._id
        ]
        return _page(found, limit, after, lambda chain: chain.entity)

    def heads(self, *, limit: int, after: Position | None) -> Page[Head]:
        page = self.chains(limit=limit, after=after)
        heads = [
            Head("wsp", chain.entity, int(chain.rows[-1]["seq"]), str(chain.rows[-1]["hash"]))
            for chain in page.items
        ]
        return Page(tuple(heads), page.next)

    def rows_at(self, heads: Sequence[Head]) -> Mapping[tuple[str, str], Mapping[str, Any] | None]:
        found: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        for head in heads:
            rows = self._state.chain_rows.get((self._id, head.entity), [])
            key = (head.context, head.entity)
            found[key] = next((row for row in rows if row["seq"] == head.sequence), None)
        return found


class MemorySystemStore:
    """``SystemStore`` in memory."""

    def __init__(self, state: MemoryState) -> None:
        self.state = state

    def unit(self, actor: str) -> MemoryUnit:
        return MemoryUnit(self.state, actor, None)

    def company(self, context: TenantContext) -> MemoryCompanyStore:
        return MemoryCompanyStore(self.state, context)

    def shared(self, context: TenantContext) -> MemorySharedRecords:
        return MemorySharedRecords(self.state, context.tenant_id)

    def tenants(self, *, limit: int, after: Position | None) -> Page[Tenant]:
        found = [self.state.tenants[key] for key in sorted(self.state.tenants)]
        return _page(found, limit, after, lambda tenant: tenant.id)

    def tenants_by_id(self, tenant_ids: Sequence[str]) -> Mapping[str, Tenant]:
        return {key: self.state.tenants[key] for key in tenant_ids if key in self.state.tenants}

    def person(self, person_id: str) -> Person:
        if person_id not in self.state.persons:
            raise _missing()
        return self.state.persons[person_id]

    def account(self, email: Email) -> Account:
        return self._account(self.person_of(email))

    def _account(self, person: Person | None) -> Account:
        if person is None:
            return Account(None, None, None)
        password = self.state.passwords.get(person.id)
        return Account(person, password, self.state.factors.get(person.id))

    def person_of(self, email: Email) -> Person | None:
        return self.person_of_digest(_digest(email))

    def person_of_digest(self, email_digest: str) -> Person | None:
        person_id = self.state.emails.get(email_digest)
        return self.state.persons.get(person_id) if person_id else None

    def person_of_numbers(self, numbers: str) -> Person | None:
        return self.state.persons.get(self.state.numbers.get(numbers, ""))

    def person_of_subject(self, subject: str) -> str | None:
        return self.state.subjects.get(subject)

    def account_of_numbers(self, numbers: str) -> Account:
        return self._account(self.person_of_numbers(numbers))

    def signup(self, signup_id: str) -> Signup:
        if signup_id not in self.state.signups:
            raise _missing()
        return self.state.signups[signup_id]

    def signups(
        self, state: SignupState | None, *, limit: int, after: Position | None
    ) -> Page[Signup]:
        order = list(SignupState)
        found = [each for each in self.state.signups.values() if state in (None, each.state)]
        found.sort(key=lambda each: each.id, reverse=True)
        found.sort(key=lambda each: order.index(each.state))
        return _page(found, limit, after, lambda each: each.id)

    def support_grants(self, *, limit: int, after: Position | None) -> Page[SupportGrant]:
        found = sorted(self.state.grants.values(), key=lambda grant: grant.id, reverse=True)
        return _page(found, limit, after, lambda grant: grant.id)

    def tenant_of_support(self, grant_id: str) -> str | None:
        return next((tenant for tenant, known in self.state.grants if known == grant_id), None)

    def password_hash(self, person_id: str) -> str | None:
        return self.state.passwords.get(person_id)

    def mandates_of(self, person: Person) -> Sequence[tuple[Tenant, Membership]]:
        return [
            (self.state.tenants[company.id], self.state.memberships[company.id, person.id])
            for company in person.companies
            if (company.id, person.id) in self.state.memberships
        ]

    def standing(
        self, person_id: str, tenant_id: str
    ) -> tuple[Person | None, Membership | None, Tenant | None]:
        return (
            self.state.persons.get(person_id),
            self.state.memberships.get((tenant_id, person_id)),
            self.state.tenants.get(tenant_id),
        )

    def link(self, digest: str) -> Link | None:
        return self.state.links.get(digest)

    def open_session(self, session: Session) -> None:
        self.state.sessions[session.digest] = session

    def session(self, digest: str) -> Session | None:
        return self.state.sessions.get(digest)

    def touch_session(self, digest: str, at: datetime) -> None:
        if digest in self.state.sessions:
            found = self.state.sessions[digest]
            self.state.sessions[digest] = replace(found, last_seen_at=at)

    def move_session(
        self,
        digest: str,
        *,
        tenant_id: str | None,
        epoch: int | None,
        second_factor: bool | None = None,
        proved_at: datetime | None = None,
    ) -> None:
        found = self.state.sessions.get(digest)
        if found is None:
            return
        self.state.sessions[digest] = replace(
            found,
            tenant_id=found.tenant_id if tenant_id is None else tenant_id,
            epoch=found.epoch if epoch is None else epoch,
            second_factor=found.second_factor if second_factor is None else second_factor,
            proved_at=proved_at or found.proved_at,
        )

    def step(self, digest: str) -> SignInStep | None:
        return self.state.steps.get(digest)

    def step_codes(self, step: SignInStep) -> frozenset[str]:
        return frozenset(
            code for (digest, _), code in self.state.step_codes.items() if digest == step.digest
        )

    def device_owner(self, digest: str) -> str | None:
        found = self.state.devices.get(digest)
        return found[0] if found and found[1] > self.state.clock.now() else None

    def second_factor(self, person_id: str) -> SecondFactor | None:
        return self.state.factors.get(person_id)

    def feed_owner(self, digest: str) -> str | None:
        return next((who for who, known in self.state.feeds.items() if known == digest), None)

    def has_feed(self, person_id: str) -> bool:
        return bool(self.state.feeds.get(person_id))

    def close_session(self, session: Session) -> None:
        self.state.sessions.pop(session.digest, None)

    def sessions_of(self, person_id: str) -> list[OpenSession]:
        oldest = self.state.clock.now() - ABSOLUTE
        epoch = self.state.persons[person_id].session_epoch
        found = [
            each
            for each in self.state.sessions.values()
            if each.person_id == person_id and each.created_at > oldest and each.epoch == epoch
        ]
        found.sort(key=lambda each: each.created_at, reverse=True)
        return [
            OpenSession(each.digest, each.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), each.device)
            for each in found
        ]

    def key_owner(self, digest: str) -> KeyOwner | None:
        return self.state.key_owners.get(digest)

    def key_standing(self, owner: KeyOwner) -> tuple[ApiKey | None, Tenant | None]:
        tenant = owner.tenant_id or SYSTEM
        return self.state.keys.get((tenant, owner.key_id)), self.state.tenants.get(tenant)

    def note_key_use(self, owner: KeyOwner, at: str) -> None:
        key = (owner.tenant_id or SYSTEM, owner.key_id)
        self.state.keys[key] = replace(self.state.keys[key], last_used_at=at)

    def reset_request(self, request_id: str) -> ResetRequest | None:
        return self.state.resets.get(request_id)

    def message(self, tenant_id: str, message_id: str) -> Message | None:
        return self.state.messages.get((tenant_id, message_id))

    def redrives(self, *, limit: int) -> Page[Redrive]:
        found = [each for _, each in sorted(self.state.redrives.items(), reverse=True)]
        return Page(tuple(found[:limit]))

    def open_incidents(self, *, limit: int, after: Position | None) -> Page[tuple[str, str]]:
        found = sorted(
            (
                (tenant, identity)
                for (tenant, identity), item in self.state.incidents.items()
                if item.state is IncidentState.OPEN
            ),
            key=lambda pair: pair[1],
        )
        return _page(found, limit, after, lambda pair: pair[1])

    def tenant_of_incident(self, incident_id: str) -> str | None:
        return next(
            (tenant for tenant, identity in self.state.incidents if identity == incident_id), None
        )

    def due_messages(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        found = [key for key, when in self.state.due.items() if when <= now][:limit]
        for key in found:
            self.state.due[key] = now + timedelta(minutes=2)
        return found


# ---------------------------------------------------------------------------- services


class PlainHasher:
    """Password hashes one can read; counts how often it worked."""

    def __init__(self) -> None:
        self.verified: list[bool] = []
        self.outdated = False

    def hash(self, password: Secret) -> str:
        return "plain:" + password.reveal("fake hash")

    def verify(self, password_hash: str | None, password: Secret) -> bool:
        right = password_hash == "plain:" + password.reveal("fake verify")
        self.verified.append(password_hash is not None)
        return right

    def is_outdated(self, password_hash: str) -> bool:
        return self.outdated


class CountingTokens:
    """Tokens ``token-1``, ``token-2``, … padded to the length of real ones."""

    def __init__(self) -> None:
        self.made = 0

    def new(self) -> Secret:
        self.made += 1
        return Secret(f"token-{self.made}".ljust(43, "x"))

    def raw(self, count: int) -> bytes:
        self.made += 1
        return self.made.to_bytes(4, "big").ljust(count, b"!")

    def digits(self) -> str:
        self.made += 1
        return f"{self.made:06d}"


class PlainFactors:
    """Sealed secrets one can read."""

    def seal(self, person_id: str, factor: SecondFactor, secret: Secret) -> bytes:
        return f"{person_id}/{factor.secret_version}/{secret.reveal('fake seal')}".encode()

    def open(self, person_id: str, factor: SecondFactor) -> Secret:
        owner, version, secret = factor.sealed.decode().split("/")
        assert (owner, int(version)) == (person_id, factor.secret_version)
        return Secret(secret)


def plain_digest(token: str) -> str:
    """A digest one can read."""
    return f"digest-of-{token}"


class MemoryThrottle:
    """Counts acts; windows do not end by themselves."""

    def __init__(self) -> None:
        self.hits: dict[tuple[str, str], int] = {}

    def hit(self, act: str, subject: str, *, limit: int, window_seconds: int) -> None:
        count = self.hits.get((act, subject), 0) + 1
        self.hits[act, subject] = count
        if count > limit:
            raise TooManyRequestsError("rate_limited", "Too many.", retry_after=window_seconds)

    def forgive(self, act: str, subject: str, *, window_seconds: int) -> None:
        self.hits[act, subject] = max(0, self.hits.get((act, subject), 0) - 1)


@dataclass
class SentMail:
    """One mail as it was handed over."""

    message: Message
    to: str
    name: str
    company: str
    link: str
    code: str = ""


class FakeMailer:
    """Takes every mail; ``outcomes`` are used up first, ``during`` runs inside the hand-over."""

    def __init__(self) -> None:
        self.sent: list[SentMail] = []
        self.outcomes: list[MailOutcome] = []
        self.during: Callable[[], None] | None = None

    def send(
        self, message: Message, *, to: Email, name: str, company: str, link: str, code: str
    ) -> MailOutcome:
        self.sent.append(SentMail(message, to.reveal("fake mail"), name, company, link, code))
        if self.during is not None:
            self.during()
        if self.outcomes:
            return self.outcomes.pop(0)
        return MailOutcome(MailResult.TAKEN, provider_id=f"ses-{len(self.sent)}")


class FakeUploads:
    """Hands out tickets and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def ticket(
        self,
        tenant_id: str,
        upload_id: str,
        *,
        filename: str,
        content_type: str,
        size: int,
        return_to: str | None,
    ) -> UploadTicket:
        self.asked.append({"tenant_id": tenant_id, "filename": filename, "size": size})
        return UploadTicket(upload_id, "https://files.example/", {"key": f"T/{tenant_id}"})
