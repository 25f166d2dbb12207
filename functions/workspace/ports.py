"""What the use cases of the workspace need from the outside, in the words of the domain.

Three stores, because three kinds of rows have different owners: ``CompanyStore`` belongs to one
tenant and cannot name another; ``SystemStore`` holds what exists before a tenant is known (people,
sessions, links, keys); ``SharedRecords`` reads the rows that all contexts write in one form (jobs,
history, audit chains). Everything a use case changes goes through one ``WorkspaceUnit``.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Generic, Protocol, TypeVar

from kernel.events import Event
from kernel.mailing import MailOutcome
from kernel.sensitive import Email, Secret
from kernel.storing import CommandIdentity, Position, Remembered
from toolkit.auth import TenantContext
from workspace.domain.api_key import ApiKey
from workspace.domain.attention import Attention
from workspace.domain.dead_letter import DeadLetter, Redrive
from workspace.domain.delivery import Answer as WebhookAnswer
from workspace.domain.delivery import Delivery, DueWebhook, Lane, Recovery, SentMark
from workspace.domain.hosted_sign_in import ProvedIdentity, Trip
from workspace.domain.incident import Incident, IncidentState
from workspace.domain.link import Link
from workspace.domain.message import Message
from workspace.domain.privacy import PrivacyRequest
from workspace.domain.saved_view import SavedView
from workspace.domain.seal import Head, Seal
from workspace.domain.search import Found
from workspace.domain.second_factor import SecondFactor, SignInStep
from workspace.domain.session import Session
from workspace.domain.signup import Signup, SignupState
from workspace.domain.stuck_item import StuckItem
from workspace.domain.support import SupportGrant
from workspace.domain.tenant import Tenant
from workspace.domain.user import Membership, Person
from workspace.domain.webhook import Endpoint

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list in order, and where it goes on (None at the end)."""

    items: tuple[T, ...]
    next: Position | None = None


# ---------------------------------------------------------------------------- shared records


@dataclass(frozen=True, slots=True)
class JobView:
    """Progress of long work of any context."""

    id: str
    kind: str
    status: str
    total: int
    done: int
    failed: int
    created_at: str
    finished_at: str | None
    subject: str
    result: Mapping[str, Any]
    problems: Sequence[Mapping[str, Any]]
    cancellable: bool

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One thing that happened to an item: ids, codes, states and amounts, nothing personal."""

    at: str
    actor: str
    action: str
    from_state: str
    to_state: str
    detail: Mapping[str, Any]
    correlation_id: str


@dataclass(frozen=True, slots=True)
class ChainView:
    """The audit rows of one entity in order, and the last sequence its history speaks of."""

    entity: str
    rows: tuple[Mapping[str, Any], ...]
    last_known: int


class SharedRecords(Protocol):
    """Rows of all contexts that have one form, for one tenant; read only."""

    def jobs(self, *, limit: int, before: str | None) -> Page[JobView]:
        """Jobs, newest first. ``next`` is ``{"before": id}``."""
        ...

    def job(self, job_id: str) -> JobView:
        """Raises NotFoundError for an unknown or foreign job."""
        ...

    def history(self, subject: str, *, limit: int, after: Position | None) -> Page[HistoryView]:
        """History of ``<kind>:<id>``, oldest first; empty for an unknown or foreign item."""
        ...

    def search(self, contexts: Iterable[str], query: str) -> tuple[list[Found], bool]:
        """Items of these contexts that fit a text, and whether more fit than one search reads."""
        ...

    def state_of(self, subject: str) -> str:
        """State of ``<kind>:<id>`` as its history or its job says; empty for an unknown item."""
        ...

    def chains(self, *, limit: int, after: Position | None) -> Page[ChainView]:
        """Audit chains of the tenant's entities over all contexts."""
        ...

    def heads(self, *, limit: int, after: Position | None) -> Page[Head]:
        """The last rows of the same chains, in the same order."""
        ...

    def rows_at(self, heads: Sequence[Head]) -> Mapping[tuple[str, str], Mapping[str, Any] | None]:
        """What is stored at the sequences of these heads, by context and entity."""
        ...


# ---------------------------------------------------------------------------- units of work


class WorkspaceUnit(Protocol):
    """Everything one use case writes: applied as a whole or not at all.

    ``action`` names what happened, for history and audit; ``detail`` holds ids, codes and counts,
    never personal data. A ``save_…`` holds only while the entity is what was read.
    """

    def __len__(self) -> int:
        """How many single writes it holds; the store takes at most 100."""
        ...

    def for_tenant(self, context: TenantContext) -> "WorkspaceUnit":
        """The same unit, writing for a tenant: for what belongs to a person and a company."""
        ...

    def add_tenant(self, tenant: Tenant) -> Tenant: ...
    def save_tenant(self, before: Tenant, after: Tenant, action: str) -> Tenant: ...
    def add_person(self, person: Person) -> Person:
        """Refused with ``unique:EMAIL:…`` when the address belongs to somebody."""
        ...

    def save_person(self, before: Person, after: Person, action: str) -> Person: ...
    def set_password(self, person_id: str, password_hash: str) -> None: ...
    def add_membership(self, membership: Membership, action: str) -> Membership: ...
    def save_membership(self, before: Membership, after: Membership, action: str) -> Membership: ...
    def require_unchanged(self, membership: Membership) -> None:
        """Refused with ``owner`` when somebody changed this membership since it was read."""
        ...

    def add_signup(self, signup: Signup) -> Signup: ...
    def save_signup(self, before: Signup, after: Signup, action: str) -> Signup: ...
    def reserve_numbers(self, numbers: str, person_id: str) -> None:
        """Let somebody sign in by these numbers; refused with ``unique:NUMBERS:…`` when they are
        somebody's.
        """
        ...

    def add_redrive(self, redrive: Redrive) -> Redrive: ...
    def save_redrive(self, before: Redrive, after: Redrive, action: str) -> Redrive: ...
    def link_subject(self, subject: str, person_id: str) -> None:
        """Find somebody by an account of the identity provider from now on; refused with
        ``subject`` when it is somebody's.
        """
        ...

    def add_link(self, link: Link) -> None: ...
    def add_saved_view(self, view: SavedView) -> SavedView: ...
    def save_saved_view(self, before: SavedView, after: SavedView, action: str) -> SavedView: ...
    def set_feed(self, person_id: str, digest: str) -> None:
        """The calendar feed of a person that counts; an empty one ends it."""
        ...

    def add_session(self, session: Session) -> None: ...
    def add_step(self, step: SignInStep) -> None: ...
    def use_step(self, step: SignInStep) -> None:
        """Refused with ``step`` when it was finished in the meantime."""
        ...

    def add_step_code(self, step_digest: str, attempt_id: str, code_digest: str) -> None:
        """Keep the hash of a code that is mailed for a step."""
        ...

    def add_device(self, digest: str, person_id: str, until: datetime) -> None: ...
    def save_second_factor(
        self, person_id: str, before: SecondFactor | None, after: SecondFactor
    ) -> None:
        """Refused with ``second_factor`` when it was changed in the meantime."""
        ...

    def use_link(self, link: Link) -> None:
        """Refused with ``link`` when it was used in the meantime."""
        ...

    def add_support_grant(self, grant: SupportGrant) -> SupportGrant: ...
    def save_support_grant(
        self, before: SupportGrant, after: SupportGrant, action: str, *, act: str = ""
    ) -> SupportGrant:
        """``act`` says what was looked at (``domain.support.looked_at``)."""
        ...

    def add_api_key(self, key: ApiKey, digest: str) -> ApiKey: ...
    def save_api_key(self, before: ApiKey, after: ApiKey, action: str) -> ApiKey: ...
    def add_incident(self, incident: Incident) -> Incident: ...
    def save_incident(self, before: Incident, after: Incident, action: str) -> Incident: ...
    def add_message(self, message: Message) -> Message:
        """A queued mail and the work order that sends it."""
        ...

    def save_message(
        self, before: Message, after: Message, action: str, *, enqueue: bool = False
    ) -> Message: ...
    def order_mail(self, message: Message) -> None:
        """One more work order for a queued mail whose first one was lost."""
        ...

    def require_not_suppressed(self, email: Email) -> None:
        """Refused with ``suppressed`` when nothing may be sent to this address."""
        ...

    def suppress(self, email: Email, reason: str) -> None: ...
    def request_reset(self, request_id: str, email: Email, language: str) -> None:
        """Note a wish for a new password and the work order that looks whether there is such a
        person: the same writes for everybody.
        """
        ...

    def received(self, source: str, event_id: str) -> None:
        """Refused with ``inbox`` when this event was taken before."""
        ...

    def put_attention(self, attention: Attention) -> None:
        """Join news into what is known (``domain.attention.updated``).

        Refused with ``attention`` when newer news about the same key is stored.
        """
        ...

    def log_event(self, event: Event) -> None: ...
    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None: ...
    def remember(self, command: CommandIdentity, answer: Remembered) -> None: ...
    def commit(self, *, dispatch: bool = True) -> None:
        """Write everything or nothing. Raises WriteRefusedError, ConflictError."""
        ...


# ---------------------------------------------------------------------------- stores


class CompanyStore(Protocol):
    """Reads and units of work of one tenant. There is no way to name another tenant."""

    def unit(self) -> WorkspaceUnit: ...
    def tenant(self) -> Tenant:
        """Raises NotFoundError for a tenant that does not exist."""
        ...

    def membership(self, person_id: str) -> Membership:
        """Raises NotFoundError for nobody of this company."""
        ...

    def memberships(self) -> Iterator[Membership]:
        """All memberships, removed ones included."""
        ...

    def api_key(self, key_id: str) -> ApiKey:
        """Raises NotFoundError."""
        ...

    def api_keys(self) -> Iterator[ApiKey]: ...
    def incident(self, incident_id: str) -> Incident:
        """Raises NotFoundError."""
        ...

    def incidents(
        self, state: IncidentState | None, *, limit: int, after: Position | None
    ) -> Page[Incident]:
        """Newest first; of one state, or open ones before resolved ones."""
        ...

    def message(self, message_id: str) -> Message:
        """Raises NotFoundError."""
        ...

    def messages(self, *, limit: int, after: Position | None) -> Page[Message]:
        """Newest first."""
        ...

    def support_grant(self, grant_id: str) -> SupportGrant:
        """Raises NotFoundError."""
        ...

    def support_grants(self, *, limit: int, after: Position | None) -> Page[SupportGrant]:
        """Newest first."""
        ...

    def support_of(self, person_id: str) -> SupportGrant | None:
        """The grant of an operator that was approved last."""
        ...

    def saved_view(self, view_id: str) -> SavedView:
        """Raises NotFoundError."""
        ...

    def saved_views(self) -> Iterator[SavedView]:
        """All views, removed ones included."""
        ...

    def find_attention(self, key: str) -> Attention | None: ...
    def attention(self) -> Iterator[Attention]: ...
    def events(self, *, limit: int, after: Position | None) -> Page[Event]:
        """Newest first."""
        ...

    def answered(self, command: CommandIdentity) -> Remembered | None:
        """The first answer to a command, if any. Raises ValidationError for a reused key."""
        ...

    def note_sign_in(self, person_id: str, at: str) -> None:
        """When the person was last seen in this company; no version, nothing depends on it."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in needs of a person, found or not: the work is the same for both."""

    person: Person | None
    password_hash: str | None
    second_factor: SecondFactor | None = None


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose key a secret is: the company (None for the operator's own) and the key's id."""

    tenant_id: str | None
    key_id: str


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """A wish for a new password: whose address (as a hash) and the language of the asker."""

    id: str
    email_digest: str
    language: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session in the list of its owner."""

    digest: str
    created_at: str
    device: str

    @property
    def id(self) -> str:
        """Which session is meant: a part of the hash of its cookie, which opens nothing."""
        return self.digest[:32]


class SystemStore(Protocol):
    """What exists before or beside a tenant."""

    def unit(self, actor: str) -> WorkspaceUnit:
        """A unit that writes rows of the system; ``for_tenant`` adds those of a company."""
        ...

    def company(self, context: TenantContext) -> CompanyStore: ...
    def shared(self, context: TenantContext) -> SharedRecords: ...
    def tenants(self, *, limit: int, after: Position | None) -> Page[Tenant]: ...
    def tenants_by_id(self, tenant_ids: Sequence[str]) -> Mapping[str, Tenant]: ...
    def person(self, person_id: str) -> Person:
        """Raises NotFoundError."""
        ...

    def account(self, email: Email) -> Account:
        """Person and password of an address, with the same reads when there is none."""
        ...

    def person_of(self, email: Email) -> Person | None: ...
    def person_of_digest(self, email_digest: str) -> Person | None: ...
    def person_of_numbers(self, numbers: str) -> Person | None:
        """Whose pair of accountant number and identity number has this keyed hash."""
        ...

    def person_of_subject(self, subject: str) -> str | None:
        """Whose account of the identity provider this is."""
        ...

    def account_of_numbers(self, numbers: str) -> Account:
        """As ``account``, found by the numbers."""
        ...

    def signup(self, signup_id: str) -> Signup:
        """Raises NotFoundError."""
        ...

    def signups(
        self, state: SignupState | None, *, limit: int, after: Position | None
    ) -> Page[Signup]:
        """Newest first; of one state, or waiting ones before decided ones."""
        ...

    def support_register(self, *, limit: int, after: Position | None) -> Page[tuple[str, str]]:
        """Company and id of the grants of all companies, newest first."""
        ...

    def tenant_of_support(self, grant_id: str) -> str | None: ...
    def password_hash(self, person_id: str) -> str | None: ...
    def mandates_of(self, person: Person) -> Sequence[tuple[Tenant, Membership]]:
        """Companies of a person with the memberships as they are now."""
        ...

    def standing(
        self, person_id: str, tenant_id: str
    ) -> tuple[Person | None, Membership | None, Tenant | None]:
        """Person, membership and tenant of a request in one read."""
        ...

    def link(self, digest: str) -> Link | None: ...
    def open_session(self, session: Session) -> None: ...
    def session(self, digest: str) -> Session | None: ...
    def touch_session(self, digest: str, at: datetime) -> None: ...
    def move_session(
        self,
        digest: str,
        *,
        tenant_id: str | None,
        epoch: int | None,
        second_factor: bool | None = None,
        proved_at: datetime | None = None,
    ) -> None:
        """Change the active company, the epoch or the proofs of one session."""
        ...

    def step(self, digest: str) -> SignInStep | None: ...
    def step_codes(self, step: SignInStep) -> frozenset[str]:
        """Hashes of the codes mailed for a step; two when a mail was sent a second time."""
        ...

    def device_owner(self, digest: str) -> str | None:
        """Person of a device that was proved by mail and is not forgotten yet."""
        ...

    def second_factor(self, person_id: str) -> SecondFactor | None: ...
    def feed_owner(self, digest: str) -> str | None:
        """Whose calendar feed this is; None for one that was replaced or ended."""
        ...

    def has_feed(self, person_id: str) -> bool: ...

    def close_session(self, session: Session) -> None: ...
    def sessions_of(self, person_id: str) -> list[OpenSession]:
        """Sessions opened by a person that may still live, newest first."""
        ...

    def key_owner(self, digest: str) -> KeyOwner | None: ...
    def key_standing(self, owner: KeyOwner) -> tuple[ApiKey | None, Tenant | None]:
        """Key and tenant of a request in one read."""
        ...

    def note_key_use(self, owner: KeyOwner, at: str) -> None: ...
    def reset_request(self, request_id: str) -> ResetRequest | None: ...
    def message(self, tenant_id: str, message_id: str) -> Message | None:
        """A mail of a company, or of none when ``tenant_id`` is empty."""
        ...

    def redrives(self, *, limit: int) -> Page[Redrive]:
        """Messages that operators sent back, newest first."""
        ...

    def open_incidents(self, *, limit: int, after: Position | None) -> Page[tuple[str, str]]:
        """(tenant, incident) of open incidents over all companies, oldest first."""
        ...

    def tenant_of_incident(self, incident_id: str) -> str | None: ...
    def due_messages(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """(tenant, message) of mails whose time has come; each pushed forward by condition."""
        ...


# ---------------------------------------------------------------------------- services


class PasswordHasher(Protocol):
    """Makes and checks password hashes."""

    def hash(self, password: Secret) -> str: ...
    def verify(self, password_hash: str | None, password: Secret) -> bool:
        """Whether they belong together; takes as long without a hash as with one."""
        ...

    def is_outdated(self, password_hash: str) -> bool: ...


class Tokens(Protocol):
    """Unguessable texts."""

    def new(self) -> Secret:
        """A new token of 256 bits, URL-safe."""
        ...

    def raw(self, count: int) -> bytes:
        """Random bytes."""
        ...

    def digits(self) -> str:
        """Six decimal digits, each number equally likely."""
        ...


class SecondFactorSecrets(Protocol):
    """Seals and opens the secrets of authenticators; only the ciphertext is stored."""

    def seal(self, person_id: str, factor: SecondFactor, secret: Secret) -> bytes: ...
    def open(self, person_id: str, factor: SecondFactor) -> Secret:
        """Raises SecretUnavailableError("secret_unavailable")."""
        ...


class Throttle(Protocol):
    """Counts acts per subject and window."""

    def hit(self, act: str, subject: str, *, limit: int, window_seconds: int) -> None:
        """Raises TooManyRequestsError above the limit."""
        ...

    def forgive(self, act: str, subject: str, *, window_seconds: int) -> None: ...


# Tag that every mail of this context carries and every report about it brings back.
MESSAGE_TAG: Final = "kopru-message"


class Mailer(Protocol):
    """Writes a mail in the reader's language and hands it over, once, without repeating."""

    def send(
        self, message: Message, *, to: Email, name: str, company: str, link: str, code: str
    ) -> MailOutcome:
        """``link`` or ``code`` is what the mail brings; the other is empty."""
        ...


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """Where and how a browser sends one file."""

    upload_id: str
    url: str
    fields: Mapping[str, str]


class Uploads(Protocol):
    """Makes room for files of users."""

    def ticket(
        self,
        tenant_id: str,
        upload_id: str,
        *,
        filename: str,
        content_type: str,
        size: int,
        return_to: str | None,
    ) -> UploadTicket: ...


# ---------------------------------------------------------------------------- seals


class Seals(Protocol):
    """The daily seals of one tenant."""

    def begin(self, seal: Seal) -> None:
        """A new seal and the order for its first part; refused with ``seal`` if there is one."""
        ...

    def order(self, seal: Seal) -> None: ...
    def seal(self, seal_id: str) -> Seal | None: ...
    def progress(self, seal_id: str) -> tuple[Seal, Position | None] | None:
        """The seal, and after which chain its next part begins."""
        ...

    def save(self, seal: Seal, after: Position | None) -> None:
        """One more part; orders the next one unless it is complete. Refused with ``seal``."""
        ...

    def last_complete(self, until: date | None = None) -> Seal | None:
        """The newest seal that stands, of ``until`` or an earlier day where a day is given."""
        ...

    def seals(self, *, limit: int, after: Position | None) -> Page[Seal]: ...


class SealDesk(Protocol):
    """Seals of all tenants."""

    def company(self, context: TenantContext) -> Seals: ...


class SealObjects(Protocol):
    """Storage that keeps what was written unchanged, for years."""

    def put(self, tenant_id: str, day: date, name: str, content: bytes) -> None:
        """Writing the same name again changes nothing."""
        ...

    def get(self, tenant_id: str, day: date, name: str) -> bytes | None: ...


# ---------------------------------------------------------------------------- privacy


class PrivacyUnit(WorkspaceUnit, Protocol):
    """The unit of work, with requests of people."""

    def add_privacy_request(self, request: PrivacyRequest) -> None:
        """A request and its job; refused with ``privacy_request:…`` when it is there already."""
        ...

    def save_privacy_request(self, before: PrivacyRequest, after: PrivacyRequest) -> None:
        """Its job moves along; refused with ``privacy_request:…`` when somebody was faster."""
        ...

    def note_privacy_act(self, request: PrivacyRequest, action: str) -> None:
        """Somebody looked at what came of it: history and audit know."""
        ...


class PrivacyRequests(Protocol):
    """Requests of one tenant, and the parts of copies."""

    def unit(self) -> PrivacyUnit: ...
    def request(self, request_id: str) -> PrivacyRequest:
        """Raises NotFoundError."""
        ...

    def requests(self, *, limit: int, after: Position | None) -> Page[PrivacyRequest]:
        """Newest first."""
        ...

    def part(self, request_id: str, context: str, number: int) -> list[dict[str, Any]]:
        """Records of a part of a copy. Raises NotFoundError, also when it has expired."""
        ...


class PrivacyDesk(Protocol):
    """Requests of all tenants."""

    def company(self, context: TenantContext) -> PrivacyRequests: ...
    def due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Tenant and id of requests to ask about again."""
        ...


# ---------------------------------------------------------------------------- events out


class WebhookUnit(WorkspaceUnit, Protocol):
    """The unit of work, with what goes out by webhook."""

    def add_endpoint(self, endpoint: Endpoint, secret: Secret) -> Endpoint:
        """A target and its first secret, sealed."""
        ...

    def save_endpoint(
        self, before: Endpoint, after: Endpoint, action: str, *, secret: Secret | None = None
    ) -> Endpoint:
        """Refused with ``webhook_endpoint:…`` when somebody changed it meanwhile."""
        ...

    def require_endpoint(self, endpoint: Endpoint) -> None:
        """Refused with ``endpoint`` unless the target still is what was read."""
        ...

    def note_health(self, endpoint_id: str, failing_since: datetime | None) -> None: ...
    def add_delivery(self, delivery: Delivery, mark: SentMark | None) -> Delivery:
        """A delivery for an event whose last mark was ``mark``; refused with ``mark`` when it is
        not any more.
        """
        ...

    def save_delivery(
        self, before: Delivery, after: Delivery, action: str, *, mark: SentMark | None = None
    ) -> Delivery: ...
    def save_lane(self, before: Lane, after: Lane) -> Lane:
        """Refused with ``lane`` when somebody moved it meanwhile."""
        ...

    def order_lane(self, lane: Lane) -> None: ...
    def order_waking(self, endpoint_id: str, after: str = "") -> None:
        """A work order that wakes the lanes of a target, beyond the lane ``after``."""
        ...

    def add_recovery(self, recovery: Recovery) -> None: ...
    def save_recovery(self, before: Recovery, after: Recovery, *, resent: int) -> None:
        """Refused with ``job`` when another run moved it."""
        ...

    def order_recovery(self, recovery: Recovery) -> None: ...


class Webhooks(Protocol):
    """Reads and units of work of one tenant's webhooks."""

    def unit(self) -> WebhookUnit: ...
    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Raises NotFoundError, also for one that was removed."""
        ...

    def known_endpoint(self, endpoint_id: str) -> Endpoint:
        """The target, also a removed one. Raises NotFoundError."""
        ...

    def endpoints(self) -> list[Endpoint]:
        """Oldest first."""
        ...

    def failing_since(self, endpoint_id: str) -> datetime | None: ...
    def secret(self, endpoint_id: str, version: int) -> Secret:
        """Raises SecretUnavailableError."""
        ...

    def delivery(self, delivery_id: str) -> Delivery:
        """Raises NotFoundError."""
        ...

    def deliveries(
        self, endpoint_id: str | None, *, limit: int, after: Position | None
    ) -> Page[Delivery]:
        """Newest first; of one target, the latest delivery of each event."""
        ...

    def lane(self, lane_id: str) -> Lane | None: ...
    def lanes_waiting(self, endpoint_id: str, *, limit: int, after: str) -> list[Lane]:
        """Lanes of a target with something in them, by id, beyond ``after``."""
        ...

    def event(self, event_id: str) -> Event | None:
        """An event of the log; None for one that is not there (any more)."""
        ...

    def events_between(self, after: str, until: str, *, limit: int) -> list[Event]:
        """Events whose ids lie between the two, oldest first; ``until`` is included."""
        ...

    def marks(self, endpoint_id: str, event_ids: Sequence[str]) -> Mapping[str, SentMark]: ...
    def recovery(self, job_id: str) -> Recovery | None: ...


class WebhookStore(Protocol):
    """Webhooks of all tenants."""

    def company(self, context: TenantContext) -> Webhooks: ...
    def due(self, now: datetime, limit: int) -> list[DueWebhook]: ...


class WebhookSender(Protocol):
    """Signs a notification and hands it over, once, without following where it is sent on to."""

    def send(
        self,
        url: str,
        *,
        identity: str,
        at: datetime,
        body: bytes,
        secrets: Sequence[Secret],
        deadline_seconds: float,
    ) -> WebhookAnswer: ...


class IdentityProvider(Protocol):
    """Who proves that people are who they say: ourselves, or a provider that hosts the sign-in."""

    @property
    def is_hosted(self) -> bool:
        """Whether people can sign in there."""
        ...

    def bearer(self, token: Secret) -> ProvedIdentity | None:
        """Whose access token this is; None for a token that is not good here.

        Raises: TransientGatewayError when that cannot be found out now.
        """
        ...

    def departure(self, trip: Trip, *, again: bool) -> str:
        """The address where somebody signs in, anew if ``again``; our own form's without one."""
        ...

    def arrival(self, trip: Trip, code: Secret) -> ProvedIdentity:
        """Who came back with this code.

        Raises: UnauthorizedError("hosted_sign_in_refused"), TransientGatewayError.
        """
        ...


CodeDigest = Callable[[str, str], str]
"""Keyed hash of a mailed code for one step: a million codes could be tried on a plain one."""

Digest = Callable[[str], str]
"""One-way hash under which a token is stored."""

Answer = Callable[[T], Remembered]
"""How the edge would answer with a result; stored beside the effect."""

Names = Iterable[str]


# ---------------------------------------------------------------------------- operator tools


@dataclass(frozen=True, slots=True)
class WaitingLetters:
    """How many messages a dead-letter queue holds, as far as the queue service knows."""

    queue: str
    count: int


class DeadLetterDesk(Protocol):
    """The dead-letter queues of the stack, named like ``pensions-import``."""

    def waiting(self) -> Sequence[WaitingLetters]:
        """Every queue with its count, by name."""
        ...

    def require(self, queue: str) -> None:
        """Raises NotFoundError for an unknown queue."""
        ...

    def look(self, queue: str, most: int) -> Sequence[DeadLetter]:
        """At most ``most`` letters of a queue; they stay there. Raises NotFoundError."""
        ...

    def send_back(
        self,
        queue: str,
        wanted: Collection[str] | None,
        redrive_id: str,
        most: int,
        *,
        keep: bool = False,
    ) -> int:
        """Send letters of these ids, or all, back to where they came from; says how many went.

        With ``keep`` copies go and the letters stay. What no queue wants back stays.
        Raises NotFoundError.
        """
        ...


class DueRows(Protocol):
    """What waits for its time in any context: ids and times only."""

    def older_than(self, instant: datetime, most: int) -> Sequence[StuckItem]:
        """Rows whose time passed before ``instant``, at most ``most`` of each list."""
        ...
