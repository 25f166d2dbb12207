"""What an import of a statement costs the worker itself: time by lines, and memory at its peak.

``python -m bench.card_worker [--lines 100000]`` runs the use case of the import with the real
readers and the real matcher on half of the lines and on all of them, each in a process of its own.
The store behind it streams receivables and lines and only counts what it is given, so that neither
the tables nor their emulation are measured (``bench.proof_card_statement`` has them). The ratio of
times must be at most 2.3 (P9), and the process may take 256 MB at most (P11).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final, cast

from bench.card_matching import MOST_RATIO, lines, receivables
from bench.frame import peak_mb
from card_contracts.application.context import Scope
from card_contracts.application.statements import KIND, ImportStatement
from card_contracts.domain.lookups import AccountKind, BankAccount
from card_contracts.domain.settlement import BankLine
from card_contracts.ports import CardsStore, JobView
from kernel.bank_statement import StatementItem
from kernel.clock import FixedClock
from kernel.ids import SequenceIds
from kernel.statement_jobs import StatementFiles
from tests.support.fakes.card_statements import StatementStream
from toolkit.calendars import calendar
from toolkit.statements.csv_profile import PROFILES
from toolkit.statements.reader import read_statement

ACCOUNT: Final = "102.01.001"
MOST_MB: Final = 256
_JOB: Final = "J"
_NOW: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)


def statement(count: int) -> Iterator[str]:
    """The file: a table as Turkish banks give it, a row per movement, in the order of days."""
    yield "Tarih;Valör;Tutar;Açıklama"
    for one in lines(count):
        sign, (whole, part) = "-" if one.amount < 0 else "", divmod(abs(one.amount), 100)
        day = one.day.strftime("%d.%m.%Y")
        yield f"{day};{day};{sign}{whole},{part:02d};{one.text}"


class _OnDisk:
    """The one file, as ``StatementUploads`` gives it to the worker."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    @contextmanager
    def read(self, *_: object) -> Iterator[Iterator[StatementItem]]:
        self._file.seek(0)
        yield read_statement(self._file, profile=PROFILES["turkish"])


@dataclass(frozen=True, slots=True)
class Cost:
    """What one size took; ``seconds`` of the processor, ``peak_mb`` of the whole process."""

    lines: int
    seconds: float
    peak_mb: float
    counts: Mapping[str, int]
    written: Mapping[str, int]


def work(count: int) -> Cost:
    """Import and match one file in this process."""
    store = StatementStream(
        [BankAccount(ACCOUNT, "Hesap", AccountKind.DEPOSIT)],
        came=lambda: (
            BankLine(one.id, ACCOUNT, one.day, one.currency, one.amount, one.text)
            for one in lines(count)
        ),
        coming=lambda: receivables(count),
    )
    private = {"upload_id": "U", "account": ACCOUNT, "dry_run": False, "profile": "turkish"}
    store.jobs[_JOB] = JobView(_JOB, KIND, "queued", private)
    scope = Scope("T", cast("CardsStore", store), FixedClock(_NOW), SequenceIds(at=_NOW), calendar)
    with tempfile.TemporaryFile() as file:
        for row in statement(count):
            file.write(row.encode() + b"\r\n")
        began = time.process_time()
        files = cast("StatementFiles", _OnDisk(cast("BinaryIO", file)))
        ImportStatement(scope, files)(_JOB, remaining=lambda: 600.0)
        seconds = time.process_time() - began
    job = store.jobs[_JOB]
    assert job.status == "succeeded"
    peak = peak_mb()
    return Cost(count, round(seconds, 2), peak, dict(job.counts), dict(store.written))


def measure_one(count: int) -> Cost:
    """The same in a process of its own, whose peak is its own too."""
    command = [sys.executable, "-m", "bench.card_worker", "--one", str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return Cost(**json.loads(done.stdout))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.card_worker", description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--one", type=int, help="only this size, in this process, as JSON")
    options = parser.parse_args(arguments)
    if options.one:
        cost = work(options.one)
        print(json.dumps({name: getattr(cost, name) for name in Cost.__slots__}))
        return 0
    small, large = measure_one(options.lines // 2), measure_one(options.lines)
    for cost in (small, large):
        print(
            f"{cost.lines} lines: {cost.seconds} s, {cost.peak_mb} MB, {cost.counts} {cost.written}"
        )
    ratio = large.seconds / small.seconds
    print(f"ratio {ratio:.2f}")
    return int(ratio > MOST_RATIO or large.peak_mb > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
