"""Rules against what users would pick instead: decisions and analysis, results equal first (P8).

Measured by ``bench.rules_pairs`` in the environment of the peers (``requirements/peers.txt``).
Where they cannot be installed, ours is measured alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Final

from bench.frame import ROOT, Report
from bench.peers import PYTHON, installed

NAMES: Final = ("zen-engine", "rule-engine")
MOST: Final = 0.25
ANALYSIS_MS: Final = 100.0


def measure(report: Report) -> None:
    """P8."""
    roots = os.pathsep.join(map(str, (ROOT / "functions", ROOT / "layers" / "common", ROOT)))
    with_peers = installed()
    python = str(PYTHON) if with_peers else sys.executable
    command = [python, "-m", "bench.rules_pairs", *(["--peers", *NAMES] if with_peers else [])]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": roots},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    for rows in ("50", "500"):
        taken = found[rows]["decision_us"]
        for name, theirs in taken.items():
            if name == "ours":
                continue
            ratio = taken["ours"] / theirs
            counts = name == "zen-engine" and rows == "50"
            report.add(
                "P8",
                f"decision on {rows} rows x 5 conditions, with the trace of every row",
                f"{taken['ours']:.1f} µs, {ratio:.2f} x",
                peer=f"{name} {found['versions'][name]} {theirs:.1f} µs, equal results",
                goal=f"at most {MOST:g} x {name}" if counts else "",
                holds=ratio <= MOST if counts else None,
            )
        taken_ms = found[rows]["analysis_ms"]
        report.add(
            "P8",
            f"overlaps, gaps and dead rows of {rows} rows",
            f"{taken_ms:.1f} ms",
            peer="no peer analyses",
            goal=f"at most {ANALYSIS_MS:g} ms" if rows == "500" else "",
            holds=taken_ms <= ANALYSIS_MS if rows == "500" else None,
        )
