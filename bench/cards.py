"""Card contracts beside their goals: plans, the matcher, the import of statements (P9, P11).

``make bench AREA=cards`` takes some minutes. The import is measured twice: the worker's own work at
100,000 lines with a store that only counts, and the whole path over the emulated account at a size
that fits a common run. The whole path at 100,000 lines takes about ten minutes of processor time,
nearly all of it in the emulation, and is a command of its own: ``bench.proof_card_statement``. So
are files of 100 MB in every format (``bench.statement_memory``); here they have 25 MB.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from bench import card_matching, card_plans, card_worker, proof_card_statement, statement_memory
from bench.card_matching import MOST_RATIO
from bench.frame import Report
from card_contracts.domain.deductions import Basis, Deduction, Kind, Timing
from card_contracts.domain.plan import Terms, draw_up
from card_contracts.domain.schedule import BusinessDayRule
from card_contracts.domain.terms import Blockage, BlockageKind, Collection, Term
from kernel.money import Money
from kernel.rates import Rate
from toolkit.calendars import calendar

MOST_MICROSECONDS: Final = 200
_PLANS: Final = 100_000
_LINES: Final = 100_000
_WHOLE_PATH: Final = 4_000
_FILE: Final = 25_000_000


def _deduction(sequence: int, code: str, rate: str, of: str = "") -> Deduction:
    basis = Basis.ON_DEDUCTION if of else Basis.GROSS
    percent = Rate(Decimal(rate))
    return Deduction(sequence, code, Kind.RATE, Timing.PER_INSTALMENT, basis, percent, of=of)


def plan_microseconds(batches: int = 10, rounds: int = 200) -> float:
    """Time of a plan of 12 payments with 3 deductions and the reasons of all.

    The least of the medians of some batches: neighbours on the machine only ever add to it.
    """
    term = Term(
        1,
        12,
        Collection.DEFERRED,
        blockage=Blockage(BlockageKind.ADDED_DAYS, 30),
        deductions=(
            _deduction(1, "COMMISSION", "2.40"),
            _deduction(2, "BSMV", "5", of="COMMISSION"),
            _deduction(3, "CONTRIBUTION", "0.50"),
        ),
    )
    terms = Terms(term, BusinessDayRule.FOLLOWING, "first", calendar("TR"))
    sold_on, amount = date(2026, 4, 28), Money(12_345_678, "TRY")
    medians = []
    for _ in range(batches):
        taken = []
        for _ in range(rounds):
            began = time.perf_counter_ns()
            plan = draw_up(terms, sold_on, amount, 12)
            taken.append(time.perf_counter_ns() - began)
        medians.append(statistics.median(taken))
        assert len(plan.lines) == 12
        assert all(line.why and len(line.why_deductions) == 3 for line in plan.lines)
    return min(medians) / 1_000


def measure(report: Report) -> None:
    """Everything of this area."""
    _plans(report)
    _matcher(report)
    _worker(report)
    _whole_path(report)
    _readers(report)


def _plans(report: Report) -> None:
    drawn = card_plans.draw(_PLANS, seed=1)
    report.add(
        "P9",
        f"sums, remainders and dates of {_PLANS} random plans",
        f"{drawn.plans} plans, {drawn.lines} payments, {drawn.refused} refused",
        goal="every plan exact",
        holds=not drawn.wrong,
    )
    microseconds = plan_microseconds()
    report.add(
        "P9",
        "plan of 12 payments, 3 deductions, with why",
        f"{microseconds:.0f} µs",
        goal=f"at most {MOST_MICROSECONDS} µs",
        holds=microseconds <= MOST_MICROSECONDS,
    )


def _linear(report: Report, what: str, found: float, figure: str, peer: str, good: bool) -> None:
    """A path whose time must grow with its lines; ``good`` is what else must hold of it."""
    report.add(
        "P9",
        what,
        f"{figure}, time(2n)/time(n) {found:.2f}",
        peer=peer,
        goal=f"at most {MOST_RATIO} (n² would be 4)",
        holds=found <= MOST_RATIO and good,
    )


def _matcher(report: Report) -> None:
    found, counts = card_matching.ratio(_LINES // 2, rounds=2)
    told = f"{counts['sure']} lines sure, {counts['suggested']} suggested"
    _linear(report, f"matcher, {_LINES} lines against {_LINES} receivables", found, told, "", True)
    small, large = (card_matching.peak(size) for size in (_LINES // 4, _LINES // 2))
    report.add(
        "P11",
        "memory of the matcher's window, twice the lines",
        f"{large / 1e6:.1f} MB",
        peer=f"{small / 1e6:.1f} MB for half of them",
        goal="at most 1.5 x",
        holds=large <= 1.5 * small,
    )


def _worker(report: Report) -> None:
    small, large = (card_worker.measure_one(size) for size in (_LINES // 2, _LINES))
    what = f"import of {_LINES} lines against {_LINES} receivables, without the tables"
    half = f"{small.seconds:.1f} s for half of them"
    _linear(report, what, large.seconds / small.seconds, f"{large.seconds:.1f} s", half, True)
    report.add(
        "P11",
        f"memory of that import of {_LINES} lines",
        f"{large.peak_mb:.0f} MB",
        peer=f"{small.peak_mb:.0f} MB for half of them",
        goal=f"at most {card_worker.MOST_MB} MB",
        holds=large.peak_mb <= card_worker.MOST_MB,
    )


def _whole_path(report: Report) -> None:
    small, large = (proof_card_statement.prove(size) for size in (_WHOLE_PATH // 2, _WHOLE_PATH))
    what = f"import of {_WHOLE_PATH} lines with the tables, nothing doubled, every match explained"
    told = f"{large.seconds:.1f} s, {large.counts['confirmed']} matches sure"
    half = f"{small.seconds:.1f} s for half of them"
    good = not small.wrong and not large.wrong
    _linear(report, what, large.seconds / small.seconds, told, half, good)


def _readers(report: Report) -> None:
    for name in statement_memory.FORMS:
        found = statement_memory.measure_one(name, _FILE)
        report.add(
            "P11",
            f"{name} of {found.megabytes:.0f} MB, {found.entries} entries",
            f"{found.peak_mb:.0f} MB of memory",
            peer=f"{found.early_mb:.0f} MB after a tenth of it",
            goal=f"at most {statement_memory.MOST_GROWTH_MB} MB more",
            holds=found.growth_mb <= statement_memory.MOST_GROWTH_MB,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    argparse.ArgumentParser(prog="python -m bench.cards", description=__doc__).parse_args(arguments)
    report = Report()
    measure(report)
    return int(bool(report.missed))


if __name__ == "__main__":
    sys.exit(main())
