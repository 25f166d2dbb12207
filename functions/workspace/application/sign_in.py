"""Sign in with address and password. Known or unknown, right or wrong: one answer, one effort."""

from dataclasses import dataclass, replace
from typing import Final

from kernel.clock import Clock
from kernel.errors import ParseError, UnauthorizedError
from kernel.parsing import format_instant
from kernel.sensitive import Email, Secret
from toolkit.auth import TenantContext
from workspace.domain.session import Session, device_of
from workspace.domain.tenant import Tenant, TenantState
from workspace.domain.user import Company, Person, PersonState
from workspace.ports import Digest, PasswordHasher, SystemStore, Throttle, Tokens

WINDOW: Final = 900
PER_ACCOUNT: Final = 5
PER_SOURCE: Final = 20


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session and the cookie's value, which is stored nowhere."""

    token: Secret
    session: Session
    person: Person


def sign_in_refused() -> UnauthorizedError:
    """What everybody hears who does not get in."""
    return UnauthorizedError("sign_in_refused", "Address or password is wrong.")


@dataclass(frozen=True, slots=True)
class SignIn:
    """Checks the password and opens a session with a new id."""

    store: SystemStore
    clock: Clock
    hasher: PasswordHasher
    tokens: Tokens
    throttle: Throttle
    digest: Digest

    def __call__(
        self, email_text: str, password: Secret, *, source_ip: str, user_agent: str
    ) -> SignedIn:
        """Raises: UnauthorizedError("sign_in_refused"); TooManyRequestsError after five tries for
        an account or twenty from a source in a quarter of an hour.
        """
        # Counted before the password is looked at: parallel guesses count too.
        self.throttle.hit("sign-in-source", source_ip, limit=PER_SOURCE, window_seconds=WINDOW)
        account_key = self.digest(email_text.strip(" ").lower())
        self.throttle.hit("sign-in", account_key, limit=PER_ACCOUNT, window_seconds=WINDOW)
        try:
            email = Email(email_text)
        except ParseError:
            self.hasher.verify(None, password)
            raise sign_in_refused() from None
        account = self.store.account(email)
        right = self.hasher.verify(account.password_hash, password)
        person = account.person
        if not right or person is None or person.state is not PersonState.ACTIVE:
            raise sign_in_refused()
        companies = self._companies(person)
        if not companies:
            raise sign_in_refused()
        self.throttle.forgive("sign-in-source", source_ip, window_seconds=WINDOW)
        self.throttle.forgive("sign-in", account_key, window_seconds=WINDOW)
        person = self._refresh(person, companies, account.password_hash, password)
        return self._open(person, companies[0], user_agent)

    def _companies(self, person: Person) -> list[Tenant]:
        return [
            tenant
            for tenant, membership in self.store.mandates_of(person)
            if tenant.state is TenantState.ACTIVE
            and membership.counts_on(self.clock.today(tenant.zone))
        ]

    def _refresh(
        self,
        person: Person,
        companies: list[Tenant],
        password_hash: str | None,
        password: Secret,
    ) -> Person:
        """Write what a sign-in may bring up to date: names of companies, an old kind of hash."""
        names = {tenant.id: tenant.name for tenant in companies}
        fresh = tuple(
            Company(known.id, names.get(known.id, known.name)) for known in person.companies
        )
        outdated = password_hash is not None and self.hasher.is_outdated(password_hash)
        if fresh == person.companies and not outdated:
            return person
        unit = self.store.unit(f"user:{person.id}")
        if outdated:
            unit.set_password(person.id, self.hasher.hash(password))
        after = unit.save_person(person, replace(person, companies=fresh), "person.refreshed")
        unit.commit()
        return after

    def _open(self, person: Person, tenant: Tenant, user_agent: str) -> SignedIn:
        now = self.clock.now()
        token = self.tokens.new()
        session = Session(
            digest=self.digest(token.reveal("store the hash of a session id")),
            person_id=person.id,
            epoch=person.session_epoch,
            tenant_id=tenant.id,
            created_at=now,
            last_seen_at=now,
            device=device_of(user_agent),
        )
        self.store.open_session(session)
        company = self.store.company(TenantContext(tenant.id, f"user:{person.id}"))
        company.note_sign_in(person.id, format_instant(now))
        return SignedIn(token, session, person)
