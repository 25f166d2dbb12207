"""A local stack with demo data, as ``make run`` starts it, on a free port."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from infra.local.client import NotRunningError, RunningStack
from infra.local.settings import ROOT

_PATIENCE = 120.0


@contextlib.contextmanager
def running_stack(folder: Path) -> Iterator[RunningStack]:
    """The stack for as long as the block lasts; its credentials lie in ``folder``."""
    roots = (ROOT / "functions", ROOT / "layers" / "common", ROOT)
    command = [sys.executable, "-m", "infra.local", "up", "--port", "0", "--no-reload"]
    output = folder.with_name(f"{folder.name}.log")
    with output.open("w") as log:
        process = subprocess.Popen(
            [*command, "--dir", str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots))},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _ready(process, folder, output)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _ready(process: subprocess.Popen[bytes], folder: Path, output: Path) -> RunningStack:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(NotRunningError):
            return RunningStack.find(folder)
        time.sleep(0.1)
    raise AssertionError(output.read_text(encoding="utf-8")[-2000:])
