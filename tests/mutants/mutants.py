"""Seeded errors (reliability.md §11): each is one plausible mistake, patched into the real code.

A suite that stays green with one of these in place is blind there. M14, M15 and M18 are about
payment codes, mail windows and approvals; they belong to those contexts.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any
from unittest import mock

from kernel.events import Event
from pensions.adapters import rows
from pensions.adapters.dynamodb_pensions import DynamoPensionsStore, DynamoUnit
from pensions.application import credentials, send_to_insurer
from pensions.application.prepare_submission import Binder, collection_content
from pensions.application.send_to_insurer import SendToInsurer
from pensions.application.settle_lines import Ending
from pensions.bootstrap import Application, Pensions
from pensions.domain import outcome
from pensions.domain.outcome import (
    Ambiguous,
    Answered,
    AnswerWord,
    LineVerdict,
    NotSent,
    NotSentReason,
    Outcome,
    ParsedLine,
    Sent,
    VerdictKind,
)
from pensions.domain.transmission import FrozenLine, Transmission, TransmissionState
from toolkit.aws import transactions
from toolkit.aws.dynamodb import Database, TableRole, absent, equals, from_item, to_item
from toolkit.aws.transactions import RefusedWrite, Transaction
from toolkit.aws.unit_of_work import UnitOfWork
from toolkit.entrypoints import queue


@contextmanager
def _methods(*swaps: tuple[Any, str, Any]) -> Iterator[None]:
    patches = [mock.patch.object(owner, name, method) for owner, name, method in swaps]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in reversed(patches):
            patch.stop()


def m1() -> Any:
    """A duplicate is acknowledged while the first attempt is alive."""
    real = queue._process

    def process(*given: Any) -> bool:
        real(*given)
        return True

    return _methods((queue, "_process", process))


def m2() -> Any:
    """An unknown end is sent again without asking the insurer first."""

    def ask(self: SendToInsurer, transmission: Transmission, contract: Any, _left: Any) -> None:
        self._absent(transmission, contract, [])

    return _methods((SendToInsurer, "_ask", ask))


def m3() -> Any:
    """A read timeout is taken for "not sent"."""
    real = SendToInsurer._conclude

    def conclude(self: SendToInsurer, claimed: Any, contract: Any, lines: Any, end: Any) -> None:
        if isinstance(end, Ambiguous):
            end = NotSent(NotSentReason.BUSY, 1)
        real(self, claimed, contract, lines, end)

    return _methods((SendToInsurer, "_conclude", conclude))


def m4() -> Any:
    """The own write behind a lost response is taken for somebody else's."""
    real = Transaction._refused

    def refused(self: Transaction, reasons: Sequence[Mapping[str, Any]]) -> list[RefusedWrite]:
        stampless = {transactions.WRITE_STAMP: ""}
        return [
            RefusedWrite(item.label, {**(item.current or {}), **stampless})
            for item in real(self, reasons)
        ]

    return _methods((Transaction, "_refused", refused))


def m5() -> Any:
    """The balance is added to outside the transaction of its entry."""
    real_entry, real_commit = UnitOfWork.entry, UnitOfWork.commit
    waiting: dict[int, list[tuple[str, dict[str, int]]]] = {}

    def entry(self: UnitOfWork, account: str, key: str, **named: Any) -> None:
        with mock.patch.object(Transaction, "count"):
            real_entry(self, account, key, **named)
        deltas = {f"D_{named['debit']}": named["amount"], f"C_{named['credit']}": named["amount"]}
        waiting.setdefault(id(self), []).append((self.keyspace.key("ACC", account), deltas))

    def commit(self: UnitOfWork, *, dispatch: bool = True) -> None:
        balances = waiting.pop(id(self), [])
        real_commit(self, dispatch=dispatch)
        for pk, deltas in balances:
            self._machinery.database.update("ledger", pk, "BAL", add=deltas)

    return _methods((UnitOfWork, "entry", entry), (UnitOfWork, "commit", commit))


def m6() -> Any:
    """Others are told after the commit, without an outbox."""
    real_commit = UnitOfWork.commit
    waiting: dict[int, list[Any]] = {}

    def publish(self: UnitOfWork, event_type: str, subject: str, data: Any) -> None:
        source = f"kopru.{event_type.partition('.')[0]}"
        tenant_id, ids = self.context.tenant_id, self._machinery.ids
        event = Event(ids.new(), event_type, source, self.now, tenant_id, subject, data)
        unwritten = Transaction("never committed")
        delivery = self._machinery.outbox.add_event(unwritten, self.keyspace, event)
        waiting.setdefault(id(self), []).append(delivery.row)

    def commit(self: UnitOfWork, *, dispatch: bool = True) -> None:
        told = waiting.pop(id(self), [])
        real_commit(self, dispatch=dispatch)
        if told:
            self._machinery.outbox._put_events(told)

    return _methods((UnitOfWork, "publish", publish), (UnitOfWork, "commit", commit))


def m7() -> Any:
    """The claim writes without a condition."""
    real = SendToInsurer._claim

    def claim(self: SendToInsurer, transmission: Transmission, *rest: Any) -> Transmission | None:
        with mock.patch.object(Transaction, "commit"):
            claimed = real(self, transmission, *rest)
        if claimed is None:
            return None
        store: Any = self._store
        key = store.keyspace.key("TRANSMISSION", transmission.id)
        assigned = {**rows.transmission_row(claimed), "state": claimed.state.value}
        store.database.update("core", key, "META", assign=assigned)
        return replace(claimed, stamp=transmission.stamp)

    return _methods((SendToInsurer, "_claim", claim))


def m8() -> Any:
    """ "Not found" is believed while the first attempt may still act."""
    real = DynamoPensionsStore.transmission

    def transmission(self: DynamoPensionsStore, identity: str) -> Transmission | None:
        found = real(self, identity)
        if found is not None and found.state is TransmissionState.SENDING:
            return replace(found, lease=None, due_at=None)
        return found

    return _methods((DynamoPensionsStore, "transmission", transmission))


def m9() -> Any:
    """Rows are read as DynamoDB reads by default, bound on their state alone, and sent as read."""
    real_bind_groups = Binder._bind_groups
    read: dict[str, Any] = {}

    def get_many(
        self: Database, role: TableRole, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], Any]:
        table = self.tables.name(role)
        wanted = [to_item({"pk": pk, "sk": sk}) for pk, sk in dict.fromkeys(keys)]
        if not wanted:
            return {}
        answer = self.client.batch_get_item(RequestItems={table: {"Keys": wanted}})
        found = [from_item(raw) for raw in answer["Responses"].get(table, [])]
        return {(row["pk"], row["sk"]): row for row in found}

    def save(self: DynamoUnit, before: Any, after: Any, _action: str, _detail: Any) -> Any:
        self._unit.transaction.update(
            "core",
            self._keyspace.key("CONTRIBUTION", before.id),
            "META",
            # Only what changes: the amount in the row stays what somebody made of it meanwhile.
            assign={"state": after.status.value, "transmission_id": after.transmission_id},
            when=equals("state", before.status.value),
            label=f"contribution:{before.id}",
        )
        return after

    def bind_groups(self: Binder, transmission: Transmission, items: Any, bind: Any) -> None:
        read.update({item.id: item for item in items})
        real_bind_groups(self, transmission, items, bind)

    def lines(self: Binder, transmission: Transmission) -> list[FrozenLine]:
        items = [read[identity] for identity in transmission.planned]
        people = self._scope.store.employees_by_id([item.employee_id for item in items])
        return [
            FrozenLine(item.id, 1, collection_content(item, people[item.employee_id]))
            for item in items
        ]

    return _methods(
        (Database, "get_many", get_many),
        (DynamoUnit, "save_contribution", save),
        (Binder, "_bind_groups", bind_groups),
        (Binder, "_collection_lines", lines),
    )


def m10() -> Any:
    """The header is closed before its lines."""
    real = SendToInsurer._finish

    def finish(
        self: SendToInsurer, header: Transmission, endings: Mapping[str, Ending], notes: Any
    ) -> None:
        self._move(header, TransmissionState.DONE, "", None)
        with mock.patch.object(SendToInsurer, "_move"):
            real(self, header, endings, notes)

    return _methods((SendToInsurer, "_finish", finish))


def m11() -> Any:
    """The credentials of the moment of queueing are used instead of those of the call."""
    real = credentials.connection

    def connection(scope: Any, contract: Any) -> Any:
        first = replace(contract, credentials=replace(contract.credentials, version=1))
        return real(scope, first)

    return _methods((send_to_insurer, "connection", connection))


def m12() -> Any:
    """Lines of an answer are matched by their position."""

    def read_lines(sent: Sent, answered: Sequence[ParsedLine]) -> Outcome:
        pairs = zip(sent.lines, answered, strict=False)
        return Answered(
            {
                line.line_key: LineVerdict(VerdictKind.ACCEPTED, row.policy_no, row.amount)
                for line, row in pairs
                if row.word in (AnswerWord.ACCEPTED, AnswerWord.EXISTS)
            }
        )

    return _methods((outcome, "_read_lines", read_lines))


def m13() -> Any:
    """A line the answer does not mention is taken for rejected."""
    real = outcome._read_lines

    def read_lines(sent: Sent, answered: Sequence[ParsedLine]) -> Outcome:
        told = {row.line_key for row in answered}
        answer = real(sent, answered)
        if not isinstance(answer, Answered):
            return answer
        refused = LineVerdict(VerdictKind.REJECTED, code="national_id_invalid")
        lines = {k: verdict if k in told else refused for k, verdict in answer.lines.items()}
        return replace(answer, lines=lines)

    return _methods((outcome, "_read_lines", read_lines))


def m16() -> Any:
    """A uniqueness row expires."""

    def claim(self: DynamoUnit, key: Sequence[str], owner: str, *, label: str = "unique") -> None:
        expires = int(self._unit.now.timestamp()) + 90 * 86_400
        self._unit.transaction.update(
            "flow",
            self._keyspace.key("UNIQ", *key),
            "-",
            assign={"owner": owner, "ttl": expires},
            when=absent() | equals("owner", "nobody"),
            label=":".join((label, *key)),
        )

    return _methods((DynamoUnit, "_claim", claim))


def m17() -> Any:
    """The company of the first message a process saw is kept for the next ones."""
    real = Application.for_system

    @cache
    def first(self: int, what: str) -> list[Pensions]:
        return []

    def for_system(self: Application, tenant_id: str, what: str) -> Pensions:
        kept = first(id(self), what)
        if not kept:
            kept.append(real(self, tenant_id, what))
        return kept[0]

    return _methods((Application, "for_system", for_system))
