"""Sign in with an account of the identity provider: there, and back with a session of ours."""

from dataclasses import dataclass

from kernel.sensitive import Secret
from kernel.storing import WriteRefusedError
from workspace.application.entrance import PER_SOURCE, WINDOW, Entrance, SignedIn, StepNeeded
from workspace.domain.hosted_sign_in import ProvedIdentity, Trip, hosted_refused
from workspace.domain.second_factor import StepMethod
from workspace.domain.user import Person, PersonState
from workspace.ports import IdentityProvider, Throttle, Tokens

ACT = "hosted-source"


@dataclass(frozen=True, slots=True)
class StartHostedSignIn:
    """Begins a trip; nothing is stored."""

    provider: IdentityProvider
    tokens: Tokens

    def __call__(self, *, again: bool = False) -> tuple[Trip, str]:
        """The trip and the address it leads to; ``again`` asks for a new proof even there."""
        trip = Trip(self.tokens.new())
        return trip, self.provider.departure(trip, again=again)


@dataclass(frozen=True, slots=True)
class FinishHostedSignIn:
    """Turns what the provider hands back into a session, or into the second step before it."""

    entrance: Entrance
    provider: IdentityProvider
    throttle: Throttle

    def __call__(
        self, trip: Trip, *, state: str, code: Secret, source_ip: str, user_agent: str
    ) -> SignedIn | StepNeeded:
        """Raises: UnauthorizedError("hosted_sign_in_refused") for another browser's return, a code
        the provider does not know, or somebody who is nobody here; UnauthorizedError(
        "sign_in_refused") for somebody without a company; TooManyRequestsError after twenty
        returns from a source in a quarter of an hour; TransientGatewayError when the provider is
        not reached.
        """
        if not trip.came_back(state):
            raise hosted_refused()
        self.throttle.hit(ACT, source_ip, limit=PER_SOURCE, window_seconds=WINDOW)
        identity = self.provider.arrival(trip, code)
        door = self.entrance
        person = self._person(identity)
        companies = door.companies(person)
        first = door.first_of(person, companies)
        self.throttle.forgive(ACT, source_ip, window_seconds=WINDOW)
        person = door.refresh(person, companies, None, Secret(""))
        factor = door.store.second_factor(person.id)
        if factor is not None and factor.is_active and not identity.second_factor:
            return door.ask(person, StepMethod.TOTP)
        return door.open(
            person,
            first,
            user_agent,
            second_factor=identity.second_factor,
            proved_at=identity.proved_at,
        )

    def _person(self, identity: ProvedIdentity) -> Person:
        store = self.entrance.store
        known = store.person_of_subject(identity.subject)
        if known is None and identity.email is not None:
            found = store.person_of(identity.email)
            if found is not None and found.state is PersonState.ACTIVE:
                return self._linked(identity, found)
        person = store.person(known) if known is not None else None
        if person is None or person.state is not PersonState.ACTIVE:
            raise hosted_refused()
        return person

    def _linked(self, identity: ProvedIdentity, person: Person) -> Person:
        """The same person, found by this account from now on."""
        unit = self.entrance.store.unit(f"user:{person.id}")
        unit.link_subject(identity.subject, person.id)
        after = unit.save_person(person, person, "person.account_linked")
        try:
            unit.commit()
        except WriteRefusedError as error:
            if not error.refused("subject"):
                raise
            # The same account came back twice at once: the other return linked it.
            return self.entrance.store.person(person.id)
        return after
