"""Try a version before it counts: on cases, and on decisions of the past (WFL-02)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from kernel.errors import NotFoundError, Problem, ValidationError
from workflow.application.context import Scope
from workflow.domain.rules.catalogue import Catalogue
from workflow.domain.rules.evaluation import Decision, evaluate
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.simulation import Comparison, Situation, compare
from workflow.domain.rules.table import Table
from workflow.domain.rules.versions import TableVersion

MOST: Final = 1000
"""Situations of one comparison."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a version says of facts; nothing of it is kept."""

    version: TableVersion
    decision: Decision
    valid_on: date


class TryVersion:
    """Decide on facts with a version, or with the one in force, and keep nothing.

    Raises: what a decision raises.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(
        self,
        key: str,
        facts: Mapping[str, Any],
        *,
        version_id: str = "",
        valid_on: date | None = None,
        scopes: Scopes | None = None,
    ) -> Tried:
        """Without a date it is today; without a version the one that counts in ``scopes``."""
        scope = self._scope
        table, on, now = scope.shipped.table_of(key), valid_on or scope.today, scope.clock.now()
        catalogue, place = scope.catalogue(table), scopes or Scopes()
        if version_id:
            version = scope.version(table, version_id)
        else:
            version = catalogue.version(table, place, on, now)
        decision = evaluate(version.table, facts, scope.world(catalogue, on, now, place))
        return Tried(version, decision, on)


class SimulateVersion:
    """Decide cases with a version and with what is in force on its first day."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, key: str, version_id: str, cases: Sequence[Mapping[str, Any]]) -> Comparison:
        """Cases are plain facts; they are numbered from 1."""
        scope = self._scope
        table = scope.shipped.table_of(key)
        version = scope.version(table, version_id)
        catalogue = scope.catalogue(table)
        scopes = Scopes.around(version.scope)
        world = scope.world(catalogue, version.valid_from, scope.clock.now(), scopes)
        situations = [Situation(str(n), facts, world) for n, facts in enumerate(cases, 1)]
        published = _published(catalogue, table, scopes, version.valid_from, scope)
        return compare(version.table, published, situations)


class BackTestVersion:
    """Decide recorded facts again with a version, each with its own date and knowledge.

    Raises: ValidationError for days in the wrong order.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, key: str, version_id: str, first: date, last: date) -> Comparison:
        """The newest 1,000 decisions of these days, against what is published for the first day
        of the version.
        """
        if last < first:
            problem = Problem("/to", "range", "The last day is before the first.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        scope = self._scope
        table = scope.shipped.table_of(key)
        version = scope.version(table, version_id)
        catalogue = scope.catalogue(table)
        situations = [
            Situation(
                record.id,
                scope.facts_of(record),
                scope.world(catalogue, record.valid_on, record.known_on, record.scopes),
            )
            for record in scope.store.decided_between(table, first, last, MOST)
        ]
        published = _published(
            catalogue, table, Scopes.around(version.scope), version.valid_from, scope
        )
        return compare(version.table, published, situations)


def _published(
    catalogue: Catalogue, table: str, scopes: Scopes, on: date, scope: Scope
) -> Table | None:
    try:
        return catalogue.version(table, scopes, on, scope.clock.now()).table
    except NotFoundError:
        return None
