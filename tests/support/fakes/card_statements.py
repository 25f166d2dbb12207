"""The part of the store of card contracts that statements need, in memory or as a stream.

Writes are collected and applied as a whole when all of their conditions hold, like the tables do.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from card_contracts.domain.company import CompanySettings
from card_contracts.domain.lookups import BankAccount
from card_contracts.domain.open_payments import Expected
from card_contracts.domain.settlement import BankLine, Drift, LineState, Match, MatchState, Share
from card_contracts.ports import JobView
from kernel.errors import NotFoundError
from kernel.storing import WriteRefusedError

_OVER = ("succeeded", "partially_succeeded", "failed")


@dataclass
class StatementMemory:
    """Lines, receivables and matches of one company."""

    accounts: list[BankAccount]
    owed_by_key: dict[str, Expected] = field(default_factory=dict)
    paid_by: dict[str, str] = field(default_factory=dict)
    lines: dict[tuple[str, str], BankLine] = field(default_factory=dict)
    matches: dict[str, Match] = field(default_factory=dict)
    jobs: dict[str, JobView] = field(default_factory=dict)
    books: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    queue: list[Mapping[str, Any]] = field(default_factory=list)
    news: list[str] = field(default_factory=list)
    decided: CompanySettings = field(default_factory=CompanySettings)

    def expect(self, *receivables: Expected) -> None:
        """Receivables that the bank is to pay."""
        self.owed_by_key |= {one.key: one for one in receivables}

    def snapshot(self) -> tuple[Any, ...]:
        """Everything but jobs and their messages."""
        matches = {key: (one.state, one.members) for key, one in self.matches.items()}
        return (dict(self.lines), dict(self.paid_by), matches, dict(self.books), list(self.news))

    # ------------------------------------------------------------------ reads

    def unit(self) -> "StatementUnit":
        return StatementUnit(self)

    def settings(self) -> CompanySettings:
        return self.decided

    def bank_accounts(self) -> list[BankAccount]:
        return self.accounts

    def job(self, job_id: str) -> JobView | None:
        return self.jobs.get(job_id)

    def lease_job(self, job_id: str) -> None:
        self.jobs[job_id] = replace(self.jobs[job_id], status="running")

    def known_lines(self, lines: Sequence[BankLine]) -> frozenset[str]:
        return frozenset(one.key for one in lines if (one.account, one.key) in self.lines)

    def bank_lines(self, account: str, since: date, until: date) -> Iterator[BankLine]:
        found = [one for (code, _), one in self.lines.items() if code == account]
        yield from sorted((o for o in found if since <= o.day <= until), key=lambda o: o.key)

    def owed(self, since: date, until: date, accounts: Collection[str]) -> Iterator[Expected]:
        assert accounts
        waiting = [one for key, one in self.owed_by_key.items() if key not in self.paid_by]
        yield from sorted(
            (one for one in waiting if since <= one.day <= until),
            key=lambda one: (one.day, one.key),
        )

    def suggested_members(self, since: date, until: date) -> frozenset[str]:
        suggested = (m for m in self.matches.values() if m.state is MatchState.SUGGESTED)
        return frozenset(
            key for one in suggested if since <= one.day <= until for key in one.members
        )

    def match(self, match_id: str) -> Match:
        if match_id not in self.matches:
            raise NotFoundError("not_found", "There is no such item.")
        return self.matches[match_id]

    def drifts(self, since: str, until: str) -> list[Drift]:
        assert since <= until
        return []


class StatementUnit:
    """What one use case writes."""

    def __init__(self, memory: StatementMemory) -> None:
        self._memory = memory
        self._conditions: list[tuple[str, Callable[[], bool]]] = []
        self._writes: list[Callable[[], None]] = []

    def _add(self, label: str, holds: Callable[[], bool], write: Callable[[], None]) -> None:
        self._conditions.append((label, holds))
        self._writes.append(write)

    def _job(self, job_id: str, holds: Callable[[JobView], bool], **changes: Any) -> None:
        jobs = self._memory.jobs

        def write() -> None:
            counts = Counter(jobs[job_id].counts)
            counts.update(changes.get("counts", {}))
            jobs[job_id] = replace(jobs[job_id], **{**changes, "counts": dict(counts)})

        self._add("job", lambda: holds(jobs[job_id]), write)

    def create_job(
        self, job_id: str, kind: str, *, subject: str, private: Mapping[str, Any]
    ) -> None:
        assert subject
        made = JobView(job_id, kind, "queued", private)
        self._add(
            "job",
            lambda: job_id not in self._memory.jobs,
            lambda: self._memory.jobs.update({job_id: made}),
        )

    def prepare_job(self, job_id: str, total: int) -> None:
        self._job(job_id, lambda job: not job.prepared, prepared=True, total=total)

    def step_job(self, job_id: str, *, seen: int, done: int, counts: Mapping[str, int]) -> None:
        new = {name: number for name, number in counts.items() if number}
        self._job(job_id, lambda job: job.done == seen, done=done, counts=new)

    def advance_job(self, job_id: str, deltas: Mapping[str, int]) -> None:
        counts = {name.removeprefix("n_"): number for name, number in deltas.items()}
        self._job(job_id, lambda _: True, counts=counts)

    def finish_job(self, job_id: str, status: str, **ended: Any) -> None:
        self._job(job_id, lambda job: job.status not in _OVER, status=status, **ended)

    def enqueue(self, queue: str, message: Mapping[str, Any]) -> None:
        assert queue == "import"
        self._writes.append(lambda: self._memory.queue.append(message))

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        assert subject
        assert data
        self._writes.append(lambda: self._memory.news.append(event_type))

    def add_bank_lines(self, lines: Sequence[BankLine]) -> None:
        stored = self._memory.lines
        for one in lines:
            key = (one.account, one.key)
            self._add(
                "bank_line",
                lambda key=key: key not in stored,  # type: ignore[misc]
                lambda key=key, one=one: stored.update({key: one}),  # type: ignore[misc]
            )

    def flag_line(self, account: str, key: str) -> None:
        stored, name = self._memory.lines, (account, key)
        self._add(
            "bank_line",
            lambda: stored[name].state is LineState.OPEN,
            lambda: stored.update({name: replace(stored[name], again=True)}),
        )

    def take_lines(self, match: Match, state: LineState) -> None:
        stored = self._memory.lines
        for key in match.lines:
            name = (match.account, key)
            after = replace(
                stored[name], state=state, match_id="" if state is LineState.OPEN else match.id
            )
            self._add(
                "bank_line",
                lambda name=name: (  # type: ignore[misc]
                    stored[name].match_id in ("", match.id)
                ),
                lambda name=name, after=after: stored.update({name: after}),  # type: ignore[misc]
            )

    def add_match(self, match: Match, action: str) -> None:
        assert action
        matches = self._memory.matches
        self._add(
            "card_match",
            lambda: match.id not in matches,
            lambda: matches.update({match.id: match}),
        )

    def save_match(self, before: Match, after: Match, action: str) -> None:
        assert action
        matches = self._memory.matches
        self._add(
            "card_match",
            lambda: matches[before.id].state is before.state,
            lambda: matches.update({after.id: after}),
        )

    def require_match(self, match: Match) -> None:
        matches = self._memory.matches
        self._conditions.append(("card_match", lambda: matches[match.id].state is match.state))

    def settle(self, members: Sequence[str], match_id: str) -> None:
        paid = self._memory.paid_by
        for key in members:
            self._add(
                "line",
                lambda key=key: paid.get(key, match_id) == match_id,  # type: ignore[misc]
                lambda key=key: paid.update({key: match_id}),  # type: ignore[misc]
            )

    def post(
        self, account: str, key: str, *, debit: str, credit: str, amount: int, currency: str
    ) -> None:
        assert currency
        books, name = self._memory.books, f"{account}/{key}"
        if amount:
            entry = (debit, credit, amount)
            self._add("ledger", lambda: name not in books, lambda: books.update({name: entry}))

    def count_drift(self, month: str, currency: str, share: Share, sign: int) -> None:
        assert currency
        kept = {(month, share.contract_code): sign * (share.kept - share.difference)}
        self._writes.append(lambda: self._memory.kept.update(kept))

    def commit(self) -> None:
        refused = [label for label, holds in self._conditions if not holds()]
        if refused:
            raise WriteRefusedError(refused)
        for write in self._writes:
            write()


@dataclass
class StatementStream(StatementMemory):
    """Lines and receivables come when they are asked for; what is written is only counted.

    Shapes: ``came`` and ``coming`` give them from the first one each time, by day.
    """

    came: Callable[[], Iterator[BankLine]] = lambda: iter(())
    coming: Callable[[], Iterator[Expected]] = lambda: iter(())
    written: Counter[str] = field(default_factory=Counter)

    def unit(self) -> "CountedUnit":
        return CountedUnit(self)

    def known_lines(self, lines: Sequence[BankLine]) -> frozenset[str]:
        return frozenset()

    def bank_lines(self, account: str, since: date, until: date) -> Iterator[BankLine]:
        return self.came()

    def owed(self, since: date, until: date, accounts: Collection[str]) -> Iterator[Expected]:
        return self.coming()


class CountedUnit(StatementUnit):
    """Jobs are kept, everything else is counted."""

    _memory: StatementStream

    def add_bank_lines(self, lines: Sequence[BankLine]) -> None:
        self._memory.written["lines"] += len(lines)

    def flag_line(self, account: str, key: str) -> None:
        self._memory.written["flags"] += 1

    def take_lines(self, match: Match, state: LineState) -> None:
        self._memory.written["taken lines"] += len(match.lines)

    def add_match(self, match: Match, action: str) -> None:
        assert match.why
        self._memory.written["matches"] += 1

    def settle(self, members: Sequence[str], match_id: str) -> None:
        self._memory.written["settled"] += len(members)

    def post(
        self, account: str, key: str, *, debit: str, credit: str, amount: int, currency: str
    ) -> None:
        self._memory.written["entries"] += 1

    def count_drift(self, month: str, currency: str, share: Share, sign: int) -> None:
        self._memory.written["shares"] += 1
