"""Peak memory of whole processes: the send worker, letters, a large import (P11).

Each act runs in a process of its own, which reports the most memory it ever held; so imports,
caches and garbage count as they do in Lambda.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Final

from bench.frame import ROOT, Report, peak_mb

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
        peak = float(done.stdout.split()[-1])
        report.add(
            "P11",
            WHAT[name],
            f"{peak:.0f} MB",
            goal=f"at most {limit} MB",
            holds=peak <= limit,
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


if __name__ == "__main__":
    {"send": send, "letters": letters, "rows": rows}[sys.argv[1]]()
    sys.stdout.write(f"{peak_mb()}\n")
