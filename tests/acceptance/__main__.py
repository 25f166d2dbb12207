"""Command line of the acceptance cases; the last line reads ``N passed, N failed``.

Exit code 0 only when every case that ran holds. An area without product code is named on stderr and
counts as neither, unless it was asked for (``--area`` or the environment variable ``AREA``).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = ("functions", "layers/common", ".")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print failures and totals, return the exit code."""
    from tests.acceptance.runner import CASES, load, run_all, show

    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--dir", type=Path, default=CASES, help="directory with case files")
    parser.add_argument("--area", default=os.environ.get("AREA") or None, help="only this area")
    options = parser.parse_args(arguments)
    try:
        cases = load(options.dir, options.area)
    except (OSError, ValueError, KeyError) as error:
        parser.error(f"cannot read the cases: {error}")
    if not cases:
        parser.error("there are no cases" + (f" of {options.area}" if options.area else ""))
    results = run_all(cases)
    failed = [result for result in results if result.status == "failed"]
    passed = sum(result.status == "passed" for result in results)
    missing = Counter(result.got for result in results if result.status == "not built")
    for result in failed:
        _write(f"FAILED {result.case.area} {result.case.id}")
        _write(f"  expected {show(result.case.expect)}")
        _write(f"  got      {result.got}")
    for name, count in sorted(missing.items()):
        _write(f"not built yet: {name} ({count} cases)", error=True)
    _write(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed or (options.area and missing) else 0


def _write(line: str, *, error: bool = False) -> None:
    (sys.stderr if error else sys.stdout).write(line + "\n")


def _start() -> int:
    if importlib.util.find_spec("kernel") is None:
        # Started without the source roots: start again with them, as pytest does by pyproject.toml.
        roots = [str(_ROOT / part) for part in _SOURCES]
        inherited = [path for path in (os.environ.get("PYTHONPATH"),) if path]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(roots + inherited)}
        command = [sys.executable, "-m", "tests.acceptance", *sys.argv[1:]]
        os.execve(sys.executable, command, environment)  # noqa: S606 - ourselves, same arguments
    return main()


if __name__ == "__main__":
    sys.exit(_start())
