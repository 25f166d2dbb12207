"""Write, check and publish definitions of processes: a gate and four eyes, as for rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from kernel.errors import (
    ForbiddenError,
    NotFoundError,
    PreconditionFailedError,
    Problem,
    ValidationError,
)
from kernel.storing import CommandIdentity, Remembered
from workflow.application.context import once
from workflow.application.process_context import ProcessScope
from workflow.domain.processes.analysis import analyse
from workflow.domain.processes.definition import Definition, read_definition
from workflow.domain.processes.versions import DefinitionVersion
from workflow.domain.rules.scope import COMPANY, Scopes
from workflow.domain.rules.table import Table, digest

PROCESS_PUBLISHED: Final = "workflow.ProcessPublished.v1"


@dataclass(frozen=True, slots=True)
class DefinitionDraft:
    """What an author states. ``document`` is what ``read_definition`` takes."""

    key: str
    document: Mapping[str, Any]
    valid_from: date
    note: str = ""


class DraftDefinition:
    """Keep a draft; nothing starts by it before somebody else publishes it.

    Raises: ValidationError("definition_invalid") with every problem of its form.
    """

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(
        self, draft: DefinitionDraft, command: CommandIdentity | None = None
    ) -> DefinitionVersion:
        store = self._scope.store
        return once(
            store,
            command,
            lambda first: store.definition(str(first.body["version_id"])),
            lambda: self._draft(draft, command),
        )

    def _draft(self, draft: DefinitionDraft, command: CommandIdentity | None) -> DefinitionVersion:
        read_definition(draft.document)
        rules = self._scope.rules
        document = dict(draft.document)
        version = DefinitionVersion(
            id=rules.ids.new(),
            key=draft.key,
            scope=COMPANY,
            document=document,
            sha256=digest(document),
            valid_from=draft.valid_from,
            recorded_at=self._scope.now,
            author=rules.actor,
            note=draft.note,
        )
        unit = self._scope.store.unit()
        unit.add_definition(version)
        if command is not None:
            unit.remember(command, Remembered(201, {"version_id": version.id}, {}))
        unit.commit()
        return self._scope.store.definition(version.id)


class CheckDefinition:
    """Analyse a version: unreachable steps, dead ends, facts nobody produces, rules unknown."""

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def __call__(self, version: DefinitionVersion) -> list[Problem]:
        """Everything that speaks against it; nothing is changed."""
        return self.of(version.definition, version.valid_from)

    def of(self, definition: Definition, valid_from: date) -> list[Problem]:
        """The same for a process that is still being written."""
        known: dict[str, Table | None] = {}

        def table_of(rule: str) -> Table | None:
            if rule not in known:
                known[rule] = self._table(rule, valid_from)
            return known[rule]

        return analyse(definition, table_of)

    def _table(self, rule: str, on: date) -> Table | None:
        rules = self._scope.rules
        catalogue = rules.catalogue(rules.shipped.table_of(rule))
        try:
            return catalogue.version(rule, Scopes(), on, rules.clock.now()).table
        except NotFoundError:
            return None


class PublishDefinition:
    """Put a definition of somebody else in force; what runs keeps its own version.

    Raises: NotFoundError; ForbiddenError("four_eyes"); ConflictError("version_state");
    ValidationError("publication_refused") with one problem per finding;
    PreconditionFailedError for a stale version.
    """

    def __init__(self, scope: ProcessScope, checks: CheckDefinition) -> None:
        self._scope = scope
        self._checks = checks

    def __call__(self, version_id: str, expected: int | None = None) -> DefinitionVersion:
        scope = self._scope
        before = own(scope, version_id, expected)
        after = before.published(scope.rules.actor, scope.now)
        problems = self._checks(before)
        if problems:
            text = "The definition is not fit to run; nothing was published."
            raise ValidationError("publication_refused", text, problems=problems)
        unit = scope.store.unit()
        saved = unit.save_definition(
            before, after, "process_definition.published", {"sha256": after.sha256}
        )
        unit.publish(
            PROCESS_PUBLISHED,
            f"process_definition:{after.id}",
            {
                "version_id": after.id,
                "key": after.key,
                "valid_from": after.valid_from.isoformat(),
                "sha256": after.sha256,
            },
        )
        unit.commit()
        return saved


class MoveDefinition:
    """Hand a draft over for publication, put it aside, or take a published version out of force.

    Raises: NotFoundError; ForbiddenError("shipped"); ConflictError("version_state");
    PreconditionFailedError for a stale version.
    """

    def __init__(self, scope: ProcessScope) -> None:
        self._scope = scope

    def submit(self, version_id: str, expected: int | None = None) -> DefinitionVersion:
        """For those who may publish it."""
        before = own(self._scope, version_id, expected)
        return self._save(before, before.submitted(), "process_definition.submitted")

    def withdraw(self, version_id: str, expected: int | None = None) -> DefinitionVersion:
        """It stays in the history, and nothing starts by it."""
        before = own(self._scope, version_id, expected)
        return self._save(before, before.withdrawn(), "process_definition.withdrawn")

    def retire(self, version_id: str, expected: int | None = None) -> DefinitionVersion:
        """Nothing starts by it any more; what runs goes on."""
        before = own(self._scope, version_id, expected)
        after = before.retired(self._scope.now)
        return self._save(before, after, "process_definition.retired")

    def _save(
        self, before: DefinitionVersion, after: DefinitionVersion, action: str
    ) -> DefinitionVersion:
        unit = self._scope.store.unit()
        saved = unit.save_definition(before, after, action, {"sha256": after.sha256})
        unit.commit()
        return saved


def own(scope: ProcessScope, version_id: str, expected: int | None = None) -> DefinitionVersion:
    """A version of the company. Raises: ForbiddenError for a shipped one; NotFoundError;
    PreconditionFailedError when it is not what was read.
    """
    if scope.shipped.version(version_id) is not None:
        raise ForbiddenError("shipped", "What ships is not changed; draft a version of your own.")
    found = scope.store.definition(version_id)
    if expected is not None and expected != found.stamp.version:
        raise PreconditionFailedError("stale_version", "Somebody changed it; read it again.")
    return found
