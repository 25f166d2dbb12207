"""Peak memory of whole processes: the send worker, letters, a large import (P11).

Each act runs in a process of its own, which reports the largest resident size it ever had; so
imports, caches and garbage count as they do in Lambda.
"""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.frame import ROOT, Report

FILE_ROWS: Final = 50_000
"""Most rows of one file."""
FILES: Final = 2
LIMITS: Final = {"send": 128, "letters": 128, "rows": 256}
WHAT: Final = {
    "send": "send worker, 100 people over SOAP",
    "letters": "300 letters as PDF and mail",
    "rows": f"reading and checking {FILES * FILE_ROWS} rows, {FILES} of the largest files",
}


def measure(report: Report) -> None:
    """P11."""
    for name, limit in LIMITS.items():
        done = subprocess.run(
            [sys.executable, "-m", "bench.memory", name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
        size = int(done.stdout.split()[-1]) / 1024
        report.add(
            "P11",
            WHAT[name],
            f"{size:.0f} MB",
            goal=f"at most {limit} MB",
            holds=size <= limit,
        )


def send() -> None:
    """One sending through the real adapter, to an insurer that accepts everybody."""
    soap = importlib.import_module("bench.soap")
    ours, _ = soap.paths()
    ours()


def letters() -> None:
    """Different letters in three languages."""
    importlib.import_module("bench.letters_cost").cost(300)


def rows() -> None:
    """The largest files one after the other, as one process of an importing function gets them."""
    tables = importlib.import_module("bench.tables")
    for _ in range(FILES):
        lines = (";".join(map(str, row)) for row in (tables.HEADER, *tables.people(FILE_ROWS)))
        if tables.checked("\n".join(lines).encode(), "text/csv") != FILE_ROWS:
            raise SystemExit("not every row was read as good")


def peak() -> int:
    """Largest resident size of this process in KiB.

    Linux counts into ``ru_maxrss`` also the process that started this one, as it was at the fork;
    the status file knows this program alone. macOS counts bytes.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    {"send": send, "letters": letters, "rows": rows}[sys.argv[1]]()
    sys.stdout.write(f"{peak()}\n")
