"""The local stack: how soon it answers, and how fast its API is (P10).

It starts on a new folder, as after a clone with everything installed. The whole path of 10,000
employees takes minutes and has a proof of its own, ``python -m bench.proof_10k``: its last result
is told here, and without one it is run with a fifth of the people.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.frame import FOLDER, ROOT, Report
from bench.stack import Company, StackProcess

READY: Final = 6.0
ANSWER_MS: Final = 25.0
REQUESTS: Final = 100
EMPLOYEES_SECONDS: Final = 300
SAMPLE: Final = 2_000


def measure(report: Report) -> None:
    """P10."""
    with tempfile.TemporaryDirectory(prefix="kopru-bench-") as name:
        stack = StackProcess(Path(name) / "state")
        started = time.monotonic()
        running = stack.start()
        try:
            company = Company.opened(
                running, str(stack.credentials()["operator_key"]), "Ölçüm A.Ş."
            )
            ready = time.monotonic() - started
            contract = company.contract("garanti")
            path = f"/v1/pensions/contracts/{contract}"
            taken = []
            for number in range(REQUESTS + 5):
                began = time.perf_counter()
                company.call("GET", path)
                if number >= 5:
                    taken.append((time.perf_counter() - began) * 1e3)
            company.client.close()
        finally:
            stack.stop()
    report.add(
        "P10",
        "first answer after start, on a new folder",
        f"{ready:.1f} s",
        goal=f"at most {READY:g} s",
        holds=ready <= READY,
    )
    middle = statistics.median(taken)
    report.add(
        "P10",
        f"API request, median of {REQUESTS}",
        f"{middle:.1f} ms",
        peer="sam local 7,000 to 10,000 ms a call (performance.md)",
        goal=f"at most {ANSWER_MS:g} ms",
        holds=middle <= ANSWER_MS,
    )
    _proof(report)


def _proof(report: Report) -> None:
    """The last proof, or a small one now."""
    last, when = FOLDER / "proof_10k.json", "last proof"
    if not last.exists():
        last, when = FOLDER / "proof_sample.json", "now"
        command = [sys.executable, "-m", "bench.proof_10k"]
        sample = ["--people", str(SAMPLE), "--out", str(last)]
        subprocess.run([*command, *sample], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    proof = json.loads(last.read_text(encoding="utf-8"))
    seconds = sum(proof["seconds"].values())
    report.add(
        "P10",
        f"{proof['people']} employees from file to policy number, {when}",
        f"{seconds:.0f} s, lost {proof['lost']}, doubled {proof['doubled']}",
        goal=f"at most {EMPLOYEES_SECONDS} s for 10,000",
        holds=bool(proof["holds"]) and seconds <= EMPLOYEES_SECONDS * proof["people"] / 10_000,
    )
