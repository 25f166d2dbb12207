"""What every measurement shares: one line per goal, interleaved timing, the report.

A figure counts only beside what it is compared with, measured in the same run (performance.md).
Each area is a module of this package with ``measure(report)``; it adds its findings and never ends
the run, so that one goal that is missed does not hide the others.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

ROUNDS: Final = 9
ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "build" / "bench"

AWS_CALLS: Final = frozenset(
    {"reads", "transactions", "updates", "outbox_marks", "queue_bus", "kms", "s3"}
)
"""Kinds of a budget that are requests to AWS; the others are charges, bytes, other services."""


def requests_of(counts: Mapping[str, int]) -> int:
    """Requests to AWS among what a committed budget counts (``tests/budgets``)."""
    return sum(number for kind, number in counts.items() if kind in AWS_CALLS)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Shapes: ``figure`` and ``peer`` are what was measured, with their units; ``goal`` is the bound
    in words; ``holds`` is None for what is only told.
    """

    id: str
    what: str
    figure: str
    peer: str
    goal: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        """``holds``, ``missed`` or ``told``."""
        return {True: "holds", False: "missed", None: "told"}[self.holds]


@dataclass(slots=True)
class Report:
    """Findings of one run, printed as they come."""

    findings: list[Finding] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(
        self, id: str, what: str, figure: str, *, peer: str = "", goal: str = "", holds: bool | None
    ) -> None:
        """Take one finding and print it."""
        finding = Finding(id, what, figure, peer, goal, holds)
        self.findings.append(finding)
        print(f"  {id:4} {what}: {figure}" + (f" · {peer}" if peer else ""), flush=True)
        if goal:
            print(f"       goal {goal}: {finding.verdict}", flush=True)

    def ratio(
        self,
        id: str,
        what: str,
        ours: float,
        theirs: float,
        *,
        peer: str,
        most: float | None,
        unit: str,
    ) -> None:
        """Ours against a peer: a quotient, and whether it is larger than ``most``."""
        quotient = ours / theirs
        self.add(
            id,
            what,
            f"{ours:.3g} {unit}, {quotient:.2f} x",
            peer=f"{peer} {theirs:.3g} {unit}",
            goal="" if most is None else f"at most {most:g} x {peer}",
            holds=None if most is None else quotient <= most,
        )

    @property
    def missed(self) -> list[Finding]:
        """What does not hold."""
        return [finding for finding in self.findings if finding.holds is False]

    def write(self, folder: Path = FOLDER) -> Path:
        """Write ``report.md`` and ``report.json``; gives the first."""
        folder.mkdir(parents=True, exist_ok=True)
        about = machine()
        (folder / "report.json").write_text(
            json.dumps(
                {
                    "machine": about,
                    "seconds": self.seconds,
                    "findings": [
                        asdict(finding) | {"verdict": finding.verdict} for finding in self.findings
                    ],
                },
                indent=2,
                ensure_ascii=False,
            )
            + "\n",
            encoding="utf-8",
        )
        path = folder / "report.md"
        path.write_text(self._markdown(about), encoding="utf-8")
        return path

    def _markdown(self, about: Mapping[str, str]) -> str:
        rows = [
            f"| {one.id} | {one.what} | {one.figure} | {one.peer} | {one.goal} | {one.verdict} |"
            for one in self.findings
        ]
        return "\n".join(
            [
                "# What `make bench` measured",
                "",
                *(f"- {name}: {value}" for name, value in about.items()),
                *(f"- {name}: {value:.0f} s" for name, value in self.seconds.items()),
                "",
                "| id | what | figure | beside it | goal | verdict |",
                "|---|---|---|---|---|---|",
                *rows,
                "",
            ]
        )


def alternating(*acts: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, ...]:
    """Median processor seconds of each act, taken in turns; the first round warms up."""
    taken: list[list[float]] = [[] for _ in acts]
    for number in range(rounds + 1):
        for act, kept in zip(acts, taken, strict=True):
            started = time.process_time()
            act()
            if number:
                kept.append(time.process_time() - started)
    return tuple(statistics.median(each) for each in taken)


def machine() -> dict[str, str]:
    """The machine and the versions that decide the figures."""
    packages = ("boto3", "aws-lambda-powertools", "pydantic", "zeep", "reportlab", "xlsxwriter")
    processors = str(os.cpu_count() or 1)
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {processors} processors",
        **{name: metadata.version(name) for name in packages},
    }


def peak_mb() -> float:
    """The most memory this program held, in MB.

    Not the figure of ``getrusage``: that one begins with what the parent process held.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) * 1024 / 1_000_000, 1)
