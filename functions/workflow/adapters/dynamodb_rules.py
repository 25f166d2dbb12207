"""The store of rules on DynamoDB: one tenant, one key prefix.

Rows in ``core`` (``wfl#T#<tenant>#…``): ``RULE-VERSION#<id>`` and ``PARAMETER#<id>`` with ``META``
are entities with history and audit; ``DECISION#<id>`` / ``META`` is written once. Lists (``by``):
versions of a table under ``TABLE#<key>``, the table keys a company uses under ``TABLES``, all
parameters under ``PARAMETERS``, decisions of a table under ``DECISIONS#<key>`` by instant. A
decision is due (``ARCHIVE``) until the archive has it; then it gets the ``ttl`` of the hot store.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from kernel.errors import NotFoundError
from kernel.storing import CommandIdentity, HistoryLine, Position, Remembered, WriteRefusedError
from toolkit.auth import TenantContext
from toolkit.aws.due import NOT_DUE, due_at, take_due
from toolkit.aws.dynamodb import Database, Item, Keyspace, exists
from toolkit.aws.history import read_history
from toolkit.aws.rows import moment
from toolkit.aws.transactions import TransactionRefusedError
from toolkit.aws.unit_of_work import META, Change, Machinery, UnitOfWork, entity_key
from toolkit.http.idempotency import Command, IdempotencyStore, StoredAnswer
from workflow.adapters import rows
from workflow.domain.rules.parameters import Parameter
from workflow.domain.rules.record import DecisionRecord
from workflow.domain.rules.versions import TableVersion
from workflow.ports import DueDecision

CONTEXT: Final = "wfl"
VERSION: Final = "rule_version"
PARAMETER: Final = "parameter"
DECISION: Final = "decision"
_ARCHIVE: Final = "ARCHIVE"
_AGAIN: Final = timedelta(minutes=15)
_UNKNOWN: Final = ("not_found", "There is no such item.")


class DynamoUnit:
    """``RulesUnit`` over one transaction."""

    def __init__(self, store: "DynamoRulesStore") -> None:
        self._store = store
        self._keyspace = store.keyspace
        self._unit = UnitOfWork(store.machinery, store.keyspace, store.context)

    def add_version(self, version: TableVersion) -> None:
        row = rows.version_row(version)
        row["by_pk"] = self._keyspace.key("TABLE", version.key)
        row["by_sk"] = f"V#{version.valid_from.isoformat()}#{version.id}"
        detail = {"key": version.key, "scope": version.scope, "sha256": version.sha256}
        change = Change("rule_version.drafted", version.status.value, detail=detail)
        self._unit.create(VERSION, version.id, row, change)
        # One row per table, overwritten with itself: which tables a company has versions of.
        listed = {"by_pk": self._keyspace.key("TABLES"), "by_sk": version.key}
        self._unit.transaction.update(
            "core", self._keyspace.key("TABLE-NAME", version.key), META, assign=listed
        )

    def save_version(
        self, before: TableVersion, after: TableVersion, action: str, detail: Mapping[str, Any]
    ) -> TableVersion:
        changed = self._unit.change(
            self._unit.as_read(VERSION, before.id, before.status.value, before.stamp),
            Change(action, after.status.value, detail=detail),
            assign=rows.version_state_row(after),
        )
        content = rows.version_row(after)
        return rows.version_from({**content, **changed}, TableVersion)

    def add_parameter(self, parameter: Parameter) -> None:
        row = rows.parameter_row(parameter)
        row["by_pk"] = self._keyspace.key("PARAMETERS")
        row["by_sk"] = f"{parameter.key}#{parameter.id}"
        detail = {"key": parameter.key, "scope": parameter.scope}
        change = Change("parameter.recorded", "recorded", detail=detail)
        self._unit.create(PARAMETER, parameter.id, row, change)

    def add_decision(self, record: DecisionRecord) -> None:
        row = rows.decision_row(record)
        row["pk"] = entity_key(self._keyspace, DECISION, record.id)
        row["sk"] = META
        row["by_pk"] = self._keyspace.key("DECISIONS", record.table)
        row["by_sk"] = f"{moment(record.decided_at)}#{record.id}"
        row |= due_at(self._keyspace, record.decided_at, record.id, waits_for=_ARCHIVE)
        self._unit.transaction.put_new("core", row, label=f"decision:{record.id}")

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        self._unit.publish(event_type, subject, data)

    def remember(self, command: CommandIdentity, answer: Remembered) -> None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        stored = StoredAnswer(answer.status, answer.body, answer.headers)
        self._store.idempotency.record(self._unit, command, stored)

    def commit(self) -> None:
        try:
            self._unit.commit()
        except TransactionRefusedError as error:
            raise WriteRefusedError([item.label for item in error.refused]) from error


class DynamoRulesStore:
    """``RulesStore`` for one tenant."""

    def __init__(self, machinery: Machinery, context: TenantContext) -> None:
        self.machinery = machinery
        self.database: Database = machinery.database
        self.context = context
        self.keyspace = Keyspace(CONTEXT, context.tenant_id)
        self.idempotency = IdempotencyStore(self.database, self.keyspace)

    def unit(self) -> DynamoUnit:
        """A new unit of work."""
        return DynamoUnit(self)

    def _list(self, *segments: str) -> list[Item]:
        # A segment that could be no key of ours has no rows.
        if any(not segment or "#" in segment for segment in segments):
            return []
        return list(self.database.list_all(self.keyspace.key(*segments)))

    def _row(self, kind: str, identity: str) -> Item:
        row = self.database.get("core", entity_key(self.keyspace, kind, identity), META)
        if row is None:
            raise NotFoundError(*_UNKNOWN)
        return row

    def versions(self, table: str) -> list[TableVersion]:
        return [rows.version_from(row, TableVersion) for row in self._list("TABLE", table)]

    def version(self, table: str, version_id: str) -> TableVersion:
        if "#" in version_id:
            raise NotFoundError(*_UNKNOWN)
        found = rows.version_from(self._row(VERSION, version_id), TableVersion)
        if found.key != table:
            raise NotFoundError(*_UNKNOWN)
        return found

    def tables(self) -> list[str]:
        return [row["by_sk"] for row in self._list("TABLES")]

    def parameters(self) -> list[Parameter]:
        return [rows.parameter_from(row) for row in self._list("PARAMETERS")]

    def decision(self, decision_id: str) -> DecisionRecord:
        return rows.decision_from(self._row(DECISION, decision_id))

    def decisions(
        self, table: str, *, limit: int, after: Position | None
    ) -> tuple[list[DecisionRecord], Position | None]:
        page = self.database.list_rows(
            self.keyspace.key("DECISIONS", table),
            limit=limit,
            after=dict(after) if after else None,
            forward=False,
        )
        return [rows.decision_from(row) for row in page.items], page.next_key

    def decided_between(
        self, table: str, first: date, last: date, limit: int
    ) -> list[DecisionRecord]:
        found: list[DecisionRecord] = []
        after: Item | None = None
        end = (last + timedelta(days=1)).isoformat()
        while len(found) < limit:
            page = self.database.list_rows(
                self.keyspace.key("DECISIONS", table),
                up_to=end,
                after=after,
                limit=min(100, limit - len(found)),
                forward=False,
            )
            for row in page.items:
                if row["by_sk"] < first.isoformat():
                    return found
                found.append(rows.decision_from(row))
            after = page.next_key
            if after is None:
                break
        return found

    def archived(self, decision_id: str, forget_at: datetime) -> None:
        self.database.update(
            "core",
            entity_key(self.keyspace, DECISION, decision_id),
            META,
            assign={"ttl": int(forget_at.timestamp())},
            remove=NOT_DUE,
            when=exists(),
        )

    def history(self, subject: str) -> list[HistoryLine]:
        entries, _ = read_history(self.database, CONTEXT, self.context.tenant_id, subject)
        return [
            HistoryLine(
                entry.at, entry.actor, entry.action, entry.from_state, entry.to_state, entry.detail
            )
            for entry in entries
        ]

    def answered(self, command: CommandIdentity) -> Remembered | None:
        assert isinstance(command, Command)  # noqa: S101  (the edge makes no other)
        now = int(self.machinery.clock.now().timestamp())
        found = self.idempotency.find(command, now_seconds=now)
        return Remembered(found.status, found.body, found.headers) if found else None


class DynamoDueDecisions:
    """``DueDecisions`` over the ``due`` index of ``core``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keyspace = Keyspace(CONTEXT)

    def take(self, now: datetime, limit: int) -> list[DueDecision]:
        """The oldest decisions that wait."""
        taken = take_due(
            self._database, "core", self._keyspace, now,
            limit=limit, push=_AGAIN, waits_for=_ARCHIVE,
        )  # fmt: skip
        found = [DueDecision(row.id, row.tenant_id, row.due_at) for row in taken]
        return sorted(found, key=lambda item: item.due_at)
