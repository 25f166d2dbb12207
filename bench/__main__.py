"""``make bench [AREA=name]``: every goal of performance.md with figure, peer, ratio and verdict.

Each area adds its findings to one report, ``build/bench/report.md`` and ``report.json``. An area
that breaks is told as a finding of its own and does not hide the others.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from typing import Final

from bench.frame import Report

AREAS: Final = {
    "cold": "cold",
    "warm": "warm",
    "soap": "soap",
    "counts": "counts",
    "pdf": "papers",
    "xlsx": "tables",
    "rules": "rules",
    "cards": "cards",
    "statements": "statement_matching",
    "local": "local",
    "memory": "memory",
    "load": "load",
}
"""Areas and their modules, in the order of the goals P1 to P12."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the areas; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    areas = parser.parse_args(arguments).areas or list(AREAS)
    if unknown := [area for area in areas if area not in AREAS]:
        parser.error(f"there is no area {unknown[0]}; there are {', '.join(AREAS)}")
    report = Report()
    for area in areas:
        print(f"{area}:", flush=True)
        started = time.monotonic()
        try:
            importlib.import_module(f"bench.{AREAS[area]}").measure(report)
        except (Exception, SystemExit) as error:
            text = f"{type(error).__name__}: {error}"
            report.add("", f"area {area}", "broke", peer=text[:200], goal="runs", holds=False)
        report.seconds[area] = time.monotonic() - started
    print(f"written: {report.write()}")
    for finding in report.missed:
        print(f"missed: {finding.id} {finding.what}: {finding.figure}")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
