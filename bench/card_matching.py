"""Proof with many rows: lines are matched in near-linear time and bounded memory (CRD-05).

``python -m bench.card_matching [--lines 100000]`` matches n lines against n open receivables, then
2n against 2n, in one run and interleaved; the ratio of the best times must be at most 2.3. The
mixture has single payments, merged days, split payments, rounding and drift, equal amounts, foreign
lines and receivables that are never paid. Seconds are those of this process, so that neighbours on
the machine do not count. It ends with 1 when the ratio or the memory is too large.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from card_contracts.domain.matching import Movement, Rules, match
from card_contracts.domain.open_payments import Expected

_FIRST_DAY = date(2026, 1, 1)
_PER_DAY = 250
MOST_RATIO = 2.3


def receivables(count: int) -> Iterator[Expected]:
    """Open receivables, 250 a day, of five contracts; every fifth amount is a common one."""
    for number in range(count):
        dice = random.Random(number)  # noqa: S311 - repeatable, not secret
        gross = 10_000 if number % 5 == 0 else dice.randint(1_000, 90_000_000)
        yield Expected(
            key=f"{number:07d}",
            contract_code=f"C{number % 5}",
            day=_FIRST_DAY + timedelta(days=number // _PER_DAY),
            currency="TRY",
            gross=gross,
            kept=gross * 24 // 1000,
            document_no=f"FTR-{number}",
        )


def lines(count: int) -> Iterator[Movement]:
    """As many lines: most pay one receivable, on its day or late, some say which, some are alien.

    The last contract is paid with one credit a day.
    """
    day, merged = _FIRST_DAY, 0
    late: list[tuple[str, date, str, int, str]] = []
    for made, one in enumerate(receivables(count), start=1):
        if one.day != day:
            yield Movement(f"m{day}", day, "TRY", merged, "GUN SONU")
            yield from (Movement(*each) for each in late)
            day, late, merged = one.day, [], 0
        dice = random.Random(-made)  # noqa: S311
        kind = dice.randrange(100)
        name = f"l{made}"
        if one.contract_code == "C4":
            merged += one.net
            yield Movement(name, day, "TRY", -dice.randint(1, 10**9), "HAVALE")
        elif kind < 40:
            yield Movement(name, day, "TRY", one.net, "POS")
        elif kind < 60:
            yield Movement(name, day, "TRY", one.net, f"POS {one.document_no}")
        elif kind < 80:
            late.append((name, day + timedelta(days=1), "TRY", one.net, "POS"))
        elif kind < 85:
            yield Movement(name, day, "TRY", one.net - 2, "POS")
        elif kind < 90:
            yield Movement(name, day, "TRY", one.net - one.gross // 500, "POS")
        elif kind < 92:
            yield Movement(name, day, "TRY", one.gross, "POS")
            yield Movement(f"{name}d", day, "TRY", -one.kept, "KOMISYON")
        else:
            yield Movement(name, day, "TRY", dice.randint(1, 10**9), "EFT")


def run(count: int) -> tuple[float, dict[str, int]]:
    """Seconds for one size, and what was found."""
    movements = sorted(lines(count), key=lambda one: one.day)
    expected = list(receivables(count))
    counts = {"sure": 0, "suggested": 0, "left": 0}
    began = time.process_time()
    for result in match(movements, expected):
        for found in result.found:
            counts["sure" if found.sure else "suggested"] += len(found.movements)
        counts["left"] += len(result.left)
    return time.process_time() - began, counts


def peak(count: int, rules: Rules | None = None) -> int:
    """Bytes that matching holds at most beside the lines, with the receivables streamed."""
    movements = sorted(lines(count), key=lambda one: one.day)
    tracemalloc.start()
    for _ in match(movements, receivables(count), rules):
        pass
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def ratio(count: int, rounds: int = 3) -> tuple[float, dict[str, int]]:
    """Best time of 2n over best time of n, interleaved in one process."""
    small: list[float] = []
    large: list[float] = []
    counts: dict[str, int] = {}
    for _ in range(rounds):
        small.append(run(count)[0])
        seconds, counts = run(2 * count)
        large.append(seconds)
    return min(large) / min(small), counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.card_matching", description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    options = parser.parse_args(arguments)
    seconds, counts = run(options.lines)
    sys.stdout.write(f"{options.lines} lines: {seconds:.1f} s, {counts}\n")
    found, _ = ratio(options.lines // 2)
    sys.stdout.write(f"{options.lines} to {options.lines // 2}: ratio {found:.2f}\n")
    small, large = peak(options.lines // 2), peak(options.lines)
    sys.stdout.write(
        f"memory of the window: {small >> 10} KiB, twice the lines: {large >> 10} KiB\n"
    )
    return int(found > MOST_RATIO or large > 1.5 * small)


if __name__ == "__main__":
    sys.exit(main())
