"""What users would pick instead, in an environment of its own: ``build/bench/peers``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PEERS: Final = ROOT / "build" / "bench" / "peers"
PYTHON: Final = PEERS / "bin" / "python"
LOCK: Final = ROOT / "requirements" / "peers.txt"


def installed() -> bool:
    """Whether the environment of the peers is there and fits the lock; makes it where it is not."""
    ready = PEERS / ".installed"
    if ready.exists() and ready.stat().st_mtime >= LOCK.stat().st_mtime:
        return True
    install = ["sh", str(ROOT / "infra" / "tools" / "install.sh"), str(PEERS), str(LOCK)]
    PEERS.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stdout.write(f"the peers cannot be installed here:\n{done.stderr[-500:]}\n")
        sys.stdout.write("only our own figures follow; nothing is compared.\n")
        return False
    return True


def packages() -> Path:
    """Where the peers' packages lie."""
    return next((PEERS / "lib").glob("python3.*")) / "site-packages"
