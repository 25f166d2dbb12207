"""Deadlines of all of a person's companies for calendar programs, behind a secret address (N15)."""

from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.errors import NotFoundError
from kernel.sensitive import Secret
from toolkit.auth import Principal, TenantContext
from workspace.application.oversee_companies import LOOK
from workspace.domain.attention import Attention, today_of
from workspace.domain.tenant import Tenant, TenantState
from workspace.domain.user import Person
from workspace.ports import Digest, SystemStore, Throttle, Tokens

PER_HOUR: Final = 60
HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class RenewDeadlineFeed:
    """Makes a new secret address; the one before stops working."""

    store: SystemStore
    tokens: Tokens
    digest: Digest

    def __call__(self, person: Person) -> Secret:
        """The token, shown this once."""
        token = self.tokens.new()
        digest = self.digest(token.reveal("store the hash of a feed"))
        unit = self.store.unit(f"user:{person.id}")
        unit.set_feed(person.id, digest)
        unit.save_person(person, person, "person.deadline_feed_renewed")
        unit.commit()
        return token


@dataclass(frozen=True, slots=True)
class EndDeadlineFeed:
    """Makes the address worthless."""

    store: SystemStore

    def __call__(self, person: Person) -> None:
        """Nothing happens when there was none."""
        unit = self.store.unit(f"user:{person.id}")
        unit.set_feed(person.id, "")
        unit.save_person(person, person, "person.deadline_feed_ended")
        unit.commit()


@dataclass(frozen=True, slots=True)
class DeadlineView:
    """A deadline of one company."""

    tenant: Tenant
    attention: Attention


@dataclass(frozen=True, slots=True)
class ShowDeadlineFeed:
    """What is due where the person may look now; companies that ask for a second factor are silent.

    Mandates are read with every request: who leaves a company loses its deadlines at once.
    """

    store: SystemStore
    clock: Clock
    digest: Digest
    throttle: Throttle

    def __call__(self, token: Secret) -> tuple[Person, list[DeadlineView]]:
        """By date. Raises: NotFoundError, whatever is wrong; TooManyRequestsError."""
        digest = self.digest(token.reveal("look up a feed"))
        self.throttle.hit("feed", digest, limit=PER_HOUR, window_seconds=HOUR)
        owner = self.store.feed_owner(digest)
        if owner is None:
            raise NotFoundError("not_found", "There is no such item.")
        person = self.store.person(owner)
        found = []
        for tenant, membership in self.store.mandates_of(person):
            may = Principal("session", person.id, roles=membership.roles).may(LOOK)
            if (
                tenant.state is TenantState.ACTIVE
                and may
                and membership.counts_on(self.clock.today(tenant.zone))
                and not tenant.demands_second_factor(membership.roles)
            ):
                company = self.store.company(TenantContext(tenant.id, f"user:{person.id}"))
                rows = today_of(company.attention(), self.clock.now()).deadlines
                found += [DeadlineView(tenant, row) for row in rows]
        found.sort(key=lambda view: (view.attention.due_on, view.tenant.id, view.attention.key))
        return person, found
