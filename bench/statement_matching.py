"""Proof with two long statements: ours and a counterparty's, line by line (REC-06).

``python -m bench.statement_matching [--lines 20000] [--real]`` compares n lines with n, then 2n
with 2n, interleaved in one process; the ratio of the best times must be at most 2.3, and so must
that of the memory held at most. Most lines agree, and every category of difference is there. With
``--real`` it takes the way of a user too: n lines stand in the books, the counterparty's file of n
lines is uploaded, the worker reads it, compares, and the differences are asked for; that must be
done within thirty seconds over an emulated account. It ends with 1 when a goal is missed.

Units: seconds of this process, so that neighbours on the machine do not count.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Final

from bench.frame import Report
from kernel.clock import FixedClock
from kernel.files import UploadedFile
from kernel.ids import SequenceIds
from kernel.money import Money
from reconciliation.domain.ledger import MAX_TOGETHER, Direction
from reconciliation.domain.statement_match import Category, StatementLine, compare
from tests.support.aws import START, aws_world, platform_of
from tests.support.reconciliation_builders import fields
from tests.support.reconciliation_world import TENANT, ReconciliationWorld, reconciliation_world

MOST_RATIO: Final = 2.3
MOST_SECONDS: Final = 30.0
_FIRST: Final = date(2026, 1, 1)
_DAYS: Final = 31
_LINES: Final = 20_000


def statements(count: int) -> tuple[list[StatementLine], list[StatementLine]]:
    """Our lines and theirs, ``count`` each: nine of ten agree, the others differ somehow."""
    ours: list[StatementLine] = []
    theirs: list[StatementLine] = []
    for number in range(count):
        dice = random.Random(number)  # noqa: S311 - repeatable, not secret
        on = _FIRST + timedelta(days=number % _DAYS)
        amount, name = dice.randint(1_000, 9_000_000), f"FTR2026{number:06d}"
        ours.append(_line(f"o{number}", name, on, amount))
        kind = dice.randrange(100)
        if kind < 90:
            theirs.append(_line(f"t{number}", name, on, -amount))
        elif kind < 92:
            theirs.append(_line(f"t{number}", name, on, -amount - 100))
        elif kind < 94:
            theirs.append(_line(f"t{number}", name, on + timedelta(days=2), -amount))
        elif kind < 96:
            theirs.append(_line(f"t{number}", f"X{number:06d}", on, -amount))
        elif kind < 98:
            theirs.append(_line(f"t{number}", name, on, amount))
        else:
            theirs.append(_line(f"t{number}", f"YOK{number}", on, -dice.randint(10**8, 10**9)))
    return ours, theirs


def _line(key: str, document_no: str, on: date, minor: int) -> StatementLine:
    return StatementLine(key, document_no, on, Money(minor, "TRY"))


def run(count: int) -> tuple[float, Counter[Category]]:
    """Seconds for one size, and how many of each category were found."""
    ours, theirs = statements(count)
    began = time.process_time()
    compared = compare(ours, theirs, "TRY")
    seconds = time.process_time() - began
    return seconds, Counter(match.category for match in compared.matches)


def peak(count: int) -> int:
    """Bytes that a comparison holds at most beside the lines."""
    ours, theirs = statements(count)
    tracemalloc.start()
    compare(ours, theirs, "TRY")
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def ratio(count: int, rounds: int = 3) -> float:
    """Best time of 2n over best time of n, interleaved in one process."""
    small, large = [], []
    for _ in range(rounds):
        small.append(run(count)[0])
        large.append(run(2 * count)[0])
    return min(large) / min(small)


def their_file(theirs: Sequence[StatementLine]) -> bytes:
    """Their statement as they would export it: debits and credits in columns of their own."""
    rows = ["Tarih;Belge No;Borç;Alacak"]
    for line in theirs:
        whole, part = divmod(abs(line.amount.minor), 100)
        amount = f"{whole},{part:02d}"
        columns = f"{amount};" if line.amount.minor > 0 else f";{amount}"
        rows.append(f"{line.on:%d.%m.%Y};{line.document_no};{columns}")
    return "\r\n".join(rows).encode()


def _recorded(world: ReconciliationWorld, ours: Sequence[StatementLine]) -> None:
    post = world.app.for_system(TENANT, "proof").post_entries()
    for start in range(0, len(ours), MAX_TOGETHER):
        post(
            [
                fields(
                    f"{line.amount.minor // 100}.{line.amount.minor % 100:02d}",
                    document_no=line.document_no,
                    on=line.on,
                    direction=Direction.SALES,
                )
                for line in ours[start : start + MAX_TOGETHER]
            ]
        )


def real(count: int) -> tuple[float, dict[str, int]]:
    """Seconds from the upload of their file to the differences, and what was counted."""
    with ExitStack() as stack:
        aws = stack.enter_context(aws_world())
        clock = FixedClock(START)
        platform = platform_of(aws, clock=clock, ids=SequenceIds(at=START))
        world = stack.enter_context(reconciliation_world(aws, platform, clock))
        card = world.counterparty()["id"]
        world.work_portal()
        letter = world.letter(card)
        ours, theirs = statements(count)
        _recorded(world, ours)
        file = UploadedFile(their_file(theirs), "text/csv", "ekstre.csv")
        began = time.process_time()
        use = world.app.for_system(TENANT, "proof")
        use.send_statement()(letter, card, channel="staff", file=file)
        world.work_portal()
        answer = world.call("GET", f"/letters/{letter.id}/differences", query="limit=100")
        assert answer.status == 200, answer.body
        seconds = time.process_time() - began
        case = use.store.case(letter.id)
        assert case is not None
        assert case.run is not None
        return seconds, dict(case.run.counts)


def measure(report: Report, count: int = _LINES) -> None:
    """Add what is found to the report of ``make bench``."""
    seconds, counts = run(count)
    told = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    times = ratio(count)
    small, large = peak(count), peak(2 * count)
    report.add(
        "REC",
        f"two statements of {count:,} lines, time(2n)/time(n)",
        f"{times:.2f} ({seconds:.2f} s: {told})",
        goal=f"at most {MOST_RATIO}",
        holds=times <= MOST_RATIO,
    )
    report.add(
        "REC",
        f"memory beside {2 * count:,} lines over {count:,}",
        f"{large / small:.2f} ({small / 2**20:.0f} MiB, then {large / 2**20:.0f} MiB)",
        goal=f"at most {MOST_RATIO}",
        holds=large / small <= MOST_RATIO,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.statement_matching", description=__doc__)
    parser.add_argument("--lines", type=int, default=_LINES)
    parser.add_argument("--real", action="store_true", help="the way of a user too")
    options = parser.parse_args(arguments)
    report = Report()
    measure(report, options.lines)
    if options.real:
        seconds, counts = real(options.lines)
        report.add(
            "REC",
            f"upload to differences, {options.lines:,} lines each",
            f"{seconds:.1f} s ({counts})",
            goal=f"at most {MOST_SECONDS:.0f} s",
            holds=seconds <= MOST_SECONDS,
        )
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
