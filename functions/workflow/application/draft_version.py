"""Write a version of a table; a draft decides nothing (WFL-01)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kernel.errors import Problem, ValidationError
from kernel.storing import CommandIdentity, Remembered
from workflow.application.context import Scope, once
from workflow.domain.rules.reading import read_table
from workflow.domain.rules.scope import COMPANY
from workflow.domain.rules.table import digest
from workflow.domain.rules.versions import TableVersion


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author states. ``document`` is what ``read_table`` takes."""

    key: str
    document: Mapping[str, Any]
    valid_from: date
    valid_to: date | None = None
    scope: str = COMPANY
    note: str = ""


class DraftVersion:
    """Keep a draft; a rule that shares a table is drafted under the table's key.

    Raises: ValidationError("table_invalid") with every problem of the document.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, draft: Draft, command: CommandIdentity | None = None) -> TableVersion:
        store, table = self._scope.store, self._scope.shipped.table_of(draft.key)
        return once(
            store,
            command,
            lambda first: store.version(table, str(first.body["version_id"])),
            lambda: self._draft(table, draft, command),
        )

    def _draft(self, key: str, draft: Draft, command: CommandIdentity | None) -> TableVersion:
        if draft.valid_to is not None and draft.valid_to <= draft.valid_from:
            problem = Problem("/valid_to", "range", "The version ends before it begins.")
            raise ValidationError("invalid_input", "Some fields are wrong.", problems=[problem])
        # Kept in one spelling, so that a reader and a hash see the same.
        document = read_table(draft.document).to_dict()
        scope = self._scope
        version = TableVersion(
            id=scope.ids.new(),
            key=key,
            scope=draft.scope,
            document=document,
            sha256=digest(document),
            valid_from=draft.valid_from,
            valid_to=draft.valid_to,
            recorded_at=scope.clock.now(),
            author=scope.actor,
            note=draft.note,
        )
        unit = scope.store.unit()
        unit.add_version(version)
        if command is not None:
            unit.remember(command, Remembered(201, {"version_id": version.id}, {}))
        unit.commit()
        return scope.store.version(key, version.id)
