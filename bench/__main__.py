"""``make bench [AREA=name]``: every goal of performance.md with figure, peer and verdict."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from typing import Final

from bench.frame import Report

AREAS: Final = {
    "cold": "cold starts of built functions beside the floor and what users would pick instead",
    "warm": "one request through the whole stack beside FastAPI",
    "soap": "people sent to an insurer beside zeep's own work",
    "xlsx": "an import of 10,000 rows beside the bare reader, an export beside openpyxl",
    "cards": "instalment plans and statement matching",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the areas; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", choices=[*AREAS, []], help="all without one")
    report = Report()
    for name in parser.parse_args(arguments).areas or AREAS:
        print(f"{name}: {AREAS[name]}", flush=True)
        start = time.monotonic()
        importlib.import_module(f"bench.{name}").measure(report)
        report.seconds[name] = time.monotonic() - start
    print(f"written: {report.write()}")
    for finding in report.missed:
        print(f"missed: {finding.id} {finding.what}: {finding.figure}; goal {finding.goal}")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
