"""Stores of the workspace on DynamoDB: one tenant's rows, and those that exist before a tenant."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from kernel.errors import NotFoundError
from kernel.events import Event
from kernel.sensitive import Email
from kernel.storing import CommandIdentity, Position, Remembered
from toolkit.auth import TenantContext
from toolkit.aws.due import take_due
from toolkit.aws.dynamodb import Item, Keyspace, exists
from toolkit.aws.rows import moment
from toolkit.aws.transactions import Transaction
from toolkit.aws.unit_of_work import META, entity_key
from toolkit.http.idempotency import Command, IdempotencyStore
from workspace.adapters import rows
from workspace.adapters.dynamodb_unit import (
    PASSWORD,
    DynamoUnit,
    Workshop,
    incident_prefix,
    message_keyspace,
)
from workspace.adapters.entity_writes import CONTEXT, SYSTEM
from workspace.adapters.entrance_rows import (
    FACTOR,
    device_key,
    factor_from,
    put_session,
    session_key,
    step_code_key,
    step_from,
    step_key,
    subject_key,
)
from workspace.adapters.redrive_rows import redrive_from
from workspace.adapters.shared_records import DynamoSharedRecords
from workspace.adapters.signup_rows import signup_from, signup_prefix
from workspace.adapters.support_rows import KIND as SUPPORT_GRANT
from workspace.adapters.support_rows import grant_from, register_key, supporter_key
from workspace.adapters.view_rows import FEED, feed_key, view_from
from workspace.domain.api_key import ApiKey
from workspace.domain.attention import Attention
from workspace.domain.dead_letter import Redrive
from workspace.domain.incident import Incident, IncidentState
from workspace.domain.link import Link
from workspace.domain.message import Message
from workspace.domain.saved_view import SavedView
from workspace.domain.second_factor import SecondFactor, SignInStep
from workspace.domain.session import ABSOLUTE, Session
from workspace.domain.signup import Signup, SignupState
from workspace.domain.support import SupportGrant
from workspace.domain.tenant import Tenant
from workspace.domain.user import Membership, Person
from workspace.ports import Account, KeyOwner, OpenSession, Page, ResetRequest

NOBODY: Final = "00000000000000000000000000"
"""An id nobody has: looking it up costs what looking up somebody costs."""
_SWEEP_PUSH: Final = timedelta(minutes=2)
_SESSIONS_SHOWN: Final = 50
_MAILED_CODES: Final = 10


def _missing() -> NotFoundError:
    return NotFoundError("not_found", "There is no such item.")


class DynamoCompanyStore:
    """``CompanyStore`` below the key prefix of one tenant."""

    def __init__(self, workshop: Workshop, context: TenantContext) -> None:
        self._workshop = workshop
        self._database = workshop.machinery.database
        self._keyspace = Keyspace(CONTEXT, context.tenant_id)
        self._context = context

    def unit(self) -> DynamoUnit:
        return DynamoUnit.begin(self._workshop, self._context.actor, self._context)

    def _entity(self, kind: str, identity: str) -> Item:
        row = self._database.get("core", entity_key(self._keyspace, kind, identity), META)
        if row is None:
            raise _missing()
        return row

    def tenant(self) -> Tenant:
        return rows.tenant_from(self._entity("tenant", self._context.tenant_id))

    def membership(self, person_id: str) -> Membership:
        return rows.membership_from(self._entity("user", person_id))

    def memberships(self) -> Iterator[Membership]:
        return map(rows.membership_from, self._database.list_all(self._keyspace.key("USERS")))

    def api_key(self, key_id: str) -> ApiKey:
        return rows.api_key_from(self._entity("api_key", key_id))

    def api_keys(self) -> Iterator[ApiKey]:
        return map(rows.api_key_from, self._database.list_all(self._keyspace.key("API-KEYS")))

    def incident(self, incident_id: str) -> Incident:
        return rows.incident_from(self._entity("incident", incident_id))

    def incidents(
        self, state: IncidentState | None, *, limit: int, after: Position | None
    ) -> Page[Incident]:
        page = self._database.list_rows(
            self._keyspace.key("INCIDENTS"),
            prefix=None if state is None else incident_prefix(state),
            after=dict(after) if after else None,
            limit=limit,
            forward=False,
        )
        return Page(tuple(map(rows.incident_from, page.items)), page.next_key)

    def message(self, message_id: str) -> Message:
        return rows.message_from(self._entity("message", message_id))

    def messages(self, *, limit: int, after: Position | None) -> Page[Message]:
        page = self._database.list_rows(
            self._keyspace.key("MESSAGES"),
            after=dict(after) if after else None,
            limit=limit,
            forward=False,
        )
        return Page(tuple(map(rows.message_from, page.items)), page.next_key)

    def support_grant(self, grant_id: str) -> SupportGrant:
        return grant_from(self._entity(SUPPORT_GRANT, grant_id))

    def support_grants(self, *, limit: int, after: Position | None) -> Page[SupportGrant]:
        page = self._database.list_rows(
            self._keyspace.key("SUPPORT-GRANTS"),
            after=dict(after) if after else None,
            limit=limit,
            forward=False,
        )
        return Page(tuple(map(grant_from, page.items)), page.next_key)

    def support_of(self, person_id: str) -> SupportGrant | None:
        row = self._database.get("core", supporter_key(self._keyspace, person_id), META)
        return None if row is None else self.support_grant(row["grant_id"])

    def saved_view(self, view_id: str) -> SavedView:
        return view_from(self._entity("saved_view", view_id))

    def saved_views(self) -> Iterator[SavedView]:
        return map(view_from, self._database.list_all(self._keyspace.key("SAVED-VIEWS")))

    def attention(self) -> Iterator[Attention]:
        found = self._database.query_all("core", self._keyspace.key("ATTENTION"))
        return map(rows.attention_from, found)

    def find_attention(self, key: str) -> Attention | None:
        row = self._database.get("core", self._keyspace.key("ATTENTION"), key)
        return rows.attention_from(row) if row is not None else None

    def events(self, *, limit: int, after: Position | None) -> Page[Event]:
        page = self._database.query(
            "flow",
            self._keyspace.key("EVENTS"),
            after=dict(after) if after else None,
            limit=limit,
            forward=False,
        )
        events = tuple(Event.from_dict(json.loads(row["body"])) for row in page.items)
        return Page(events, page.next_key)

    def answered(self, command: CommandIdentity) -> Remembered | None:
        if not isinstance(command, Command):
            message = "a command comes from the HTTP edge"
            raise TypeError(message)
        now = int(self._workshop.machinery.clock.now().timestamp())
        stored = IdempotencyStore(self._database, self._keyspace).find(command, now_seconds=now)
        return None if stored is None else Remembered(stored.status, stored.body, stored.headers)

    def note_sign_in(self, person_id: str, at: str) -> None:
        self._database.update(
            "core",
            entity_key(self._keyspace, "user", person_id),
            META,
            assign={"last_seen_at": at},
            when=exists(),
        )


class DynamoSystemStore:
    """``SystemStore``: people, sessions, links and keys, looked up by hashes."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._database = workshop.machinery.database

    def unit(self, actor: str) -> DynamoUnit:
        return DynamoUnit.begin(self._workshop, actor, None)

    def company(self, context: TenantContext) -> DynamoCompanyStore:
        return DynamoCompanyStore(self._workshop, context)

    def shared(self, context: TenantContext) -> DynamoSharedRecords:
        return DynamoSharedRecords(self._database, context.tenant_id)

    # ------------------------------------------------------------------ companies

    def tenants(self, *, limit: int, after: Position | None) -> Page[Tenant]:
        page = self._database.list_rows(
            SYSTEM.key("TENANTS"), after=dict(after) if after else None, limit=limit
        )
        return Page(tuple(map(rows.tenant_from, page.items)), page.next_key)

    def tenants_by_id(self, tenant_ids: Sequence[str]) -> Mapping[str, Tenant]:
        keys = [(_tenant_key(tenant_id), META) for tenant_id in tenant_ids]
        found = self._database.get_many("core", keys) if keys else {}
        return {row["id"]: rows.tenant_from(row) for row in found.values()}

    # ------------------------------------------------------------------ people

    def person(self, person_id: str) -> Person:
        row = self._database.get("core", _person_key(person_id), META)
        if row is None:
            raise _missing()
        return rows.person_from(row)

    def account(self, email: Email) -> Account:
        return self._account(self._person_id("EMAIL", self._workshop.email_digest(email)))

    def account_of_numbers(self, numbers: str) -> Account:
        return self._account(self._person_id("NUMBERS", numbers))

    def _account(self, known: str | None) -> Account:
        person_id = known or NOBODY
        key = _person_key(person_id)
        parts = (META, PASSWORD, FACTOR)
        found = self._database.get_many("core", [(key, part) for part in parts])
        person, password, factor = (found.get((key, part)) for part in parts)
        return Account(
            rows.person_from(person) if person else None,
            password["hash"] if password else None,
            factor_from(factor) if factor else None,
        )

    def person_of(self, email: Email) -> Person | None:
        return self.person_of_digest(self._workshop.email_digest(email))

    def person_of_digest(self, email_digest: str) -> Person | None:
        return self._found_person(self._person_id("EMAIL", email_digest))

    def person_of_numbers(self, numbers: str) -> Person | None:
        return self._found_person(self._person_id("NUMBERS", numbers))

    def person_of_subject(self, subject: str) -> str | None:
        row = self._database.get("core", subject_key(subject), META)
        return str(row["person_id"]) if row else None

    def _found_person(self, person_id: str | None) -> Person | None:
        row = self._database.get("core", _person_key(person_id), META) if person_id else None
        return rows.person_from(row) if row else None

    def signup(self, signup_id: str) -> Signup:
        row = self._database.get("core", entity_key(SYSTEM, "signup", signup_id), META)
        if row is None:
            raise _missing()
        return signup_from(row)

    def signups(
        self, state: SignupState | None, *, limit: int, after: Position | None
    ) -> Page[Signup]:
        page = self._database.list_rows(
            SYSTEM.key("SIGNUPS"),
            prefix=None if state is None else signup_prefix(state),
            after=dict(after) if after else None,
            limit=limit,
            forward=False,
        )
        return Page(tuple(map(signup_from, page.items)), page.next_key)

    def _person_id(self, kind: str, digest: str) -> str | None:
        row = self._database.get("flow", SYSTEM.key("UNIQ", kind, digest), "-")
        return str(row["owner"]) if row else None

    def password_hash(self, person_id: str) -> str | None:
        row = self._database.get("core", _person_key(person_id), PASSWORD)
        return str(row["hash"]) if row else None

    def mandates_of(self, person: Person) -> Sequence[tuple[Tenant, Membership]]:
        keys = []
        for company in person.companies:
            keys += [(_tenant_key(company.id), META), (_user_key(company.id, person.id), META)]
        found = self._database.get_many("core", keys) if keys else {}
        mandates = []
        for company in person.companies:
            tenant = found.get((_tenant_key(company.id), META))
            user = found.get((_user_key(company.id, person.id), META))
            if tenant is not None and user is not None:
                mandates.append((rows.tenant_from(tenant), rows.membership_from(user)))
        return mandates

    def standing(
        self, person_id: str, tenant_id: str
    ) -> tuple[Person | None, Membership | None, Tenant | None]:
        keys = [(_person_key(person_id), META)]
        if tenant_id:
            keys += [(_user_key(tenant_id, person_id), META), (_tenant_key(tenant_id), META)]
        found = self._database.get_many("core", keys)
        person, *rest = (found.get(key) for key in keys)
        user, tenant = rest or (None, None)
        return (
            rows.person_from(person) if person else None,
            rows.membership_from(user) if user else None,
            rows.tenant_from(tenant) if tenant else None,
        )

    # ------------------------------------------------------------------ links and sessions

    def link(self, digest: str) -> Link | None:
        row = self._database.get("edge", SYSTEM.key("LINK", digest), "-")
        return rows.link_from(digest, row) if row else None

    def open_session(self, session: Session) -> None:
        transaction = Transaction(self._workshop.machinery.ids.new())
        put_session(transaction, session)
        transaction.commit(self._database)

    def session(self, digest: str) -> Session | None:
        row = self._database.get("edge", session_key(digest), "-")
        return rows.session_from(digest, row) if row else None

    def touch_session(self, digest: str, at: datetime) -> None:
        self._database.update(
            "edge",
            session_key(digest),
            "-",
            assign={"last_seen_at": moment(at)},
            when=exists(),
        )

    def move_session(
        self,
        digest: str,
        *,
        tenant_id: str | None,
        epoch: int | None,
        second_factor: bool | None = None,
        proved_at: datetime | None = None,
    ) -> None:
        wishes = {
            "tenant_id": tenant_id,
            "epoch": epoch,
            "second_factor": second_factor,
            "proved_at": moment(proved_at),
        }
        assign = {name: value for name, value in wishes.items() if value is not None}
        if assign:
            self._database.update("edge", session_key(digest), "-", assign=assign, when=exists())

    def step(self, digest: str) -> SignInStep | None:
        row = self._database.get("edge", step_key(digest), "-")
        return step_from(digest, row) if row else None

    def step_codes(self, step: SignInStep) -> frozenset[str]:
        page = self._database.query("edge", step_code_key(step.digest), limit=_MAILED_CODES)
        return frozenset(str(row["code"]) for row in page.items)

    def device_owner(self, digest: str) -> str | None:
        row = self._database.get("edge", device_key(digest), "-")
        now = self._workshop.machinery.clock.now()
        if row is None or datetime.fromisoformat(row["expires_at"]) <= now:
            return None
        return str(row["person_id"])

    def second_factor(self, person_id: str) -> SecondFactor | None:
        row = self._database.get("core", _person_key(person_id), FACTOR)
        return factor_from(row) if row else None

    def feed_owner(self, digest: str) -> str | None:
        row = self._database.get("core", feed_key(digest), META)
        if row is None:
            return None
        known = self._database.get("core", _person_key(row["person_id"]), FEED)
        return str(row["person_id"]) if known and known["digest"] == digest else None

    def has_feed(self, person_id: str) -> bool:
        row = self._database.get("core", _person_key(person_id), FEED)
        return row is not None and bool(row["digest"])

    def close_session(self, session: Session) -> None:
        self._database.delete_edge(session_key(session.digest))

    def sessions_of(self, person_id: str) -> list[OpenSession]:
        oldest = moment(self._workshop.machinery.clock.now() - ABSOLUTE) or ""
        page = self._database.query(
            "edge", SYSTEM.key("SESSIONS", person_id), limit=_SESSIONS_SHOWN, forward=False
        )
        entries = [row for row in page.items if row["created_at"] > oldest]
        keys = [(session_key(row["digest"]), "-") for row in entries]
        alive = self._database.get_many("edge", keys) if keys else {}
        person = self._database.get("core", _person_key(person_id), META)
        epoch = person["session_epoch"] if person else None
        return [
            OpenSession(row["digest"], row["created_at"], row["device"])
            for row in entries
            if (key := (session_key(row["digest"]), "-")) in alive and alive[key]["epoch"] == epoch
        ]

    # ------------------------------------------------------------------ keys

    def key_owner(self, digest: str) -> KeyOwner | None:
        row = self._database.get("core", SYSTEM.key("KEY", digest), META)
        return KeyOwner(row["tenant_id"] or None, row["key_id"]) if row else None

    def key_standing(self, owner: KeyOwner) -> tuple[ApiKey | None, Tenant | None]:
        keys = [(_api_key_key(owner), META)]
        if owner.tenant_id:
            keys.append((_tenant_key(owner.tenant_id), META))
        found = self._database.get_many("core", keys)
        key = found.get(keys[0])
        tenant = found.get(keys[1]) if owner.tenant_id else None
        return (
            rows.api_key_from(key) if key else None,
            rows.tenant_from(tenant) if tenant else None,
        )

    def note_key_use(self, owner: KeyOwner, at: str) -> None:
        self._database.update(
            "core", _api_key_key(owner), META, assign={"last_used_at": at}, when=exists()
        )

    # ------------------------------------------------------------------ mail and incidents

    def reset_request(self, request_id: str) -> ResetRequest | None:
        row = self._database.get("edge", SYSTEM.key("RESET", request_id), "-")
        if row is None:
            return None
        ends = datetime.fromisoformat(row["expires_at"])
        return ResetRequest(request_id, row["email_digest"], row["language"], ends)

    def message(self, tenant_id: str, message_id: str) -> Message | None:
        key = entity_key(message_keyspace(tenant_id), "message", message_id)
        row = self._database.get("core", key, META)
        return rows.message_from(row) if row else None

    def redrives(self, *, limit: int) -> Page[Redrive]:
        page = self._database.list_rows(SYSTEM.key("REDRIVES"), limit=limit, forward=False)
        return Page(tuple(map(redrive_from, page.items)))

    def open_incidents(self, *, limit: int, after: Position | None) -> Page[tuple[str, str]]:
        page = self._database.list_rows(
            SYSTEM.key("OPEN-INCIDENTS"), after=dict(after) if after else None, limit=limit
        )
        return Page(tuple((row["tenant_id"], row["id"]) for row in page.items), page.next_key)

    def tenant_of_incident(self, incident_id: str) -> str | None:
        row = self._database.get("core", SYSTEM.key("INCIDENT", incident_id), META)
        return str(row["tenant_id"]) if row else None

    def support_grants(self, *, limit: int, after: Position | None) -> Page[SupportGrant]:
        page = self._database.list_rows(
            SYSTEM.key("SUPPORT-GRANTS"),
            after=dict(after) if after else None,
            limit=limit,
            forward=False,
        )
        keys = [
            (entity_key(Keyspace(CONTEXT, row["tenant_id"]), SUPPORT_GRANT, row["id"]), META)
            for row in page.items
        ]
        found = self._database.get_many("core", keys) if keys else {}
        return Page(tuple(grant_from(found[key]) for key in keys), page.next_key)

    def tenant_of_support(self, grant_id: str) -> str | None:
        row = self._database.get("core", register_key(grant_id), META)
        return str(row["tenant_id"]) if row else None

    def due_messages(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        taken = take_due(self._database, "core", SYSTEM, now, limit=limit, push=_SWEEP_PUSH)
        return [(due.row["tenant_id"], due.row["id"]) for due in taken]


def _person_key(person_id: str) -> str:
    return entity_key(SYSTEM, "person", person_id)


def _tenant_key(tenant_id: str) -> str:
    return entity_key(Keyspace(CONTEXT, tenant_id), "tenant", tenant_id)


def _user_key(tenant_id: str, person_id: str) -> str:
    return entity_key(Keyspace(CONTEXT, tenant_id), "user", person_id)


def _api_key_key(owner: KeyOwner) -> str:
    keyspace = Keyspace(CONTEXT, owner.tenant_id) if owner.tenant_id else SYSTEM
    return entity_key(keyspace, "api_key", owner.key_id)
