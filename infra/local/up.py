"""``up``: start the stack, say where everything is, and stay until told to stop."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Final

from infra.local.client import RunningStack
from infra.local.cloud.model import LocalCloudError
from infra.local.seeding import CREDENTIALS_FILE, SEED_ERROR, seed_product
from infra.local.settings import LocalSettings
from infra.local.simulators import start_all
from infra.local.stack import LocalStack
from infra.local.state import LocalState

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(settings: LocalSettings, started: float) -> int:
    """Run the stack in the foreground; gives the exit code.

    Units: ``started`` is when the command began, on the monotonic clock.

    Raises: LocalCloudError when it cannot start.
    """
    if settings.seed and importlib.util.find_spec("workspace") is None:
        raise LocalCloudError(
            "the product's code is not importable; start the stack with `make run`, which sets "
            "PYTHONPATH"
        )
    asked_to_stop = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if asked_to_stop.is_set():
            # The second Ctrl-C: children notice by themselves that we are gone.
            os._exit(1)
        asked_to_stop.set()

    for each in _SIGNALS:
        signal.signal(each, stop)
    stack = LocalStack(settings, seed=seed_product, start_simulators=start_all)
    stack.start()
    try:
        folder = settings.folder
        RunningStack(os.getpid(), stack.base_url, stack.cloud.endpoint_url).write(folder)
        print(greeting(stack, folder, time.monotonic() - started), flush=True)
        # Waiting with a timeout lets Python look at signals on every platform.
        while not asked_to_stop.wait(1.0):
            continue
    finally:
        RunningStack.forget(settings.folder)
        stack.stop()
    print("stopped", file=sys.stderr)
    return 0


def greeting(stack: LocalStack, folder: Path, seconds: float) -> str:
    """What a person needs to know after the start."""
    local = f"{stack.base_url}/_local"
    lines = [
        f"Köprü is ready ({seconds:.1f} s). Ctrl-C stops it; its state stays in {folder}.",
        "",
        f"  Product        {stack.base_url}/",
        f"  API            {stack.base_url}/v1/openapi.json",
        f"  Inbox          {local}/inbox",
        f"  Control pages  {local}/",
        f"  AWS endpoint   {stack.cloud.endpoint_url}",
    ]
    users = stack.credentials.get("users", ())
    if users:
        lines += ["", "  Sign in at /sign-in with"]
        lines += [f"    {user['email']}  {user['password']}  ({user['role']})" for user in users]
    if SEED_ERROR in stack.credentials:
        lines += [
            "",
            "  The seed failed at the first start: ./kopru reset tries again",
        ]
    elif stack.credentials:
        lines += [f"  API keys are in {folder / CREDENTIALS_FILE}"]
    return "\n".join(lines)


def wipe(folder: Path) -> None:
    """Empty the folder of a stack that is not running.

    Raises: LocalCloudError when it is not such a folder, or in use.
    """
    state = LocalState(folder)
    state.open()
    try:
        state.reset()
        (folder / CREDENTIALS_FILE).unlink(missing_ok=True)
    finally:
        state.close()
