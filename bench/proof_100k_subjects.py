"""Proof with many subjects: the morning of the time-driven rules over 100,000 of them (WFL-06).

``python -m bench.proof_100k_subjects [--subjects 100000]`` runs the real rules and triggers over
subjects that are made as they are read. A worker dies at one write in a thousand and gets its
message again; at the end the same morning is started once more. What is compared is counted by the
words of the rules: one proposal per rule, subject and period, none left out, none twice. Work is
counted in calls of functions, for early and late subjects, so that growth would show; memory is
what Python holds beside the store. It writes ``build/bench/proof_100k_subjects.json``; counts and
memory decide, seconds are for information.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from infra.local.settings import ROOT
from tests.support.effort import calls_of
from tests.support.mornings import BrokenOffError, Morning, MorningStore, expected
from workflow.application.propose_work import SLICE

REPORT: Final = ROOT / "build" / "bench" / "proof_100k_subjects.json"
_DIES_EVERY: Final = 1000
_GROWTH: Final = 1.1
"""How much more work the last subjects may be than the first."""


@dataclass(slots=True)
class Proof:
    """Everything that was measured. Units: memory in kilobytes."""

    subjects: int
    expected: int = 0
    proposals: int = 0
    distinct: int = 0
    said: int = 0
    again: int = -1
    broken_off: int = 0
    seconds: float = 0.0
    per_second: int = 0
    growth: float = 0.0
    calls: dict[str, int] = field(default_factory=dict)
    calls_per_subject: float = 0.0
    peak_small_kb: int = 0
    peak_large_kb: int = 0

    @property
    def holds(self) -> bool:
        """Whether everything was proposed exactly once, in bounded memory, at an even pace."""
        once = self.proposals == self.distinct == self.said == self.expected and self.again == 0
        return once and self.peak_large_kb <= 2 * self.peak_small_kb and self.growth <= _GROWTH


def _counts(subjects: int) -> dict[str, int]:
    return {"meter": subjects * 6 // 10, "contract": subjects * 2 // 10,
            "invoice": subjects * 2 // 10}  # fmt: skip


def _through(morning: Morning, name: str, proof: Proof | None = None, say: Any = None) -> None:
    """Deliver messages until the run is over, a dying worker now and then."""
    store, marks = morning.store, list[tuple[int, float]]()
    while not store.runs[name].done:
        if proof is not None:
            store.dies_at = store.writes + _DIES_EVERY
            store.dies_after = not store.dies_after
        before = store.runs[name].seen
        try:
            morning.go(name)
        except BrokenOffError:
            if proof is not None:
                proof.broken_off += 1
        marks.append((store.runs[name].seen, time.monotonic()))
        if say is not None and store.runs[name].seen // 10_000 > before // 10_000:
            say(f"{store.runs[name].seen} subjects")
    store.dies_at = 0


def _paced(meters: int) -> float:
    """How much more calls the last slice of a run takes than its second, all subjects alike."""
    morning = Morning(MorningStore({"meter": meters}))
    name, worker = morning.start(), morning.worker()

    def step() -> None:
        worker(name, lambda: 0.0)

    step()  # what is read once is read
    first = calls_of(step)
    while morning.store.runs[name].seen < meters - 2 * SLICE:
        step()
    return round(calls_of(step) / first, 2)


def _peak(meters: int) -> int:
    morning = Morning(MorningStore({"meter": meters}))
    name = morning.start()
    morning.go(name, remaining=0.0)
    tracemalloc.start()
    _through(morning, name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak // 1000


def prove(subjects: int, say: Any = print) -> Proof:
    """Run the whole proof."""
    counts = _counts(subjects)
    proof = Proof(sum(counts.values()), expected(counts))
    morning = Morning(MorningStore(counts))
    started = time.monotonic()
    _through(morning, morning.start("morning"), proof, say)
    proof.seconds = round(time.monotonic() - started, 1)
    proof.per_second = int(proof.subjects / proof.seconds)
    store = morning.store
    proof.calls = dict(store.calls)
    proof.calls_per_subject = round(sum(store.calls.values()) / proof.subjects, 4)
    proof.proposals, proof.distinct = store.proposals, store.distinct
    proof.said = store.runs["morning"].proposed
    _through(morning, morning.start("again"))
    proof.again = store.runs["again"].proposed + store.proposals - proof.proposals
    proof.growth = _paced(max(subjects // 5, 10 * SLICE))
    small = max(subjects // 50, 4 * SLICE)
    proof.peak_small_kb, proof.peak_large_kb = _peak(small), _peak(10 * small)
    return proof


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and report; 1 when the proof does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=100_000)
    proof = prove(parser.parse_args(arguments).subjects)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(asdict(proof), indent=2) + "\n", encoding="utf-8")
    for name, value in asdict(proof).items():
        print(f"{name:>18}  {value}")
    print("the proof holds" if proof.holds else "the proof does NOT hold")
    return 0 if proof.holds else 1


if __name__ == "__main__":
    sys.exit(main())
