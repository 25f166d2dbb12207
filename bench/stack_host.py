"""A local stack of its own for proofs: the real one, seeded with one operator key and nothing else.

``python -m bench.stack_host FOLDER`` starts it on a free port and stays until it is told to stop,
or killed. The folder keeps the state, so the next start on it goes on where the last one ended.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.client import RunningStack
from infra.local.cloud import LocalCloud
from infra.local.settings import LocalSettings
from infra.local.simulators import start_all
from infra.local.stack import LocalStack
from toolkit.settings import Environment
from workspace import bootstrap
from workspace.settings import WorkspaceSettings


def operator_key(base_url: str, cloud: LocalCloud) -> Mapping[str, Any]:
    """A seed: the key that opens companies, made by the product's own use case."""
    del base_url  # nothing is asked over HTTP
    deployment = cloud.deployment
    if deployment is None:
        raise LookupError("nothing is deployed")
    functions = [each for each in deployment.functions if each.handler.startswith("workspace.")]
    os.environ.update(cloud.boto3_env())
    os.environ.update(functions[0].env)
    settings = WorkspaceSettings.from_environment(Environment(os.environ))
    _, secret = bootstrap.build(settings).issue_operator_key()("proof")
    return {"operator_key": secret.reveal("written to the credentials of a local proof")}


def main(folder: Path) -> int:
    """Run the stack in the foreground; gives the exit code."""
    asked_to_stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _signal, _frame: asked_to_stop.set())
    settings = LocalSettings(port=0, folder=folder, reload=False)
    stack = LocalStack(settings, seed=operator_key, start_simulators=start_all)
    stack.start()
    try:
        RunningStack(os.getpid(), stack.base_url, stack.cloud.endpoint_url).write(folder)
        with stack.functions.kept_warm():
            while not asked_to_stop.wait(1.0):
                continue
    finally:
        RunningStack.forget(folder)
        stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
