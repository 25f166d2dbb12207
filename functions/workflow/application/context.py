"""What every use case of this context is built from: the tenant's store, packs, time and ids."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol, TypeVar

from kernel.business_days import Calendar
from kernel.clock import Clock
from kernel.errors import ConflictError
from kernel.ids import IdSource
from kernel.storing import CommandIdentity, Remembered, WriteRefusedError
from workflow.domain.rules.catalogue import Catalogue
from workflow.domain.rules.parameters import Parameter, World
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.versions import TableVersion
from workflow.ports import PersonalFacts, RulesStore, Stopwatch

ZONE: Final = "Europe/Istanbul"
"""Business dates of the packs: all rules are Turkish."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """The world of one use case, for one tenant and one caller."""

    tenant_id: str
    actor: str
    correlation_id: str
    store: RulesStore
    clock: Clock
    ids: IdSource
    shipped: Catalogue
    calendar: Calendar
    stopwatch: Stopwatch
    personal: PersonalFacts

    @property
    def today(self) -> date:
        """Business date of now."""
        return self.clock.today(ZONE)

    def catalogue(self, table: str) -> Catalogue:
        """Shipped and own versions of one table, shipped and own parameters."""
        own = self.store.versions(table)
        return self.shipped.plus(own, self.store.parameters())

    def version(self, table: str, version_id: str) -> TableVersion:
        """A version of a table by its id, shipped or own. Raises: NotFoundError."""
        for version in self.shipped.versions.get(table, ()):
            if version.id == version_id:
                return version
        return self.store.version(table, version_id)

    def facts_of(self, record: DecisionRecord) -> Mapping[str, Any]:
        """The facts of a decision with the personal ones opened: to decide again, never to show.

        Raises: KopruError("secret_unavailable") where they cannot be opened.
        """
        return {**record.facts, **self.personal.open(record.id, record.sealed)}

    def world(
        self,
        catalogue: Catalogue,
        valid_on: date,
        known_on: datetime,
        scopes: Scopes,
        more: Iterable[Parameter] = (),
    ) -> World:
        """What a decision depends on beside its facts."""
        known = catalogue.parameters.plus(more)
        return World(known, valid_on, known_on, self.calendar, scopes)


class Remembering(Protocol):
    """What knows the first answer to a command."""

    def answered(self, command: CommandIdentity) -> Remembered | None: ...


def once(
    store: Remembering,
    command: CommandIdentity | None,
    repeat: Callable[[Remembered], T],
    act: Callable[[], T],
) -> T:
    """Do something once per ``Idempotency-Key``: a repetition gets what the first one made.

    Raises: ValidationError("idempotency_key_reused"); ConflictError while others win again.
    """
    if command is None:
        return act()
    known = store.answered(command)
    if known is not None:
        return repeat(known)
    try:
        return act()
    except WriteRefusedError as error:
        if not error.refused("idempotency"):
            raise
        known = store.answered(command)
        if known is None:
            raise ConflictError("conflict", "Somebody sent the same at the same time.") from error
        return repeat(known)
