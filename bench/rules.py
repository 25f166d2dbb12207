"""Rules against what users would pick instead: decisions and analysis, results equal first (P8).

``python -m bench.rules [--decisions 300]`` installs the peers (``requirements/peers.txt``) into an
environment of their own, ``build/bench/peers``, and measures there. Where they cannot be installed
it says so and measures ours alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from bench.peers import PYTHON, ROOT, installed

NAMES: Final = ("zen-engine", "rule-engine")


def main(arguments: Sequence[str]) -> int:
    """Measure, with the peers where they can be installed."""
    roots = os.pathsep.join(map(str, (ROOT / "functions", ROOT / "layers" / "common", ROOT)))
    with_peers = installed()
    python = str(PYTHON) if with_peers else sys.executable
    command = [python, "-m", "bench.rules_pairs", *arguments]
    if with_peers:
        command += ["--peers", *NAMES]
    environment = {**os.environ, "PYTHONPATH": roots}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
