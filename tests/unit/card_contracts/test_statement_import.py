"""The import of statements by itself: every wrong file, the same file again, time that runs out."""

import io
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

import pytest

from card_contracts.application.context import Scope
from card_contracts.application.statements import ImportStatement, StartStatementImport
from card_contracts.domain.lookups import AccountKind, BankAccount
from card_contracts.domain.open_payments import Expected
from card_contracts.domain.settlement import BankLine, LineState
from card_contracts.ports import CardsStore, JobView
from kernel.bank_statement import StatementItem
from kernel.clock import FixedClock
from kernel.errors import NotFoundError
from kernel.files import UploadedFile, UploadForm
from kernel.ids import SequenceIds
from kernel.statement_jobs import Profile, StatementFiles
from tests.support.aws import START
from tests.support.fakes.card_statements import StatementMemory, StatementStream
from tests.support.statements import Move, csv_text
from tests.support.wrong_statements import Wrong, good_files, wrong_files
from toolkit.calendars import calendar
from toolkit.statements.csv_profile import PROFILES, profile_from
from toolkit.statements.reader import read_statement

ACCOUNT = "102.01"


@dataclass
class Files(StatementFiles):
    """Uploads in memory, read by the real readers."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def room(self, upload_id: str, *, back_to: str) -> UploadForm:
        raise NotImplementedError

    def keep_upload(self, upload_id: str, file: UploadedFile) -> None:
        self.kept[upload_id] = file.content

    def exists(self, upload_id: str) -> None:
        if upload_id not in self.kept:
            raise NotFoundError("file_not_found", "There is no such file.")

    def profiles(self) -> tuple[str, ...]:
        return tuple(PROFILES)

    def table_styles(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    def check_profile(self, profile: Profile) -> None:
        assert profile is None or profile

    @contextmanager
    def read(self, upload_id: str, profile: Profile) -> Iterator[Iterator[StatementItem]]:
        chosen = PROFILES[profile] if isinstance(profile, str) else None
        if isinstance(profile, Mapping):
            chosen = profile_from(profile)
        yield read_statement(io.BytesIO(self.kept[upload_id]), profile=chosen)


@dataclass
class Desk:
    """The use cases over memory."""

    store: StatementMemory
    files: Files = field(default_factory=Files)

    def __post_init__(self) -> None:
        self.scope = Scope(
            "T",
            cast("CardsStore", self.store),
            FixedClock(START),
            SequenceIds(at=START),
            calendar,
        )

    def start(self, content: bytes, profile: Profile, **options: Any) -> str:
        return StartStatementImport(self.scope, self.files)(
            file=UploadedFile(content, "text/plain", "statement"),
            account=ACCOUNT,
            profile=profile,
            **options,
        )

    def run(self, job_id: str, remaining: float = 600.0) -> JobView:
        ImportStatement(self.scope, self.files)(job_id, remaining=lambda: remaining)
        return self.store.jobs[job_id]

    def take(self, content: bytes, profile: Profile, **options: Any) -> JobView:
        return self.run(self.start(content, profile, **options))


@pytest.fixture
def desk() -> Desk:
    """An account, and two payments that good files settle."""
    day = date(2026, 6, 1)
    store = StatementMemory([BankAccount(ACCOUNT, "Vadesiz", AccountKind.DEPOSIT)])
    store.expect(
        *(
            Expected(f"{day}#P{no}#001", "AXESS", day, "EUR", gross, 800, f"F{no}")
            for no, gross in ((1, 33_334), (2, 33_333))
        )
    )
    return Desk(store)


@pytest.mark.parametrize("name", list(good_files()))
def test_the_same_payments_are_settled_from_every_format(desk: Desk, name: str) -> None:
    job = desk.take(*good_files()[name])
    assert (job.status, dict(job.counts)) == ("succeeded", {"new": 4, "confirmed": 2})
    assert len(desk.store.paid_by) == 2
    assert sum(amount for _, _, amount in desk.store.books.values()) == 65_067
    assert desk.store.news == ["card_contracts.StatementImported.v1"]
    before = desk.store.snapshot()
    again = desk.take(*good_files()[name])
    assert dict(again.counts) == {"known": 4}
    assert desk.store.snapshot()[:-1] == before[:-1]


@pytest.mark.parametrize("wrong", list(wrong_files()), ids=lambda wrong: wrong.name)
def test_a_wrong_file_tells_every_place_and_leaves_nothing(desk: Desk, wrong: Wrong) -> None:
    before = desk.store.snapshot()
    job = desk.take(wrong.content, wrong.profile)
    assert (job.status, job.result["code"]) == ("failed", wrong.code)
    assert tuple((one["line"], one["code"]) for one in job.problems) == wrong.problems
    assert all(one["message"] for one in job.problems)
    assert not job.prepared
    assert desk.store.snapshot() == before


def test_a_dry_run_of_a_good_file_counts_and_stores_nothing(desk: Desk) -> None:
    before = desk.store.snapshot()
    job = desk.take(*good_files()["MT940"], dry_run=True)
    assert (job.status, job.result) == ("succeeded", {"dry_run": True, "lines": 4})
    assert desk.store.snapshot() == before


def test_time_that_runs_out_asks_for_another_run_and_nothing_is_done_twice(desk: Desk) -> None:
    moves = [Move(number, text="X") for number in range(1, 200)]
    file = csv_text([*moves, Move(32_534, text="POS")]).encode()
    job_id = desk.start(file, "greek")
    assert desk.run(job_id, remaining=1).status == "running"
    assert len(desk.store.queue) == 2
    job = desk.run(job_id)
    assert dict(job.counts) == {"new": 200, "confirmed": 1}
    assert desk.run(job_id) == job
    states = [line.state for line in desk.store.lines.values()]
    assert states.count(LineState.MATCHED) == 1


def test_only_the_first_problems_of_many_are_kept_and_all_are_counted(desk: Desk) -> None:
    rows = ["Ημερομηνία;Ποσό", *("x;1,00" for _ in range(1_000))]
    job = desk.take("\r\n".join(rows).encode(), "greek")
    assert (job.result["problem_count"], len(job.problems)) == (1_000, 300)


def test_an_import_of_four_times_the_lines_takes_the_same_memory() -> None:
    def peak(count: int) -> int:
        days = [date(2026, 1, 1) + timedelta(days=number // 3) for number in range(count)]

        def came() -> Iterator[BankLine]:
            for no, day in enumerate(days):
                yield BankLine(f"L{no}", ACCOUNT, day, "EUR", 1_000 + no, "POS")

        def coming() -> Iterator[Expected]:
            for no, day in enumerate(days):
                yield Expected(f"{day}#P{no}#001", "AXESS", day, "EUR", 1_000 + no, 0, f"F{no}")

        account = BankAccount(ACCOUNT, "Vadesiz", AccountKind.DEPOSIT)
        desk = Desk(StatementStream([account], came=came, coming=coming))
        moves = (Move(1_000 + no, text="POS", day=day) for no, day in enumerate(days))
        job_id = desk.start(csv_text(moves).encode(), "greek")
        tracemalloc.start()
        try:
            assert desk.run(job_id).counts["confirmed"] == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    # What is kept of a line is its fingerprint; 900 lines and payments would take three times this.
    assert peak(1_200) < peak(300) + 400_000
