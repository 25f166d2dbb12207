"""What every way in ends with: a session, or one more step before it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from kernel.clock import Clock
from kernel.errors import UnauthorizedError
from kernel.ids import IdSource
from kernel.parsing import format_instant
from kernel.sensitive import Secret
from toolkit.auth import TenantContext
from workspace.domain.message import Message, MessageKind
from workspace.domain.second_factor import STEP_LIFETIME, SignInStep, StepMethod
from workspace.domain.session import Session, device_of
from workspace.domain.tenant import Tenant, TenantState
from workspace.domain.user import Company, Person
from workspace.ports import Digest, PasswordHasher, SystemStore, Tokens, WorkspaceUnit

WINDOW: Final = 900
PER_ACCOUNT: Final = 5
PER_SOURCE: Final = 20


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session and the cookie's value, which is stored nowhere."""

    token: Secret
    session: Session
    person: Person


@dataclass(frozen=True, slots=True)
class StepNeeded:
    """The password was right; the token leads to the second step."""

    token: Secret
    method: StepMethod


@dataclass(frozen=True, slots=True)
class Entrance:
    """Opens sessions and second steps for people whose password was checked."""

    store: SystemStore
    clock: Clock
    ids: IdSource
    hasher: PasswordHasher
    tokens: Tokens
    digest: Digest

    def companies(self, person: Person) -> list[Tenant]:
        """Companies the person may work for now, in the order of joining."""
        return [
            tenant
            for tenant, membership in self.store.mandates_of(person)
            if tenant.state is TenantState.ACTIVE
            and membership.counts_on(self.clock.today(tenant.zone))
        ]

    def refresh(
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

    def ask(self, person: Person, method: StepMethod) -> StepNeeded:
        """Begin the second step; for ``MAIL`` the code is on its way, made when the mail leaves."""
        token = self.tokens.new()
        digest = self.digest(token.reveal("store the hash of a step"))
        ends = self.clock.now() + STEP_LIFETIME
        unit = self.store.unit(f"user:{person.id}")
        unit.add_step(SignInStep(digest, person.id, person.session_epoch, method, ends))
        if method is StepMethod.MAIL:
            unit.add_message(
                Message(
                    self.ids.new(),
                    "",
                    MessageKind.SIGN_IN_CODE,
                    person.id,
                    person.language,
                    params={"step": digest},
                )
            )
        unit.commit()
        return StepNeeded(token, method)

    def first_of(self, person: Person, companies: list[Tenant]) -> str:
        """The company somebody begins in; an operator may work for none, with an empty id.

        Raises: UnauthorizedError("sign_in_refused") for everybody else without a company.
        """
        if companies:
            return companies[0].id
        if person.operator:
            return ""
        raise sign_in_refused()

    def open(
        self,
        person: Person,
        tenant_id: str,
        user_agent: str,
        *,
        second_factor: bool = False,
        proved_at: datetime | None = None,
        unit: WorkspaceUnit | None = None,
    ) -> SignedIn:
        """A session with a new id; with ``unit`` in the transaction that finishes a step.

        ``proved_at`` is when somebody proved who they are elsewhere, None for here and now.
        """
        now = self.clock.now()
        token = self.tokens.new()
        session = Session(
            digest=self.digest(token.reveal("store the hash of a session id")),
            person_id=person.id,
            epoch=person.session_epoch,
            tenant_id=tenant_id,
            created_at=now,
            last_seen_at=now,
            device=device_of(user_agent),
            second_factor=second_factor,
            proved_at=proved_at,
        )
        if unit is None:
            self.store.open_session(session)
        else:
            unit.add_session(session)
            unit.commit()
        if tenant_id:
            company = self.store.company(TenantContext(tenant_id, f"user:{person.id}"))
            company.note_sign_in(person.id, format_instant(now))
        return SignedIn(token, session, person)


def sign_in_refused() -> UnauthorizedError:
    """What everybody hears who does not get in."""
    return UnauthorizedError("sign_in_refused", "Address or password is wrong.")
