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
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PEERS: Final = ROOT / "build" / "bench" / "peers"
LOCK: Final = ROOT / "requirements" / "peers.txt"
NAMES: Final = ("zen-engine", "rule-engine")


def installed() -> bool:
    """Whether the environment of the peers is there and fits the lock; makes it where it is not."""
    ready = PEERS / ".installed"
    if ready.exists() and ready.stat().st_mtime >= LOCK.stat().st_mtime:
        return True
    install = ["sh", str(ROOT / "infra" / "tools" / "install.sh"), str(PEERS), str(LOCK)]
    PEERS.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stdout.write(f"rules: the peers cannot be installed here:\n{done.stderr[-500:]}\n")
        sys.stdout.write("rules: only our own figures follow; nothing is compared.\n")
        return False
    return True


def main(arguments: Sequence[str]) -> int:
    """Measure, with the peers where they can be installed."""
    roots = os.pathsep.join(map(str, (ROOT / "functions", ROOT / "layers" / "common", ROOT)))
    with_peers = installed()
    python = str(PEERS / "bin" / "python") if with_peers else sys.executable
    command = [python, "-m", "bench.rules_pairs", *arguments]
    if with_peers:
        command += ["--peers", *NAMES]
    environment = {**os.environ, "PYTHONPATH": roots}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
