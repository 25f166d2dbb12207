"""The store of processes on DynamoDB: one tenant, one key prefix.

Rows in ``core`` (``wfl#T#<tenant>#…``): ``PROCESS-DEFINITION#<id>`` and ``PROCESS#<id>`` with
``META`` are entities with history and audit; ``PROCESS#<id>`` / ``EVENT#<seq>`` are the events of a
process, written once. Lists (``by``): own versions under ``PROCESS-DEFINITIONS``, processes under
``PROCESSES#open`` by the start of their step and ``PROCESSES#closed`` by their end. A process that
waits for a timer is due in the list ``WORK``.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.storing import Position
from toolkit.auth import TenantContext
from toolkit.aws.due import NOT_DUE, due_at, take_due
from toolkit.aws.dynamodb import Database, Item, Keyspace
from toolkit.aws.rows import moment
from toolkit.aws.unit_of_work import META, Change, Machinery, entity_key, sequence
from workflow.adapters import process_rows, rows
from workflow.adapters.dynamodb_rules import (
    CONTEXT,
    DynamoRulesStore,
    DynamoUnit,
)
from workflow.domain.processes.head import Head
from workflow.domain.processes.instance import Event
from workflow.domain.processes.versions import DefinitionVersion
from workflow.ports import Waiting

DEFINITION: Final = "process_definition"
PROCESS: Final = "process"
WORK: Final = "WORK"
"""The list of the ``due`` index in which the work of processes waits."""
_EVENT: Final = "EVENT#"
_AGAIN: Final = timedelta(minutes=5)
"""When work comes again whose message was lost."""


class DynamoProcessUnit(DynamoUnit):
    """``ProcessUnit`` over one transaction."""

    def __init__(self, store: "DynamoProcessStore") -> None:
        super().__init__(store)
        self._queue_url = store.queue_url

    def add_definition(self, version: DefinitionVersion) -> None:
        row = rows.version_row(version)
        row["by_pk"] = self._keyspace.key("PROCESS-DEFINITIONS")
        row["by_sk"] = f"{version.key}#{version.valid_from.isoformat()}#{version.id}"
        detail = {"key": version.key, "sha256": version.sha256}
        change = Change("process_definition.drafted", version.status.value, detail=detail)
        self._unit.create(DEFINITION, version.id, row, change)

    def save_definition(
        self,
        before: DefinitionVersion,
        after: DefinitionVersion,
        action: str,
        detail: Mapping[str, Any],
    ) -> DefinitionVersion:
        changed = self._unit.change(
            self._unit.as_read(DEFINITION, before.id, before.status.value, before.stamp),
            Change(action, after.status.value, detail=detail),
            assign=rows.version_state_row(after),
        )
        content = {**rows.version_row(after), **changed}
        return rows.version_from(content, DefinitionVersion)

    def add_process(self, head: Head, events: Sequence[Event]) -> None:
        row = {**process_rows.head_row(head), **self._listed(head)}
        if head.due_at is not None:
            row |= due_at(self._keyspace, head.due_at, head.id, waits_for=WORK)
        self._unit.create(PROCESS, head.id, row, self._change(head, events, "process.started"))
        self._put(head.id, events)

    def save_process(self, before: Head, after: Head, events: Sequence[Event], action: str) -> None:
        assign = {**process_rows.head_row(after), **self._listed(after)}
        if after.due_at is not None:
            assign |= due_at(self._keyspace, after.due_at, after.id, waits_for=WORK)
        self._unit.change(
            self._unit.as_read(PROCESS, before.id, before.status.value, before.stamp),
            self._change(after, events, action),
            assign=assign,
            remove=NOT_DUE if after.due_at is None else (),
        )
        self._put(after.id, events)

    def _listed(self, head: Head) -> Item:
        place = "open" if head.is_open else "closed"
        since = head.step_since if head.is_open and head.step_since else self._unit.now
        return {
            "by_pk": self._keyspace.key("PROCESSES", place),
            "by_sk": f"{moment(since)}#{head.id}",
        }

    @staticmethod
    def _change(head: Head, events: Sequence[Event], action: str) -> Change:
        detail = {
            "definition": head.definition_id,
            "step": head.step,
            "round": head.round,
            "events": [event.id for event in events],
        }
        return Change(action, head.status.value, detail=detail)

    def _put(self, process_id: str, events: Sequence[Event]) -> None:
        pk = entity_key(self._keyspace, PROCESS, process_id)
        for event in events:
            row = {**process_rows.event_row(event), "pk": pk, "sk": _EVENT + sequence(event.seq)}
            self._unit.transaction.put_new("core", row, label=f"event:{process_id}:{event.seq}")

    def enqueue(self, message: Mapping[str, Any]) -> None:
        self._unit.enqueue(self._queue_url("work"), message)


class DynamoProcessStore(DynamoRulesStore):
    """``ProcessStore`` for one tenant."""

    def __init__(
        self, machinery: Machinery, context: TenantContext, queue_url: Callable[[str], str]
    ) -> None:
        super().__init__(machinery, context)
        self.queue_url = queue_url

    def unit(self) -> DynamoProcessUnit:
        """A new unit of work."""
        return DynamoProcessUnit(self)

    def definitions(self) -> list[DefinitionVersion]:
        listed = self._list("PROCESS-DEFINITIONS")
        return [rows.version_from(row, DefinitionVersion) for row in listed]

    def definition(self, version_id: str) -> DefinitionVersion:
        return rows.version_from(self._entity(DEFINITION, version_id), DefinitionVersion)

    def process(self, process_id: str) -> Head:
        return process_rows.head_from(self._entity(PROCESS, process_id))

    def events(self, process_id: str) -> list[Event]:
        pk = entity_key(self.keyspace, PROCESS, process_id)
        found = self.database.query_all("core", pk, prefix=_EVENT)
        return [process_rows.event_from(row) for row in found]

    def processes(
        self, *, is_open: bool, limit: int, after: Position | None
    ) -> tuple[list[Head], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("PROCESSES", "open" if is_open else "closed"),
            limit=limit,
            after=dict(after) if after else None,
            forward=is_open,
        )
        return [process_rows.head_from(row) for row in page.items], page.next_key

    def _entity(self, kind: str, identity: str) -> Item:
        """An entity by an id that may be anything. Raises: NotFoundError."""
        if not identity or "#" in identity:
            raise NotFoundError("not_found", "There is no such item.")
        row = self.database.get("core", entity_key(self.keyspace, kind, identity), META)
        if row is None:
            raise NotFoundError("not_found", "There is no such item.")
        return row


class DynamoDueWork:
    """``DueWork`` over the list ``WORK`` of the ``due`` index of ``core``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keyspace = Keyspace(CONTEXT)

    def due(self, now: datetime, limit: int) -> list[Waiting]:
        taken = take_due(
            self._database, "core", self._keyspace, now, limit=limit, push=_AGAIN, waits_for=WORK
        )
        found = [Waiting(row.tenant_id, row.kind.lower(), row.id, row.due_at) for row in taken]
        return sorted(found, key=lambda item: item.due_at)
