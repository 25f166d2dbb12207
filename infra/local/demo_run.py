"""``demo``: plays the demo payroll on the running stack, or on one of its own for as long."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from infra.local.client import LocalClient, NotRunningError, RunningStack
from infra.local.demo.play import DemoFailedError, Player, credentials_of
from infra.local.settings import LocalSettings

_FAILED: Final = 7


def play(settings: LocalSettings, out: Path) -> int:
    """Play the demo, leave the bank orders in ``out``; gives the exit code."""
    with own_or_running(settings) as (running, folder):
        try:
            credentials = credentials_of(folder)
            player = Player(
                base_url=running.base_url,
                operator_key=_required(credentials, "operator_key"),
                owner_email=_required(credentials, "users")[0]["email"],
                local=LocalClient(running),
                out=out,
            )
            player.play()
        except DemoFailedError as error:
            print(f"error: {error}", file=sys.stderr)
            return _FAILED
    return 0


def _required(credentials: dict[str, Any], name: str) -> Any:
    if not credentials.get(name):
        raise DemoFailedError(f"the credentials have no {name}; the stack was not seeded")
    return credentials[name]


def _running(folder: Path) -> RunningStack | None:
    try:
        return RunningStack.find(folder)
    except NotRunningError:
        return None


@contextmanager
def own_or_running(settings: LocalSettings) -> Iterator[tuple[RunningStack, Path]]:
    """The stack of the settings' folder, else one of its own for as long as the block lasts."""
    running = _running(settings.folder)
    if running is not None:
        yield running, settings.folder
        return
    print("starting a stack with demo data", file=sys.stderr)
    # Only who has no stack pays for the import of one.
    from infra.local.seeding import seed_product
    from infra.local.simulators import start_all
    from infra.local.stack import LocalStack

    with tempfile.TemporaryDirectory(prefix="kopru-demo-") as name:
        folder = Path(name) / "state"
        own = replace(settings, folder=folder, port=0, reload=False)
        stack = LocalStack(own, seed=seed_product, start_simulators=start_all)
        stack.start()
        try:
            yield RunningStack(0, stack.base_url, stack.cloud.endpoint_url), folder
        finally:
            stack.stop()
