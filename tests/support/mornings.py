"""A morning over very many subjects, in memory: the real run over a store that only counts.

Subjects are made when they are read and nothing of them is kept, so what a run holds in memory is
its own. Proposals stand in SQLite, outside of what Python's memory tracing sees.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.storing import Position, WriteRefusedError
from tests.support.aws import START
from tests.support.rules_world import TENANT
from toolkit.calendars import calendar
from workflow.adapters.shipped_packs import shipped
from workflow.adapters.shipped_processes import shipped_processes
from workflow.adapters.shipped_triggers import time_driven
from workflow.application.context import Scope
from workflow.application.process_context import ProcessScope
from workflow.application.propose_work import ProposeWork, TriggerScope
from workflow.domain.processes.subjects import Dated, Subject
from workflow.domain.processes.triggers import Proposal, Run
from workflow.ports import PersonalFacts, SubjectStore

_SINCE: Final = date(2026, 1, 1)
UNREAD_EVERY: Final = 10
LATE_EVERY: Final = 7


class BrokenOffError(Exception):
    """A worker that dies in the middle."""


class NothingPersonal:
    """``PersonalFacts`` for rules without any."""

    def seal(self, _decision_id: str, facts: Mapping[str, Any]) -> bytes:
        assert not facts
        return b""

    def open(self, _decision_id: str, _sealed: bytes) -> dict[str, Any]:
        return {}


def meter(number: int) -> Subject:
    """A meter; every tenth was not read twice, every other of those is also far off."""
    unread = number % UNREAD_EVERY == 0
    facts: dict[str, Any] = {
        "meter_kind": "GAS",
        "stamp_year": 2024,
        "consecutive_unread": 2 if unread else 0,
        "subscriber_group": "RESIDENTIAL",
        "period_consumption": "900" if number % (2 * UNREAD_EVERY) == 0 else "100",
        "period": "2026-05",
        "payment_mode": "POSTPAID",
        "last_verified_on": "2026-05-01",
    }
    return _subject("meter", number, facts)


def contract(number: int) -> Subject:
    """A contract with a mandate; every third is disputed."""
    facts = {"mandate_active": True, "open_debt": "10.05", "disputed": number % 3 == 0}
    return _subject("contract", number, facts)


def invoice(number: int) -> Subject:
    """An invoice; every seventh is late."""
    due = "2026-05-01" if number % LATE_EVERY == 0 else "2026-07-01"
    facts = {"customer_type": "REGULATED", "open_amount": "100.00", "due_on": due}
    return _subject("invoice", number, facts)


_MAKES: Final = {"meter": meter, "contract": contract, "invoice": invoice}


def _subject(kind: str, number: int, facts: Mapping[str, Any]) -> Subject:
    dated = {name: (Dated(_SINCE, value),) for name, value in facts.items()}
    return Subject(f"{kind}{number}", kind, f"{kind[0].upper()}-{number:07d}", facts=dated)


def expected(counts: Mapping[str, int]) -> int:
    """Proposals that one morning makes: by the words of the rules, not by asking them."""
    meters, invoices = counts.get("meter", 0), counts.get("invoice", 0)
    unread = -(-meters // UNREAD_EVERY)
    odd = -(-meters // (2 * UNREAD_EVERY))
    files = 1 if any(number % 3 for number in range(counts.get("contract", 0))) else 0
    return 2 * unread + odd + -(-invoices // LATE_EVERY) + files


@dataclass
class MorningStore:
    """As much of ``SubjectStore`` as a run asks for. Shapes: ``counts`` subjects by kind;
    ``dies_at`` is the number of the write at which the worker dies, before or after it counts.
    """

    counts: Mapping[str, int]
    calls: Counter[str] = field(default_factory=Counter)
    runs: dict[str, Run] = field(default_factory=dict)
    queued: list[Mapping[str, Any]] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    selected: Counter[str] = field(default_factory=Counter)
    dies_at: int = 0
    dies_after: bool = False
    writes: int = 0

    def __post_init__(self) -> None:
        self.rows = sqlite3.connect(":memory:")
        weakref.finalize(self, self.rows.close)
        self.rows.execute("create table proposal (id text primary key, made_at text, key text)")

    # -------------------------------------------------------------- reads

    def versions(self, _table: str) -> list[Any]:
        self.calls["versions"] += 1
        return []

    def parameters(self) -> list[Any]:
        self.calls["parameters"] += 1
        return []

    def definitions(self) -> list[Any]:
        return []

    def run(self, run_id: str) -> Run:
        return self.runs[run_id]

    def subjects(
        self, kind: str, *, limit: int, after: Position | None, begins: str = ""
    ) -> tuple[list[Subject], Position | None]:
        assert not begins
        self.calls["subjects"] += 1
        first = int(after["at"]) if after else 0
        last = min(first + limit, self.counts.get(kind, 0))
        page = [_MAKES[kind](number) for number in range(first, last)]
        return page, {"at": last} if last < self.counts.get(kind, 0) else None

    def proposals_made(self, ids: Sequence[str]) -> dict[str, datetime]:
        if not ids:
            return {}
        self.calls["proposals_made"] += 1
        marks = ",".join("?" * len(ids))
        asked = f"select id, made_at from proposal where id in ({marks})"  # noqa: S608
        found = self.rows.execute(asked, list(ids))
        return {identity: datetime.fromisoformat(at) for identity, at in found}

    @property
    def proposals(self) -> int:
        """How many there are."""
        return int(self.rows.execute("select count(*) from proposal").fetchone()[0])

    @property
    def distinct(self) -> int:
        """How many there are by rule, subject and period."""
        return int(self.rows.execute("select count(distinct key) from proposal").fetchone()[0])

    def unit(self) -> MorningUnit:
        return MorningUnit(self)


class MorningUnit:
    """Writes of a run, applied as a whole or not at all."""

    def __init__(self, store: MorningStore) -> None:
        self._store = store
        self._proposals: list[Proposal] = []
        self._runs: list[Run] = []
        self._queued: list[Mapping[str, Any]] = []
        self._told: list[str] = []
        self._selected: list[str] = []

    def add_proposal(self, proposal: Proposal) -> None:
        self._proposals.append(proposal)

    def add_decision(self, record: object) -> None:
        """Decisions are not looked at here."""

    def save_run(self, run: Run) -> None:
        self._runs.append(run)

    def enqueue(self, message: Mapping[str, Any]) -> None:
        self._queued.append(message)

    def publish(self, event: str, *_: object) -> None:
        self._told.append(event)

    def select(self, selection: str, subject: Subject, _minor: int) -> None:
        self._selected.append(f"{selection}/{subject.reference}")

    def commit(self) -> None:
        store = self._store
        store.calls["commit"] += 1
        store.writes += 1
        dies = store.writes == store.dies_at
        if dies and not store.dies_after:
            raise BrokenOffError
        for run in self._runs:
            if store.runs[run.id].version != run.version:
                raise WriteRefusedError([f"run:{run.id}"])
        for one in self._proposals:
            key = "/".join((one.rule, one.action, one.subject, one.period))
            row = (one.id, one.made_at.isoformat(), key)
            try:
                store.rows.execute("insert into proposal values (?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise WriteRefusedError([f"proposal:{one.id}"]) from None
        for run in self._runs:
            store.runs[run.id] = replace(run, version=run.version + 1)
        store.queued += self._queued
        store.told.update(self._told)
        for name in self._selected:
            store.selected[name] = 1
        if dies:
            raise BrokenOffError


@dataclass
class Morning:
    """A company with very many subjects and a clock."""

    store: MorningStore
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))

    def start(self, name: str = "run") -> str:
        """A new run, not looked at yet."""
        self.clock.advance(timedelta(seconds=1))
        today = self.clock.today("Europe/Istanbul")
        self.store.runs[name] = Run(name, today, self.clock.now())
        self.clock.advance(timedelta(seconds=1))
        return name

    def go(self, name: str, remaining: float = 300.0) -> None:
        """One message to a worker of its own."""
        self.worker()(name, lambda: remaining)

    def worker(self) -> ProposeWork:
        """A fresh worker: what it knows is only what stands in the store."""
        known = time_driven()
        store = cast("SubjectStore", self.store)
        scope = Scope(
            TENANT, "system:triggers", "", store, self.clock, SequenceIds(at=START), shipped(),
            calendar("TR"), lambda: 0, cast("PersonalFacts", NothingPersonal()),
        )  # fmt: skip
        processes = ProcessScope(scope, store, shipped_processes())
        kinds: Iterable[Any] = known.kinds.values()
        return ProposeWork(
            TriggerScope(processes, store, tuple(kinds), known.triggers, known.units)
        )
