"""The ports of the workspace in memory, with the same refusals as the real store.

One contract suite runs against these and DynamoDB (``tests/contract/workspace``), so a fake that
drifts is a failing test. State is public: tests look at what was written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kernel.errors import NotFoundError, ValidationError
from kernel.events import Event
from kernel.finding import matches
from kernel.sensitive import Email
from kernel.storing import CommandIdentity, Position, Remembered
from tests.support.fakes.workspace_unit import SYSTEM, Key, MemoryState, MemoryUnit, T, email_digest
from toolkit.auth import TenantContext
from workspace.domain.api_key import ApiKey
from workspace.domain.attention import Attention
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
from workspace.domain.support import SupportGrant
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
)


def _missing() -> NotFoundError:
    return NotFoundError("not_found", "There is no such item.")


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
        return self.person_of_digest(email_digest(email))

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
