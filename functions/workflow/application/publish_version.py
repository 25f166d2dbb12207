"""Check, submit, publish and retire versions: four eyes and a gate (WFL-02)."""

from datetime import date
from typing import Final

from kernel.errors import PreconditionFailedError, ValidationError
from workflow.application.context import Scope
from workflow.domain.rules.gate import Check, check
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.table import Table
from workflow.domain.rules.versions import TableVersion

RULE_PUBLISHED: Final = "workflow.RulePublished.v1"
RULE_RETIRED: Final = "workflow.RuleRetired.v1"


class CheckVersion:
    """Analyse a version and run its stored cases; changes nothing."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, version: TableVersion) -> Check:
        """Everything a publisher must know, from the version's first day on, with its own cases."""
        return self.of(version.table, version.valid_from, version.scope)

    def of(self, table: Table, valid_from: date, scope: str) -> Check:
        """The same for a table that is still being written."""
        mine = self._scope
        catalogue = mine.shipped.plus(parameters=mine.store.parameters())
        world = mine.world(catalogue, valid_from, mine.clock.now(), Scopes.around(scope))
        return check(table, world)


class PublishVersion:
    """Put a version in force; what it decided before stays decided.

    Raises: ForbiddenError("four_eyes"); ConflictError("version_state");
    ValidationError("publication_refused") with one problem per overlap, gap and failing case;
    PreconditionFailedError for a stale version.
    """

    def __init__(self, scope: Scope, checks: CheckVersion) -> None:
        self._scope = scope
        self._checks = checks

    def __call__(self, key: str, version_id: str, expected: int | None = None) -> TableVersion:
        scope = self._scope
        before = scope.version(scope.shipped.table_of(key), version_id)
        _same(before, expected)
        after = before.published(scope.actor, scope.clock.now())
        found = self._checks(before)
        if not found.passes:
            raise ValidationError(
                "publication_refused",
                "The table is not fit to decide; nothing was published.",
                problems=found.refusals,
            )
        unit = scope.store.unit()
        saved = unit.save_version(
            before,
            after,
            "rule_version.published",
            {"sha256": after.sha256, "author": after.author},
        )
        unit.publish(
            RULE_PUBLISHED,
            f"rule_version:{after.id}",
            {
                "version_id": after.id,
                "key": after.key,
                "scope": after.scope,
                "valid_from": after.valid_from.isoformat(),
                "sha256": after.sha256,
            },
        )
        unit.commit()
        return saved


class SubmitVersion:
    """Hand a draft over to those who may publish it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, key: str, version_id: str, expected: int | None = None) -> TableVersion:
        scope = self._scope
        before = scope.version(scope.shipped.table_of(key), version_id)
        _same(before, expected)
        unit = scope.store.unit()
        saved = unit.save_version(before, before.submitted(), "rule_version.submitted", {})
        unit.commit()
        return saved


class WithdrawVersion:
    """Put a draft aside; it stays in the history and decides nothing."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, key: str, version_id: str, expected: int | None = None) -> TableVersion:
        scope = self._scope
        before = scope.store.version(scope.shipped.table_of(key), version_id)
        _same(before, expected)
        unit = scope.store.unit()
        saved = unit.save_version(before, before.withdrawn(), "rule_version.withdrawn", {})
        unit.commit()
        return saved


class RetireVersion:
    """Take a published version out of force; a shipped one cannot be retired, only outdone."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, key: str, version_id: str, expected: int | None = None) -> TableVersion:
        scope = self._scope
        before = scope.store.version(scope.shipped.table_of(key), version_id)
        _same(before, expected)
        after = before.retired(scope.clock.now())
        unit = scope.store.unit()
        saved = unit.save_version(before, after, "rule_version.retired", {})
        unit.publish(
            RULE_RETIRED,
            f"rule_version:{after.id}",
            {
                "version_id": after.id,
                "key": after.key,
                "scope": after.scope,
                "valid_from": after.valid_from.isoformat(),
                "sha256": after.sha256,
            },
        )
        unit.commit()
        return saved


def _same(version: TableVersion, expected: int | None) -> None:
    if expected is not None and expected != version.stamp.version:
        raise PreconditionFailedError(
            "stale_version", "Somebody changed the version; read it again."
        )
