"""Cases, statements and remarks on DynamoDB: the part of store and unit that they need.

Rows in ``core``: ``PORTAL-STATEMENT#<id>`` and ``PORTAL-CASE#<letter>`` are entities;
``PORTAL-STATEMENTS-OF#<letter>`` / ``<at>#<id>`` lists statements, ``PORTAL-NOTES#<letter>`` /
``<id>`` are remarks. All begin with ``PORTAL-``, because the door of counterparties may write
nothing else.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from kernel.errors import NotFoundError
from reconciliation.adapters.parts import ReadPart, WritePart
from reconciliation.domain.difference import (
    Case,
    CaseState,
    FileState,
    LineNote,
    Run,
    Side,
    TheirStatement,
)
from toolkit.aws.dynamodb import Item
from toolkit.aws.rows import stamp_of
from toolkit.aws.unit_of_work import META, Change, entity_key

STATEMENT: Final = "portal_statement"
CASE: Final = "portal_case"
_OPEN: Final = "PORTAL-OPEN-CASES"


def _statement_row(statement: TheirStatement) -> Item:
    return {
        "letter_id": statement.letter_id,
        "counterparty_id": statement.counterparty_id,
        "channel": statement.channel,
        "at": statement.at,
        "filename": statement.filename,
        "digest": statement.digest,
        "size": statement.size,
        "lines": statement.lines,
        "problems": [list(one) for one in statement.problems],
    }


def _statement_from(row: Mapping[str, Any]) -> TheirStatement:
    return TheirStatement(
        row["id"],
        row["letter_id"],
        row["counterparty_id"],
        row["channel"],
        row["at"],
        FileState(row["state"]),
        row["filename"],
        row["digest"],
        row["size"],
        row["lines"],
        tuple((line, code, text) for line, code, text in row["problems"]),
        stamp_of(row),
    )


def _run_row(run: Run) -> Item:
    return {
        "number": run.number,
        "at": run.at,
        "statement_id": run.statement_id,
        "first": run.first.isoformat(),
        "last": run.last.isoformat(),
        "currency": run.currency,
        "our_balance": run.our_balance,
        "their_balance": run.their_balance,
        "counts": dict(run.counts),
        "result": run.result,
        "digest": run.digest,
    }


def _run_from(row: Mapping[str, Any]) -> Run:
    days = {name: date.fromisoformat(row[name]) for name in ("first", "last")}
    return Run(**{**row, **days})


def _case_row(case: Case) -> Item:
    return {
        "counterparty_id": case.counterparty_id,
        "statement_id": case.statement_id,
        "run": None if case.run is None else _run_row(case.run),
        "opened_at": case.opened_at,
        "closing_note": case.closing_note,
    }


def _case_from(row: Mapping[str, Any]) -> Case:
    return Case(
        row["id"],
        row["counterparty_id"],
        CaseState(row["state"]),
        row["statement_id"],
        None if row["run"] is None else _run_from(row["run"]),
        row["opened_at"],
        row["closing_note"],
        stamp_of(row),
    )


class DifferenceWrites(WritePart):
    """The part of ``ReconciliationUnit`` that differences need."""

    def add_statement(self, statement: TheirStatement) -> None:
        detail = {"letter_id": statement.letter_id, "channel": statement.channel}
        change = Change("portal_statement.received", statement.state.value, detail=detail)
        self._unit.create(STATEMENT, statement.id, _statement_row(statement), change)
        listed = {
            "pk": self._keyspace.key("PORTAL-STATEMENTS-OF", statement.letter_id),
            "sk": f"{statement.at}#{statement.id}",
        }
        self._unit.transaction.put_new("core", listed, label="statement_of")

    def save_statement(
        self, before: TheirStatement, after: TheirStatement, action: str
    ) -> TheirStatement:
        stored = self._unit.as_read(STATEMENT, before.id, before.state.value, before.stamp)
        detail = {"sha256": after.digest, "lines": after.lines}
        changed = self._unit.change(
            stored,
            Change(action, after.state.value, detail=detail),
            assign=_statement_row(after),
        )
        return _statement_from(changed)

    def add_case(self, case: Case) -> None:
        row = _case_row(case) | {
            "by_pk": self._keyspace.key(_OPEN),
            "by_sk": f"{case.opened_at}#{case.letter_id}",
        }
        self._unit.create(CASE, case.letter_id, row, Change("portal_case.opened", case.state.value))

    def save_case(self, before: Case, after: Case, action: str) -> Case:
        stored = self._unit.as_read(CASE, before.letter_id, before.state.value, before.stamp)
        run = after.run
        detail = {} if run is None else {"run": run.number, "result_sha256": run.digest}
        changed = self._unit.change(
            stored,
            Change(action, after.state.value, detail=detail),
            assign=_case_row(after),
            remove=("by_pk", "by_sk") if after.state is CaseState.CLOSED else (),
        )
        return _case_from(changed)

    def add_line_note(self, letter_id: str, note: LineNote) -> None:
        row = {
            "pk": self._keyspace.key("PORTAL-NOTES", letter_id),
            "sk": note.id,
            "at": note.at,
            "line": note.line,
            "side": note.side.value,
            "author": note.author,
            "text": note.text,
        }
        self._unit.transaction.put_new("core", row, label="note")


class DifferenceReads(ReadPart):
    """The part of ``ReconciliationStore`` that differences need."""

    def statement(self, statement_id: str) -> TheirStatement:
        found = self._statements([statement_id])
        if not found:
            raise NotFoundError("not_found", "There is no such item.")
        return found[0]

    def statements_of(self, letter_id: str) -> list[TheirStatement]:
        key = self.keyspace.key("PORTAL-STATEMENTS-OF", letter_id)
        listed = self.database.query_all("core", key)
        return self._statements([str(row["sk"]).rpartition("#")[2] for row in listed])

    def _statements(self, ids: Iterable[str]) -> list[TheirStatement]:
        keys = [(entity_key(self.keyspace, STATEMENT, one), META) for one in ids]
        found = self.database.get_many("core", keys)
        return [_statement_from(found[key]) for key in keys if key in found]

    def case(self, letter_id: str) -> Case | None:
        return self.cases([letter_id]).get(letter_id)

    def cases(self, letter_ids: Iterable[str]) -> dict[str, Case]:
        keys = [(entity_key(self.keyspace, CASE, one), META) for one in letter_ids]
        found = self.database.get_many("core", keys)
        return {row["id"]: _case_from(row) for row in found.values()}

    def open_cases(self) -> list[Case]:
        return [_case_from(row) for row in self.database.list_all(self.keyspace.key(_OPEN))]

    def line_notes(self, letter_id: str) -> list[LineNote]:
        found = [
            LineNote(
                str(row["sk"]),
                row["line"],
                Side(row["side"]),
                row["at"],
                row["author"],
                row["text"],
            )
            for row in self.database.query_all("core", self.keyspace.key("PORTAL-NOTES", letter_id))
        ]
        return sorted(found, key=lambda note: (note.at, note.id))
