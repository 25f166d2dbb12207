"""The way into the portal: invitation, password, session. Opening a link only shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.errors import NotFoundError, ParseError, Problem, UnauthorizedError, ValidationError
from kernel.passwords import check_password
from kernel.sensitive import Secret
from kernel.storing import WriteRefusedError
from reconciliation.domain.access import (
    AccessState,
    PortalAccess,
    PortalSession,
    typed_user_name,
)
from reconciliation.domain.counterparty import Counterparty
from reconciliation.domain.visit import Visit, Visitor
from reconciliation.ports import (
    AccessDirectory,
    AccessStore,
    Digest,
    InvitationTokens,
    PasswordHasher,
    ReconciliationStore,
    Throttle,
    Tokens,
)

WINDOW: Final = 900
PER_ACCOUNT: Final = 5
PER_SOURCE: Final = 20
LINK_LIMIT: Final = 10
LINK_WINDOW: Final = 3_600
_NOBODY: Final = "0" * 26


@dataclass(frozen=True, slots=True)
class Stores:
    """What the entry reads of one tenant."""

    access: AccessStore
    books: ReconciliationStore


StoresOf = Callable[[str, str], Stores]
"""Stores of a tenant, for an actor."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A counterparty behind a link or a session.

    Shapes: ``session`` is None while it only holds a link.
    """

    tenant_id: str
    counterparty: Counterparty
    access: PortalAccess
    session: PortalSession | None = None

    @property
    def actor(self) -> str:
        """How it stands in history."""
        return f"counterparty:{self.counterparty.id}"


def link_invalid() -> NotFoundError:
    """One answer for a wrong, used or expired link."""
    return NotFoundError(
        "portal_link_invalid", "This link was used already or is too old. Ask for a new one."
    )


def sign_in_refused() -> UnauthorizedError:
    """What everybody hears who does not get in."""
    return UnauthorizedError("portal_sign_in_refused", "User name or password is wrong.")


@dataclass(frozen=True, slots=True)
class ShowInvitation:
    """Reads what an invitation leads to, and labels the visit."""

    tokens: InvitationTokens
    stores_of: StoresOf
    clock: Clock

    def __call__(self, token: Secret, visit: Visit | None = None) -> Guest:
        """Raises: NotFoundError("portal_link_invalid"), whatever the reason."""
        read = self.tokens.read(token.reveal("open an invitation"))
        if read is None:
            raise link_invalid()
        tenant_id, counterparty_id, generation = read
        stores = self.stores_of(tenant_id, f"counterparty:{counterparty_id}")
        access = stores.access.access(counterparty_id)
        now = self.clock.now()
        if access is None or access.generation != generation or not access.has_open_invitation(now):
            raise link_invalid()
        try:
            counterparty = stores.books.counterparty(counterparty_id)
        except NotFoundError:
            raise link_invalid() from None
        if visit is not None:
            stores.access.note_visit(f"access:{counterparty_id}", visit)
        return Guest(tenant_id, counterparty, access)


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    """Chooses the password of an access; the link is used up and every open session ends."""

    show: ShowInvitation
    stores_of: StoresOf
    hasher: PasswordHasher
    throttle: Throttle
    digest: Digest
    clock: Clock

    def __call__(self, token: Secret, password: Secret) -> PortalAccess:
        """Raises: NotFoundError("portal_link_invalid"); ValidationError for the password;
        TooManyRequestsError after ten tries in an hour.
        """
        subject = self.digest(token.reveal("count tries of a link"))
        self.throttle.hit("portal-link", subject, limit=LINK_LIMIT, window_seconds=LINK_WINDOW)
        guest = self.show(token)
        hashed = self.hasher.hash(_checked(password, guest.counterparty))
        stores = self.stores_of(guest.tenant_id, guest.actor)
        now = self.clock.now()
        try:
            return stores.access.save(
                guest.access, guest.access.set_up(hashed, now), "portal_access.set_up", {}
            )
        except WriteRefusedError:
            raise link_invalid() from None


def _checked(password: Secret, counterparty: Counterparty) -> Secret:
    words = (counterparty.fields.title, counterparty.fields.code)
    try:
        check_password(password.reveal("password rule"), words=words)
    except ParseError as error:
        problem = Problem("/password", error.code.lower(), error.message)
        raise ValidationError(
            "invalid_input", "Some fields are wrong.", problems=[problem]
        ) from None
    return password


@dataclass(frozen=True, slots=True)
class SignIn:
    """Opens a session. Known or unknown, right or wrong: one answer, one effort."""

    directory: AccessDirectory
    stores_of: StoresOf
    hasher: PasswordHasher
    tokens: Tokens
    throttle: Throttle
    digest: Digest
    clock: Clock

    def __call__(self, typed: str, password: Secret, *, source_ip: str) -> Secret:
        """The cookie's value, which is stored nowhere.

        Raises: UnauthorizedError("portal_sign_in_refused"); TooManyRequestsError after five tries
        for a user name or twenty from a source in a quarter of an hour.
        """
        # Counted before the password is looked at: parallel guesses count too.
        self.throttle.hit("portal-source", source_ip, limit=PER_SOURCE, window_seconds=WINDOW)
        user_name = typed_user_name(typed)
        subject = self.digest(user_name or typed)
        self.throttle.hit("portal-user", subject, limit=PER_ACCOUNT, window_seconds=WINDOW)
        owner = self.directory.owner_of(user_name or _NOBODY)
        # An unknown name costs the same reads and the same hash as a known one.
        tenant_id, counterparty_id = owner or (_NOBODY, _NOBODY)
        stores = self.stores_of(tenant_id, f"counterparty:{counterparty_id}")
        access = stores.access.access(counterparty_id)
        known = access.password_hash if access else ""
        right = self.hasher.verify(known or None, password)
        if not right or owner is None or access is None or access.state is not AccessState.ACTIVE:
            raise sign_in_refused()
        self.throttle.forgive("portal-source", source_ip, window_seconds=WINDOW)
        self.throttle.forgive("portal-user", subject, window_seconds=WINDOW)
        now = self.clock.now()
        token = self.tokens.new()
        digest = self.digest(token.reveal("store the hash of a session id"))
        session = PortalSession(digest, tenant_id, counterparty_id, access.session_epoch, now, now)
        self.directory.open_session(session)
        stores.access.note_seen(counterparty_id, now)
        return token


@dataclass(frozen=True, slots=True)
class Recognise:
    """Reads session, access and account card now; nothing is remembered between requests."""

    directory: AccessDirectory
    stores_of: StoresOf
    digest: Digest
    clock: Clock

    def __call__(self, token: Secret) -> Guest | None:
        """Who holds this cookie, or None for a session that is not alive."""
        session = self.directory.session(self.digest(token.reveal("look up a session")))
        if session is None:
            return None
        stores = self.stores_of(session.tenant_id, f"counterparty:{session.counterparty_id}")
        access = stores.access.access(session.counterparty_id)
        now = self.clock.now()
        if access is None or not session.is_alive(now, access):
            return None
        try:
            counterparty = stores.books.counterparty(session.counterparty_id)
        except NotFoundError:
            return None
        if session.needs_touch(now):
            self.directory.touch_session(session.digest, now)
            stores.access.note_seen(session.counterparty_id, now)
        return Guest(session.tenant_id, counterparty, access, session)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Mails a new link to the address the books know. Known or unknown: one answer.

    ``order`` gives the work to the worker, so that both take as long.
    """

    directory: AccessDirectory
    order: Callable[[str, str], None]
    throttle: Throttle
    digest: Digest

    def __call__(self, typed: str, *, source_ip: str) -> None:
        """Raises: TooManyRequestsError after five wishes of a source or three for a name a day."""
        self.throttle.hit("portal-forgotten-source", source_ip, limit=5, window_seconds=86_400)
        user_name = typed_user_name(typed)
        subject = self.digest(user_name or typed)
        self.throttle.hit("portal-forgotten", subject, limit=3, window_seconds=86_400)
        owner = self.directory.owner_of(user_name or _NOBODY)
        if owner is not None:
            self.order(*owner)


def opened(visits: list[Visit]) -> Visit | None:
    """The first visit of a person; machines never count as one who read."""
    return next((visit for visit in visits if visit.visitor is Visitor.PERSON), None)
